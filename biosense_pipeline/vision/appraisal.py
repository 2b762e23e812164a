"""What an enrolment asks of a face beyond what a still tells: is it sharp, well lit and turned to the camera?

All is measured on the face as the encoder sees it: eyes level and as far apart as in dlib's chip. So pictures
of different sizes have comparable numbers, and blur that vanishes at that size counts for nothing.
"""

import numpy as np

from biosense_pipeline.vision.alignment import eyes_and_nose, similarity, warp
from biosense_pipeline.vision.quality import grey_levels, laplacian_variance

#: Side of the aligned face and where the eyes' middles come to lie: it reaches from the brows to the chin and
#: holds next to no hair and background, which would count as too dark or as sharp.
_SIDE = 100
_EYES = np.array([[25.0, 30.0], [75.0, 30.0]])
#: Grey levels at and beyond which a pixel says nothing any more: black and white of a camera that keeps to
#: the range of video (ITU-R BT.601).
_BLACK, _WHITE = 16, 235


def appraise(pixels: np.ndarray, landmarks: np.ndarray) -> dict[str, float]:
    """Numbers of the face with these landmarks in an RGB picture.

    Args:
        pixels: uint8 (height, width, 3).
        landmarks: (5, 2), as dlib's model orders them.

    Returns:
        ``aligned_sharpness``: variance of the Laplacian of the aligned face, higher is sharper; sensor noise
        counts as sharpness. ``dark_share``, ``bright_share``: of the aligned face's pixels, 0-1, that are black
        or white. ``nose_offset``: how far the base of the nose lies from the middle between the eyes, along the
        line through them, in halves of their distance: 0 looks ahead, 1 has it below an eye. ``roll``: by how
        many degrees that line is tilted.
    """
    left, right, nose = eyes_and_nose(landmarks)
    grey = grey_levels(_aligned(pixels, np.stack([left, right])))
    between = right - left
    along = float((nose - left) @ between) / max(float(between @ between), 1e-12)
    return {
        "aligned_sharpness": round(laplacian_variance(grey), 2),
        "dark_share": round(float((grey <= _BLACK).mean()), 4),
        "bright_share": round(float((grey >= _WHITE).mean()), 4),
        "nose_offset": round(abs(2 * along - 1), 4),
        "roll": round(abs(float(np.degrees(np.arctan2(between[1], between[0])))), 2),
    }


def _aligned(pixels: np.ndarray, eyes: np.ndarray) -> np.ndarray:
    """The face at the size and in the place that are the same for all, uint8 (100, 100, 3)."""
    from_aligned = similarity(_EYES, eyes)
    corners = np.array([[x, y, 1] for x in (0, _SIDE) for y in (0, _SIDE)]) @ from_aligned.T
    height, width = pixels.shape[:2]
    beyond = int(np.ceil(max(0.0, -corners.min(), *(corners.max(axis=0) - [width, height])))) + 1
    # Where the edge of the picture cuts the face its last pixels go on: what is not there is not too dark.
    padded = np.pad(pixels, ((beyond, beyond), (beyond, beyond), (0, 0)), mode="edge")
    from_aligned[:, 2] += beyond
    return warp(padded, from_aligned, _SIDE, _SIDE)
