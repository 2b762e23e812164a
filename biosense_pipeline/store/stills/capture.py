"""What capture clients do: enter stills and training images. Used by the demo and the simulation."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, insert, inspect, or_, select

from biosense_pipeline.codes import Status
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.tables.desk import Review
from biosense_pipeline.store.tables.evidence import (
    ImpersonationFinding,
    ImpersonationProgress,
    MotionWindow,
    PresentationBaseline,
    PresentationEvidence,
)
from biosense_pipeline.store.tables.incidents import AgentIdentityState, AlertDelivery, Incident
from biosense_pipeline.store.tables.pipeline import (
    AgentHourSummary,
    AgentThreshold,
    Employee,
    FaceEncoding,
    MatchCalibration,
    ProcessStatus,
    RecognitionResult,
    StreamImage,
    SummaryDue,
    TrainingCheck,
    TrainingImage,
)


@dataclass(frozen=True)
class CapturedImage:
    """An image as a client enters it; the capture time is naive local."""

    lan_id: str
    capture_time: datetime
    image: bytes


def enter_stills(database: Database, stills: Sequence[CapturedImage]) -> list[int]:
    """Enter stills as pending, in one transaction; returns their ids in order."""
    return _enter(database, StreamImage, stills)


def enter_training_images(database: Database, images: Sequence[CapturedImage]) -> list[int]:
    """Enter training images as waiting for their check, in one transaction; returns their ids in order."""
    return _enter(database, TrainingImage, images)


def foreign_lan_id(database: Database, ours: Iterable[str]) -> str | None:
    """A LAN id in the image tables or among the agents that is not one of ``ours``, or None; '' for none given."""
    known = list(ours)
    with database.read() as connection:
        present = inspect(connection).get_table_names()
        for table in (StreamImage, TrainingImage, Employee):
            if table.__tablename__ not in present:
                continue
            foreign = connection.execute(
                select(table.lan_id).where(or_(table.lan_id.not_in(known), table.lan_id.is_(None))).limit(1)
            ).first()
            if foreign is not None:
                return foreign.lan_id or ""
    return None


def without_training_image(database: Database, lan_ids: Sequence[str]) -> set[str]:
    """Those of the LAN ids that have no training image of any status."""
    with database.read() as connection:
        present = connection.execute(
            select(TrainingImage.lan_id).where(TrainingImage.lan_id.in_(list(lan_ids))).distinct()
        ).scalars()
        return set(lan_ids) - {lan_id for lan_id in present if lan_id is not None}


def empty_tables(database: Database) -> None:
    """Delete every image, agent and all that was found out of them; users of the desk and its log stay."""

    def clear(connection: Connection) -> None:
        for table in (
            AlertDelivery,
            Incident,
            AgentIdentityState,
            ImpersonationFinding,
            ImpersonationProgress,
            MotionWindow,
            PresentationBaseline,
            PresentationEvidence,
            AgentThreshold,
            MatchCalibration,
            AgentHourSummary,
            RecognitionResult,
            Review,
            FaceEncoding,
            TrainingCheck,
            ProcessStatus,
            SummaryDue,
            StreamImage,
            TrainingImage,
            Employee,
        ):
            connection.execute(delete(table))

    database.write(clear)


def _enter(
    database: Database, table: type[StreamImage] | type[TrainingImage], images: Sequence[CapturedImage]
) -> list[int]:
    def enter(connection: Connection) -> list[int]:
        ids = []
        for image in images:
            values = {"lan_id": image.lan_id, "capture_time": image.capture_time, "image": image.image}
            key = connection.execute(insert(table).values(status=Status.PENDING, **values)).inserted_primary_key
            assert key is not None
            ids.append(int(key[0]))
        return ids

    return database.write(enter)
