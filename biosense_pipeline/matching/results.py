"""The result of a still: which of its faces, if any, is the agent."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from biosense_pipeline.codes import StillResult
from biosense_pipeline.matching.distance import distances


@dataclass(frozen=True)
class Decision:
    """A result and the distances it follows from: one a face in the order given, and the nearest."""

    result: StillResult
    distances: tuple[float, ...]
    distance: float | None


def decide(reference: np.ndarray, encodings: Sequence[np.ndarray], tolerance: float) -> Decision:
    """Compare every face of a still with the reference.

    Args:
        reference: (d,) encoding of the benchmark.
        encodings: (d,) encodings of the still's faces, none to any number.
        tolerance: the largest distance at which a face is the agent.
    """
    if not len(encodings):
        return Decision(StillResult.NO_FACES_FOUND, (), None)
    found = tuple(float(value) for value in distances(reference, np.stack(list(encodings))))
    nearest = min(found)
    return Decision(_RESULTS[len(found) > 1, nearest <= tolerance], found, nearest)


#: By (several faces, one of them within the tolerance).
_RESULTS = {
    (False, True): StillResult.SUCCESS,
    (False, False): StillResult.UNKNOWN_PERSON,
    (True, True): StillResult.SUCCESS_MULTIPLE_FACES,
    (True, False): StillResult.UNKNOWN_MULTIPLE_FACES,
}
