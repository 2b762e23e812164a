"""Reads what calibrations are made of: agents' approved images, hours they worked, distances in these hours."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select

from biosense_pipeline.codes import Status, StillResult
from biosense_pipeline.lan_ids import agent_key, registered_form
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.tables import AgentHourSummary, Employee, RecognitionResult, StreamImage, TrainingImage

_ONE_FACE = (StillResult.SUCCESS, StillResult.UNKNOWN_PERSON)
#: LAN ids named in one query.
_CHUNK = 500


@dataclass(frozen=True)
class ComparedStill:
    """A still with one face and its stored distance from the agent's reference."""

    id: int
    capture_time: datetime
    distance: float


def approved_images(database: Database) -> dict[str, list[tuple[int, str]]]:
    """Ids and LAN ids of the approved training images, newest first, by :func:`agent_key`."""
    images: dict[str, list[tuple[int, str]]] = defaultdict(list)
    with database.read() as connection:
        for row in connection.execute(
            select(TrainingImage.id, TrainingImage.lan_id)
            .where(TrainingImage.status == Status.PROCESSED, TrainingImage.lan_id.is_not(None))
            .order_by(TrainingImage.id.desc())
        ):
            images[agent_key(row.lan_id)].append((row.id, row.lan_id))
    return dict(images)


def working_hours(database: Database, days: int, least_stills: int) -> dict[str, list[datetime]]:
    """Hours of the newest days in which an agent has so many stills with one face, by registered :func:`agent_key`.

    The days count back from the newest hour that was summed up, so that an old database has some too.
    """
    with database.read() as connection:
        newest: datetime | None = connection.execute(select(func.max(AgentHourSummary.hour))).scalar_one()
        if newest is None:
            return {}
        rows = connection.execute(
            select(Employee.lan_id, AgentHourSummary.hour)
            .join(Employee, Employee.id == AgentHourSummary.employee_id)
            .where(
                AgentHourSummary.hour > newest - timedelta(days=days),
                AgentHourSummary.result.in_(_ONE_FACE),
            )
            .group_by(Employee.lan_id, AgentHourSummary.hour)
            .having(func.sum(AgentHourSummary.stills) >= least_stills)
            .order_by(AgentHourSummary.hour)
        ).all()
    hours: dict[str, list[datetime]] = defaultdict(list)
    for lan_id, hour in rows:
        hours[agent_key(lan_id)].append(hour)
    return dict(hours)


def compared_stills(
    database: Database, hour: datetime, lan_ids: Collection[str], model_id: str, references: Collection[int]
) -> dict[str, list[ComparedStill]]:
    """Processed stills of an hour with one face, by registered :func:`agent_key`, in order of capture.

    Args:
        lan_ids: the agents; compared as the database compares them.
        references: ids of the training images that they have to have been compared with.
    """
    found: dict[str, list[ComparedStill]] = defaultdict(list)
    ordered = sorted(lan_ids)
    with database.read() as connection:
        for start in range(0, len(ordered), _CHUNK):
            rows = connection.execute(
                select(
                    StreamImage.id,
                    StreamImage.lan_id,
                    StreamImage.capture_time,
                    RecognitionResult.distance,
                    RecognitionResult.training_image_id,
                )
                .join(RecognitionResult, RecognitionResult.stream_image_id == StreamImage.id)
                .where(
                    StreamImage.capture_time >= hour,
                    StreamImage.capture_time < hour + timedelta(hours=1),
                    StreamImage.lan_id.in_(ordered[start : start + _CHUNK]),
                    StreamImage.status == Status.PROCESSED,
                    RecognitionResult.model_id == model_id,
                    RecognitionResult.num_faces == 1,
                    RecognitionResult.distance.is_not(None),
                )
                .order_by(StreamImage.capture_time, StreamImage.id)
            )
            for row in rows:
                if row.training_image_id in references:
                    found[agent_key(registered_form(row.lan_id))].append(
                        ComparedStill(row.id, row.capture_time, row.distance)
                    )
    return dict(found)
