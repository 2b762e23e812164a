"""The small picture of the whole still: where things lie, in its proportions, and nothing picked out."""

import numpy as np
import pytest

from biosense_pipeline.demo import frames
from biosense_pipeline.demo.frames import Person
from biosense_pipeline.vision.decode import decode
from biosense_pipeline.vision.presentation.thumbnail import WIDTH, thumbnail
from biosense_pipeline_tests.vision.conftest import LIMITS


@pytest.mark.parametrize(
    ("size", "rows"), [((480, 640), 48), ((720, 1280), 36), ((1080, 1920), 36), ((640, 480), 85), ((40, 30), 85)]
)
def test_proportions_are_kept(size: tuple[int, int], rows: int) -> None:
    """64 wide, and as high as the still's proportions make it, whatever the still's size."""
    small = thumbnail(np.full((*size, 3), 90, dtype=np.uint8))
    assert small.shape == (rows, WIDTH)
    assert small.dtype == np.uint8
    assert (small == 90).all()


def test_a_strip_stays_small() -> None:
    """A picture far higher than wide does not make a large small one."""
    assert thumbnail(np.zeros((20_000, 100, 3), dtype=np.uint8)).shape == (256, WIDTH)


def test_things_lie_where_they_lay() -> None:
    """A bright square of the still is found at the same place of the small picture, to a part of its pixels."""
    pixels = np.zeros((480, 640, 3), dtype=np.uint8)
    pixels[200:240, 400:440] = 255
    weights = thumbnail(pixels).astype(float)
    down, across = np.mgrid[:48, :WIDTH]
    middle = (across * weights).sum() / weights.sum(), (down * weights).sum() / weights.sum()
    assert middle == pytest.approx(((420 - 0.5) / 10 - 0.45, (220 - 0.5) / 10 - 0.45), abs=0.15)


def test_a_real_still() -> None:
    """Of a real still each pixel is the mean of what it covers, to a few levels of green."""
    pixels = decode(frames.own_frame(Person.OBAMA, 1), LIMITS)
    means = pixels[..., 1].reshape(48, 10, WIDTH, 10).mean(axis=(1, 3))
    assert np.abs(thumbnail(pixels) - means).mean() < 2
