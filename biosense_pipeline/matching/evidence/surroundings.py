"""A face in its surroundings, from the small picture of the whole still: where a place lies as seen from the face.

Places are told in widths of the face, from its middle, across and down as the face is turned: what is fixed to the
face has the same places in every still. What stays in the room keeps its place in the picture instead.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from biosense_pipeline.matching.evidence.still import EvidenceStill

#: Where the landmarks of a face lie, in widths of the detector's box from its middle: mean over genuine stills.
_FACE = np.array([[0.287, -0.187], [0.126, -0.187], [-0.287, -0.187], [-0.126, -0.187], [0.0, 0.081]])
#: A face narrower than this, in pixels of the small picture, is too small to say where anything lies.
_LEAST_WIDTH = 3.0
#: Between two stills the surroundings have to lie so far off, in widths of the face and in pixels of the small
#: picture, to tell what moved with the face from what stayed.
LEAST_MOTION, _LEAST_PIXELS = 0.15, 1.0


@dataclass(frozen=True, eq=False)
class Surroundings:
    """A still's small picture and where the face is in it.

    Attributes:
        levels: float32 (height, width), 0-255.
        matrix: (2, 3), from places as seen from the face to pixels of the small picture, x and y.
    """

    levels: np.ndarray
    matrix: np.ndarray

    @property
    def width(self) -> float:
        """Of the face, in pixels of the small picture."""
        return float(np.hypot(self.matrix[0, 0], self.matrix[1, 0]))

    def pixels(self, places: np.ndarray) -> np.ndarray:
        """Where places (..., 2) as seen from the face lie in the picture: (..., 2), x and y."""
        return np.asarray(places @ self.matrix[:, :2].T + self.matrix[:, 2])

    def places(self, pixels: np.ndarray) -> np.ndarray:
        """The reverse of :meth:`pixels`."""
        return np.asarray((pixels - self.matrix[:, 2]) @ self._back)

    @cached_property
    def _back(self) -> np.ndarray:
        return np.asarray(np.linalg.inv(self.matrix[:, :2]).T)


def surroundings(still: EvidenceStill) -> Surroundings | None:
    """The surroundings of a still's face; None where none were kept, or the face is too small to place them."""
    if still.thumbnail is None or still.landmarks is None or not still.picture_width:
        return None
    return around(still.thumbnail, still.landmarks, still.picture_width)


def around(thumbnail: np.ndarray, landmarks: np.ndarray, picture_width: int) -> Surroundings | None:
    """The same of a still's small picture (height, 64), the face's landmarks in the still, and the still's width."""
    # From pixels of the still to those of the small picture, both measured from the middle of the first.
    scale = thumbnail.shape[1] / picture_width
    points = (np.asarray(landmarks, dtype=np.float64) + 0.5) * scale - 0.5
    if not np.isfinite(points).all():
        return None
    found = Surroundings(np.asarray(thumbnail, dtype=np.float32), _fitted(points))
    return found if found.width >= _LEAST_WIDTH else None


def comparable(around: Sequence[Surroundings | None], pairs: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Between which stills of one format the face moved enough to tell what moved with it: bool (m,).

    Args:
        pairs: int (m, 2), places among the stills.
        places: (..., 2), as seen from the face, of what is to be told.
    """
    needed, number = np.unique(pairs, return_inverse=True)
    seen = [around[place] for place in needed]
    number = number.reshape(-1, 2)
    told: np.ndarray = np.asarray(np.array([one is not None for one in seen], dtype=bool)[number].all(axis=1))
    first, second = number[told].T
    formats = np.array([(0, 0) if one is None else one.levels.shape for one in seen]).reshape(-1, 2)
    widths = np.array([0.0 if one is None else one.width for one in seen])
    flat = places.reshape(-1, 2)
    pixels = np.array([np.zeros_like(flat) if one is None else one.pixels(flat) for one in seen])
    pixels = pixels.reshape(len(seen), len(flat), 2)
    moved = np.median(np.linalg.norm(pixels[second] - pixels[first], axis=-1), axis=1)
    enough = moved >= np.maximum(LEAST_MOTION * np.minimum(widths[first], widths[second]), _LEAST_PIXELS)
    told[told] = enough & (formats[first] == formats[second]).all(axis=1)
    return told


def sampled(levels: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """Levels at pixels (..., 2), x and y, between pixels in proportion; beyond the picture those of its edge."""
    from scipy.ndimage import map_coordinates

    where = [pixels[..., 1], pixels[..., 0]]
    return np.asarray(map_coordinates(levels, where, order=1, mode="nearest"))


def inside(levels: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """Which pixels (..., 2) lie in the picture: bool (...)."""
    height, width = levels.shape
    x, y = pixels[..., 0], pixels[..., 1]
    return np.asarray((x >= -0.5) & (x <= width - 0.5) & (y >= -0.5) & (y <= height - 0.5))


@dataclass(frozen=True, eq=False)
class Sampling:
    """Places of a picture that many pictures of the same format are looked at in, worked out once.

    Attributes:
        corners: int (4, ...), of each place the pixels around it, counted through. weights: float32 (4, ...).
        inside: bool (...), whether it lies in the picture; levels of others are those of the picture's edge.
    """

    corners: np.ndarray
    weights: np.ndarray
    inside: np.ndarray

    @classmethod
    def of(cls, pixels: np.ndarray, shape: tuple[int, int]) -> "Sampling":
        """For pixels (..., 2), x and y, of pictures of that height and width."""
        height, width = shape
        x, y = np.clip(pixels[..., 0], 0, width - 1), np.clip(pixels[..., 1], 0, height - 1)
        left, top = np.minimum(x.astype(np.intp), width - 2), np.minimum(y.astype(np.intp), height - 2)
        right_share, low_share = x - left, y - top
        first = top * width + left
        weights = [
            (1 - low_share) * (1 - right_share),
            (1 - low_share) * right_share,
            low_share * (1 - right_share),
            low_share * right_share,
        ]
        corners = np.stack([first, first + 1, first + width, first + width + 1])
        return cls(corners, np.stack(weights).astype(np.float32), inside(np.empty(shape), pixels))

    def levels(self, picture: np.ndarray) -> np.ndarray:
        """Levels of a picture there, between pixels in proportion."""
        return np.asarray(np.einsum("i...,i...->...", picture.ravel()[self.corners], self.weights))


def _fitted(landmarks: np.ndarray) -> np.ndarray:
    """The shift, turn and scale, (2, 3), that bring the usual face nearest to these landmarks (least squares)."""
    usual, found = _FACE @ np.array([1, 1j]), landmarks @ np.array([1, 1j])
    own = usual - usual.mean()
    turn = np.vdot(own, found - found.mean()) / np.vdot(own, own).real
    shift = found.mean() - turn * usual.mean()
    return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])
