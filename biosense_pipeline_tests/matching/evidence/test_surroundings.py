"""Between which stills a face moved enough to tell what moved with it."""

import numpy as np

from biosense_pipeline.matching.evidence import frame, ring_motion
from biosense_pipeline.matching.evidence.surroundings import Surroundings, comparable, surroundings
from biosense_pipeline_tests.matching.evidence.held_sheets import Room, person, still

HERE, NEAR, THERE = (30.0, 22.0), (30.8, 22.0), (34.5, 23.0)
ROOM = Room(1).seen()


def seen(at: tuple[float, float], height: int = 48) -> Surroundings | None:
    """A person there, in a picture of that height."""
    return surroundings(still(0, person(ROOM, at)[:height], at))


def test_a_face_has_to_move() -> None:
    """A shift by less than a pixel of the small picture tells what moved with it from nothing; one of many does."""
    around = [seen(HERE), seen(NEAR), seen(THERE)]
    pairs = np.array([(0, 1), (0, 2), (2, 1), (1, 1)])
    for places in (ring_motion.AROUND, frame.AROUND):
        assert comparable(around, pairs, places).tolist() == [False, True, True, False]


def test_what_is_not_there() -> None:
    """Without a small picture, or of two formats, nothing is told; and of no pairs, of none."""
    around = [seen(HERE), None, seen(THERE, 36), seen(THERE)]
    pairs = np.array([(0, 1), (0, 2), (0, 3)])
    assert comparable(around, pairs, frame.AROUND).tolist() == [False, False, True]
    assert comparable([None, None], pairs[:1], frame.AROUND).tolist() == [False]
    assert comparable(around, np.empty((0, 2), dtype=int), frame.AROUND).tolist() == []
