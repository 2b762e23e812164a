"""Loop: moments that come again."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biosense_pipeline.codes import Species
from biosense_pipeline.matching.evidence.loop import Loops, loop
from biosense_pipeline.matching.evidence.still import EvidenceStill
from biosense_pipeline_tests.matching.evidence.drawn_faces import DrawnFace, person, played_again, small_motion, still

MONTHLY = np.log(30 * 2880)
LIVE = person(20, np.random.default_rng(0))
AGAIN = played_again(LIVE, np.random.default_rng(1), start=20)


@pytest.mark.parametrize("length", [2, 3, 6, 20])
def test_found_within_three_stills(length: int) -> None:
    """A recording of any length, encoded anew, is found at the third still of its second round."""
    rng = np.random.default_rng(length)
    rounds = LIVE[:length]
    second = played_again([rounds[number % length] for number in range(3)], rng, start=length)
    evidence = loop([*rounds, *second][-12:], rounds)
    assert evidence.species is Species.LOOP
    assert evidence.llr > MONTHLY
    assert evidence.numbers["matches"] == 3
    assert evidence.numbers["lag"] % length == 0
    assert evidence.still_ids[-3:] == tuple(entry.still_id for entry in second)


def test_live_stills() -> None:
    """Somebody who looks about and talks never comes back to the same moment."""
    for seed in range(5):
        assert loop(person(40, np.random.default_rng(seed))).llr == 0


@pytest.mark.parametrize("lively", [0.0, 0.05, 0.15, 0.3])
def test_somebody_who_hardly_moves(lively: float) -> None:
    """Who sits still comes near to many stills, the neighbour too, and is not accused."""
    for seed in range(2):
        assert loop(person(60, np.random.default_rng(seed), lively=lively)).llr < MONTHLY / 2


def test_a_frozen_picture_is_no_loop() -> None:
    """The same picture encoded anew again and again is stillness, not repetition."""
    rng = np.random.default_rng(2)
    assert loop([*LIVE[:5], *played_again([LIVE[4]] * 20, rng, start=5)]).llr == 0


def test_darkness_that_comes_again_is_no_moment_that_does() -> None:
    """Stills too dark to be compared match nothing, however regularly the light goes."""
    rng = np.random.default_rng(8)
    stills = []
    for number in range(40):
        gaze, nose, brow = rng.normal(0, [1.0, 0.6, 0.5])
        levels = DrawnFace(gaze, 0.3 + rng.uniform(0, 0.8), nose, brow).levels(small_motion(rng))
        stills.append(still(number, 20 + 0.2 * (levels - 100) if number % 5 == 4 else levels, rng))
    assert loop(stills[-12:], stills).llr == 0


def test_what_is_older_than_an_hour_cancels_no_match() -> None:
    """Whether a still of the same source from before the hour was read or not changes nothing."""
    earlier = [replace(entry, source="a recorder") for entry in LIVE]
    again = [replace(entry, source="the camera") for entry in AGAIN[:1]]
    old = replace(LIVE[0], still_id=-1, captured=LIVE[0].captured - timedelta(hours=1), source="the camera")
    found, with_old = (loop(again, stills) for stills in (earlier, [old, *earlier]))
    assert found.numbers["matches"] == 1
    assert with_old == found


def test_two_cameras_in_turns() -> None:
    """Two cameras before somebody who sits still: the neighbour is the still before of the same camera."""
    rng = np.random.default_rng(3)
    faces = (DrawnFace(), DrawnFace(gaze=2.0, nose=1.0, mouth=0.8))
    turns = [still(number, faces[number % 2].levels(), rng, source=f"camera {number % 2}") for number in range(40)]
    assert loop(turns).llr == 0


def test_recorded_with_the_camera_itself() -> None:
    """A recording of this camera's own stills, put in by another way, matches them all the same."""
    other = [replace(entry, source="PNG 640x480") for entry in AGAIN[:3]]
    assert loop(other, LIVE).llr > MONTHLY


def test_older_than_an_hour() -> None:
    """Stills of more than an hour ago are not compared."""
    later = [replace(entry, captured=entry.captured + timedelta(hours=2)) for entry in AGAIN[:3]]
    assert loop(later, LIVE).llr == 0


def test_same_lag_counts_for_more() -> None:
    """Matches that keep their lag weigh more than as many that jump about."""
    kept = loop(AGAIN[4:7], LIVE)
    jumping = played_again([LIVE[4], LIVE[12], LIVE[7]], np.random.default_rng(4), start=20)
    assert kept.llr > MONTHLY > loop(jumping, LIVE).llr > 0


def test_light_does_not_matter() -> None:
    """A recording that is made brighter is found as well."""
    brighter = []
    for entry in AGAIN[:3]:
        assert entry.chip is not None
        brighter.append(replace(entry, chip=np.round(0.8 * entry.chip + 30.0).astype(np.uint8)))
    assert loop(brighter, LIVE).llr > MONTHLY


def test_without_a_face() -> None:
    """Stills without exactly one face, or too dark to tell anything, are left out."""
    rng = np.random.default_rng(5)
    empty = [still(number, None, rng) for number in range(10)]
    dark = [still(number, np.full((32, 32), 5.0), rng) for number in range(10, 20)]
    two = [replace(entry, num_faces=2) for entry in AGAIN]
    assert loop([*empty, *dark]).numbers["compared"] == 0
    assert loop(two, LIVE).llr == 0


@pytest.mark.parametrize("lively", [0.0, 0.05, 0.1, 0.2, 0.3, 1.0])
@pytest.mark.parametrize("noise", [0.5, 1.5])
def test_a_quick_no_is_never_wrong(lively: float, noise: float) -> None:
    """Told quickly or held against everything, the same stills match: of people of any liveliness, and recordings."""
    rng = np.random.default_rng(6)
    stills = person(50, rng, lively=lively)
    stills += played_again(stills[20:35], rng, 50, noise)
    loops = Loops(stills)
    quickly = [entry.still_id for entry in stills if loops.matches(entry)]
    windows = [(entry, loops.evidence([entry])) for entry in stills]
    assert quickly == [entry.still_id for entry, evidence in windows if evidence.numbers["matches"]]
    assert lively < 0.3 or len(quickly) > 5


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_stills(count: int) -> None:
    """Windows of no, one or two stills have a defined outcome, even where the two are the same."""
    assert loop([LIVE[0], AGAIN[0]][:count]).llr == 0


@settings(deadline=None, max_examples=20)
@given(st.permutations([*LIVE[:5], *AGAIN[:3]]))
def test_order_of_arrival(window: list[EvidenceStill]) -> None:
    """Only capture time and id order the stills."""
    assert loop(window) == loop(sorted(window, key=lambda entry: entry.captured))
