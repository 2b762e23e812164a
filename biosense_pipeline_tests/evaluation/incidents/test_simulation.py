"""The simulation: its shifts are as stated, its test is the one that runs on stills, and its figures repeat."""

from dataclasses import replace
from datetime import timedelta
from statistics import NormalDist

import numpy as np
import pytest

from biosense_pipeline.codes import Species, StillResult
from biosense_pipeline.evaluation.incidents.folding import openings
from biosense_pipeline.evaluation.incidents.prints import print_openings, usual_world, window_llrs
from biosense_pipeline.evaluation.incidents.run import numbers, simulate_incidents
from biosense_pipeline.evaluation.incidents.scenarios import FalseIncidents, ordinary, swap
from biosense_pipeline.evaluation.incidents.shifts import Kind, World, faces_at_work, person_scores, shifts
from biosense_pipeline.matching.incidents.assumptions import Assumptions
from biosense_pipeline.matching.incidents.detect import detect, limits_of
from biosense_pipeline.matching.incidents.run_length import llr_separation
from biosense_pipeline.matching.incidents.state import AgentState
from biosense_pipeline.matching.incidents.stills import IncidentStill, PresentationFinding
from biosense_pipeline_tests.matching.incidents.stills import START

ASSUMED = Assumptions(stills_per_day=400)
#: Rejects often and pauses long, so that much happens in few stills.
HARSH = World(fnmr=0.4, correlation=0.6, no_face_share=0.3, pause_stills=60.0)


@pytest.mark.parametrize("kind", list(Kind))
def test_folding_is_the_test_on_stills(kind: Kind) -> None:
    """Incidents open at the very stills at which they open in the test that runs on stored stills."""
    rng, size = np.random.default_rng(3), (25, 900)
    world = replace(HARSH, kind=kind)
    # Every thirtieth shift has a gap of its own length in what is heard.
    faces = faces_at_work(rng, *size, world)
    faces[::5, 200:330] = False
    drawn = shifts(faces, person_scores(rng, *size, world.correlation), np.zeros(size, dtype=bool), world, ASSUMED)
    identity = openings(drawn.identity, drawn.faces, limits_of(ASSUMED)[Species.UNKNOWN_PERSON], 10.0)
    presence = openings(drawn.presence, np.ones(size, dtype=bool), limits_of(ASSUMED)[Species.ABSENT], 10.0)
    for row in range(size[0]):
        stills = [
            _still(number, bool(faces[row, number]), float(drawn.identity[row, number]), kind)
            for number in range(size[1])
        ]
        found = detect(AgentState(), stills, ASSUMED).incidents
        for species, folded in ((Species.UNKNOWN_PERSON, identity), (Species.ABSENT, presence)):
            opened = sorted(
                (incident.opened - START) // timedelta(seconds=10) for incident in found if incident.species is species
            )
            assert folded.count[row] == len(opened)
            assert folded.first[row] == (opened[0] if opened else -1)
    assert identity.count.sum() > 10
    assert presence.count.sum() > 3


def test_a_look_alike_is_judged_by_what_was_calibrated_on_others() -> None:
    """Somebody whom the matcher accepts in 30 % of stills speaks against the agent in no more than the others."""
    rng, size = np.random.default_rng(6), (200, 500)
    scores, faces = rng.standard_normal(size), np.ones(size, dtype=bool)
    there = np.ones(size, dtype=bool)
    usual, alike = (
        shifts(faces, scores, there, World(fmr=fmr, kind=Kind.LLRS), ASSUMED).identity for fmr in (ASSUMED.fmr, 0.3)
    )
    # The LLR at which the matcher rejects is that of a score at its threshold, whoever is there.
    separation = llr_separation(ASSUMED)
    bound = separation * NormalDist().inv_cdf(1 - ASSUMED.fnmr) - separation**2 / 2
    assert (usual < bound).mean() == pytest.approx(ASSUMED.fmr, abs=0.002)
    assert (alike < bound).mean() == pytest.approx(0.3, abs=0.01)


def test_folding_of_prints_is_the_test_on_stills() -> None:
    """Incidents of a print open at the very stills at which they open in the test that runs on stored stills."""
    world = replace(usual_world(), sitting_stills=40.0, lasting=0.7)
    llrs, found = window_llrs(np.random.default_rng(5), 25, 700, world, 350, 0.6)
    folded = print_openings(llrs, found, limits_of(ASSUMED)[Species.PRINT], 10.0)
    for row in range(25):
        stills = [_judged(number, float(llrs[row, number]), bool(found[row, number])) for number in range(700)]
        opened = [
            (incident.opened - START) // timedelta(seconds=10)
            for incident in detect(AgentState(), stills, ASSUMED).incidents
            if incident.species is Species.PRINT
        ]
        assert folded.count[row] == len(opened)
        assert folded.first[row] == (min(opened) if opened else -1)
    assert folded.count.sum() > 10


