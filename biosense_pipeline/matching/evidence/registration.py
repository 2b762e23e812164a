"""What differs between two chips once the light and the place of the face are taken out.

Chips are aligned by landmarks, which are whole pixels of a picture: of the same face they lie up to a pixel off. And
a picture of a face that is moved before the camera changes as a plane does. So one chip is moved onto the other, gain,
offset and their slopes across the chip fitted along with the motion; what the best motion leaves is a change of the
face itself, or noise. The steps are those of Baker and Matthews (Lucas-Kanade 20 Years On, 2004), by which all that is
costly depends on one chip alone and is done once for it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

import numpy as np

#: Side of a chip, and pixels at its edges that are left out: what is moved in there was not seen.
SIDE, _EDGE = 32, 3
#: Spread of the Gaussian that takes off noise and what a slope cannot follow, in pixels of the chip.
_BLUR = 1.0
_STEPS = 3
#: Least contrast in grey levels: of a chip with less there is nothing to compare.
FLATTEST = 4.0
#: A gain below this means that the chips have next to nothing in common, and no motion follows from it.
_LEAST_GAIN = 0.2
#: No step moves the chip's edge further than this, in halves of its side.
_FURTHEST = 0.3

_HALF = SIDE / 2
_Y, _X = (np.mgrid[:SIDE, :SIDE] - (_HALF - 0.5)) / _HALF
_INNER = (slice(_EDGE, SIDE - _EDGE),) * 2
_XI, _YI = _X[_INNER].ravel(), _Y[_INNER].ravel()
_PLACES = np.stack([_XI, _YI, np.ones_like(_XI)])


class Motion(Enum):
    """What is taken out: how a face lies in the picture, or all that can be done to a flat picture of one."""

    SIMILARITY = "similarity"
    PLANE = "plane"


@dataclass(frozen=True, eq=False)
class PreparedChip:
    """A chip ready to be compared with many; what is costly is computed when it is first needed.

    Attributes:
        grey: blurred, (32, 32). target: of that what is compared, (n,).
    """

    grey: np.ndarray
    target: np.ndarray
    motion: Motion

    @cached_property
    def flat(self) -> bool:
        """Whether there is nothing to compare: dark, blown out, or covered."""
        return float(self.target.std()) < FLATTEST

    @cached_property
    def spline(self) -> np.ndarray:
        """The coefficients of its cubic spline, (32, 32)."""
        from scipy.ndimage import spline_filter

        return np.asarray(spline_filter(self.grey, order=3))

    @cached_property
    def changes(self) -> tuple[np.ndarray, np.ndarray]:
        """What light and motion can make of it to first order.

        Orthonormal columns, (n, k), and the matrix, (k, k), from coordinates in these to numbers of light and motion.
        """
        down, across = (slope[_INNER].ravel() * _HALF for slope in np.gradient(self.grey))
        terms = np.stack([*_light(self.target), *_slopes(across, down, self.motion)], axis=1)
        # Of stripes some motions change nothing: a little of each is added, so that there is one smallest solution.
        lengths = np.maximum(np.linalg.norm(terms, axis=0), 1e-6)
        span, triangle = np.linalg.qr(np.vstack([terms / lengths, 1e-3 * np.eye(len(lengths))]))
        return span[: len(self.target)], np.linalg.inv(triangle) / lengths[:, np.newaxis]


def prepare(chip: np.ndarray, motion: Motion) -> PreparedChip:
    """Prepare a chip, uint8 (32, 32), for comparisons from which such motions are taken out."""
    return prepare_blurred(blurred_chips(chip), motion)


def prepare_blurred(grey: np.ndarray, motion: Motion) -> PreparedChip:
    """The same of a chip as :func:`blurred_chips` made it, which is faster with many chips at once."""
    return PreparedChip(grey, grey[_INNER].ravel(), motion)


def blurred_chips(chips: np.ndarray) -> np.ndarray:
    """A chip, or several, (..., 32, 32), without what is noise or too fine for a slope to follow."""
    from scipy.ndimage import gaussian_filter

    return np.asarray(gaussian_filter(np.asarray(chips, dtype=np.float64), _BLUR, mode="nearest", axes=(-2, -1)))


def flat(blurred: np.ndarray) -> np.ndarray:
    """Of which of several blurred chips, (n, 32, 32), there is nothing to compare: bool (n,)."""
    return np.asarray(blurred[:, *_INNER].std(axis=(1, 2)) < FLATTEST)


def difference(one: PreparedChip, other: PreparedChip) -> float:
    """What is left between two chips: root mean square, in spreads of the grey levels; 0 to 1.

    The chips are moved onto each other in both directions, and the better one counts. It does not change when
    gain or offset of a chip does, nor when the two change places.
    """
    if one.flat or other.flat:
        return 0.0 if one.flat and other.flat else 1.0
    return min(_left(one, other), _left(other, one))


def differ_by_more(one: PreparedChip, other: PreparedChip, bar: float) -> bool:
    """Whether :func:`difference` exceeds the bar, told as soon as no further step can change it; where one chip is held
    against many, that is ``one``.

    Once a step fits a small motion, the following ones leave hardly less: by how much at most was measured with margin
    on drawn faces, moving and still (see the test). One direction says nothing of the other, which may find the motion
    where the first one went astray.
    """
    if one.flat or other.flat:
        return difference(one, other) > bar
    for moved, still in ((other, one), (one, other)):
        for left, pixels in _steps(moved, still):
            if left <= bar:
                return False
            if left - max(_LEAST_TO_COME, _TO_COME * pixels**2) > bar:
                break
    return True


#: What the steps that follow take off at most, by the square of the pixels that are still to be moved.
_TO_COME, _LEAST_TO_COME = 0.3, 0.001


def _left(moved: PreparedChip, still: PreparedChip) -> float:
    return [left for left, _ in _steps(moved, still)][-1]


def _steps(moved: PreparedChip, still: PreparedChip) -> Iterator[tuple[float, float]]:
    """After each step the least that was left so far, and how many pixels the chip is to be moved next at most."""
    from scipy.ndimage import map_coordinates

    count = len(still.target)
    span, numbers = still.changes
    place = np.eye(3)
    grey, best = moved.target, 1.0
    for step in range(_STEPS):
        coordinates = span.T @ grey
        left = grey - span @ coordinates
        spread = float(grey @ grey) / count - float(grey.mean()) ** 2
        best = min(best, float(np.sqrt(float(left @ left) / count / max(spread, 1e-9))))
        fitted = numbers @ coordinates
        gain = float(fitted[1])
        if step == _STEPS - 1 or abs(gain) < _LEAST_GAIN:
            yield best, 0.0
            return
        motion = np.clip(fitted[_LIGHTS:] / gain, -_FURTHEST, _FURTHEST)
        yield best, float(np.abs(motion).sum()) * _HALF
        # The still chip, so moved, looks like the other: so the other is moved back.
        back = np.linalg.inv(_matrix(motion, still.motion))
        place = place @ back
        x, y, w = place @ _PLACES
        w = np.maximum(w, 0.1)
        where = np.stack([y / w, x / w]) * _HALF + (_HALF - 0.5)
        grey = map_coordinates(moved.spline, where, order=3, prefilter=False, mode="nearest")


_LIGHTS = 6


def _light(grey: np.ndarray) -> tuple[np.ndarray, ...]:
    """What light does: offset and gain, and both rising across and down the chip."""
    return np.ones_like(grey), grey, _XI, _YI, _XI * grey, _YI * grey


def _slopes(across: np.ndarray, down: np.ndarray, motion: Motion) -> tuple[np.ndarray, ...]:
    """How the chip changes with each number of the motion, in the order of :func:`_matrix`."""
    outwards = across * _XI + down * _YI
    if motion is Motion.SIMILARITY:
        return across, down, outwards, down * _XI - across * _YI
    inwards = outwards * _XI, outwards * _YI
    return across, down, across * _XI, across * _YI, down * _XI, down * _YI, *inwards


def _matrix(numbers: np.ndarray, motion: Motion) -> np.ndarray:
    """The motion as a homography of the chip, whose edges lie at -1 and 1."""
    if motion is Motion.SIMILARITY:
        x, y, grown, turned = numbers
        return np.array([[1 + grown, -turned, x], [turned, 1 + grown, y], [0.0, 0.0, 1.0]])
    x, y, xx, xy, yx, yy, tilted_x, tilted_y = numbers
    return np.array([[1 + xx, xy, x], [yx, 1 + yy, y], [-tilted_x, -tilted_y, 1.0]])
