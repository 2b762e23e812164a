"""Bringing a face into a position that is the same for all: by a rotation, a scale and a shift."""

import numpy as np
from PIL import Image

#: The box that dlib's detector would draw, told by the landmarks: its centre from theirs and its width, in
#: distances between the eyes. Medians over portraits, webcam clips and the demo's frames.
BOX_BELOW, BOX_WIDTH = 0.325, 2.43


def eyes_apart(landmarks: np.ndarray) -> float:
    """Distance between the eyes of landmarks, (5, 2), as dlib's model orders them."""
    points = np.asarray(landmarks, dtype=np.float64)
    return float(np.linalg.norm(points[:2].mean(axis=0) - points[2:4].mean(axis=0)))


def box_of(landmarks: np.ndarray) -> tuple[float, float, float]:
    """Middle across and down, and width, of the box that the detector would draw around landmarks, (5, 2)."""
    across, down = np.asarray(landmarks, dtype=np.float64).mean(axis=0)
    eyes = eyes_apart(landmarks)
    return float(across), float(down) + BOX_BELOW * eyes, BOX_WIDTH * eyes


def eyes_and_nose(landmarks: np.ndarray) -> np.ndarray:
    """Middle of the eye on the left of the picture, of the one on the right, and base of the nose: float64 (3, 2).

    Args:
        landmarks: (5, 2), as dlib's model orders them.
    """
    points = np.asarray(landmarks, dtype=np.float64)
    # dlib's first two points are the corners of the eye on the right of the picture.
    return np.stack([points[2:4].mean(axis=0), points[:2].mean(axis=0), points[4]])


def similarity(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The rotation, scale and shift that bring ``source`` nearest to ``target``, without mirroring.

    Least squares over the points, in closed form with complex numbers (Umeyama 1991 in two dimensions).

    Args:
        source, target: (n, 2), x and y.

    Returns:
        (2, 3) matrix that maps (x, y, 1) of the source onto the target.
    """
    one, other = source @ np.array([1, 1j]), target @ np.array([1, 1j])
    one_centre, other_centre = one.mean(), other.mean()
    spread = np.vdot(one - one_centre, one - one_centre).real
    turn = np.vdot(one - one_centre, other - other_centre) / max(spread, 1e-12)
    shift = other_centre - turn * one_centre
    return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])


def warp(pixels: np.ndarray, from_output: np.ndarray, width: int, height: int) -> np.ndarray:
    """Sample the picture at the places that (2, 3) ``from_output`` names for each pixel of the output."""
    picture = Image.fromarray(pixels)
    # Pillow measures from the corner of a pixel, landmarks from its centre.
    matrix = from_output.copy()
    matrix[:, 2] += 0.5 - 0.5 * matrix[:, :2].sum(axis=1)
    step = float(np.hypot(from_output[0, 0], from_output[1, 0]))
    if step >= 2:
        # Bilinear sampling looks at four pixels: of a much larger face it would pick single ones.
        factor = int(step)
        picture = picture.reduce(factor)
        # Only what is measured from the corner shrinks with the picture.
        matrix /= factor
    return np.asarray(
        picture.transform((width, height), Image.Transform.AFFINE, tuple(matrix.ravel()), Image.Resampling.BILINEAR)
    )
