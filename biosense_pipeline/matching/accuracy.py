"""From a distance to the percentage in ``stream_img.accuracy``."""

from bisect import bisect_right
from collections.abc import Callable

#: Lower edges of the bands after the first, and the percentage of each band. A band includes its lower edge.
BAND_EDGES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
BAND_PERCENTAGES = (100.0, 90.0, 85.0, 80.0, 75.0, 70.0, 65.0, 50.0, 30.0, 10.0, 0.0)


def banded(distance: float, tolerance: float) -> float:
    """The table of ten steps that existing reports expect: 0-0.1 is 100 %, 1.0 and more is 0 %."""
    del tolerance  # the table knows none
    return BAND_PERCENTAGES[bisect_right(BAND_EDGES, distance)]


def face_recognition_formula(distance: float, tolerance: float) -> float:
    """The formula of face_recognition's wiki, "Calculating Accuracy as a Percentage", clamped to 0-100.

    Beyond the tolerance the percentage falls in a line from 50 % to nothing at distance 1; within it
    the line is bent upwards, so that close matches come near 100 %.
    """
    if distance > tolerance:
        span = (1.0 - tolerance) * 2.0
        share = (1.0 - distance) / span if span > 0 else 0.0
    else:
        linear = 1.0 - distance / (tolerance * 2.0)
        share = linear + (1.0 - linear) * max(0.0, (linear - 0.5) * 2.0) ** 0.2
    return min(100.0, max(0.0, 100.0 * share))


NORMALISERS: dict[str, Callable[[float, float], float]] = {
    "bands": banded,
    "face_recognition": face_recognition_formula,
}
