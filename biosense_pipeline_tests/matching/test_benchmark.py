"""Which training images an agent is compared with, and how."""

from datetime import datetime, timedelta

import numpy as np
import pytest

from biosense_pipeline.matching.benchmark import Reference, ReferenceState, TrainingImageFacts, choose_reference
from biosense_pipeline.matching.distance import distances

NOON = datetime(2026, 3, 2, 12)
BEFORE, AFTER = NOON - timedelta(minutes=1), NOON + timedelta(minutes=1)
ENCODING = np.ones(4, dtype=np.float32)
TOLERANCE = 0.5


def _failed(id: int, decided: datetime | None = NOON) -> TrainingImageFacts:
    return TrainingImageFacts(id, failed=True, decided=decided, encoding=None)


def _approved(id: int, decided: datetime | None = NOON, encoding: np.ndarray | None = ENCODING) -> TrainingImageFacts:
    return TrainingImageFacts(id, failed=False, decided=decided, encoding=encoding)


def _pending(id: int) -> TrainingImageFacts:
    return TrainingImageFacts(id, failed=False, decided=None, encoding=None)


@pytest.mark.parametrize(
    ("newest", "benchmark", "state", "training_image_id"),
    [
        pytest.param(None, None, ReferenceState.MISSING, None, id="no training image at all"),
        pytest.param(_pending(1), None, ReferenceState.MISSING, None, id="only one that waits for its check"),
        pytest.param(_failed(1), None, ReferenceState.FAILED, None, id="only one that failed"),
        pytest.param(_approved(1), _approved(1), ReferenceState.READY, 1, id="one approved"),
        pytest.param(_approved(1, None), _approved(1, None), ReferenceState.READY, 1, id="approved, not known when"),
        pytest.param(
            _approved(1, encoding=None),
            _approved(1, encoding=None),
            ReferenceState.NOT_ENCODED,
            1,
            id="not encoded yet",
        ),
        pytest.param(_pending(2), _approved(1), ReferenceState.READY, 1, id="newest waits: the older benchmark stays"),
        pytest.param(_failed(2), _approved(1, BEFORE), ReferenceState.FAILED, None, id="newest failed after approval"),
        pytest.param(_failed(2), _approved(1, NOON), ReferenceState.FAILED, None, id="failed at the same moment"),
        pytest.param(_failed(2), _approved(1, AFTER), ReferenceState.READY, 1, id="approved after the failure"),
        pytest.param(_failed(2), _approved(1, None), ReferenceState.FAILED, None, id="approval of unknown time"),
        pytest.param(_failed(2, None), _approved(1), ReferenceState.FAILED, None, id="failure of unknown time"),
        pytest.param(_failed(2, None), _approved(1, None), ReferenceState.FAILED, None, id="both of unknown time"),
        pytest.param(_failed(1), _failed(1), ReferenceState.FAILED, None, id="approved by hand, cannot be encoded"),
        pytest.param(
            _pending(2), _failed(1), ReferenceState.FAILED, None, id="newest waits, benchmark has no encoding"
        ),
        pytest.param(
            _failed(2), _approved(1, AFTER, None), ReferenceState.NOT_ENCODED, 1, id="approved after, not encoded yet"
        ),
    ],
)
def test_choice(
    newest: TrainingImageFacts | None,
    benchmark: TrainingImageFacts | None,
    state: ReferenceState,
    training_image_id: int | None,
) -> None:
    """The newest approved image is the reference unless a newer one failed and none was approved after that."""
    reference = choose_reference(newest, [benchmark] if benchmark else [], TOLERANCE)
    assert reference.state is state
    if state is ReferenceState.READY:
        assert reference.training_image_ids == reference.approved == (training_image_id,)
        assert reference.encodings[0] is ENCODING
    else:
        assert (reference.training_image_ids, reference.encodings) == ((), ())
        assert reference.unencoded == (() if training_image_id is None else (training_image_id,))


