"""A face as a small grey picture, eyes level and always in the same places, to hold one still against another."""

import numpy as np
from PIL import Image

from biosense_pipeline.vision.alignment import eyes_and_nose, similarity

#: Side of the chip, and where the middles of the eyes come to lie, in pixels from the middle of the first one. The
#: eyes are 12 apart, so that it reaches from above the brows to the chin, and a little beyond the cheeks.
SIDE = 32
EYES = np.array([[9.5, 9.0], [21.5, 9.0]])
#: Samples taken for each pixel of the chip, across and down.
_SAMPLES = 3
#: Eyes closer together, in pixels, are none, or too small to be compared.
_LEAST = 4.0


def face_chip(pixels: np.ndarray, landmarks: np.ndarray) -> np.ndarray | None:
    """The face with these landmarks as a chip; None where the eyes are too close together to align it.

    Each pixel is the mean of the part of the picture that it covers, so that a moving face makes no patterns. Where
    the face reaches beyond the picture the pixels of the edge go on.

    Args:
        pixels: uint8 (height, width, 3), RGB.
        landmarks: (5, 2), as dlib's model orders them.

    Returns:
        uint8 (32, 32).
    """
    eyes = eyes_and_nose(landmarks)[:2]
    if not np.isfinite(eyes).all() or np.linalg.norm(eyes[1] - eyes[0]) < _LEAST:
        return None
    from_chip = similarity(EYES, eyes)
    grey, left, top = _surroundings(pixels, from_chip)
    from_chip[:, 2] -= [left, top]
    return np.asarray(_sampled(grey, from_chip).reduce(_SAMPLES))


def _surroundings(pixels: np.ndarray, from_chip: np.ndarray) -> tuple[Image.Image, int, int]:
    """The part of the picture that the chip shows, in grey levels, and where its left upper pixel lies."""
    height, width = pixels.shape[:2]
    corners = np.array([[x, y, 1] for x in (-1, SIDE) for y in (-1, SIDE)]) @ from_chip.T
    left, top = np.floor(corners.min(axis=0)).astype(int) - 1
    right, bottom = np.ceil(corners.max(axis=0)).astype(int) + 2
    rows = np.clip(np.arange(top, bottom), 0, height - 1)
    columns = np.clip(np.arange(left, right), 0, width - 1)
    part = pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    grey = np.asarray(Image.fromarray(np.ascontiguousarray(part)).convert("L"))
    if grey.shape != (len(rows), len(columns)):
        grey = grey[np.ix_(rows - rows[0], columns - columns[0])]
    return Image.fromarray(grey), int(left), int(top)


def _sampled(grey: Image.Image, from_chip: np.ndarray) -> Image.Image:
    """The chip at three times its size."""
    # To the places of the samples, and to how Pillow measures: from the corner of a pixel, not from its middle.
    turn = from_chip[:, :2]
    shift = from_chip[:, 2] - 0.5 * turn.sum(axis=1) + 0.5
    matrix = np.column_stack([turn / _SAMPLES, shift])
    apart = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    if apart >= 1.5:
        # Of a face this large the samples would leave out pixels between them.
        factor = round(apart)
        grey, matrix = grey.reduce(factor), matrix / factor
    size = SIDE * _SAMPLES, SIDE * _SAMPLES
    return grey.transform(size, Image.Transform.AFFINE, tuple(matrix.ravel()), Image.Resampling.BILINEAR)
