"""Which training image an agent is compared with."""

from datetime import datetime, timedelta

import numpy as np
import pytest

from biosense_pipeline.matching.benchmark import Reference, ReferenceState, TrainingImageFacts, choose_reference

NOON = datetime(2026, 3, 2, 12)
BEFORE, AFTER = NOON - timedelta(minutes=1), NOON + timedelta(minutes=1)
ENCODING = np.ones(4, dtype=np.float32)


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
    reference = choose_reference(newest, benchmark)
    assert (reference.state, reference.training_image_id) == (state, training_image_id)
    assert (reference.encoding is ENCODING) == (state is ReferenceState.READY)


def test_nothing_known_is_no_encoding() -> None:
    """A reference that is not ready brings no encoding along."""
    assert Reference(ReferenceState.MISSING).encoding is None
