"""The whole still as a small grey picture: where what surrounds the face lies, and little of what it is."""

import numpy as np
from PIL import Image

#: Width in pixels; a face before a webcam is six to twenty-four of them wide.
WIDTH = 64
#: A strip of a picture is brought to this height at most, in widths.
_HIGHEST = 4
#: Samples taken for each pixel, across and down.
_SAMPLES = 4


def thumbnail(pixels: np.ndarray) -> np.ndarray:
    """The still in grey levels, uint8 (height, 64), its proportions kept; each pixel is a mean over what it covers.

    Green alone, which makes up most of the luminance, and of a large picture every few pixels, evenly spaced: as for
    the perceptual hash, the picture is read once instead of three times.

    Args:
        pixels: uint8 (height, width, 3), RGB.
    """
    height, width = pixels.shape[:2]
    rows = int(np.clip(round(WIDTH * height / width), 1, _HIGHEST * WIDTH))
    step = max(1, width // (_SAMPLES * WIDTH))
    grey = Image.fromarray(np.ascontiguousarray(pixels[::step, ::step, 1]))
    return np.asarray(grey.resize((WIDTH, rows), Image.Resampling.BOX))
