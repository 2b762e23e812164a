"""Reads results for people, checks and plots."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, func, or_, select

from biosense_pipeline.codes import Status
from biosense_pipeline.store.chunks import chunks
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.scope import Scope
from biosense_pipeline.store.tables.pipeline import RecognitionResult, StreamImage


@dataclass(frozen=True)
class StillRow:
    """A still's row without its picture."""

    id: int
    lan_id: str
    capture_time: datetime | None
    status: str
    result: str | None
    processed_time: datetime | None


def read_results(database: Database, ids: Sequence[int]) -> list[StillRow]:
    """The rows of these stills, by id."""
    rows: list[StillRow] = []
    columns = (
        StreamImage.id,
        StreamImage.lan_id,
        StreamImage.capture_time,
        StreamImage.status,
        StreamImage.result,
        StreamImage.processed_time,
    )
    with database.read() as connection:
        for chunk in chunks(ids):
            for row in connection.execute(select(*columns).where(StreamImage.id.in_(chunk)).order_by(StreamImage.id)):
                rows.append(
                    StillRow(
                        row.id, row.lan_id or "", row.capture_time, row.status or "", row.result, row.processed_time
                    )
                )
    return rows


def count_results(database: Database, scope: Scope) -> dict[str, int]:
    """How many finished stills of the scope have which result."""
    with database.read() as connection:
        rows = connection.execute(
            select(StreamImage.result, func.count().label("stills"))
            .where(StreamImage.status.in_([Status.PROCESSED, Status.FAILED]), *scope.conditions())
            .group_by(StreamImage.result)
            .order_by(func.count().desc())
        ).all()
    return {row.result or "": row.stills for row in rows}


def distances_of(database: Database, scope: Scope, model_id: str, limit: int = 50_000) -> list[float]:
    """Distances of the scope's stills under a model, of the newest ``limit`` stills at most."""
    with database.read() as connection:
        rows = connection.execute(
            select(RecognitionResult.distance)
            .join(StreamImage, StreamImage.id == RecognitionResult.stream_image_id)
            .where(
                RecognitionResult.model_id == model_id,
                RecognitionResult.distance.is_not(None),
                # A still that was done again may have no face or no reference any more.
                StreamImage.status == Status.PROCESSED,
                *scope.conditions(),
            )
            .order_by(StreamImage.capture_time.desc())
            .limit(limit)
        ).scalars()
        return [distance for distance in rows if distance is not None]


def stills_without_result(database: Database, scope: Scope) -> int:
    """Finished stills of the scope that lack a result: no word in the row, or no numbers behind a ``Y``."""
    numbers = select(RecognitionResult.stream_image_id).where(RecognitionResult.stream_image_id == StreamImage.id)
    with database.read() as connection:
        return connection.execute(
            select(func.count())
            .select_from(StreamImage)
            .where(
                or_(
                    and_(StreamImage.status.in_([Status.PROCESSED, Status.FAILED]), StreamImage.result.is_(None)),
                    and_(StreamImage.status == Status.PROCESSED, ~numbers.exists()),
                ),
                *scope.conditions(),
            )
        ).scalar_one()
