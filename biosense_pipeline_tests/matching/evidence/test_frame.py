"""Frame: straight edges that move with a face, and none that belong to the room or to a head."""

import numpy as np
import pytest

from biosense_pipeline.matching.evidence.frame import Edges, edges, pair_frame, still_frames
from biosense_pipeline.matching.evidence.surroundings import surroundings
from biosense_pipeline_tests.matching.evidence.held_sheets import Room, person, sheet, still

HERE, THERE = (30.0, 22.0), (34.5, 23.5)
EVEN = Room(1, contrast=2.0).seen()


def prepared(levels: np.ndarray, at: tuple[float, float]) -> Edges:
    """The edges of a still with the face there."""
    seen = surroundings(still(0, levels, at))
    assert seen is not None
    return edges(seen)


def pair(one: np.ndarray, other: np.ndarray) -> float:
    return pair_frame(prepared(one, HERE), prepared(other, THERE))


@pytest.mark.parametrize("reach", [0.9, 1.2, 1.5])
def test_a_sheet_has_a_frame(reach: float) -> None:
    """The edge of a sheet is found wherever it ends around the face, and a person has none."""
    held = pair(sheet(EVEN, HERE, reach), sheet(EVEN, THERE, reach))
    alone = pair(person(EVEN, HERE), person(EVEN, THERE))
    assert held > alone + 0.5


def test_a_picture_on_the_wall_stays_there() -> None:
    """Straight edges of the room, at whatever place around the face, count for nothing when the face moves."""
    wall = EVEN.copy()
    wall[8:40, 20:23] = 20
    wall[10:12, 10:60] = 230
    framed = pair(person(wall, HERE), person(wall, THERE))
    held = pair(sheet(wall, HERE, 1.2), sheet(wall, THERE, 1.2))
    assert held > framed + 0.5


def test_a_finger_across_the_edge() -> None:
    """A sheet keeps its frame where something covers a part of an edge."""
    one, other = sheet(EVEN, HERE, 1.2), sheet(EVEN, THERE, 1.2)
    other[20:23, 22:26] = 128
    held, alone = pair(one, other), pair(person(EVEN, HERE), person(EVEN, THERE))
    assert held > alone + 0.5


def test_contrast_does_not_matter() -> None:
    """A camera of half the contrast finds nearly the same frame."""
    full = pair(sheet(EVEN, HERE, 1.2), sheet(EVEN, THERE, 1.2))
    half = pair(0.5 * sheet(EVEN, HERE, 1.2) + 60, 0.5 * sheet(EVEN, THERE, 1.2) + 60)
    assert half == pytest.approx(full, abs=0.35)


def test_a_number_for_each_still() -> None:
    """A still's number lies high among its pairs; pairs that tell nothing, and stills without others, count nothing."""
    pairs = np.array([[0, 1], [0, 2], [1, 2], [3, 4]])
    found = still_frames(np.array([1.0, 2.0, np.nan, np.nan]), pairs)
    assert found.tolist() == pytest.approx([1.8, 1.0, 2.0])
    assert still_frames(np.full(4, np.nan), pairs).size == 0
