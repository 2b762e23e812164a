"""The time to a false alarm: as simulated, on the safe side, and the bound that follows from it."""

from dataclasses import replace

import numpy as np
import pytest

from biosense_pipeline.codes import Species
from biosense_pipeline.matching.incidents.assumptions import Assumptions, discount
from biosense_pipeline.matching.incidents.bounds import QUESTIONS, bounds, ordinary_pauses
from biosense_pipeline.matching.incidents.run_length import (
    OrdinaryEvidence,
    least_bound,
    mean_run_length,
    ordinary_llrs,
    ordinary_results,
)

ASSUMED = Assumptions()


@pytest.mark.parametrize("kind", [ordinary_results, ordinary_llrs, ordinary_pauses])
@pytest.mark.parametrize("correlation", [0.0, 0.1, 0.5])
def test_run_length_is_that_of_a_simulation(kind: object, correlation: float) -> None:
    """The mean time to a bound is what a simulation of the same evidence finds; near a jump, shorter."""
    evidence: OrdinaryEvidence = kind(replace(ASSUMED, correlation=correlation))  # type: ignore[operator]
    bound = least_bound(evidence, 200)
    assert mean_run_length(evidence, bound) < 1.1 * _simulated(evidence, bound, 1000)
    # Evidence of two values sums up in jumps: between two of them rounding matters less.
    simulated = _simulated(evidence, bound + 0.6, 1000)
    assert 0.8 * simulated < mean_run_length(evidence, bound + 0.6) < 1.1 * simulated


def test_rejections_in_a_row_by_hand() -> None:
    """Where one acceptance undoes everything, the time to k rejections in a row is (1 - p^k) / ((1 - p) p^k)."""
    evidence = OrdinaryEvidence((1.0, -100.0), (0.2, 0.8), 0.0)
    p, k = 0.2, 4
    assert mean_run_length(evidence, 3.5) == pytest.approx((1 - p**k) / ((1 - p) * p**k), rel=1e-6)


@pytest.mark.parametrize("correlation", [0.0, 0.1, 0.3])
def test_bound_keeps_to_the_rate_tolerated(correlation: float) -> None:
    """At the bound the time to a false alarm is long enough, and a little below the bound it is not."""
    assumed = replace(ASSUMED, correlation=correlation)
    stills = QUESTIONS * assumed.stills_per_false_alarm
    for evidence in (ordinary_results(assumed), ordinary_llrs(assumed)):
        bound = least_bound(evidence, stills)
        assert mean_run_length(evidence, bound) >= stills
        assert mean_run_length(evidence, bound - 0.06) < stills


def test_bounds_rise_with_correlation_and_fall_with_what_is_tolerated() -> None:
    """Runs of rejections take more of them to be an incident; who tolerates more false alarms is told sooner."""
    needed = [
        bounds(assumed)[Species.UNKNOWN_PERSON] / (discount(assumed.correlation) * assumed.rejection)
        for assumed in (replace(ASSUMED, correlation=correlation) for correlation in (0.0, 0.1, 0.3))
    ]
    assert needed == sorted(needed)
    assert [int(np.ceil(stills)) for stills in needed] == [5, 6, 10]
    often = bounds(replace(ASSUMED, false_alarms_per_month=20.0))
    assert all(often[species] < bound for species, bound in bounds(ASSUMED).items())


@pytest.mark.parametrize(
    "odd",
    [
        {"fnmr": 0.49, "fmr": 0.49},
        {"fnmr": 1e-6, "fmr": 1e-6},
        {"false_alarms_per_month": 1000.0, "stills_per_day": 1},
        {"false_alarms_per_month": 1e-3},
        {"no_face_share": 0.5, "pause_seconds": 3600.0},
        {"correlation": 0.0, "largest_llr": 20.0},
    ],
)
def test_every_setting_has_bounds(odd: dict[str, float]) -> None:
    """Whatever is assumed, also evidence that says hardly anything, there are bounds, and in a moment."""
    found = bounds(replace(ASSUMED, **odd))  # type: ignore[arg-type]
    assert found.keys() == set(Species)
    assert all(0 < bound < 100 for bound in found.values())


def test_presentation_bound_is_lordens() -> None:
    """E to the bound is the number of stills to a false alarm, shared among the five species of a third."""
    assert np.exp(bounds(ASSUMED)[Species.FROZEN]) == pytest.approx(5 * 3 * 86_400)


def test_bound_of_a_print_is_by_the_sitting() -> None:
    """What windows of a sitting say hangs together: two hours of stills are one chance of a false alarm."""
    chances = np.exp(bounds(ASSUMED)[Species.PRINT]) / (5 * 3)
    assert chances == pytest.approx(30 * 8 / 2, rel=0.001)
    longer = replace(ASSUMED, sitting_seconds=2 * ASSUMED.sitting_seconds)
    assert np.exp(bounds(longer)[Species.PRINT]) / (5 * 3) == pytest.approx(chances / 2, rel=0.001)


def _simulated(evidence: OrdinaryEvidence, bound: float, runs: int) -> float:
    rng = np.random.default_rng(5)
    values, shares = np.array(evidence.values), np.array(evidence.shares)
    steps = np.where(values > 0, values * discount(evidence.correlation), values)
    edges = np.cumsum(shares)[:-1]
    said = steps[np.searchsorted(edges, rng.random(runs))]
    total, lengths, going = np.zeros(runs), np.zeros(runs), np.ones(runs, dtype=bool)
    while going.any():
        total = np.maximum(0.0, total + said)
        lengths += going
        going &= total < bound - 1e-9
        anew = rng.random(runs) >= evidence.correlation
        said = np.where(anew, steps[np.searchsorted(edges, rng.random(runs))], said)
    return float(lengths.mean())
