"""What is printed of a person: the sheet of paper itself, before anybody holds it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from biosense_pipeline.evaluation.recapture.scene import photograph
from biosense_pipeline.evaluation.recapture.sheet import resized
from biosense_pipeline.evaluation.recapture.sources import Source


@dataclass(frozen=True)
class Material:
    """What recaptures are made of.

    Attributes:
        sources: whom the pictures show. pictures: rooms.
    """

    sources: Sequence[Source]
    pictures: Sequence[np.ndarray]

    def another(self, rng: np.random.Generator) -> Source:
        """Anybody, as who sits behind the sheet."""
        return self.sources[int(rng.integers(len(self.sources)))]


@dataclass(frozen=True)
class Print:
    """A sheet.

    Attributes:
        levels: float32 (height, width, 3), 0-255. landmarks: (5, 2), of the face on it. face: its width in pixels.
    """

    levels: np.ndarray
    landmarks: np.ndarray
    face: float


def on_photo_paper(rng: np.random.Generator, source: Source, material: Material) -> Print:
    """A photograph on paper of its own size, now and then with a narrow margin; contrast and depth are lost."""
    from scipy import ndimage

    crop, points, face = cropped(rng, source, material, loose=0.35)
    blur = abs(rng.normal(0.3, 0.5)) * face / 110
    printed = ndimage.gaussian_filter(crop, (blur, blur, 0))
    low, high = rng.uniform(0, 55), rng.uniform(175, 250)
    grey = printed @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    printed = grey[..., None] + (printed - grey[..., None]) * rng.uniform(0.5, 1.1)
    paper = np.clip(1 + rng.normal(0, 0.03, 3), 0.85, 1.08)
    printed = (low + printed / 255 * (high - low)) * paper
    sheet, points = framed(rng, printed, points, high * paper, rng.choice([0, 0, rng.uniform(0.02, 0.07)]))
    return Print(sheet, points, face)


def on_plain_paper(rng: np.random.Generator, source: Source, material: Material, width: float) -> Print:
    """A page from an office printer: dots of ink in linear light, margins of any width.

    Args:
        width: of the face in pixels when it is held before the camera.
    """
    crop, points, face = cropped(rng, source, material, loose=0.5)
    # Printed at twice the size at which it is seen, so that the dots are fine but not gone.
    fine = width / face * 2
    crop, points, face = resized(crop, fine), points * fine, face * fine
    linear = (crop / 255) ** 2.2
    ink = 1 - np.clip(linear, 0.004, 1) ** (1 / rng.uniform(1.6, 2.6))
    strength, bleed = rng.uniform(0.78, 0.98), rng.uniform(0.0, 0.12)
    ink = strength * (ink * (1 - bleed) + bleed * ink.mean(axis=-1, keepdims=True))
    # Bands of the print head, dots of the raster, grains of the toner.
    rows = np.arange(ink.shape[0])[:, None, None]
    columns = np.arange(ink.shape[1])[None, :, None]
    period, angle = rng.uniform(2.0, 4.5), rng.uniform(0, np.pi)
    phase = 2 * np.pi / period
    raster = np.sin(phase * (np.cos(angle) * columns + np.sin(angle) * rows)) * np.sin(
        phase * (np.cos(angle) * rows - np.sin(angle) * columns)
    )
    ink = ink * (1 + rng.uniform(0, 0.12) * raster + rng.uniform(0, 0.03) * np.sin(rows * rng.uniform(0.02, 0.6)))
    ink += rng.normal(0, rng.uniform(0.0, 0.025), ink.shape[:2])[..., None]
    paper = rng.uniform(0.75, 0.95) * np.exp(rng.normal(0, 0.025, 3))
    printed = 255 * (paper * (1 - np.clip(ink, 0, 0.985))) ** (1 / 2.2)
    white = 255 * paper ** (1 / 2.2)
    printed, points = _cut_to_halves(printed, points)
    margin = rng.choice([0, rng.uniform(0.03, 0.15), rng.uniform(0.15, 0.6)])
    sheet, points = framed(rng, printed, points, white, margin, even=False)
    return Print(sheet, points, face / 2)


def cropped(
    rng: np.random.Generator, source: Source, material: Material, loose: float
) -> tuple[np.ndarray, np.ndarray, float]:
    """What of the picture is printed, from a tight face to head and shoulders, its landmarks, the face's width."""
    picture, more = photograph(rng, source, material.pictures)
    middle_x, middle_y, face = source.face
    middle_x, middle_y = middle_x + more, middle_y + more
    kind = rng.random()
    low, high = (0.5, 0.8) if kind > loose + 0.25 else (0.8, 1.1) if kind > loose else (1.1, 1.7)
    left, right = rng.uniform(low, high, 2)
    above, below = rng.uniform(max(low, 0.6), high + 0.1), rng.uniform(max(low, 0.6), high + 0.3)
    height, width = picture.shape[:2]
    edges = (
        int(max(0, middle_x - left * face)),
        int(max(0, middle_y - above * face)),
        int(min(width, middle_x + right * face)),
        int(min(height, middle_y + below * face)),
    )
    crop = np.asarray(picture[edges[1] : edges[3], edges[0] : edges[2]], dtype=np.float32)
    return crop, source.landmarks + np.float32(more) - np.array(edges[:2], dtype=np.float32), face


def framed(
    rng: np.random.Generator,
    printed: np.ndarray,
    points: np.ndarray,
    colour: np.ndarray,
    margin: float,
    even: bool = True,
) -> tuple[np.ndarray, np.ndarray]:
    """With a margin of that share of its size around it, as wide on all sides or not."""
    side = margin * max(printed.shape[:2])
    widths = np.full(4, side) if even else side * rng.uniform(0.1, 1.6, 4)
    left, top, right, bottom = (round(width) for width in widths)
    height, width = printed.shape[:2]
    sheet = np.empty((height + top + bottom, width + left + right, 3), dtype=np.float32)
    sheet[:] = colour
    sheet[top : top + height, left : left + width] = np.clip(printed, 0, 255)
    return sheet, points + np.array([left, top], dtype=np.float32)


def _cut_to_halves(levels: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Half the size, each pixel the mean of four."""
    height, width = (side // 2 * 2 for side in levels.shape[:2])
    return levels[:height, :width].reshape(height // 2, 2, width // 2, 2, 3).mean(axis=(1, 3)), points / 2
