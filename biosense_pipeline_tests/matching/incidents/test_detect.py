"""Incidents from stills: what opens one, what closes it, what says nothing, and that only the stills decide."""

import json
import math
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biosense_pipeline.codes import FAILED_RESULTS, Species, StillResult
from biosense_pipeline.matching.incidents.bounds import bounds
from biosense_pipeline.matching.incidents.detect import Detected, detect
from biosense_pipeline.matching.incidents.incident import FIRST_STEPS, LAST_STEPS, Incident
from biosense_pipeline.matching.incidents.observations import identity_llr
from biosense_pipeline.matching.incidents.state import AgentState
from biosense_pipeline.matching.incidents.stills import IncidentStill, PresentationFinding
from biosense_pipeline_tests.matching.incidents.stills import (
    ASSUMED,
    NO_FACE,
    START,
    SUCCESS,
    UNKNOWN,
    at,
    found,
    run,
    stills,
)

FINDINGS = st.builds(
    PresentationFinding,
    st.sampled_from([Species.FROZEN, Species.LOOP, Species.PRINT, Species.SCREEN, Species.SOURCE_CHANGE]),
    st.floats(-5, 30),
    st.lists(st.integers(1, 20), max_size=6, unique=True).map(tuple),
    st.booleans(),
)
STILLS = st.lists(
    st.builds(
        lambda number, seconds, result, llr, faces, findings: IncidentStill(
            number, START + timedelta(seconds=seconds), result, llr, faces, tuple(findings)
        ),
        st.integers(1, 500),
        st.sampled_from([*range(0, 400, 10), 3, 20_000]) | st.integers(0, 4000),
        # More often than by chance alone, or nothing would ever open.
        st.sampled_from([None, *StillResult, UNKNOWN, UNKNOWN, UNKNOWN, NO_FACE]),
        st.none() | st.floats(-10, 10),
        st.none() | st.integers(0, 4),
        st.lists(FINDINGS, max_size=2, unique_by=lambda finding: finding.species),
    ),
    max_size=40,
    unique_by=lambda still: still.still_id,
)


def test_one_unknown_still_is_no_incident() -> None:
    """A still that is merely unknown opens nothing, nor do several that are far between."""
    assert run(stills([SUCCESS] * 5 + [UNKNOWN] + [SUCCESS] * 5)).incidents == ()
    assert run(stills(([UNKNOWN] + [SUCCESS] * 10) * 30)).incidents == ()


@pytest.mark.parametrize("tolerated", [1.0, 1000.0, 1e9])
def test_two_stills_never_make_an_incident(tolerated: float) -> None:
    """However many false alarms are tolerated and however sure two stills are, it takes a third."""
    assumed = replace(ASSUMED, false_alarms_per_month=tolerated)
    sure = [IncidentStill(number + 1, at(number), UNKNOWN, -50.0, 1) for number in range(12)]
    assert run(sure[:2], assumptions=assumed).incidents == ()
    assert len(run(sure, assumptions=assumed).incidents) == 1


def test_somebody_else_is_found_within_six_stills() -> None:
    """With the defaults the sixth rejection in a row opens the incident; it begins with the first."""
    before = stills([SUCCESS] * 20)
    swapped = stills([UNKNOWN] * 6, 20)
    assert run(before, swapped[:5]).incidents == ()
    (incident,) = run(before, swapped).incidents
    assert incident.species is Species.UNKNOWN_PERSON
    assert (incident.first_still_id, incident.last_still_id, incident.stills) == (21, 26, 6)
    assert (incident.opened, incident.closed) == (at(25), None)


def test_every_step_follows_from_the_one_before() -> None:
    """Each statistic is the one before plus evidence times discount, kept within zero and the bound."""
    incident = run(stills([SUCCESS] * 3 + [UNKNOWN] * 4 + [SUCCESS] + [UNKNOWN] * 6 + [SUCCESS] * 6)).incidents[0]
    statistic = 0.0
    for step in incident.steps:
        statistic = max(0.0, min(incident.bound, statistic + step.llr * step.discount))
        assert step.statistic == statistic
    assert incident.steps_left_out == 0
    assert incident.closed == incident.steps[-1].captured
    assert (incident.steps[-1].statistic, incident.steps[-1].rests_on) == (0.0, "SUCCESS")
    assert max(step.statistic for step in incident.steps) == incident.bound
    assert json.loads(json.dumps(incident.explained()))["bound"] == incident.bound


