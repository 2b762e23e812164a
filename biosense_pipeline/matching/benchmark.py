"""Which training image an agent's stills are compared with, and when there is none to compare with."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

import numpy as np


@dataclass(frozen=True)
class TrainingImageFacts:
    """What the choice depends on.

    Attributes:
        failed: its check failed, or no encoding can be made of it under the current model.
        decided: when its check ended.
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
class Reference:
    """An agent's reference; image and encoding are there where the state is READY."""

    state: ReferenceState
    training_image_id: int | None = None
    encoding: np.ndarray | None = None


def choose_reference(newest: TrainingImageFacts | None, benchmark: TrainingImageFacts | None) -> Reference:
    """The reference of an agent.

    Args:
        newest: the agent's newest training image, whatever its status.
        benchmark: the newest approved one; may be the same image.

    A newest image that failed hides an older benchmark: somebody found it necessary to enrol anew, and
    the stills would be compared with a picture that was to be replaced. An approval after the failure
    settles that.
    """
    if newest is None:
        return Reference(ReferenceState.MISSING)
    if newest.failed and not _approved_after(benchmark, newest):
        return Reference(ReferenceState.FAILED)
    if benchmark is None:
        return Reference(ReferenceState.MISSING)
    if benchmark.failed:
        return Reference(ReferenceState.FAILED)
    if benchmark.encoding is None:
        return Reference(ReferenceState.NOT_ENCODED, benchmark.id)
    return Reference(ReferenceState.READY, benchmark.id, benchmark.encoding)


def _approved_after(benchmark: TrainingImageFacts | None, newest: TrainingImageFacts) -> bool:
    if benchmark is None or benchmark.id == newest.id or benchmark.decided is None or newest.decided is None:
        return False
    return benchmark.decided > newest.decided
