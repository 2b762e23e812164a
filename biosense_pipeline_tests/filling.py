"""Puts real faces into a database for a test."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache

from sqlalchemy import func, select

from biosense_pipeline.demo.frames import Person, own_frame, training_picture
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.stills.capture import CapturedImage, enter_stills, enter_training_images
from biosense_pipeline.store.tables.evidence import PresentationEvidence
from biosense_pipeline.store.tables.pipeline import ProcessStatus, RecognitionResult, StreamImage

AGENT = "NA\\vep5898"


@cache
def frames_of(person: Person, count: int) -> tuple[bytes, ...]:
    """A few webcam-like frames of a person."""
    return tuple(own_frame(person, seed) for seed in range(count))


def enrol(database: Database, lan_id: str = AGENT, person: Person = Person.COLLINS) -> int:
    """Enter a training image that waits for its check; returns its id."""
    captured = datetime(2026, 3, 1, 15)
    return enter_training_images(database, [CapturedImage(lan_id, captured, training_picture(person))])[0]


def capture(
    database: Database,
    start: datetime,
    count: int,
    lan_id: str = AGENT,
    person: Person = Person.COLLINS,
    step: timedelta = timedelta(seconds=10),
) -> list[int]:
    """Enter pending stills of a person, one each ``step`` from ``start`` on; returns their ids."""
    frames = frames_of(person, min(count, 10))
    stills = [CapturedImage(lan_id, start + number * step, frames[number % len(frames)]) for number in range(count)]
    return enter_stills(database, stills)


def statuses(database: Database, ids: Sequence[int]) -> dict[str, int]:
    """How many of the stills have which status."""
    with database.read() as connection:
        rows = connection.execute(
            select(StreamImage.status, func.count().label("stills"))
            .where(StreamImage.id.in_(ids))
            .group_by(StreamImage.status)
        )
        return {row.status: row.stills for row in rows}


def results_per_still(database: Database, ids: Sequence[int]) -> dict[int, int]:
    """How many rows of recognition_result each still has."""
    with database.read() as connection:
        rows = connection.execute(
            select(RecognitionResult.stream_image_id.label("still"), func.count().label("results"))
            .where(RecognitionResult.stream_image_id.in_(ids))
            .group_by(RecognitionResult.stream_image_id)
        )
        return {row.still: row.results for row in rows}


def evidence_per_still(database: Database, ids: Sequence[int]) -> dict[int, int]:
    """How many rows of presentation_evidence each still has."""
    with database.read() as connection:
        rows = connection.execute(
            select(PresentationEvidence.stream_image_id.label("still"), func.count().label("rows"))
            .where(PresentationEvidence.stream_image_id.in_(ids))
            .group_by(PresentationEvidence.stream_image_id)
        )
        return {row.still: row.rows for row in rows}


def finished_attempts(database: Database, ids: Sequence[int]) -> dict[int, int]:
    """How many attempts of each still came to a result."""
    with database.read() as connection:
        rows = connection.execute(
            select(ProcessStatus.image_id, func.count().label("attempts"))
            .where(
                ProcessStatus.image_kind == "STREAM",
                ProcessStatus.status.in_(["Y", "F"]),
                ProcessStatus.image_id.in_(ids),
            )
            .group_by(ProcessStatus.image_id)
        )
        return {row.image_id: row.attempts for row in rows}