def test_hysteresis() -> None:
    """One recognition does not close an incident, some in a row do, and one of a whole hour closes as soon."""
    for length in (8, 360):
        assert run(stills([UNKNOWN] * length + [SUCCESS] * 2)).incidents[0].closed is None
        (incident,) = run(stills([UNKNOWN] * length + [SUCCESS] * 3 + [UNKNOWN] * 3)).incidents
        assert incident.closed == at(length + 2)


def test_long_incident_keeps_its_first_and_last_steps() -> None:
    """Whatever its length, an incident keeps as many steps, and tells how many it left out; the peak goes on."""
    short, long = (run(stills([UNKNOWN] * length)).incidents[0] for length in (30, 900))
    assert len(long.steps) == FIRST_STEPS + LAST_STEPS
    assert long.steps_left_out == 900 - FIRST_STEPS - LAST_STEPS
    assert [step.still_id for step in long.steps] == [*range(1, 13), *range(889, 901)]
    assert long.peak > 10 * short.peak
    assert (short.stills, long.stills) == (30, 900)


def test_agent_among_others_is_there() -> None:
    """Others beside the agent open nothing, and close what was open, a little later than the agent alone."""
    several = StillResult.SUCCESS_MULTIPLE_FACES
    assert run(stills([several] * 300)).incidents == ()
    (incident,) = run(stills([UNKNOWN] * 8 + [several] * 4)).incidents
    assert incident.closed == at(11)
    strangers = run(stills([StillResult.UNKNOWN_MULTIPLE_FACES] * 8)).incidents
    assert [incident.species for incident in strangers] == [Species.UNKNOWN_PERSON]


def test_more_faces_say_less_for_the_agent() -> None:
    """Each face more is another chance of a false match; it never makes a match speak against the agent."""
    assert identity_llr(SUCCESS, 3.0, 1, ASSUMED) == -3.0
    assert identity_llr(SUCCESS, 3.0, 2, ASSUMED) == pytest.approx(-3.0 + math.log(2))
    assert identity_llr(SUCCESS, 3.0, 1000, ASSUMED) == 0.0
    assert identity_llr(UNKNOWN, -3.0, 2, ASSUMED) == 3.0
    assert identity_llr(UNKNOWN, -30.0, 1, ASSUMED) == ASSUMED.largest_llr


def test_without_a_calibration_the_rates_assumed_speak() -> None:
    """ln((1 - FMR) / FNMR) for a rejection, ln(FMR / (1 - FNMR)) for an acceptance."""
    assert identity_llr(UNKNOWN, None, 1, ASSUMED) == pytest.approx(math.log(0.99 / 0.05))
    assert identity_llr(SUCCESS, None, 1, ASSUMED) == pytest.approx(math.log(0.01 / 0.95))
    assert identity_llr(NO_FACE, None, 0, ASSUMED) is None


def test_empty_place_is_an_incident_after_half_an_hour() -> None:
    """Pauses are ordinary; an empty place opens one after more than half an hour; faces end it, not one alone."""
    assert run(stills([SUCCESS] + [NO_FACE] * 180)).incidents == ()
    assert run(stills(([NO_FACE] * 90 + [SUCCESS] * 6) * 10)).incidents == ()
    (incident,) = run(stills([SUCCESS] * 5 + [NO_FACE] * 300 + [SUCCESS] * 4)).incidents
    assert incident.species is Species.ABSENT
    assert timedelta(minutes=30) < incident.opened - at(5) < timedelta(minutes=45)
    assert incident.closed == at(308)


def test_absence_says_nothing_of_who_is_there() -> None:
    """Stills without a face between rejections neither add to them nor take from them."""
    (incident,) = run(stills(([UNKNOWN] + [NO_FACE] * 3) * 6)).incidents
    assert (incident.species, incident.stills) == (Species.UNKNOWN_PERSON, 6)


