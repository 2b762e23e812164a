"""A face with its surroundings at one size, as the groups of features look at it."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from PIL import Image

from biosense_pipeline.vision.alignment import BOX_BELOW, BOX_WIDTH, eyes_apart
from biosense_pipeline.vision.faces import Box

#: Side of the square that is looked at, in widths of the face; and of the picture it is brought to, in pixels.
WIDTHS = 2.5
SIDE = 128
HALF = SIDE // 2
#: A number that could not be seen, as where the square reaches over the picture's edge. What was seen is never
#: exactly this: shares and levels enter by a logarithm.
UNSEEN = 0.0

#: The distance between the eyes shrinks in a turned head, and the box comes in steps of a fifth: neither is
#: believed where it is so many times off the other.
_BELIEVED = 1.35
_LEAST_WIDTH = 8.0
#: A square this large is looked at in its place where a box is nonsense; memory is what it guards.
_MOST_WIDTH = 4000.0


def places(side: int) -> tuple[np.ndarray, np.ndarray]:
    """Across (1, side) and down (side, 1), in widths of the face from its middle."""
    across = ((np.arange(side, dtype=np.float32) + 0.5) / side - 0.5) * np.float32(WIDTHS)
    return across[None, :], across[:, None]


def skin_region(side: int) -> np.ndarray:
    """Where a face has skin: bool (side, side)."""
    across, down = places(side)
    region: np.ndarray = (across / 0.36) ** 2 + ((down - 0.02) / 0.46) ** 2 < 1
    return region


def surrounding_region(side: int) -> np.ndarray:
    """What lies beyond hair and ears: bool (side, side)."""
    across, down = places(side)
    region: np.ndarray = (across / 0.60) ** 2 + ((down + 0.06) / 0.80) ** 2 > 1
    return region


@dataclass(frozen=True)
class Context:
    """The square around a face.

    Attributes:
        levels: float32 (3, SIDE, SIDE), RGB, 0-255; beyond the picture's edge its last row or column repeats.
        seen: bool (SIDE, SIDE): False beyond the picture's edge.
        grey: uint8, the luminance at the camera's own size of the rows that the face's skin takes, as wide as the
            square, as far as the picture reaches.
        face: first and last column of the face's skin in ``grey``.
    """

    levels: np.ndarray
    seen: np.ndarray
    grey: np.ndarray
    face: tuple[int, int]

    @cached_property
    def luma(self) -> np.ndarray:
        """float32 (SIDE, SIDE), 0-255."""
        red, green, blue = self.levels
        luma: np.ndarray = np.float32(0.299) * red + np.float32(0.587) * green + np.float32(0.114) * blue
        return luma

    @cached_property
    def half_luma(self) -> np.ndarray:
        """``luma`` at half its size."""
        return _halved(self.luma)

    @cached_property
    def half_chroma(self) -> np.ndarray:
        """float32 (2, HALF, HALF): blue and red against luminance, over luminance, so that the light cancels out."""
        light = self.half_luma + np.float32(8.0)
        return np.stack([(_halved(self.levels[plane]) + np.float32(8.0)) / light - 1 for plane in (2, 0)])

    @cached_property
    def half_seen(self) -> np.ndarray:
        """``seen`` at half its size."""
        half: np.ndarray = self.seen[::2, ::2] & self.seen[1::2, 1::2]
        return half


def context(pixels: np.ndarray, box: Box, landmarks: np.ndarray) -> Context:
    """The square of 2.5 face widths around a face.

    Args:
        pixels: uint8 (height, width, 3), RGB.
        landmarks: (5, 2), as dlib orders them.
    """
    height, width = pixels.shape[:2]
    across, down, face = _face(box, landmarks)
    half = face * WIDTHS / 2
    left, top = round(across - half), round(down - half)
    side = max(2, round(2 * half))
    inside = (max(0, left), max(0, top), min(width, left + side), min(height, top + side))
    if inside[2] - inside[0] < 2 or inside[3] - inside[1] < 2:
        return _blind()
    part = Image.fromarray(np.ascontiguousarray(pixels[inside[1] : inside[3], inside[0] : inside[2]]))
    # Only what is there is scaled; the rest of the square repeats its edges.
    to_square = SIDE / side
    columns = _places(inside[0] - left, inside[2] - left, to_square)
    rows = _places(inside[1] - top, inside[3] - top, to_square)
    size = (columns[1] - columns[0], rows[1] - rows[0])
    small = part.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0 if side > 2 * SIDE else None)
    margins = ((rows[0], SIDE - rows[1]), (columns[0], SIDE - columns[1]))
    levels = np.asarray(small).transpose(2, 0, 1).astype(np.float32, order="C")
    if any(map(any, margins)):
        levels = np.pad(levels, ((0, 0), *margins), mode="edge")
    seen = np.zeros((SIDE, SIDE), dtype=bool)
    seen[rows[0] : rows[1], columns[0] : columns[1]] = True
    first, last = (int(np.clip(down + share * face, inside[1], inside[3])) for share in (-0.4, 0.4))
    band = Image.fromarray(np.ascontiguousarray(pixels[first:last, inside[0] : inside[2]])) if last > first else None
    grey = np.zeros((0, 0), dtype=np.uint8) if band is None else np.asarray(band.convert("L"))
    skin = [int(np.clip(across + share * face - inside[0], 0, inside[2] - inside[0])) for share in (-0.3, 0.3)]
    return Context(levels, seen, grey, (skin[0], skin[1]))


def _face(box: Box, landmarks: np.ndarray) -> tuple[float, float, float]:
    """Middle and width of the face, told by the landmarks, and by the box where they contradict it."""
    left, top, right, bottom = (float(edge) for edge in box)
    points = np.asarray(landmarks, dtype=np.float64)
    box_width = float(np.clip(max(right - left, bottom - top), _LEAST_WIDTH, _MOST_WIDTH))
    if not np.isfinite(points).all():
        return (left + right) / 2, (top + bottom) / 2, box_width
    width = float(np.clip(BOX_WIDTH * eyes_apart(points), box_width / _BELIEVED, box_width * _BELIEVED))
    across, down = points.mean(axis=0)
    down += BOX_BELOW * width / BOX_WIDTH
    if abs(across - (left + right) / 2) > box_width or abs(down - (top + bottom) / 2) > box_width:
        return (left + right) / 2, (top + bottom) / 2, box_width
    return float(across), float(down), width


def _places(low: int, high: int, scale: float) -> tuple[int, int]:
    """First and last place in the square that a stretch of the picture takes: two of them at least."""
    first = min(round(low * scale), SIDE - 2)
    return first, int(np.clip(round(high * scale), first + 2, SIDE))


def _halved(plane: np.ndarray) -> np.ndarray:
    """Means over blocks of two by two."""
    rows = plane[::2] + plane[1::2]
    halved: np.ndarray = (rows[:, ::2] + rows[:, 1::2]) * np.float32(0.25)
    return halved


def _blind() -> Context:
    """Of a face that lies outside the picture nothing is seen."""
    nothing = np.zeros((SIDE, SIDE), dtype=bool)
    return Context(np.zeros((3, SIDE, SIDE), dtype=np.float32), nothing, np.zeros((0, 0), dtype=np.uint8), (0, 0))
