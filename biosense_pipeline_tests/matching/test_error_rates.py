"""Error rates and the points read off them, by hand and against counting."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from biosense_pipeline.matching.error_rates import error_rates, most_accurate_threshold

#: Six comparisons: genuine ones at 1, 2 and 4, impostors at 3, 5 and 6.
DISTANCES = np.array([1.0, 2.0, 4.0, 3.0, 5.0, 6.0])
GENUINE = np.array([True, True, True, False, False, False])

#: Distances in tenths, so that many are equal, each with its label.
LABELLED = st.lists(st.tuples(st.integers(0, 12), st.booleans()), min_size=2, max_size=40).filter(
    lambda rows: len({label for _, label in rows}) == 2
)


def test_by_hand() -> None:
    """FMR and FNMR are the shares that one counts by hand, and a distance equal to the threshold matches."""
    rates = error_rates(DISTANCES, GENUINE)
    assert list(rates.thresholds) == [-np.inf, 1, 2, 3, 4, 5, 6]
    assert list(rates.fmr) == pytest.approx([0, 0, 0, 1 / 3, 1 / 3, 2 / 3, 1])
    assert list(rates.fnmr) == pytest.approx([1, 2 / 3, 1 / 3, 1 / 3, 0, 0, 0])
    for threshold, fmr, fnmr in ((-1.0, 0, 1), (2.999, 0, 1 / 3), (3.0, 1 / 3, 1 / 3), (7.0, 1, 0)):
        assert [float(rate) for rate in rates.at(threshold)] == pytest.approx([fmr, fnmr])
    assert float(rates.equal_error_rate()) == pytest.approx(1 / 3)


def test_fnmr_at_fmr_is_not_interpolated() -> None:
    """FNMR at an FMR is read at the largest threshold whose FMR does not exceed it."""
    rates = error_rates(DISTANCES, GENUINE)
    assert float(rates.fnmr_at_fmr(0.3)) == pytest.approx(1 / 3)
    assert float(rates.fnmr_at_fmr(1 / 3)) == 0
    assert 2 < rates.threshold_at_fmr(0.3) < 3
    assert rates.threshold_at_fmr(1.0) == np.inf


@given(LABELLED, st.integers(-1, 13))
def test_against_counting(rows: list[tuple[int, bool]], tenths: int) -> None:
    """At any threshold the rates are the counts of who matches."""
    distances, genuine = _arrays(rows)
    threshold = tenths / 10
    fmr, fnmr = error_rates(distances, genuine).at(threshold)
    assert float(fmr) == pytest.approx(np.mean(distances[~genuine] <= threshold))
    assert float(fnmr) == pytest.approx(np.mean(distances[genuine] > threshold))


@given(LABELLED, st.sampled_from([0.0, 0.001, 0.01, 0.1, 0.25, 0.5, 1.0]))
def test_threshold_at_fmr_is_the_largest(rows: list[tuple[int, bool]], target: float) -> None:
    """The threshold of a target keeps to it, gives its FNMR, and the next larger number would exceed it."""
    distances, genuine = _arrays(rows)
    rates = error_rates(distances, genuine)
    threshold = rates.threshold_at_fmr(target)
    assert np.mean(distances[~genuine] <= threshold) <= target
    assert float(rates.fnmr_at_fmr(target)) == pytest.approx(np.mean(distances[genuine] > threshold))
    if np.isfinite(threshold):
        assert np.mean(distances[~genuine] <= np.nextafter(threshold, np.inf)) > target


@given(LABELLED)
def test_equal_error_rate_lies_between_the_errors(rows: list[tuple[int, bool]]) -> None:
    """Below the crossing FNMR is no smaller than the EER, above it FMR is no smaller."""
    rates = error_rates(*_arrays(rows))
    equal = float(rates.equal_error_rate())
    assert 0 <= equal <= 1
    assert np.all(np.maximum(rates.fmr, rates.fnmr) >= equal - 1e-12)


@given(LABELLED, st.lists(st.integers(0, 3), min_size=40, max_size=40))
def test_weights_are_repetitions(rows: list[tuple[int, bool]], times: list[int]) -> None:
    """A comparison that weighs k counts as k equal ones, row by row of several weights."""
    distances, genuine = _arrays(rows)
    weights = np.array(times[: len(rows)])
    assume(weights[genuine].sum() and weights[~genuine].sum())
    repeated = error_rates(np.repeat(distances, weights), np.repeat(genuine, weights))
    rates = error_rates(distances, genuine, np.stack([weights, np.ones(len(rows))]))
    assert float(rates.equal_error_rate()[0]) == pytest.approx(float(repeated.equal_error_rate()))
    assert float(rates.fnmr_at_fmr(0.2)[0]) == pytest.approx(float(repeated.fnmr_at_fmr(0.2)))
    assert float(rates.equal_error_rate()[1]) == pytest.approx(
        float(error_rates(distances, genuine).equal_error_rate())
    )


def test_a_resample_without_a_kind_says_nothing() -> None:
    """Where weights leave no comparison of a kind, the figures are NaN and the others are not disturbed."""
    weights = np.array([[1.0] * 6, [1, 1, 1, 0, 0, 0]])
    rates = error_rates(DISTANCES, GENUINE, weights)
    assert list(np.isnan(rates.equal_error_rate())) == [False, True]
    assert list(np.isnan(rates.fnmr_at_fmr(0.1))) == [False, True]


@given(LABELLED)
def test_most_accurate_threshold(rows: list[tuple[int, bool]]) -> None:
    """No threshold decides more comparisons rightly."""
    distances, genuine = _arrays(rows)
    found = most_accurate_threshold(distances, genuine)
    right = [np.sum((distances <= threshold) == genuine) for threshold in (found, *np.arange(-0.05, 1.4, 0.05))]
    assert right[0] == max(right)


def test_most_accurate_threshold_keeps_away_from_both() -> None:
    """Between comparisons that are well apart the threshold lies half way."""
    assert most_accurate_threshold(np.array([0.2, 0.3, 0.7, 0.9]), np.array([True, True, False, False])) == 0.5


@pytest.mark.parametrize(
    ("distances", "genuine"), [([0.1, 0.2], [True, True]), ([0.1, 0.2], [False, False]), ([0.1, np.nan], [True, False])]
)
def test_refused(distances: list[float], genuine: list[bool]) -> None:
    """Rates without both kinds, or of distances that are no numbers, are refused."""
    with pytest.raises(ValueError, match=r"genuine and impostor|not finite"):
        error_rates(np.array(distances), np.array(genuine))


def _arrays(rows: list[tuple[int, bool]]) -> tuple[np.ndarray, np.ndarray]:
    tenths, labels = zip(*rows, strict=True)
    return np.array(tenths) / 10, np.array(labels)
