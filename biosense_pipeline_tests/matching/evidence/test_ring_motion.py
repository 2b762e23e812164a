"""Ring motion: what is beside a face moves with it on a sheet and stays in a room; a moving camera tells nothing."""

import numpy as np
import pytest

from biosense_pipeline.matching.evidence.ring_motion import Regions, pair_ring_motion, regions
from biosense_pipeline.matching.evidence.still import EvidenceStill
from biosense_pipeline.matching.evidence.surroundings import surroundings
from biosense_pipeline_tests.matching.evidence.held_sheets import Room, path, person, sheet, still

HERE, THERE = (30.0, 22.0), (34.5, 23.0)


def prepared(found: EvidenceStill) -> Regions:
    """The regions of a still."""
    seen = surroundings(found)
    assert seen is not None
    return regions(seen)


def test_a_room_stays() -> None:
    """Behind a person who moves the ring fits as if it had stayed."""
    room = Room(1).seen()
    one, other = (prepared(still(number, person(room, at), at)) for number, at in enumerate((HERE, THERE)))
    found = pair_ring_motion(one, other)
    assert found is not None
    assert found < -0.6


def test_a_sheet_moves() -> None:
    """Around a printed face it fits as if it had moved with the face, and so whichever still comes first."""
    room = Room(1).seen()
    one, other = (prepared(still(number, sheet(room, at, 1.6), at)) for number, at in enumerate((HERE, THERE)))
    found = pair_ring_motion(one, other)
    assert found is not None
    assert found > 0.6
    assert pair_ring_motion(other, one) == pytest.approx(found)


def test_an_even_wall_tells_neither() -> None:
    """Before an even wall both readings fit: next to nothing is said."""
    wall = Room(1, contrast=0.5).seen()
    framed = wall + 60 * ((np.abs(np.arange(64) - 32) > 28)[None, :])
    one, other = (prepared(still(number, person(framed, at), at)) for number, at in enumerate((HERE, THERE)))
    found = pair_ring_motion(one, other)
    assert found is not None
    assert abs(found) < 0.2


def test_a_camera_that_moves_tells_nothing() -> None:
    """Where the far background moved with the face, as before a camera that was turned, there is no cue."""
    room = Room(1)
    moved = THERE[0] - HERE[0], THERE[1] - HERE[1]
    one = prepared(still(0, person(room.seen(), HERE), HERE))
    other = prepared(still(1, person(room.seen(-moved[0], -moved[1]), THERE), THERE))
    assert pair_ring_motion(one, other) is None


def test_light_does_not_matter() -> None:
    """A camera that turns brighter or darker as a whole changes little."""
    room = Room(1).seen()
    one = prepared(still(0, person(room, HERE), HERE))
    for gain, offset in ((0.85, 0.0), (1.0, 25.0)):
        found = pair_ring_motion(one, prepared(still(1, gain * person(room, THERE) + offset, THERE)))
        assert found is not None
        assert found < -0.4


def test_sheets_from_people_over_many_pairs() -> None:
    """In rooms and places drawn at random every sheet lies above every person."""
    people: list[float | None] = []
    sheets: list[float | None] = []
    for seed in range(6):
        room, places = Room(seed).seen(), path(2, seed)
        if abs(places[0][0] - places[1][0]) < 3:
            continue
        for told, kind in ((people, person(room, places[0])), (sheets, sheet(room, places[0], 1.5, seed + 50))):
            second = person(room, places[1]) if told is people else sheet(room, places[1], 1.5, seed + 50)
            found = pair_ring_motion(prepared(still(0, kind, places[0])), prepared(still(1, second, places[1])))
            told.append(found)
    known = [[value for value in told if value is not None] for told in (people, sheets)]
    assert min(map(len, known)) >= 2
    assert max(known[0]) < min(known[1])
