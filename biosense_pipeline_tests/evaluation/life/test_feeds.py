"""Feeds that are not a live camera, as they are made."""

from itertools import islice

import numpy as np
import pytest

from biosense_pipeline.evaluation.life.feeds import encoded_anew, homography, moved_by_hand, print_stills
from biosense_pipeline.vision.decode import ImageLimits, decode

LIMITS = ImageLimits(10**7, 10**7)


def picture() -> np.ndarray:
    rng = np.random.default_rng(0)
    coarse = rng.integers(40, 200, (12, 16, 3)).astype(np.uint8)
    return np.kron(coarse, np.ones((20, 20, 1), np.uint8))


def test_a_recording_encoded_anew() -> None:
    """It looks the same and shares neither bytes nor pixels, whenever it is played."""
    one, other = (encoded_anew(picture(), np.random.default_rng(seed)) for seed in (1, 2))
    first, second = decode(one, LIMITS).astype(float), decode(other, LIMITS).astype(float)
    assert one != other
    assert np.abs(first - second).mean() > 0.1
    assert np.abs(first - picture()).mean() < 8


def test_a_hand_moves_a_plane() -> None:
    """Four points and the fifth that follows from them: straight lines stay straight, the face's centre in sight."""
    for seed in range(20):
        place = homography((640, 480), (300.0, 200.0), np.random.default_rng(seed))
        points = np.array([[250.0, 150, 1], [300, 200, 1], [350, 250, 1]]) @ place.T
        x, y = (points[:, :2] / points[:, 2:]).T
        assert np.linalg.matrix_rank(np.stack([x, y, np.ones(3)]), tol=1e-6) == 2
        assert 200 < x[1] < 400
        assert 100 < y[1] < 300


def test_the_print_covers_the_picture() -> None:
    """A print that is moved away goes on mirrored: no black edge that would make it differ from itself."""
    bright = np.full((240, 320, 3), 200, np.uint8)
    for seed in range(5):
        assert moved_by_hand(bright, (160.0, 120.0), np.random.default_rng(seed)).min() > 190


@pytest.mark.parametrize("held", [True, False])
def test_the_same_draw_gives_the_same_stills(held: bool) -> None:
    """Stills of a print follow from the generator alone, and none is like the other."""
    made = [list(islice(print_stills(picture(), (160.0, 120.0), np.random.default_rng(7), held), 3)) for _ in range(2)]
    assert made[0] == made[1]
    assert len(set(made[0])) == 3
