"""Fingers at the edge of what is held, and hands before a person."""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from biosense_pipeline.evaluation.recapture.rooms import HEIGHT, WIDTH


def with_fingers(
    rng: np.random.Generator, levels: np.ndarray, at: np.ndarray, towards: np.ndarray, width: float, skin: np.ndarray
) -> np.ndarray:
    """Levels with one to four fingers that come from outside and end inside.

    Args:
        at: (2,), where they cross the edge. towards: (2,), unit vector inwards. width: of a finger in pixels.
        skin: (3,), their colour.
    """
    along = np.array([-towards[1], towards[0]])
    for number in range(int(rng.integers(1, 5))):
        tip = at + towards * width * rng.uniform(0.3, 2.2) + along * number * width * rng.uniform(0.9, 1.3)
        end = tip - towards * width * rng.uniform(3, 9) + along * width * rng.normal(0, 1)
        levels = _with_finger(levels, tip, end, width * rng.uniform(0.85, 1.15), skin * rng.uniform(0.8, 1.15))
    return levels


def skin_colour(rng: np.random.Generator) -> np.ndarray:
    """A colour of skin, light to dark, (3,) of 0-255."""
    depth = rng.uniform(0.25, 1.0)
    return np.array([235.0, 190.0, 165.0]) * depth ** np.array([0.9, 1.2, 1.35]) * np.exp(rng.normal(0, 0.05, 3))


def _with_finger(levels: np.ndarray, tip: np.ndarray, end: np.ndarray, width: float, skin: np.ndarray) -> np.ndarray:
    reach = 2 * width + 4
    low = np.maximum(0, np.minimum(tip, end) - reach).astype(int)
    high = np.minimum([WIDTH, HEIGHT], np.maximum(tip, end) + reach).astype(int)
    if (high - low < 8).any():
        return levels
    # Only where it is: a whole picture's masks would cost more than all the rest.
    mask = Image.new("L", (int(high[0] - low[0]), int(high[1] - low[1])))
    draw = ImageDraw.Draw(mask)
    (tip_x, tip_y), (end_x, end_y), half = tip - low, end - low, width / 2
    draw.line((tip_x, tip_y, end_x, end_y), 255, max(2, round(width)))
    draw.ellipse((tip_x - half, tip_y - half, tip_x + half, tip_y + half), 255)
    share = (np.asarray(mask.filter(ImageFilter.GaussianBlur(0.8)), dtype=np.float32) / 255)[..., None]
    # Round: lighter in the middle than at its sides.
    small = mask.reduce(4).filter(ImageFilter.GaussianBlur(max(0.5, width / 10)))
    round_ = np.asarray(small.resize(mask.size, Image.Resampling.BILINEAR), dtype=np.float32) / 255
    colour = np.clip(skin.astype(np.float32) * (0.55 + 0.5 * round_)[..., None], 0, 255)
    part = slice(low[1], high[1]), slice(low[0], high[0])
    mixed = np.array(levels, dtype=np.float32)
    mixed[part] = share * colour + (1 - share) * mixed[part]
    return mixed
