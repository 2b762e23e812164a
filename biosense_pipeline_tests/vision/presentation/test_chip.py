"""The chip: the same face gives the same chip, wherever, however large and however tilted it is."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biosense_pipeline.vision.presentation.chip import EYES, SIDE, face_chip

#: Corners of both eyes and the base of the nose, as dlib orders them, of a face whose eyes are one apart.
FACE = np.array([[0.8, 0.0], [0.2, 0.0], [-0.8, 0.0], [-0.2, 0.0], [0.0, 0.6]])


def scene(angle: float, eyes: float, across: float, down: float, waves: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """A smooth pattern turned, scaled and shifted, and the landmarks in it: pixels (480, 640, 3) and (5, 2)."""
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) * eyes
    columns, rows = np.meshgrid(np.arange(640) - across, np.arange(480) - down)
    x, y = np.linalg.inv(turn) @ np.stack([columns.ravel(), rows.ravel()])
    levels = 128 + 60 * np.sin(3 * waves * x) * np.cos(2 * waves * y) + 40 * np.sin(waves * (x + 2 * y))
    pixels = np.repeat(levels.reshape(480, 640, 1), 3, axis=2)
    return np.round(pixels).astype(np.uint8), FACE @ turn.T + [across, down]


@settings(deadline=None, max_examples=40)
@given(angle=st.floats(-0.6, 0.6), eyes=st.floats(20, 110), across=st.floats(280, 360), down=st.floats(180, 220))
def test_same_face_same_chip(angle: float, eyes: float, across: float, down: float) -> None:
    """Turned, scaled and shifted by parts of a pixel, a face gives the same chip to a few levels."""
    reference = face_chip(*scene(0, 60, 320, 200))
    chip = face_chip(*scene(angle, eyes, across, down))
    assert chip is not None
    assert reference is not None
    assert chip.shape == (SIDE, SIDE)
    assert chip.dtype == np.uint8
    assert np.abs(chip.astype(int) - reference.astype(int)).max() <= 6


def test_eyes_come_to_their_places() -> None:
    """The chip is darkest where the middles of the eyes were."""
    pixels = np.full((480, 640, 3), 200, dtype=np.uint8)
    landmarks = FACE * 50 + [300, 200]
    for eye in (landmarks[:2].mean(axis=0), landmarks[2:4].mean(axis=0)):
        left, top = eye.astype(int) - 6
        pixels[top : top + 13, left : left + 13] = 0
    chip = face_chip(pixels, landmarks)
    assert chip is not None
    for half, (x, y) in ((chip[:, :16], EYES[0]), (chip[:, 16:], EYES[1] - [16, 0])):
        rows, columns = np.nonzero(half < 100)
        assert (columns.mean(), rows.mean()) == pytest.approx((x, y), abs=0.3)


@pytest.mark.parametrize("eyes", [36.0, 64.0, 80.0, 130.0])
def test_fine_patterns_vanish(eyes: float) -> None:
    """A pattern finer than the chip's pixels comes out even: nothing is picked out, so that nothing flickers."""
    pixels = np.zeros((480, 640, 3), dtype=np.uint8)
    pixels[:, ::2] = 255
    chip = face_chip(pixels, FACE * eyes + [320, 200])
    assert chip is not None
    assert chip.astype(float).std() < 25
    assert abs(chip.astype(float).mean() - 127.5) < 15


def test_face_at_the_edge() -> None:
    """Where a face reaches out of the picture the pixels of the edge go on, and the chip is whole."""
    pixels, landmarks = scene(0, 60, 10, 10)
    chip = face_chip(pixels, landmarks)
    assert chip is not None
    assert (chip[:3] == chip[0]).all()
    assert chip.min() > 0


@pytest.mark.parametrize("landmarks", [np.zeros((5, 2)), np.full((5, 2), np.nan), FACE * 3 + 100])
def test_no_eyes_no_chip(landmarks: np.ndarray) -> None:
    """Landmarks without a distance between the eyes worth the name give no chip."""
    assert face_chip(np.zeros((480, 640, 3), dtype=np.uint8), landmarks) is None