@pytest.mark.parametrize(
    ("newest", "approved", "state"),
    [
        pytest.param(_failed(3), [_approved(2, BEFORE), _approved(1, AFTER)], ReferenceState.READY, id="an older one"),
        pytest.param(_failed(3), [_approved(2, BEFORE), _approved(1, BEFORE)], ReferenceState.FAILED, id="none"),
        pytest.param(_failed(2), [_failed(2), _approved(1)], ReferenceState.FAILED, id="benchmark has no encoding"),
    ],
)
def test_approval_after_a_failure_may_be_any(
    newest: TrainingImageFacts, approved: list[TrainingImageFacts], state: ReferenceState
) -> None:
    """Whichever image was approved after the failure settles it; without an encoding the benchmark itself failed."""
    assert choose_reference(newest, approved, TOLERANCE).state is state


def test_older_references_that_lack_an_encoding_are_named() -> None:
    """With the benchmark encoded stills can be compared; what still has to be encoded is told."""
    images = [_approved(4), _approved(3, encoding=None), _failed(2), _approved(1)]
    reference = choose_reference(images[0], images, TOLERANCE)
    assert (reference.state, reference.training_image_ids) == (ReferenceState.READY, (4, 1))
    assert (reference.approved, reference.unencoded) == ((4, 3, 2, 1), (3,))


def test_one_reference_is_compared_as_it_always_was() -> None:
    """With a single reference the distances are those from it, to the last bit."""
    rng = np.random.default_rng(0)
    encoding, faces = rng.normal(size=128).astype(np.float32), list(rng.normal(size=(3, 128)).astype(np.float32))
    reference = Reference.of([_approved(7, encoding=encoding)], TOLERANCE)
    found = reference.nearest(faces)
    assert [nearest.distance for nearest in found] == distances(encoding, faces).tolist()
    assert {nearest.training_image_id for nearest in found} == {7}
    assert reference.nearest([]) == []


def test_smallest_distance_counts() -> None:
    """Of several references the nearest to each face counts, and is named."""
    reference = Reference.of([_at(3, 0.0), _at(2, 0.4)], TOLERANCE)
    found = reference.nearest([_face(0.1), _face(0.5), _face(0.2)])
    assert [nearest.training_image_id for nearest in found] == [3, 2, 3]
    assert [nearest.distance for nearest in found] == pytest.approx([0.1, 0.1, 0.2])


@pytest.mark.parametrize(
    ("places", "kept"),
    [
        pytest.param([0.0, 2.0], (2, 1), id="two that differ: nobody can tell which is wrong"),
        pytest.param([0.0, 0.2, 2.0], (3, 2), id="the odd one of three"),
        pytest.param([2.0, 0.2, 0.0], (2, 1), id="the newest is the odd one"),
        pytest.param([0.0, 0.4, 0.8], (3, 2, 1), id="a chain holds together"),
        pytest.param([0.0, 0.3, 2.0, 2.3], (4,), id="two against two: the newest alone"),
        pytest.param([0.0, 0.3, 2.0, 0.1, 0.2], (5, 4, 2, 1), id="one of five"),
        pytest.param([0.0, 2.0, 4.0], (3,), id="all differ: the newest alone"),
    ],
)
def test_outliers_are_dropped(places: list[float], kept: tuple[int, ...]) -> None:
    """An image that disagrees with most of the agent's others is no reference, if there are three or more."""
    images = [_at(len(places) - position, place) for position, place in enumerate(places)]
    reference = Reference.of(images, TOLERANCE)
    assert reference.training_image_ids == kept
    assert reference.approved == tuple(image.id for image in images)


def test_nothing_encoded_is_not_ready() -> None:
    """Where no image has an encoding there is nothing to compare with."""
    assert Reference.of([_failed(1)], TOLERANCE).state is ReferenceState.FAILED
    assert Reference.of([], TOLERANCE).state is ReferenceState.FAILED


def _face(place: float) -> np.ndarray:
    return np.array([place, 0, 0, 0], dtype=np.float32)


def _at(id: int, place: float) -> TrainingImageFacts:
    return _approved(id, encoding=_face(place))
