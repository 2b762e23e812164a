"""The result of a still: which of its faces, if any, is the agent."""

from collections.abc import Sequence
from dataclasses import dataclass

from biosense_pipeline.codes import StillResult


@dataclass(frozen=True)
class Decision:
    """A result and the distances it follows from: one a face in the order given, and the nearest."""

    result: StillResult
    distances: tuple[float, ...]
    distance: float | None


def decide(distances: Sequence[float], tolerance: float) -> Decision:
    """Decide a still by its faces.

    Args:
        distances: from the agent's benchmark to each face of the still, none to any number.
        tolerance: the largest distance at which a face is the agent.
    """
    if not distances:
        return Decision(StillResult.NO_FACES_FOUND, (), None)
    nearest = min(distances)
    return Decision(_RESULTS[len(distances) > 1, nearest <= tolerance], tuple(distances), nearest)


#: By (several faces, one of them within the tolerance).
_RESULTS = {
    (False, True): StillResult.SUCCESS,
    (False, False): StillResult.UNKNOWN_PERSON,
    (True, True): StillResult.SUCCESS_MULTIPLE_FACES,
    (True, False): StillResult.UNKNOWN_MULTIPLE_FACES,
}
