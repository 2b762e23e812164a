"""A flat thing held before the camera: turned, tilted, bent, with a picture on it."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from biosense_pipeline.evaluation.recapture.rooms import HEIGHT, WIDTH

#: Distance of the camera from the sheet in pixels of the picture: that of a usual webcam's focal length.
_DISTANCE = 620.0


@dataclass(frozen=True)
class Pose:
    """How a sheet is held.

    Attributes:
        across, down: where the sheet's middle is in the picture.
        roll, pitch, yaw: in radians.
        bend: 0 for flat, to 1 for half a cylinder; about the sheet's upright axis, or its level one where
            ``lying``.
    """

    across: float
    down: float
    roll: float
    pitch: float
    yaw: float
    bend: float = 0.0
    lying: bool = False

    @property
    def matrix(self) -> np.ndarray:
        """(3, 3): from places on the sheet, measured from its middle, to the picture."""
        cr, sr, cp, sp, cy, sy = (f(a) for a in (self.roll, self.pitch, self.yaw) for f in (np.cos, np.sin))
        about_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
        about_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
        about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
        turned = about_z @ about_x @ about_y
        held = np.column_stack([turned[:, 0], turned[:, 1], [0, 0, _DISTANCE]])
        to_picture = np.array([[_DISTANCE, 0, self.across], [0, _DISTANCE, self.down], [0, 0, 1]])
        matrix: np.ndarray = to_picture @ held
        return matrix


@dataclass(frozen=True)
class Held:
    """A sheet as the camera sees it.

    Attributes:
        levels: float32 (HEIGHT, WIDTH, 3), 0-255. share: float32 (HEIGHT, WIDTH), the sheet's part of each pixel.
        slope: float32 (HEIGHT, WIDTH), -1 to 1: how far the bent sheet faces to one side there.
        points: landmarks and corners that were asked for, in the picture.
    """

    levels: np.ndarray
    share: np.ndarray
    slope: np.ndarray
    points: np.ndarray


def hold(sheet: np.ndarray, pose: Pose, points: np.ndarray) -> Held:
    """See a sheet, float (height, width, 3), in a pose; ``points`` are places on it, (n, 2) from its corner."""
    from scipy import ndimage

    height, width = sheet.shape[:2]
    back = np.linalg.inv(pose.matrix)
    down, across = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    x, y, w = (across * factors[0] + down * factors[1] + factors[2] for factors in back.astype(np.float32))
    x, y = x / w, y / w
    if pose.lying:
        y, slope = _unrolled(y, height / 2, pose.bend)
    else:
        x, slope = _unrolled(x, width / 2, pose.bend)
    inside = np.minimum(width / 2 - np.abs(x), height / 2 - np.abs(y))
    share = np.clip(inside + 0.5, 0, 1).astype(np.float32)
    places = np.stack([y + height / 2 - 0.5, x + width / 2 - 0.5])
    rows, columns = np.flatnonzero(share.any(axis=1)), np.flatnonzero(share.any(axis=0))
    levels = np.zeros((HEIGHT, WIDTH, 3), dtype=np.float32)
    if rows.size and columns.size:
        part = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        for plane in range(3):
            levels[(*part, plane)] = ndimage.map_coordinates(
                np.asarray(sheet[..., plane], dtype=np.float32), places[(slice(None), *part)], order=1, mode="nearest"
            )
    return Held(levels, share, slope.astype(np.float32), forward(points, pose, width, height))


def resized(levels: np.ndarray, scale: float) -> np.ndarray:
    """A picture of floats at another scale, without aliasing."""
    picture = Image.fromarray(np.clip(levels, 0, 255).astype(np.uint8))
    size = (max(4, round(picture.width * scale)), max(4, round(picture.height * scale)))
    return np.asarray(picture.resize(size, Image.Resampling.BICUBIC), dtype=np.float32)


def _unrolled(place: np.ndarray, half: float, bend: float) -> tuple[np.ndarray, np.ndarray]:
    """Where on the flat sheet a place of the bent one lies, and its slope."""
    if bend < 0.02:
        return place, np.zeros_like(place)
    most = np.sin(bend * np.pi / 2)
    slope = np.clip(place / half * most, -1, 1)
    beyond = np.abs(place) - half / most
    return np.where(
        beyond > 0, np.sign(place) * (half + 1 + beyond), np.arcsin(slope) / (bend * np.pi / 2) * half
    ), slope


def forward(points: np.ndarray, pose: Pose, width: int, height: int) -> np.ndarray:
    """Where places on a sheet of that size, (n, 2) from its corner, are seen in the picture."""
    places = np.asarray(points, dtype=np.float64) - [width / 2, height / 2]
    if pose.bend >= 0.02:
        axis, half = (1, height / 2) if pose.lying else (0, width / 2)
        angle = places[:, axis] / half * pose.bend * np.pi / 2
        places[:, axis] = np.sin(angle) / np.sin(pose.bend * np.pi / 2) * half
    flat = np.column_stack([places, np.ones(len(places))]) @ pose.matrix.T
    seen: np.ndarray = (flat[:, :2] / flat[:, 2:]).astype(np.float32)
    return seen