def test_frozen_feed_opens_with_its_finding() -> None:
    """What is certain opens at once, though the matcher says SUCCESS; live stills close it again."""
    (incident,) = run(stills([SUCCESS] * 3), [found(3, Species.FROZEN, 30.0, (3, 4))]).incidents
    assert (incident.species, incident.first_still_id, incident.opened) == (Species.FROZEN, 4, at(3))
    later = run([found(3, Species.FROZEN, 30.0, (3, 4))], stills([SUCCESS] * 6, 4)).incidents[0]
    assert later.closed is not None


def test_overlapping_windows_count_once() -> None:
    """A finding counts by the share of its stills that the one before it did not rest on."""
    same = [found(number, Species.LOOP, 6.0, tuple(range(1, 13))) for number in range(12, 60)]
    assert run(same).incidents == ()
    afresh = [found(12 * n, Species.LOOP, 6.0, tuple(range(12 * n + 1, 12 * n + 13))) for n in range(5)]
    assert [incident.species for incident in run(afresh).incidents] == [Species.LOOP]
    # The sum of three windows of 6 passes the bound of 14; the share of nothing new passes none.
    assert run(afresh[:2]).incidents == ()


def test_finding_that_goes_on_adds_up() -> None:
    """While a finding lasts each still adds its share of a window; a change of the source is told once."""
    first = found(0, Species.LOOP, 6.0, tuple(range(12)))
    lasting = PresentationFinding(Species.LOOP, 6.0, tuple(range(12)), goes_on=True)
    (incident,) = run([first], [replace(still, findings=(lasting,)) for still in stills([SUCCESS] * 30, 1)]).incidents
    assert incident.opened == at(17)
    assert [step.discount for step in incident.steps[:3]] == [1.0, 1 / 12, 1 / 12]
    change = found(0, Species.SOURCE_CHANGE, 3.0, (1,))
    still_there = PresentationFinding(Species.SOURCE_CHANGE, 3.0, (1,), goes_on=True)
    assert (
        run([change], [replace(still, findings=(still_there,)) for still in stills([SUCCESS] * 99, 1)]).incidents == ()
    )


def test_windows_of_a_print_are_restated() -> None:
    """What a later window says beyond the ones before counts at once, what it says again hardly, less takes nothing."""
    first = found(0, Species.PRINT, 2.0, tuple(range(12)))
    said = [4.0, 4.0, 3.0, 6.0, 9.0]
    later = [
        replace(still, findings=(PresentationFinding(Species.PRINT, llr, goes_on=True),))
        for still, llr in zip(stills([SUCCESS] * 5, 1), said, strict=True)
    ]
    (incident,) = run([first], later).incidents
    statistics = [step.statistic for step in incident.steps]
    assert statistics == pytest.approx([2.0, 4.0, 4.0, 4.0, 6.0, incident.bound], abs=0.02)
    assert (incident.opened, incident.closed) == (at(5), None)
    # Thirty windows that all say the same make no more of it: light and place are those of one sitting.
    weak = PresentationFinding(Species.PRINT, 4.0, goes_on=True)
    assert run([first], [replace(still, findings=(weak,)) for still in stills([SUCCESS] * 30, 1)]).incidents == ()
    # Of a sitting of many hours they do.
    assert run([first], [replace(still, findings=(weak,)) for still in stills([SUCCESS] * 900, 1)]).incidents != ()


def test_print_after_another_source() -> None:
    """That the source has changed counts beside what the windows say, not instead of it."""
    change = found(0, Species.SOURCE_CHANGE, 3.0, (1,))
    (incident,) = run([change], [found(1, Species.PRINT, 5.0)]).incidents
    assert [step.statistic for step in incident.steps][::2] == pytest.approx([3.0, incident.bound])


def test_another_source_alone_opens_nothing_and_adds() -> None:
    """A changed source is no incident by itself unless it is as good as certain; with rejections it saves a still."""
    change = found(0, Species.SOURCE_CHANGE, 3.0, (1,))
    assert run([change], stills([SUCCESS] * 20, 1)).incidents == ()
    unknown = stills([UNKNOWN] * 4, 1)
    assert run([change], unknown).incidents == ()
    assert run(stills([UNKNOWN] * 5, 0)[1:], stills([SUCCESS])).incidents == ()
    assert [incident.species for incident in run([replace(change, result=UNKNOWN)], unknown[:3]).incidents] == [
        Species.UNKNOWN_PERSON
    ]
    certain = [incident.species for incident in run([found(0, Species.SOURCE_CHANGE, 25.0, (1,))]).incidents]
    assert certain == [Species.SOURCE_CHANGE]


