"""The distance between encodings."""

from collections.abc import Sequence

import numpy as np


def distances(reference: np.ndarray, encodings: np.ndarray | Sequence[np.ndarray]) -> np.ndarray:
    """Euclidean distances from one reference to each encoding.

    Args:
        reference: (d,) encoding of the benchmark.
        encodings: (n, d) encodings of the faces in a still, of the same model; n may be 0.

    Returns:
        float64 (n,); smaller is a closer match.

    Raises:
        ValueError: the dimensions differ, as between encodings of different models.
    """
    reference = np.asarray(reference, dtype=np.float64)
    encodings = np.asarray(encodings, dtype=np.float64)
    if not len(encodings):
        return np.empty(0)
    if encodings.shape[1] != reference.size:
        raise ValueError(f"encodings of {encodings.shape[1]} and {reference.size} numbers cannot be compared")
    return np.asarray(np.linalg.norm(encodings - reference, axis=1))