def test_windows_of_prints_are_as_stated() -> None:
    """Genuine windows are findings as seldom as a normal distribution says, hang together, and prints lie higher."""
    world = usual_world()
    llrs, found = window_llrs(np.random.default_rng(2), 4000, 400, world)
    assert found.mean() == pytest.approx(NormalDist().cdf(-2.5), rel=0.2)
    assert found[:, 1:][found[:, :-1]].mean() > 0.8
    shown, _ = window_llrs(np.random.default_rng(2), 4000, 400, world, 100)
    # Half of the prints say more, half less, than what lies at the separation: half its square.
    assert np.median(shown[:, 200:]) == pytest.approx(world.separation**2 / 2, rel=0.1)
    assert np.array_equal(shown[:, :100], llrs[:, :100])


def test_shifts_are_as_stated() -> None:
    """The stated shares of the agent's stills are rejected, of others' accepted, and without a face."""
    rng, size = np.random.default_rng(1), (400, 1000)
    world = World(fnmr=0.05, fmr=0.01, correlation=0.3)
    scores = person_scores(rng, *size, world.correlation)
    faces = faces_at_work(rng, *size, world)
    assert 1 - faces.mean() == pytest.approx(0.1, abs=0.01)
    for somebody_else, rejected in ((False, 0.05), (True, 0.99)):
        drawn = shifts(faces, scores, np.full(size, somebody_else), world, ASSUMED)
        assert np.mean(drawn.identity > 0) == pytest.approx(rejected, abs=0.003)
        again = (drawn.identity[:, 1:] > 0)[drawn.identity[:, :-1] > 0].mean()
        assert again == pytest.approx(rejected + 0.3 * (1 - rejected), abs=0.02)


@pytest.mark.slow
def test_goal_is_reached_with_the_defaults() -> None:
    """Somebody else is found in a median of 60 s, six stills, at one false incident per agent-month or fewer."""
    assumed = Assumptions()
    world = World.as_assumed(assumed, Kind.RESULTS)
    found = swap(np.random.default_rng(0), 1000, world, assumed)
    seconds, stills = found.percentile(50)
    assert seconds <= 60
    assert stills <= 6
    assert found.missed == 0
    assert ordinary(np.random.default_rng(0), 40, world, assumed).interval[1] <= 1


def test_more_correlation_than_assumed_costs_false_incidents() -> None:
    """Rejections in longer runs than assumed make more false incidents; assumed, they do not."""
    assumed = Assumptions()
    worse = replace(World.as_assumed(assumed, Kind.RESULTS), correlation=0.3)
    as_set = ordinary(np.random.default_rng(0), 10, worse, assumed)
    known = ordinary(np.random.default_rng(0), 10, worse, replace(assumed, correlation=0.3))
    assert as_set.per_agent_month > 4
    assert known.interval[0] <= 1 < as_set.interval[0]


def test_interval_is_that_of_a_count() -> None:
    """Garwood's interval of 3 events is 0.619 to 8.767, of none 0 to 3.689."""
    three, none = (FalseIncidents(2.0, {Species.ABSENT: count}).interval for count in (3, 0))
    assert three == pytest.approx((0.6187 / 2, 8.7673 / 2), abs=1e-4)
    assert none == pytest.approx((0.0, 3.6889 / 2), abs=1e-4)


@pytest.mark.slow
def test_same_seed_gives_the_same_figures() -> None:
    """A seed fixes every figure, another one changes some."""
    first, same, other = (
        numbers(simulate_incidents(ASSUMED, Kind.LLRS, agent_months=3, swaps=40, seed=seed)) for seed in (1, 1, 2)
    )
    assert first == same
    assert first != {**other, "seed": 1}


def _still(number: int, face: bool, llr: float, kind: Kind) -> IncidentStill:
    captured = START + number * timedelta(seconds=10)
    if not face:
        return IncidentStill(number + 1, captured, StillResult.NO_FACES_FOUND, None, 0)
    result = StillResult.UNKNOWN_PERSON if llr > 0 else StillResult.SUCCESS
    return IncidentStill(number + 1, captured, result, -llr if kind is Kind.LLRS else None, 1)


def _judged(number: int, llr: float, found: bool) -> IncidentStill:
    """A still of the agent whose window, where it is a finding, says that of a print."""
    says = (PresentationFinding(Species.PRINT, llr, goes_on=True),) if found else ()
    return IncidentStill(number + 1, START + number * timedelta(seconds=10), StillResult.SUCCESS, None, 1, says)
