"""Ring motion and frame of windows: what they say of sheets and people, and that each pair is looked at once."""

from collections.abc import Callable

import numpy as np
import pytest

from biosense_pipeline.matching.evidence import frame
from biosense_pipeline.matching.evidence.frame import Edges, pair_frame
from biosense_pipeline.matching.evidence.moving import CALIBRATIONS, FRAME, RING_MOTION, Moving, Told
from biosense_pipeline.matching.evidence.rigidity import far_apart
from biosense_pipeline.matching.evidence.surroundings import Surroundings, surroundings
from biosense_pipeline_tests.matching.evidence.held_sheets import Room, path, person, sheet, still

PAIRS = far_apart(10.0 * np.arange(12))
ROOM = Room(1).seen()


def window(
    show: Callable[[tuple[float, float]], np.ndarray], far: float = 4.0, seed: int = 1
) -> list[Surroundings | None]:
    """Twelve stills of what is shown, moving that far."""
    return [surroundings(still(number, show(at), at)) for number, at in enumerate(path(12, seed, far))]


def test_a_sheet_and_a_person() -> None:
    """Either cue lies nearer to prints than to the usual for a sheet, and not above the usual for a person."""
    held = Moving(window(lambda at: sheet(ROOM, at, 1.5))).told(PAIRS)
    alone = Moving(window(lambda at: person(ROOM, at))).told(PAIRS)
    assert held[RING_MOTION].value > CALIBRATIONS[RING_MOTION].of_prints
    assert held[FRAME].value > (CALIBRATIONS[FRAME].usual.centre + CALIBRATIONS[FRAME].of_prints) / 2
    assert alone[RING_MOTION].value < CALIBRATIONS[RING_MOTION].usual.centre
    assert alone[FRAME].value < CALIBRATIONS[FRAME].of_prints - 0.3


def test_without_motion_or_pictures_there_is_no_cue() -> None:
    """A face that stays, a print on a stand among them, and stills from before pictures were kept give none."""
    assert Moving(window(lambda at: sheet(ROOM, at, 1.5), far=0.05)).told(PAIRS) == {}
    assert Moving([None] * 12).told(PAIRS) == {}
    assert Moving(()).told(np.empty((0, 2), dtype=int)) == {}


def test_some_pictures_are_enough() -> None:
    """In a window of which the first half has no pictures the other half is judged."""
    stills = window(lambda at: sheet(ROOM, at, 1.5), far=6.0)
    told = Moving([*[None] * 5, *stills[5:]]).told(PAIRS)
    assert told[RING_MOTION].values <= 6
    assert told[RING_MOTION].value > CALIBRATIONS[RING_MOTION].of_prints


def test_each_pair_is_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows that overlap share what is known of their pairs, and say the same as by themselves."""
    stills = window(lambda at: person(ROOM, at))
    looked = 0

    def look(one: Edges, other: Edges) -> float:
        nonlocal looked
        looked += 1
        return pair_frame(one, other)

    monkeypatch.setattr(frame, "pair_frame", look)
    shared = Moving(stills)
    first, once = shared.told(PAIRS), looked
    again = shared.told(PAIRS)
    assert 0 < once == looked <= len(PAIRS)
    assert first == again == Moving(stills).told(PAIRS)
    assert isinstance(first[FRAME], Told)
