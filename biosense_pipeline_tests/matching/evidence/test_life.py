"""Proof of life."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biosense_pipeline.codes import MotionOutcome
from biosense_pipeline.matching.evidence.life import life
from biosense_pipeline_tests.matching.evidence.drawn_faces import (
    START,
    DrawnFace,
    held_print,
    person,
    played_again,
    small_motion,
    still,
)


@pytest.mark.parametrize("count", [3, 12, 60])
def test_somebody_alive(count: int) -> None:
    """Eyes, mouth and turns of the head prove life, in a few stills as in many."""
    found = life(person(count, np.random.default_rng(count)))
    assert found.outcome is MotionOutcome.LIVE
    assert found.usable == count
    assert found.numbers["llr"] < 0


def test_a_print_moved_by_hand() -> None:
    """However a picture is moved, turned, tilted and lit, thirty stills show no sign of life."""
    for seed in range(5):
        found = life(held_print(30, np.random.default_rng(seed)))
        assert found.outcome is MotionOutcome.STATIC
        assert found.numbers["llr"] > 0


def test_a_frozen_picture() -> None:
    """The same picture thirty times, to the pixel or encoded anew, is STATIC."""
    rng = np.random.default_rng(0)
    first = person(1, rng)[0]
    same = [replace(first, still_id=n, captured=START.replace(minute=n)) for n in range(30)]
    assert life(same).outcome is MotionOutcome.STATIC
    assert life(played_again([first] * 30, rng, start=0)).outcome is MotionOutcome.STATIC


@pytest.mark.parametrize("place", [0, 5, 14, 29])
@pytest.mark.parametrize("face", [DrawnFace(nose=1.2), DrawnFace(mouth=1.2), DrawnFace(gaze=-2.0)])
def test_one_honest_turn_of_the_head(place: int, face: DrawnFace) -> None:
    """One still among thirty in which the head turns, or mouth or eyes move, proves life for the window."""
    rng = np.random.default_rng(1)
    window = [still(number, DrawnFace().levels(small_motion(rng)), rng) for number in range(30)]
    assert life(window).outcome is MotionOutcome.STATIC
    window[place] = still(place, face.levels(small_motion(rng)), rng)
    found = life(window)
    assert found.outcome is MotionOutcome.LIVE
    assert found.still_ids == (place,)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 29])
def test_too_few_stills(count: int) -> None:
    """Without a sign of life fewer than thirty usable stills say nothing; fewer than three are not compared."""
    found = life(held_print(count, np.random.default_rng(2)))
    assert found.outcome is MotionOutcome.INSUFFICIENT
    assert (found.change is None) == (count < 3)
    assert (found.stills, found.usable) == (count, count)


def test_stills_that_are_not_usable() -> None:
    """Stills without exactly one face, or covered, count as stills and are not compared."""
    rng = np.random.default_rng(3)
    empty = [still(number, None, rng) for number in range(10)]
    covered = [still(number, np.zeros((32, 32)), rng, chip=np.zeros((32, 32), np.uint8)) for number in range(10, 20)]
    two = [replace(entry, num_faces=2) for entry in person(10, rng, start=20)]
    found = life([*empty, *covered, *two])
    assert (found.outcome, found.stills, found.usable) == (MotionOutcome.INSUFFICIENT, 30, 0)


def test_delivered_twice() -> None:
    """A still that was sent again makes no second one."""
    window = held_print(20, np.random.default_rng(4))
    again = [replace(entry, still_id=entry.still_id + 100) for entry in window]
    assert life([*window, *again]) == life(window)


@settings(deadline=None, max_examples=6)
@given(st.permutations(range(12)))
def test_order_of_arrival(order: list[int]) -> None:
    """Only capture time and id order the stills."""
    window = person(12, np.random.default_rng(5))
    assert life([window[place] for place in order]) == life(window)


@settings(deadline=None, max_examples=6)
@given(st.integers(0, 10**6), st.floats(0.5, 1.0), st.floats(0, 40))
def test_light_does_not_matter(seed: int, gain: float, offset: float) -> None:
    """A picture that grows brighter or darker from still to still does not come alive."""
    rng = np.random.default_rng(seed)
    lights = zip(np.linspace(1, gain, 30), np.linspace(0, offset, 30), strict=True)
    window = [still(number, light * DrawnFace().levels() + more, rng) for number, (light, more) in enumerate(lights)]
    assert life(window).outcome is MotionOutcome.STATIC
