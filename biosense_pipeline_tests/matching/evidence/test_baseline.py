"""Baselines: what is normal for an agent, of much material and of little."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biosense_pipeline.matching.evidence.baseline import Baseline, Sitting, personal_baseline, site_of
from biosense_pipeline.matching.evidence.levels import Level, Usual, level, robust_deviation, usual

USUAL = Usual(centre=0.0, within=1.0, sittings=0.5, agents=2.0)
BEFORE = {"score": USUAL, "context_score": USUAL, "rigidity": Usual(3.0, 0.5, 0.3, 0.4)}
GROUPS, CONTEXT = ("ring", "chroma", "sharpness"), ("ring",)


def agent(seed: int, stills: int = 30, sittings: int = 2, centre: float = 0.0) -> list[Sitting]:
    """Sittings of an agent whose groups lie around a centre of the agent's own."""
    rng = np.random.default_rng(seed)
    return [
        Sitting(centre + rng.normal(0, 0.3) + rng.normal(0, 0.5, (stills, 3)), rng.normal(3, 0.4, 50))
        for _ in range(sittings)
    ]


def test_robust_deviation_is_the_standard_deviation() -> None:
    """Of normal numbers, and one wild value in ten hardly changes it."""
    values = np.random.default_rng(0).normal(5, 2, 20_000)
    assert robust_deviation(values) == pytest.approx(2, rel=0.03)
    values[::10] = 1e6
    assert robust_deviation(values) < 2.5
    assert robust_deviation(np.array([3.0])) == 0


def test_much_material_speaks_for_itself() -> None:
    """Centre and spread of many values in many sittings are the agent's own, whatever is usual."""
    rng = np.random.default_rng(1)
    found = level([rng.normal(rng.normal(7, 2), 3, 400) for _ in range(60)], USUAL)
    assert found.centre == pytest.approx(7, abs=1)
    assert found.within == pytest.approx(3, rel=0.1)
    assert found.between == pytest.approx(2, rel=0.25)


def test_little_material_is_completed_by_what_is_usual() -> None:
    """A few equal stills make nobody infinitely steady, and a single sitting says nothing of others."""
    found = level([np.full(5, 4.0)], USUAL)
    assert 3 < found.centre < 4
    assert 0.5 <= found.within <= 1
    assert found.between > USUAL.sittings
    assert level([], USUAL) == USUAL.level()
    assert level([np.empty(0)], USUAL) == USUAL.level()


def test_sittings_that_differ_widen_the_level() -> None:
    """Two sittings far apart mean more spread than two alike, and the centre lies between them and what is usual."""
    rng = np.random.default_rng(2)
    one = rng.normal(0, 1, 30)
    alike, apart = level([one, one], USUAL), level([one, one + 6], USUAL)
    assert apart.between > 2 * alike.between
    assert USUAL.centre < apart.centre < np.median(one) + 3
    assert apart.centre == pytest.approx(np.median(one) + 3, abs=1)


def test_agents_who_are_all_alike_share_their_level() -> None:
    """The less agents differ from one another, the nearer to everybody's lies an agent's level."""
    values = [np.full(20, 4.0)]
    differing, alike = (level(values, Usual(0.0, 1.0, 0.5, agents)).centre for agents in (50.0, 0.05))
    assert differing == pytest.approx(4, abs=0.01)
    assert alike == pytest.approx(0, abs=0.1)


def test_one_wild_still_changes_little() -> None:
    """A still that is no genuine one does not move the centre out of the others."""
    values = np.random.default_rng(3).normal(0, 1, 25)
    spoiled = values.copy()
    spoiled[0] = 1e4
    assert abs(level([spoiled], USUAL).centre - level([values], USUAL).centre) < 0.5
    assert level([spoiled], USUAL).within < 2


@given(st.lists(st.lists(st.floats(-50, 50), min_size=1, max_size=30), min_size=1, max_size=4), st.floats(-20, 20))
def test_a_shift_shifts_the_centre_alone(sittings: list[list[float]], by: float) -> None:
    """Where everybody's values are higher by as much, so is an agent's centre, and spreads are equal."""
    arrays = [np.array(values) for values in sittings]
    one = level(arrays, USUAL)
    other = level([values + by for values in arrays], replace(USUAL, centre=USUAL.centre + by))
    assert other.centre == pytest.approx(one.centre + by, abs=1e-6)
    assert other.within == pytest.approx(one.within, abs=1e-6)
    assert other.between == pytest.approx(one.between, abs=1e-6)
    assert one.within > 0


@given(st.integers(1, 500))
def test_more_stills_are_surer_but_never_sure(values: int) -> None:
    """The deviation of a mean falls with the number of stills, and not below what sittings differ by."""
    normal = Level(0, 1, 0.5)
    assert normal.deviation(values + 1) <= normal.deviation(values)
    assert normal.deviation(values) > 0.5
    assert normal.deviation(1) == pytest.approx(np.hypot(1, 0.5))


def test_usual_of_many_agents() -> None:
    """Of many agents with several sittings each spread is found again; of none what was known before is kept."""
    rng = np.random.default_rng(4)
    agents = [[rng.normal(rng.normal(centre, 0.7), 1.5, 60) for _ in range(5)] for centre in rng.normal(10, 3, 80)]
    found = usual(agents, USUAL)
    assert found.centre == pytest.approx(10, abs=1.2)
    assert found.within == pytest.approx(1.5, rel=0.1)
    assert found.sittings == pytest.approx(0.7, rel=0.3)
    assert found.agents == pytest.approx(3, rel=0.3)
    assert usual([], USUAL) == USUAL
    assert usual([[], [np.empty(0)]], USUAL) == USUAL


def test_a_personal_baseline() -> None:
    """It takes all groups and the agent's own centre; with too few stills there is none."""
    here = site_of([agent(seed, centre=seed) for seed in range(6)], GROUPS, CONTEXT, BEFORE)
    own = personal_baseline(agent(7, centre=2.0), here)
    assert own is not None
    assert own.personal
    assert (own.groups, own.stills, own.sittings) == (GROUPS, 60, 2)
    assert own.score.centre == pytest.approx(6, abs=1.5)
    assert own.group_centres == pytest.approx([2, 2, 2], abs=0.6)
    assert personal_baseline(agent(7, stills=5, sittings=2), here) is None
    assert personal_baseline(agent(7, stills=5, sittings=2), here, fewest_stills=10) is not None
    assert personal_baseline([], here) is None


def test_the_pooled_baseline_takes_context_alone() -> None:
    """Who has no baseline is judged by the groups that carry over, with all that agents differ by."""
    here = site_of([agent(seed, centre=seed) for seed in range(6)], GROUPS, CONTEXT, BEFORE)
    pooled, own = here.baseline(), personal_baseline(agent(1), here)
    assert own is not None
    assert not pooled.personal
    assert pooled.groups == CONTEXT
    assert pooled.score.between > own.score.between
    assert len(pooled.group_centres) == 1


def test_stored_and_read() -> None:
    """What is stored as JSON is read back equal."""
    here = site_of([agent(seed) for seed in range(3)], GROUPS, CONTEXT, BEFORE)
    own = personal_baseline(agent(1), here)
    assert own is not None
    assert Baseline.from_parameters(json.loads(json.dumps(own.parameters()))) == own
