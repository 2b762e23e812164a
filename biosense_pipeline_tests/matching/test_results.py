"""Which result follows from the distances, and the distances themselves."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biosense_pipeline.codes import Status, StillResult
from biosense_pipeline.matching.distance import distances
from biosense_pipeline.matching.results import decide

LISTS = st.lists(st.floats(0, 3), max_size=6)


@pytest.mark.parametrize(
    ("faces", "result"),
    [
        ([], StillResult.NO_FACES_FOUND),
        ([0.25], StillResult.SUCCESS),
        ([0.75], StillResult.UNKNOWN_PERSON),
        ([0.25, 0.75], StillResult.SUCCESS_MULTIPLE_FACES),
        ([0.75, 0.25], StillResult.SUCCESS_MULTIPLE_FACES),
        ([0.25, 0.125, 0.75], StillResult.SUCCESS_MULTIPLE_FACES),
        ([0.75, 1.5], StillResult.UNKNOWN_MULTIPLE_FACES),
    ],
)
def test_results(faces: list[float], result: StillResult) -> None:
    """Number of faces and nearest distance together give the result."""
    decision = decide(faces, tolerance=0.5)
    assert decision.result is result
    assert decision.result.status is Status.PROCESSED
    assert decision.distances == tuple(faces)
    assert decision.distance == (min(faces) if faces else None)


def test_the_tolerance_itself_is_the_agent() -> None:
    """A face exactly at the tolerance is the agent, one just beyond is not."""
    assert decide([0.5], tolerance=0.5).result is StillResult.SUCCESS
    assert decide([0.5001], tolerance=0.5).result is StillResult.UNKNOWN_PERSON


@given(found=LISTS, tolerance=st.floats(0.05, 2))
def test_only_the_nearest_counts(found: list[float], tolerance: float) -> None:
    """Whether a still is verified depends on its nearest face only, the plural on their number."""
    decision = decide(found, tolerance)
    if not found:
        assert decision.result is StillResult.NO_FACES_FOUND
        return
    assert decision.distance == min(decision.distances)
    verified = {StillResult.SUCCESS, StillResult.SUCCESS_MULTIPLE_FACES}
    several = {StillResult.SUCCESS_MULTIPLE_FACES, StillResult.UNKNOWN_MULTIPLE_FACES}
    assert (decision.result in verified) == (decision.distance <= tolerance)
    assert (decision.result in several) == (len(found) > 1)


def test_encodings_of_different_models_do_not_meet() -> None:
    """Encodings of different length cannot be compared."""
    with pytest.raises(ValueError, match="encodings of 5 and 4 numbers cannot be compared"):
        distances(np.zeros(4, dtype=np.float32), [np.zeros(5, dtype=np.float32)])


def test_no_faces_have_no_distances() -> None:
    """A still without a face has no distance to the reference."""
    assert distances(np.zeros(4), []).tolist() == []


def test_euclidean_distance() -> None:
    """Distances are Euclidean, one a face in the order given."""
    found = distances(np.array([0.0, 0.0]), np.array([[3.0, 4.0], [0.0, 0.0], [0.0, -2.0]]))
    assert found.tolist() == [5.0, 0.0, 2.0]
    assert found.dtype == np.float64


@given(values=st.lists(st.floats(-1, 1, width=32), min_size=8, max_size=8))
def test_distance_is_symmetric(values: list[float]) -> None:
    """The distance from one encoding to another is the distance back, and nothing to itself."""
    one, other = np.array(values[:4], dtype=np.float32), np.array(values[4:], dtype=np.float32)
    assert distances(one, other[None]).tolist() == distances(other, one[None]).tolist()
    assert distances(one, one[None]).tolist() == [0.0]
