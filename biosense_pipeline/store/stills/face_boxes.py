"""The faces that were found in stored pictures, under one model."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from biosense_pipeline.store.database import Database
from biosense_pipeline.store.tables.pipeline import FaceEncoding, RecognitionResult

#: left, top, right, bottom in pixels of the upright picture; may reach beyond its edges.
Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class FaceFound:
    """A face in a still: where it is, and its distance from the reference; None where it was not compared."""

    box: Box
    distance: float | None


def faces_in_still(database: Database, still_id: int, model_id: str) -> list[FaceFound]:
    """The faces that the model found on a still; none where it has not looked at it."""
    with database.read() as connection:
        faces = connection.execute(
            select(RecognitionResult.faces).where(
                RecognitionResult.stream_image_id == still_id, RecognitionResult.model_id == model_id
            )
        ).scalar()
    stored = [face for face in faces or () if isinstance(face, dict)]
    return [FaceFound(box, face.get("distance")) for face in stored for box in _boxes([face.get("box")])]


def boxes_in_training_image(database: Database, training_image_id: int, model_id: str) -> list[Box]:
    """The face that was encoded, or none."""
    with database.read() as connection:
        box = connection.execute(
            select(FaceEncoding.box).where(
                FaceEncoding.training_image_id == training_image_id, FaceEncoding.model_id == model_id
            )
        ).scalar()
    return _boxes([box])


def _boxes(stored: Sequence[Any]) -> list[Box]:
    return [
        (int(box[0]), int(box[1]), int(box[2]), int(box[3]))
        for box in stored
        if isinstance(box, list) and len(box) == 4
    ]
