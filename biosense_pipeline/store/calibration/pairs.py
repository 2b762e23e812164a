"""Reads what calibrations are made of: approved images, hours worked, distances in these, and reviewers' verdicts."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select
from sqlalchemy.orm import aliased

from biosense_pipeline.codes import ImageKind, Status, StillResult, Verdict
from biosense_pipeline.lan_ids import agent_key, registered_form
from biosense_pipeline.store.chunks import chunks
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.review.findings import VIOLATIONS
from biosense_pipeline.store.tables.desk import Review
from biosense_pipeline.store.tables.pipeline import (
    AgentHourSummary,
    Employee,
    RecognitionResult,
    StreamImage,
    TrainingImage,
)

_ONE_FACE = (StillResult.SUCCESS, StillResult.UNKNOWN_PERSON)


@dataclass(frozen=True)
class ComparedStill:
    """A still with one face and its stored distance from the agent's reference of then."""

    id: int
    capture_time: datetime
    distance: float
    reference_id: int | None


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
        since = _since(connection, days)
        if since is None:
            return {}
        rows = connection.execute(
            select(Employee.lan_id, AgentHourSummary.hour)
            .join(Employee, Employee.id == AgentHourSummary.employee_id)
            .where(
                AgentHourSummary.hour > since,
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
        for chunk in chunks(ordered):
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
                    StreamImage.lan_id.in_(chunk),
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
                        ComparedStill(row.id, row.capture_time, row.distance, row.training_image_id)
                    )
    return dict(found)


def confirmed_stills(database: Database, days: int, model_id: str) -> dict[str, list[ComparedStill]]:
    """Stills with one face of the newest days that reviewers said show their agent, by registered :func:`agent_key`.

    These are stills with the finding UNKNOWN_PERSON that was called a false alarm, and by nobody correct,
    whatever they were compared with. They are in order of capture.
    """
    contrary = aliased(Review)
    contradicted = select(contrary.id).where(
        contrary.subject_kind == ImageKind.STREAM,
        contrary.subject_id == Review.subject_id,
        contrary.result.in_(VIOLATIONS),
        contrary.verdict == Verdict.CORRECT,
    )
    found: dict[str, list[ComparedStill]] = defaultdict(list)
    with database.read() as connection:
        since = _since(connection, days)
        if since is None:
            return {}
        rows = connection.execute(
            select(
                StreamImage.id,
                StreamImage.lan_id,
                StreamImage.capture_time,
                RecognitionResult.distance,
                RecognitionResult.training_image_id,
            )
            .select_from(Review)
            .join(StreamImage, StreamImage.id == Review.subject_id)
            .join(RecognitionResult, RecognitionResult.stream_image_id == StreamImage.id)
            .where(
                Review.subject_kind == ImageKind.STREAM,
                Review.result == StillResult.UNKNOWN_PERSON,
                Review.verdict == Verdict.FALSE_ALARM,
                ~contradicted.exists(),
                StreamImage.capture_time > since,
                RecognitionResult.model_id == model_id,
                RecognitionResult.num_faces == 1,
                RecognitionResult.distance.is_not(None),
            )
            .distinct()
            .order_by(StreamImage.capture_time, StreamImage.id)
        )
        for row in rows:
            found[agent_key(registered_form(row.lan_id))].append(
                ComparedStill(row.id, row.capture_time, row.distance, row.training_image_id)
            )
    return dict(found)


def false_alarm_share(database: Database, days: int) -> float:
    """Share of the newest days' stills with one face that were called UNKNOWN_PERSON though the agent is there.

    Reviewers see some of the findings: their share of false alarms among those they could decide is taken for
    that of all. 0 where none was decided.
    """
    with database.read() as connection:
        since = _since(connection, days)
        if since is None:
            return 0.0
        stills = {
            row.result: int(row.stills)
            for row in connection.execute(
                select(AgentHourSummary.result, func.sum(AgentHourSummary.stills).label("stills"))
                .where(AgentHourSummary.hour > since, AgentHourSummary.result.in_(_ONE_FACE))
                .group_by(AgentHourSummary.result)
            )
        }
        verdicts = {
            row.verdict: int(row.verdicts)
            for row in connection.execute(
                select(Review.verdict, func.count(Review.subject_id.distinct()).label("verdicts"))
                .where(
                    Review.subject_kind == ImageKind.STREAM,
                    Review.result == StillResult.UNKNOWN_PERSON,
                    Review.captured > since,
                )
                .group_by(Review.verdict)
            )
        }
    decided = verdicts.get(Verdict.FALSE_ALARM, 0) + verdicts.get(Verdict.CORRECT, 0)
    if not decided or not stills:
        return 0.0
    unknown = stills.get(StillResult.UNKNOWN_PERSON, 0) / sum(stills.values())
    return unknown * verdicts.get(Verdict.FALSE_ALARM, 0) / decided


def _since(connection: Connection, days: int) -> datetime | None:
    """When the newest days begin, counted back from the newest hour that was summed up, or None without any."""
    newest: datetime | None = connection.execute(select(func.max(AgentHourSummary.hour))).scalar_one()
    return None if newest is None else newest - timedelta(days=days)
