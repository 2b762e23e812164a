"""Ring motion: the face and the ring around it move as one plane while the far background stays, as a sheet does.

Two stills between which the face moved are held against each other twice: as if all had moved with the face, and as
if all had stayed. What is beside and above a person's head is the room, which stays; what is beside a printed face is
paper, which moves with it. The far background has to stay, or the camera moved and nothing is told.

A weak cue: of a sheet cut close to the face the ring shows the room, and before an even wall, or printed before one,
both readings fit equally.
"""

from dataclasses import dataclass

import numpy as np

from biosense_pipeline.matching.evidence.blur import blurred
from biosense_pipeline.matching.evidence.surroundings import Surroundings, inside, sampled

#: Standard deviations, in pixels of the small picture, of the two blurs whose difference is compared: finer is noise
#: and JPEG, coarser is light.
_FINE, _COARSE = 0.8, 4.0
#: Share of a blur that has to lie in the room.
_LEAST_SHARE = 0.02
#: Half axes of an ellipse around the head, hair included, in widths of the face, and how far its middle lies above
#: the face's; and how far the ring reaches. Below it are shoulders, which move with the head.
_HEAD, _ABOVE, _REACH, _SHOULDERS = (0.75, 1.0), 0.06, 1.3, 0.45
#: The same ellipse so many times as large, and shoulders so far to either side, cover what is behind in the other
#: still.
_COVER, _COVER_SHOULDERS = 1.18, 1.3
#: The ring's sectors, from one shoulder over the head to the other, in degrees from upright; the median of them
#: counts, so that a hat, a hand or a plant does not. With fewer to be seen nothing is told.
_SECTORS = np.radians(np.linspace(-125.0, 125.0, 9))
_LEAST_SECTORS, _LEAST_PIXELS = 3, 3
#: The far background begins so far off, and beyond so much to either side of the shoulders.
_FAR, _FAR_SIDES = 1.8, 2.2
#: Of the far background so many pixels for one are compared.
_EVERY = 5
_LEAST_FAR = 8
#: Landmarks are a little off, and so is a camera on a table: the best of shifts by so many pixels counts.
_OFF = 0.6
#: Square of the difference, in grey levels, that noise makes of equal pictures.
_NOISE = 16.0
#: How much better the far background fits if it stayed than if it had moved, for the camera to have stayed.
_STAYED = 0.15

_SHIFTS = _OFF * np.array([[(across, down)] for across in (-1, 0, 1) for down in (-1, 0, 1)], dtype=np.float64)
_NO_SHIFT = np.zeros((1, 1, 2))
#: Where a face has to have moved for anything to be told of its ring, as seen from the face.
AROUND = np.array([[-0.9, -0.5], [0.9, -0.5], [0.0, -1.1], [-1.0, 0.2], [1.0, 0.2]])


@dataclass(frozen=True, eq=False)
class Regions:
    """A still ready to be compared with others.

    Attributes:
        seen: the still's surroundings. band: float32 (height, width), what is compared.
        ring, far: pixels (n, 2), x and y; covered: bool (height, width), the person.
    """

    seen: Surroundings
    band: np.ndarray
    ring: np.ndarray
    far: np.ndarray
    covered: np.ndarray


def regions(seen: Surroundings) -> Regions:
    """The regions of a still."""
    height, width = seen.levels.shape
    pixels = np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1).astype(np.float64)
    across, down = np.moveaxis(seen.places(pixels), -1, 0)
    from_head = (across / _HEAD[0]) ** 2 + ((down + _ABOVE) / _HEAD[1]) ** 2
    distance = np.hypot(across, down)
    ring = (from_head > 1) & (distance < _REACH) & (down < _SHOULDERS)
    covered = (from_head < _COVER**2) | ((np.abs(across) < _COVER_SHOULDERS) & (down > _SHOULDERS))
    far = (distance > _FAR) & ~((np.abs(across) < _FAR_SIDES) & (down > _SHOULDERS))
    # What is blurred is the room alone: a head against a wall would reach into it, and move with the face.
    fine, coarse = (_blurred_room(seen.levels, ~covered, deviation) for deviation in (_FINE, _COARSE))
    return Regions(seen, fine - coarse, pixels[ring], pixels[far][::_EVERY], covered)


def _blurred_room(levels: np.ndarray, room: np.ndarray, deviation: float) -> np.ndarray:
    """A blur over the pixels of the room, each a weighted mean of those of them near it."""
    share, summed = blurred(np.stack([room, room * levels]), deviation)
    return np.asarray(summed / np.maximum(share, _LEAST_SHARE))


def pair_ring_motion(one: Regions, other: Regions) -> float | None:
    """How much better the ring fits if it moved with the face than if it stayed: -1 to 1; None where nothing is told.

    The mean of both directions.

    Args:
        one, other: between which ``AROUND`` moved (see ``surroundings.comparable``).
    """
    directed = [_directed(one, other), _directed(other, one)]
    told = [value for value in directed if value is not None]
    return float(np.mean(told)) if told else None


def _directed(one: Regions, other: Regions) -> float | None:
    far, ring = (pixels[~other.covered[_rows(pixels)]] for pixels in (one.far, one.ring))
    if len(far) < _LEAST_FAR:
        return None
    stayed, moved = _differences(one, other, far, _NO_SHIFT)
    if _rather(moved.mean(), stayed.mean()) < _STAYED:
        return None
    ring = ring[inside(other.band, other.seen.pixels(one.seen.places(ring)))]
    across, down = one.seen.places(ring).T
    sector = np.digitize(np.arctan2(across, -down), _SECTORS[1:-1])
    size = np.bincount(sector, minlength=len(_SECTORS) - 1)
    enough = size >= _LEAST_PIXELS
    if enough.sum() < _LEAST_SECTORS:
        return None
    stayed, moved = (
        np.bincount(sector, found, minlength=len(size))[enough] / size[enough]
        for found in _differences(one, other, ring, _SHIFTS)
    )
    return float(np.median(_rather(stayed, moved)))


def _differences(one: Regions, other: Regions, pixels: np.ndarray, shifts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Squares of the differences of one still's pixels, (n,): as if they had stayed, and moved with the face."""
    levels = one.band[_rows(pixels)]
    found = []
    for there in (pixels, other.seen.pixels(one.seen.places(pixels))):
        squares = np.square(sampled(other.band, there + shifts) - levels)
        found.append(squares[squares.mean(axis=1).argmin()])
    return found[0], found[1]


def _rather(worse: np.ndarray, better: np.ndarray) -> np.ndarray:
    """1 where the second difference is by far the smaller one, -1 where the first is, 0 where both are noise."""
    return np.asarray((worse - better) / (worse + better + _NOISE))


def _rows(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Whole pixels as an index of a picture."""
    across, down = pixels.astype(np.intp).T
    return down, across
