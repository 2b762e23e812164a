"""What is left between two chips."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biosense_pipeline.matching.evidence.registration import Motion, differ_by_more, difference, prepare
from biosense_pipeline_tests.matching.evidence.drawn_faces import DrawnFace, chip, hand_motion, small_motion

SEEDS = st.integers(0, 2**32 - 1)


def left(one: np.ndarray, other: np.ndarray, motion: Motion = Motion.PLANE) -> float:
    return difference(prepare(one, motion), prepare(other, motion))


@pytest.mark.parametrize(
    ("motion", "moved"), [(Motion.SIMILARITY, small_motion), (Motion.PLANE, small_motion), (Motion.PLANE, hand_motion)]
)
def test_motion_is_taken_out(motion: Motion, moved: Callable[[np.random.Generator], np.ndarray]) -> None:
    """A face that only lies elsewhere differs by little more than noise; before, it differed by much more."""
    rng = np.random.default_rng(0)
    for _ in range(20):
        one, other = chip(DrawnFace().levels(), rng), chip(DrawnFace().levels(moved(rng)), rng)
        assert left(one, other, motion) < 0.05


@pytest.mark.parametrize(
    "face", [DrawnFace(gaze=1.5), DrawnFace(mouth=1.0), DrawnFace(nose=0.8)], ids=["eyes", "mouth", "yaw"]
)
def test_a_change_of_the_face_stays(face: DrawnFace) -> None:
    """What no motion of a plane does is left: eyes, mouth, and a nose that moves against the eyes."""
    rng = np.random.default_rng(1)
    for _ in range(10):
        one, other = chip(DrawnFace().levels(), rng), chip(face.levels(hand_motion(rng)), rng)
        assert left(one, other) > 0.09


@settings(deadline=None, max_examples=40)
@given(SEEDS, st.floats(0.4, 1.3), st.floats(-20, 20))
def test_light_does_not_matter(seed: int, gain: float, offset: float) -> None:
    """Gain and offset of a chip change nothing but the rounding."""
    rng = np.random.default_rng(seed)
    one = chip(DrawnFace().levels(), rng)
    levels = DrawnFace(mouth=rng.uniform(0, 1)).levels(small_motion(rng))
    lit = np.clip(np.round(levels * gain + offset), 0, 255)
    assert left(one, lit) == pytest.approx(left(one, np.round(levels)), abs=0.02)


@settings(deadline=None, max_examples=40)
@given(SEEDS)
def test_the_two_may_change_places(seed: int) -> None:
    """The difference is symmetric, never negative and never above 1; of a chip from itself it is 0."""
    rng = np.random.default_rng(seed)
    one = chip(DrawnFace(*rng.normal(0, 1, 4)).levels(), rng)
    other = rng.integers(0, 256, (32, 32)).astype(np.uint8)
    assert left(one, other) == left(other, one)
    assert 0 <= left(one, other) <= 1
    assert left(one, one) == pytest.approx(0, abs=1e-3)


def test_without_contrast() -> None:
    """Covered or blown out chips equal each other and nothing else; neither raises an error."""
    black, white = np.zeros((32, 32), np.uint8), np.full((32, 32), 255, np.uint8)
    face = chip(DrawnFace().levels(), np.random.default_rng(2))
    assert left(black, white) == 0
    assert left(black, face) == 1


@settings(deadline=None, max_examples=200)
@given(SEEDS, st.sampled_from([0.0, 0.02, 0.05]), st.sampled_from([0.0, 0.1, 0.3, 1.0]), st.floats(0.01, 0.3))
def test_more_than_a_bar_is_told_early_and_right(seed: int, off: float, lively: float, bar: float) -> None:
    """Whether two chips differ by more than some number is what their difference says, however they were moved."""
    rng = np.random.default_rng(seed)
    one, other = (
        prepare(
            chip(DrawnFace(*lively * rng.normal(0, [1.0, 0.5, 0.6, 0.5])).levels(small_motion(rng, off)), rng),
            Motion.SIMILARITY,
        )
        for _ in range(2)
    )
    assert differ_by_more(one, other, bar) == (difference(one, other) > bar)


def test_more_than_a_bar_of_nothing() -> None:
    """Two dark chips do not differ, a dark one differs from a face by the most there is."""
    rng = np.random.default_rng(0)
    dark, face = (
        prepare(levels, Motion.SIMILARITY) for levels in (np.full((32, 32), 3), chip(DrawnFace().levels(), rng))
    )
    assert [differ_by_more(dark, dark, 0.1), differ_by_more(dark, face, 0.1)] == [False, True]
