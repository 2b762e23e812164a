"""Feeds that are not a live camera: the same file again, a recording played anew, a picture moved by hand."""

from collections.abc import Iterator

import numpy as np
from PIL import Image

from biosense_pipeline.evaluation.life.stills import as_jpeg
from biosense_pipeline.evaluation.recapture.webcam import Webcam

#: A recording is encoded anew with such qualities, and a little noise in grey levels.
_QUALITIES, _NOISE = (60, 96), 2.0
#: A hand tilts a picture so far about any axis and turns it so far, in degrees; moves it, in pixels; and brings it
#: nearer and farther.
_TILT, _TURN, _SHIFT, _SCALES = 25.0, 12.0, 40.0, (0.75, 1.3)
#: Focal length of the webcam in widths of its picture.
_FOCAL = 1.1
#: The light on a picture changes with its tilt: as a whole, and from edge to edge.
_BRIGHTER, _SLOPE = 0.15, 0.2


def encoded_anew(pixels: np.ndarray, rng: np.random.Generator) -> bytes:
    """A frame of a recording as it comes when it is played: a little noise, and a JPEG of quality 60 to 95."""
    noisy = pixels + rng.normal(0.0, rng.uniform(0.0, _NOISE), pixels.shape)
    return as_jpeg(np.clip(np.round(noisy), 0, 255).astype(np.uint8), int(rng.integers(*_QUALITIES)))


def print_stills(
    pixels: np.ndarray, centre: tuple[float, float], rng: np.random.Generator, held: bool
) -> Iterator[bytes]:
    """Stills without end of a picture before a webcam drawn at random.

    Args:
        pixels: uint8 (height, width, 3), the picture, with an even height and width.
        centre: of the face in it.
        held: moved by hand from still to still, or on a stand, where only noise and light change.
    """
    height, width = pixels.shape[:2]
    webcam = Webcam.drawn(rng)
    while True:
        scene = pixels.astype(np.float32)
        if held:
            scene = moved_by_hand(pixels, centre, rng).astype(np.float32)
        x, y = np.linspace(-1, 1, width), np.linspace(-1, 1, height)[:, np.newaxis]
        across, down = rng.uniform(-_SLOPE, _SLOPE, 2) if held else (0.0, 0.0)
        light = (1 + rng.uniform(-_BRIGHTER, _BRIGHTER)) * (1 + across * x + down * y)
        yield as_jpeg(webcam.still(np.clip(scene * light[..., np.newaxis], 0, 255), rng), quality=95)


def moved_by_hand(pixels: np.ndarray, centre: tuple[float, float], rng: np.random.Generator) -> np.ndarray:
    """The picture as a plane at another place before the camera, tilted about any axis; of the same size.

    Beyond its edges the picture goes on mirrored: a print larger than what the camera sees, without a paper's edge.
    """
    height, width = pixels.shape[:2]
    place = homography((width, height), centre, rng)
    margin = max(height, width)
    wide = np.pad(pixels, ((margin, margin), (margin, margin), (0, 0)), mode="reflect")
    back = np.linalg.inv(place)
    back = np.array([[1, 0, margin], [0, 1, margin], [0, 0, 1]]) @ back
    back /= back[2, 2]
    picture = Image.fromarray(wide).transform(
        (width, height), Image.Transform.PERSPECTIVE, tuple(back.ravel()[:8]), Image.Resampling.BICUBIC
    )
    return np.asarray(picture)


def homography(size: tuple[int, int], centre: tuple[float, float], rng: np.random.Generator) -> np.ndarray:
    """A motion of a plane before a pinhole camera, (3, 3), from pixels to pixels of a picture of that size."""
    focal, middle = _FOCAL * size[0], np.array(size) / 2
    tilt, axis = np.radians(rng.uniform(0, _TILT)), rng.uniform(0, 2 * np.pi)
    x, y = np.cos(axis), np.sin(axis)
    cross = np.array([[0, 0, y], [0, 0, -x], [-y, x, 0]])
    # Rodrigues' formula, of an axis in the plane of the picture.
    tilted = np.eye(3) + np.sin(tilt) * cross + (1 - np.cos(tilt)) * cross @ cross
    turn = np.radians(rng.uniform(-_TURN, _TURN))
    turned = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    scale = np.exp(rng.uniform(*np.log(_SCALES)))
    plane = (tilted @ turned)[:, :2] * scale
    origin = np.array([*(np.array(centre) - middle + rng.uniform(-_SHIFT, _SHIFT, 2)), focal])
    camera = np.array([[focal, 0, middle[0]], [0, focal, middle[1]], [0, 0, 1]])
    to_face = np.array([[1, 0, -centre[0]], [0, 1, -centre[1]], [0, 0, 1]])
    moved: np.ndarray = camera @ np.column_stack([plane, origin]) @ to_face
    moved /= moved[2, 2]
    return moved
