"""Which training images an agent's stills are compared with, and when there is none to compare with.

The benchmark is the newest approved image. It and the approved ones before it, five in all, are the references:
a face's distance is the smallest one from any of them, so that a beard or other glasses need no new benchmark
as long as an approved image has them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

import numpy as np

from biosense_pipeline.matching.distance import distances


@dataclass(frozen=True)
class TrainingImageFacts:
    """What the choice depends on.

    Attributes:
        failed: its check failed, or no encoding can be made of it under the current model.
        decided: when its check ended, or when a person approved it.
        encoding: under the current model, None where it was not made yet.
    """

    id: int
    failed: bool
    decided: datetime | None
    encoding: np.ndarray | None


class ReferenceState(Enum):
    """Whether an agent's stills can be compared."""

    READY = "ready"
    MISSING = "no approved training image"
    FAILED = "the newest training image failed its check"
    NOT_ENCODED = "the benchmark has no encoding under this model yet"


@dataclass(frozen=True)
class Nearest:
    """How far a face lies from the nearest reference, and which that is."""

    training_image_id: int
    distance: float


@dataclass(frozen=True)
class Reference:
    """What an agent's stills are compared with; there are encodings where the state is READY.

    Attributes:
        training_image_ids: the images compared with, newest first; ``encodings`` are theirs.
        approved: these, and the approved images that were left out as outliers or for want of an encoding.
        unencoded: approved images that have no encoding under the model yet.
    """

    state: ReferenceState
    training_image_ids: tuple[int, ...] = ()
    encodings: tuple[np.ndarray, ...] = ()
    approved: tuple[int, ...] = ()
    unencoded: tuple[int, ...] = ()

    @classmethod
    def of(cls, images: Sequence[TrainingImageFacts], tolerance: float) -> "Reference":
        """The reference that approved images make, newest first; those without an encoding are passed over."""
        encoded = {image.id: image.encoding for image in images if image.encoding is not None}
        ids = _without_outliers(encoded, tolerance)
        return cls(
            ReferenceState.READY if ids else ReferenceState.FAILED,
            ids,
            tuple(encoded[image_id] for image_id in ids),
            tuple(image.id for image in images),
            tuple(image.id for image in images if image.encoding is None and not image.failed),
        )

    def nearest(self, faces: Sequence[np.ndarray]) -> list[Nearest]:
        """For each encoded face of a still the nearest reference; the state is READY."""
        if not faces:
            return []
        table = np.stack([distances(encoding, faces) for encoding in self.encodings])
        return [
            Nearest(self.training_image_ids[position], float(table[position, face]))
            for face, position in enumerate(table.argmin(axis=0))
        ]


def choose_reference(
    newest: TrainingImageFacts | None, approved: Sequence[TrainingImageFacts], tolerance: float
) -> Reference:
    """The reference of an agent.

    Args:
        newest: the agent's newest training image, whatever its status, among those that neither wait for a
            person nor were rejected by one.
        approved: the newest approved ones, newest first.
        tolerance: the distance up to which two of them count as one person.

    A newest image that failed hides older ones: somebody found it necessary to enrol anew, and the stills
    would be compared with a picture that was to be replaced. An approval after the failure settles that.
    """
    if newest is not None and newest.failed and not _approved_after(approved, newest):
        return Reference(ReferenceState.FAILED)
    if not approved:
        return Reference(ReferenceState.MISSING)
    benchmark = approved[0]
    if benchmark.failed:
        return Reference(ReferenceState.FAILED)
    reference = Reference.of(approved, tolerance)
    if benchmark.encoding is None:
        return Reference(ReferenceState.NOT_ENCODED, approved=reference.approved, unencoded=reference.unencoded)
    return reference


def median_low(values: np.ndarray) -> float:
    """The median; of an even number of values the lower one of the two in the middle."""
    return float(np.sort(values)[(len(values) - 1) // 2])


def _without_outliers(encoded: dict[int, np.ndarray], tolerance: float) -> tuple[int, ...]:
    """The images that agree with at least half of the others; of fewer than three all, where none does the newest.

    Of two images that differ nobody can tell which one is wrong. The newest is no exception: an impostor's picture
    that is approved by mistake must not become the one that counts.
    """
    ids = tuple(encoded)
    if len(ids) < 3:
        return ids
    agreeing = []
    for image_id in ids:
        others = [encoded[other] for other in ids if other != image_id]
        if median_low(distances(encoded[image_id], others)) <= tolerance:
            agreeing.append(image_id)
    return tuple(agreeing) or ids[:1]


def _approved_after(approved: Sequence[TrainingImageFacts], failed: TrainingImageFacts) -> bool:
    if failed.decided is None:
        return False
    return any(
        image.decided is not None and image.decided > failed.decided for image in approved if image.id != failed.id
    )
