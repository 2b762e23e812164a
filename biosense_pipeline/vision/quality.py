"""Numbers that say how well a face can be judged."""

import numpy as np


def face_quality(pixels: np.ndarray, box: tuple[int, int, int, int]) -> dict[str, float]:
    """Quality numbers of the face inside ``box`` (left, top, right, bottom).

    Returns:
        ``width``: of the box in pixels; ``brightness``: mean grey level, 0-255; ``sharpness``: variance
        of the 4-neighbour Laplacian of the grey levels (Pech-Pacheco et al., 2000), higher is sharper.
    """
    left, top, right, bottom = box
    inside = pixels[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
    numbers = {"width": float(right - left), "brightness": 0.0, "sharpness": 0.0}
    if inside.shape[0] < 3 or inside.shape[1] < 3:
        return numbers
    grey = grey_levels(inside)
    numbers["brightness"] = round(float(grey.mean()), 2)
    numbers["sharpness"] = round(laplacian_variance(grey), 2)
    return numbers


def grey_levels(pixels: np.ndarray) -> np.ndarray:
    """Luminance of an RGB picture, float32 (height, width), 0-255."""
    grey: np.ndarray = pixels.astype(np.float32) @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    return grey


def laplacian_variance(grey: np.ndarray) -> float:
    """Variance of the 4-neighbour Laplacian; ``grey`` is 3 by 3 at least."""
    laplacian = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:] - 4 * grey[1:-1, 1:-1]
    return float(laplacian.var())
