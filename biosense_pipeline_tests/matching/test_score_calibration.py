"""Costs of log-likelihood ratios and their fit, by hand and against scikit-learn."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from biosense_pipeline.matching.score_calibration import (
    AffineCalibration,
    cllr,
    cllr_min,
    fit_affine,
    pooled_llrs,
    reliability,
)

LABELLED = st.lists(st.tuples(st.integers(0, 12), st.booleans()), min_size=2, max_size=40).filter(
    lambda rows: len({label for _, label in rows}) == 2
)
LABELS = np.array([True, True, False, False])


def test_cllr_by_hand() -> None:
    """Saying nothing costs one bit, certainty nothing; a likelihood ratio of 3 costs log2(4/3) where it is right."""
    assert float(cllr(np.zeros(4), LABELS)) == pytest.approx(1.0)
    assert float(cllr(np.array([np.inf, np.inf, -np.inf, -np.inf]), LABELS)) == 0
    three = np.log(3.0)
    assert float(cllr(np.array([three, three, -three, -three]), LABELS)) == pytest.approx(np.log2(4 / 3))
    assert float(cllr(np.array([-three, -three, three, three]), LABELS)) == pytest.approx(2.0)


def test_cllr_by_rows_of_weights() -> None:
    """Each row of weights has its own cost, and none where it leaves no comparison of a kind."""
    llrs = np.array([2.0, -1.0, -2.0, 1.0])
    rows = cllr(llrs, LABELS, np.array([[1, 1, 1, 1], [1, 0, 1, 0], [0, 0, 1, 1]]))
    assert rows[0] == pytest.approx(float(cllr(llrs, LABELS)))
    assert rows[1] == pytest.approx(np.log2(1 + np.exp(-2)))
    assert np.isnan(rows[2])


@given(LABELLED, st.floats(-30, 0), st.floats(-5, 5))
def test_minimum_cllr_is_the_least(rows: list[tuple[int, bool]], slope: float, offset: float) -> None:
    """No log-likelihood ratio that falls with the distance costs less than the minimum, which is at most one bit."""
    distances, genuine = _arrays(rows)
    least = cllr_min(distances, genuine)
    assert -1e-12 <= least <= 1 + 1e-12
    assert least <= float(cllr(AffineCalibration(slope, offset).llrs(distances), genuine)) + 1e-12


@given(LABELLED)
def test_minimum_cllr_depends_on_the_order_only(rows: list[tuple[int, bool]]) -> None:
    """Distances on another scale, in the same order, have the same minimum."""
    distances, genuine = _arrays(rows)
    assert cllr_min(distances, genuine) == pytest.approx(cllr_min(np.exp(3 * distances), genuine))


@given(LABELLED)
def test_pooling_against_the_definition(rows: list[tuple[int, bool]]) -> None:
    """Pooled shares are isotonic regression: the largest, over right ends, of the smallest mean over left ends."""
    distances, genuine = _arrays(rows)
    values = np.unique(distances)
    means = np.array([[_share(distances, genuine, low, high) for high in values] for low in values])
    shares = np.array([means[: k + 1, k:].min(axis=0).max() for k in range(len(values))])
    with np.errstate(divide="ignore"):
        expected = np.log(shares) - np.log(1 - shares) - np.log(genuine.sum() / (~genuine).sum())
    assert pooled_llrs(distances, genuine) == pytest.approx(expected[np.searchsorted(values, distances)])


def test_fit_of_known_distributions() -> None:
    """Between normal distributions of one width the line found is the true log-likelihood ratio."""
    rng = np.random.default_rng(3)
    distances = np.concatenate([rng.normal(0.4, 0.1, 40_000), rng.normal(0.7, 0.1, 10_000)])
    fitted = fit_affine(distances, np.arange(50_000) < 40_000)
    # (0.4 - 0.7) / 0.1², and zero half way.
    assert fitted.slope == pytest.approx(-30, rel=0.03)
    assert -fitted.offset / fitted.slope == pytest.approx(0.55, abs=0.003)


@given(LABELLED)
def test_fit_is_the_least(rows: list[tuple[int, bool]]) -> None:
    """No line nearby costs less, with labels drawn in by Platt's rule and both kinds weighing one half."""
    distances, genuine = _arrays(rows)
    fitted = fit_affine(distances, genuine)
    assume(fitted.slope)
    targets = np.where(genuine, (genuine.sum() + 1) / (genuine.sum() + 2), 1 / ((~genuine).sum() + 2))

    def cost(slope: float, offset: float) -> float:
        odds = slope * distances + offset
        terms = np.logaddexp(0, odds) - targets * odds
        return float(terms[genuine].mean() + terms[~genuine].mean())

    for change in (1.01, 0.99):
        assert cost(fitted.slope, fitted.offset) <= cost(fitted.slope * change, fitted.offset) + 1e-9
        assert cost(fitted.slope, fitted.offset) <= cost(fitted.slope, fitted.offset + change - 1) + 1e-9


@given(LABELLED)
def test_fit_is_finite_and_falls(rows: list[tuple[int, bool]]) -> None:
    """Separated, equal, inverted or few: the line is finite and never rises with the distance."""
    distances, genuine = _arrays(rows)
    fitted = fit_affine(distances, genuine)
    assert np.isfinite([fitted.slope, fitted.offset]).all()
    assert fitted.slope <= 0
    assert np.isfinite(float(cllr(fitted.llrs(distances), genuine)))


def test_fit_of_inverted_distances_says_nothing() -> None:
    """Where genuine distances are the larger ones the log-likelihood ratio is 0 everywhere."""
    assert fit_affine(np.array([0.9, 0.8, 0.1, 0.2]), LABELS) == AffineCalibration(0.0, 0.0)


def test_reliability_by_hand() -> None:
    """A probability of 0.8 that comes true half the time is off by 0.3, and both kinds weigh one half."""
    four = np.log(4.0)
    bins = reliability(np.array([four, -10.0, four, -10.0]), np.array([True, True, False, False]), bins=10)
    assert list(bins.predicted) == pytest.approx([1 / (1 + np.exp(10)), 0.8])
    assert list(bins.observed) == pytest.approx([0.5, 0.5])
    assert list(bins.counts) == [2, 2]
    assert bins.expected_calibration_error == pytest.approx((0.5 + 0.3) / 2, abs=1e-4)


def test_reliability_of_true_probabilities() -> None:
    """True log-likelihood ratios have next to no calibration error; doubled ones have one."""
    rng = np.random.default_rng(5)
    genuine = np.arange(40_000) < 20_000
    distances = np.where(genuine, rng.normal(0.5, 0.1, 40_000), rng.normal(0.6, 0.1, 40_000))
    llrs = (0.55 - distances) * 0.1 / 0.1**2
    assert reliability(llrs, genuine).expected_calibration_error < 0.01
    assert reliability(3 * llrs, genuine).expected_calibration_error > 0.05


def _arrays(rows: list[tuple[int, bool]]) -> tuple[np.ndarray, np.ndarray]:
    tenths, labels = zip(*rows, strict=True)
    return np.array(tenths) / 10, np.array(labels)


def _share(distances: np.ndarray, genuine: np.ndarray, low: float, high: float) -> float:
    chosen = (distances >= low) & (distances <= high)
    return float(genuine[chosen].mean()) if chosen.any() else np.nan
