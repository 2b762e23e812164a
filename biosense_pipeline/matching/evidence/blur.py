"""Gaussian blurs of small pictures, as products with a matrix along either axis: many at once, at little cost."""

from functools import cache

import numpy as np

_NOTHING = 1e-9


def blurred(pictures: np.ndarray, deviation: float) -> np.ndarray:
    """Pictures (..., height, width) blurred by so many pixels, float32; at the edges over the pixels that are there."""
    height, width = pictures.shape[-2:]
    levels = np.asarray(pictures, dtype=np.float32)
    return np.asarray(_matrix(height, deviation) @ levels @ _matrix(width, deviation).T)


@cache
def _matrix(size: int, deviation: float) -> np.ndarray:
    """A blur along one axis as a (size, size) matrix."""
    places = np.arange(size)
    weights = np.exp(-0.5 * ((places[:, np.newaxis] - places) / deviation) ** 2)
    # Numbers so small that a processor takes its time over them add nothing.
    weights[weights < _NOTHING] = 0.0
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), dtype=np.float32)
