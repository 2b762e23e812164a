"""Tolerances by error rate: conservative, monotone in the target, and stricter where somebody looks alike."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from biosense_pipeline.matching.comparisons import AgentPair, Comparisons, Kind
from biosense_pipeline.matching.thresholds import (
    MOST_FNMR,
    look_alikes,
    pairs_needed,
    people_needed,
    supported_fmr,
    tolerance_at_fmr,
)
from biosense_pipeline_tests.matching.crowds import crowd

CROWD = crowd(20, pictures=5)


def test_rule_of_three() -> None:
    """3 / target pairs of people without a false match are needed: 3,000, made by 78 people, for 0.1 %."""
    assert (pairs_needed(0.001), people_needed(0.001)) == (3000, 78)
    assert people_needed(0.001) * (people_needed(0.001) - 1) / 2 >= 3000 > 77 * 76 / 2
    assert supported_fmr(2990, 0.001) is None
    assert supported_fmr(3000, 0.001) == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize(("pairs", "errors"), [(4742, 1), (6294, 2), (15703, 9)])
def test_supported_rate_against_poisson_tables(pairs: int, errors: int) -> None:
    """At 0.1 % one error needs 4,742 pairs, two 6,294, nine 15,703: the upper limits of tables of the Poisson."""
    rate = supported_fmr(pairs, 0.001)
    assert rate is not None
    assert rate * pairs == pytest.approx(errors, rel=0.01)


@settings(deadline=None, max_examples=40)
@given(pairs=st.integers(10, 10**6), one=st.floats(1e-4, 0.5), other=st.floats(1e-4, 0.5))
@example(pairs=10, one=0.3, other=0.5)
def test_supported_rate_keeps_below_the_target(pairs: int, one: float, other: float) -> None:
    """The rate to be observed is below the target, and a laxer target never asks for a smaller one."""
    strict, lax = sorted((one, other))
    rates = [supported_fmr(pairs, target) or 0.0 for target in (strict, lax)]
    assert 0 <= rates[0] < strict
    assert rates[0] <= rates[1] + 1e-9


@settings(deadline=None, max_examples=25)
@given(one=st.floats(0, 0.5), other=st.floats(0, 0.5))
@example(one=0.0, other=0.001)
def test_tolerance_grows_with_the_rate(one: float, other: float) -> None:
    """The tolerance keeps to its rate over pairs of people, is the largest that does, and grows with it."""
    for fmr in (one, other):
        tolerance = tolerance_at_fmr(CROWD, fmr)
        assert _fmr(CROWD, tolerance) <= fmr + 1e-12
        assert _fmr(CROWD, np.nextafter(tolerance, 9)) > fmr - 1e-12
    strict, lax = sorted((one, other))
    assert tolerance_at_fmr(CROWD, strict) <= tolerance_at_fmr(CROWD, lax)


def test_agents_without_look_alikes_keep_the_fleets_tolerance() -> None:
    """Where nobody comes near anybody, nobody has a tolerance of the own."""
    assert look_alikes(crowd(20), 0.2, 0.001) == []


def test_look_alike_gets_a_stricter_tolerance() -> None:
    """An agent whom a colleague's pictures reach gets the tolerance that keeps them out, and loses few own ones."""
    comparisons = _with_look_alike(0.42)
    found = {comparisons.people[entry.person]: entry for entry in look_alikes(comparisons, 0.45, 0.001)}
    assert set(found) == {"NA\\person0", "NA\\person1"}
    entry = found["NA\\person0"]
    assert comparisons.people[entry.nearest] == "NA\\person1"
    assert entry.nearest_distance == pytest.approx(0.43, abs=0.01)
    assert 0.4 < entry.tolerance < 0.42
    assert entry.reaches_target
    assert (entry.fmr, entry.fnmr) == (0.0, 0.0)
    assert entry.fleet_fmr == pytest.approx(1 / 29)


def test_look_alike_that_no_tolerance_keeps_out() -> None:
    """Where a colleague comes nearer than the agent's own pictures, four in five of these pass, and it is said."""
    comparisons = _with_look_alike(0.2)
    entry = look_alikes(comparisons, 0.45, 0.001)[0]
    assert not entry.reaches_target
    assert entry.fnmr is not None
    assert entry.fnmr <= MOST_FNMR
    assert entry.fmr > 0.001
    assert entry.tolerance < 0.45


def test_chance_picture_among_few_colleagues_is_no_look_alike() -> None:
    """One picture of one of 29 colleagues exceeds the target, and is no look-alike."""
    comparisons = _with_look_alike(0.9)
    comparisons.distances[25, 0] = 0.3
    assert look_alikes(comparisons, 0.45, 0.001) == []


def test_suspected_one_person_is_no_look_alike() -> None:
    """Two accounts of one person are not kept apart."""
    comparisons = _with_look_alike(0.2).joined([AgentPair(0, 1, 0.2)])
    assert look_alikes(comparisons, 0.45, 0.001) == []


def _with_look_alike(distance: float) -> Comparisons:
    """30 people, 10 stills each, at 0.30-0.40 from their own benchmark; 0 and 1 lie from ``distance`` on apart."""
    shows = np.repeat(np.arange(30), 10)
    steps = np.tile(np.linspace(0, 0.1, 10), 30)
    table = np.full((300, 30), 0.9)
    table[np.arange(300), shows] = 0.3 + steps
    for one, other in ((0, 1), (1, 0)):
        rows = shows == one
        table[rows, other] = distance + 0.2 * steps[rows]
    return Comparisons.between([f"NA\\person{n}" for n in range(30)], shows.tolist(), [Kind.PRESUMED] * 300, table)


def _fmr(comparisons: Comparisons, tolerance: float) -> float:
    accepted = (comparisons.distances <= tolerance) * comparisons.pair_weights
    return float(accepted.sum() / comparisons.pairs_of_people)