def test_gap_ends_what_was_open() -> None:
    """After hours without a still an incident closes with its last still, and the test begins anew."""
    evening, morning = stills([UNKNOWN] * 8), stills([UNKNOWN] * 4, 5000)
    (incident,) = run(evening, morning).incidents
    assert incident.closed == at(7)
    # Nothing but the stills decides: without a later one it is open.
    assert run(evening).incidents[0].closed is None
    both = run(evening, stills([UNKNOWN] * 8, 5000)).incidents
    assert [(incident.first_still_id, incident.closed) for incident in both] == [(1, at(7)), (5001, None)]


def test_three_stills_in_a_day() -> None:
    """Stills hours apart never add up, whatever they show."""
    assert run(stills([UNKNOWN])[:1], stills([UNKNOWN], 1000), stills([UNKNOWN], 2000)).incidents == ()


def test_stills_of_one_moment_count_once() -> None:
    """Stills with equal capture times add no evidence for an incident; two cameras that disagree open none."""
    burst = [IncidentStill(number, START, UNKNOWN, None, 1) for number in range(1, 200)]
    assert run(burst).incidents == ()
    both = [IncidentStill(2 * n + k, at(n), (UNKNOWN, SUCCESS)[k], None, 1) for n in range(100) for k in (0, 1)]
    assert run(both).incidents == ()


def test_fast_camera_is_worth_no_more_by_the_second() -> None:
    """Ten stills a second reach the bound hardly sooner than one in ten seconds."""
    fast = [IncidentStill(n + 1, START + timedelta(seconds=n / 10), UNKNOWN, None, 1) for n in range(3000)]
    opened = run(fast).incidents[0].opened - START
    assert timedelta(seconds=20) < opened < timedelta(seconds=60)


@settings(deadline=None)
@given(some=STILLS, order=st.randoms(use_true_random=False), cuts=st.lists(st.integers(0, 40), max_size=4))
def test_steps_however_small_come_to_the_same(some: list[IncidentStill], order: object, cuts: list[int]) -> None:
    """Whatever their order and however they are divided, with a restart from storage between, stills give the same."""
    whole = run(some)
    shuffled = list(some)
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    assert run(shuffled) == whole
    ordered = sorted(some, key=lambda still: still.position)
    state = AgentState()
    seen: dict[tuple[Species, int], Incident] = {}
    for start, end in zip([0, *sorted(cuts)], [*sorted(cuts), len(ordered)], strict=True):
        part = detect(state, ordered[start:end], ASSUMED)
        state = AgentState.from_stored(json.loads(json.dumps(part.state.stored())))
        assert state == part.state
        seen |= {(incident.species, incident.first_still_id): incident for incident in part.incidents}
    assert state == whole.state
    assert seen == {(incident.species, incident.first_still_id): incident for incident in whole.incidents}
    assert detect(state, some, ASSUMED).state == state


@settings(deadline=None)
@given(some=STILLS, number=st.integers(0, 40), result=st.sampled_from([None, *sorted(FAILED_RESULTS)]))
def test_failed_and_waiting_stills_say_nothing(
    some: list[IncidentStill], number: int, result: StillResult | None
) -> None:
    """A still that failed or waits changes no incident."""
    with_it = [*some, IncidentStill(1000, START + timedelta(seconds=7 * number), result, -9.0, 1)]
    assert _told(run(with_it)) == _told(run(some))


@settings(deadline=None)
@given(some=STILLS)
def test_statistics_stay_within_their_limits(some: list[IncidentStill]) -> None:
    """Every statistic is between zero and the bound; an incident's peak reached the bound, or nearly."""
    outcome = run(some)
    for species, track in outcome.state.tracks.items():
        assert 0 <= track.statistic <= bounds(ASSUMED)[species]
        assert (track.statistic == 0) == (track.first_still_id is None)
    for incident in outcome.incidents:
        assert incident.peak >= incident.bound * (1 - 1e-9)
        assert incident.stills >= 1


def _told(outcome: Detected) -> list[str]:
    return sorted(map(repr, outcome.incidents))
