"""The log-likelihood ratio of a distance: monotone, bounded, the same after storing, and fitted rightly."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biosense_pipeline.matching.calibration import Calibration, probability
from biosense_pipeline.matching.comparisons import Comparisons, Kind
from biosense_pipeline.matching.llr_fit import METHODS, fit, fit_bi_gaussian, supported_bounds
from biosense_pipeline_tests.matching.crowds import crowd

GRID = np.linspace(0, 2, 401)
DISTANCES = st.lists(st.floats(0, 2), min_size=1, max_size=12)


@pytest.mark.parametrize("method", METHODS)
@settings(deadline=None, max_examples=40)
@given(genuine=DISTANCES, impostor=DISTANCES)
def test_llr_never_rises_with_distance(method: str, genuine: list[float], impostor: list[float]) -> None:
    """Whatever it is fitted to, a larger distance never speaks more for the same person."""
    llrs = _fit(method, _of(genuine, impostor)).llr(GRID)
    assert np.isfinite(llrs).all()
    assert (np.diff(llrs) <= 1e-9).all()


@pytest.mark.parametrize("method", METHODS)
def test_llr_keeps_to_what_the_people_support(method: str) -> None:
    """No likelihood ratio exceeds the pairs of people plus one, none is below one over the people plus one."""
    llrs = _fit(method, crowd(20)).llr(np.array([0.0, 2.0]))
    assert llrs[0] <= math.log(20 * 19 / 2 + 1) + 1e-12
    assert llrs[1] >= -math.log(20 + 1) - 1e-12


def test_bi_gaussian_finds_the_ratio_of_two_densities() -> None:
    """From normal distances comes the logarithm of the ratio of their densities."""
    rng = np.random.default_rng(0)
    distances = np.concatenate([rng.normal(0.3, 0.05, 100_000), rng.normal(0.65, 0.08, 100_000)])
    c0, c1, c2 = fit_bi_gaussian(distances, np.arange(200_000) < 100_000)

    def density(d: float, mean: float, deviation: float) -> float:
        return math.exp(-0.5 * ((d - mean) / deviation) ** 2) / deviation

    for d in (0.3, 0.4, 0.45, 0.5, 0.65):
        expected = math.log(density(d, 0.3, 0.05) / density(d, 0.65, 0.08))
        assert c0 + c1 * d + c2 * d * d == pytest.approx(expected, rel=0.03, abs=0.05)


def test_methods_agree_where_variances_are_equal() -> None:
    """With equal variances the ratio of normal densities is a line, and the regression finds the same one."""
    rng = np.random.default_rng(1)
    distances = np.concatenate([rng.normal(0.3, 0.07, 20_000), rng.normal(0.5, 0.07, 20_000)])
    genuine = np.arange(40_000) < 20_000
    logistic, bi_gaussian = (method(distances, genuine) for method in METHODS.values())
    for d in (0.3, 0.4, 0.5):
        values = [c0 + c1 * d + c2 * d * d for c0, c1, c2 in (logistic, bi_gaussian)]
        assert values[0] == pytest.approx(values[1], abs=0.15)


@pytest.mark.parametrize("method", METHODS)
def test_distances_that_say_nothing(method: str) -> None:
    """Where impostors are nearer than genuine pictures, no distance speaks for anything."""
    calibration = _fit(method, _of([0.7, 0.8, 0.9], [0.2, 0.3, 0.4]))
    assert calibration.llr(GRID).tolist() == [0.0] * len(GRID)


@pytest.mark.parametrize("method", METHODS)
def test_stored_calibration_is_the_same(method: str) -> None:
    """What is stored as JSON and read again gives the same values to the last digit."""
    calibration = _fit(method, crowd(12))
    again = Calibration.from_parameters(json.loads(json.dumps(calibration.parameters())))
    assert again == calibration
    assert again.llr(GRID).tolist() == calibration.llr(GRID).tolist()


@pytest.mark.parametrize("method", METHODS)
def test_even_distance_parts_for_and_against(method: str) -> None:
    """Up to the even distance no distance speaks against the same person, beyond it every one does."""
    calibration = _fit(method, crowd(12))
    even = calibration.even_distance
    assert 0.28 < even < 0.6
    assert calibration.llr(even) >= 0 > calibration.llr(even + 1e-6)
    assert replace(calibration, coefficients=(0.0, 0.0, 0.0)).even_distance == math.inf
    assert replace(calibration, coefficients=(-1.0, 0.0, 0.0)).even_distance == calibration.range[0]


def test_accepted_face_never_speaks_for_somebody_else() -> None:
    """A tolerance that would reach beyond the even distance stops there; a stricter one stays."""
    calibration = Calibration("logistic", (20.0, -50.0, 0.0), (0.1, 1.0), (-4.0, 8.0))
    assert calibration.limited(0.6) == pytest.approx(0.4)
    assert calibration.limited(0.3) == 0.3


@given(llr=st.floats(-800, 800), prior=st.floats(0.001, 0.999))
def test_probability_is_bayes(llr: float, prior: float) -> None:
    """The probability has the odds of the prior times the likelihood ratio, at any size."""
    p = probability(llr, prior)
    assert 0 <= p <= 1
    if 1e-9 < p < 1 - 1e-9:
        assert math.log(p / (1 - p)) == pytest.approx(llr + math.log(prior / (1 - prior)), abs=1e-5)


def test_even_odds_leave_the_ratio_alone() -> None:
    """At even odds an LLR of 0 is one half, one of ln 9 nine tenths."""
    assert probability(0.0, 0.5) == 0.5
    assert probability(math.log(9), 0.5) == pytest.approx(0.9)


def _fit(method: str, comparisons: Comparisons) -> Calibration:
    return fit(method, comparisons, supported_bounds(comparisons))


def _of(genuine: list[float], impostor: list[float]) -> Comparisons:
    """Two people, whose stills lie at these distances from their own and at those from the other's benchmark."""
    size = max(len(genuine), len(impostor))
    rows = [[genuine[n % len(genuine)], impostor[n % len(impostor)]] for n in range(size)]
    return Comparisons.between(["a", "b"], [0] * size, [Kind.CONFIRMED] * size, np.array(rows))
