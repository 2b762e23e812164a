"""Comparisons as they are stored under one model, and results of a candidate written beside those in force."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, select

from biosense_pipeline.codes import Process, Status
from biosense_pipeline.store.chunks import chunks
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.scope import Scope
from biosense_pipeline.store.stills.outcomes import REFERENCES, StillOutcome, record
from biosense_pipeline.store.tables.pipeline import RecognitionResult, StreamImage

#: Ids that one look fetches. An hour holds some 200,000 at most; all years together would not fit.
_IDS_AT_A_TIME = 50_000


@dataclass(frozen=True)
class ComparedWith:
    """The training images that a still was compared with, newest first.

    Attributes:
        complete: False for a still without a face, of which only one image is known.
    """

    ids: tuple[int, ...]
    complete: bool

    @classmethod
    def told_by(cls, row: Any) -> "ComparedWith":
        """What a row of ``recognition_result`` tells by its training image and its faces."""
        if row.faces and REFERENCES in row.faces[0]:
            return cls(tuple(row.faces[0][REFERENCES]), True)
        return cls(() if row.training_image_id is None else (row.training_image_id,), bool(row.faces))

    def alike(self, other: "ComparedWith") -> bool:
        """Whether both may be the same images."""
        if self.complete and other.complete:
            return set(self.ids) == set(other.ids)
        return not set(self.ids).isdisjoint(other.ids)


@dataclass(frozen=True)
class StoredComparison:
    """A processed still and what one model found on it.

    Attributes:
        training_image_id: the reference nearest to the nearest face.
        distance, tolerance: of the nearest face, and the limit that was in force.
        distances: of each face; from these the still can be decided again.
    """

    still_id: int
    lan_id: str | None
    capture_time: datetime | None
    training_image_id: int | None
    references: ComparedWith
    result: str
    num_faces: int
    distance: float | None
    tolerance: float
    distances: tuple[float, ...]


#: What ``stored_comparison`` reads, of ``stream_img`` joined with ``recognition_result``.
COMPARISON_COLUMNS: tuple[Any, ...] = (
    StreamImage.id.label("still_id"),
    StreamImage.lan_id,
    StreamImage.capture_time,
    RecognitionResult.training_image_id,
    RecognitionResult.result,
    RecognitionResult.num_faces,
    RecognitionResult.distance,
    RecognitionResult.tolerance,
    RecognitionResult.faces,
)


def under_model(model_id: str) -> ColumnElement[bool]:
    """Condition that joins a still with its result under the model."""
    return (RecognitionResult.stream_image_id == StreamImage.id) & (RecognitionResult.model_id == model_id)


def stored_comparison(row: Any) -> StoredComparison:
    """The comparison in a row of COMPARISON_COLUMNS."""
    return StoredComparison(
        row.still_id,
        row.lan_id,
        row.capture_time,
        row.training_image_id,
        ComparedWith.told_by(row),
        row.result,
        row.num_faces,
        row.distance,
        row.tolerance,
        tuple(face["distance"] for face in row.faces),
    )


def processed_stills(database: Database, scope: Scope, at_a_time: int) -> Iterator[list[int]]:
    """Ids of the scope's processed stills, a few at a time, in order."""
    position = 0
    while True:
        with database.read() as connection:
            ids = list(
                connection.execute(
                    select(StreamImage.id)
                    .where(StreamImage.status == Status.PROCESSED, StreamImage.id > position, *scope.conditions())
                    .order_by(StreamImage.id)
                    .limit(_IDS_AT_A_TIME)
                ).scalars()
            )
        if not ids:
            return
        position = ids[-1]
        yield from map(list, chunks(ids, at_a_time))


def comparisons(database: Database, ids: Sequence[int], model_id: str) -> dict[int, StoredComparison]:
    """What the model found on those of the stills that are processed and have a result of it, by still id."""
    with database.read() as connection:
        rows = connection.execute(
            select(*COMPARISON_COLUMNS)
            .join(RecognitionResult, under_model(model_id))
            .where(StreamImage.id.in_(ids), StreamImage.status == Status.PROCESSED)
            .order_by(StreamImage.id)
        )
        return {row.still_id: stored_comparison(row) for row in rows}


def write_candidate_results(
    database: Database, outcomes: Sequence[StillOutcome], *, model_id: str, run_id: str | None
) -> None:
    """Write what a candidate found beside the results of other models; ``stream_img`` stays as it is."""
    if outcomes:
        database.write(lambda connection: record(connection, outcomes, Process.CANDIDATE, model_id, run_id))
