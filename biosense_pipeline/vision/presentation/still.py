"""What is kept of a still to tell a person from a picture of one, and a live camera from a frozen one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from biosense_pipeline.vision.faces import Box
from biosense_pipeline.vision.presentation.chip import face_chip
from biosense_pipeline.vision.presentation.features import FEATURES_ID, features
from biosense_pipeline.vision.presentation.hashes import byte_hash, perceptual_hash, pixel_hash
from biosense_pipeline.vision.presentation.source import source_signature
from biosense_pipeline.vision.presentation.thumbnail import thumbnail
from biosense_pipeline.vision.quality import face_quality


@dataclass(frozen=True, eq=False)
class FaceEvidence:
    """The largest face of a still as numbers.

    Attributes:
        landmarks: float32 (5, 2), x and y in pixels, as dlib's 5-point model orders them.
        sharpness, brightness: see ``vision.quality.face_quality``.
        chip: uint8 (32, 32), see ``vision.presentation.chip``.
        features: float32 (n,), laid out as ``features_id`` says.
        thumbnail: uint8 (height, 64), the whole still. picture_width: of the still itself, in pixels.
    """

    box: Box
    landmarks: np.ndarray
    sharpness: float
    brightness: float
    chip: np.ndarray
    features: np.ndarray
    thumbnail: np.ndarray
    picture_width: int
    features_id: str = FEATURES_ID


@dataclass(frozen=True, eq=False)
class StillEvidence:
    """A still as numbers.

    Attributes:
        sha256: of the stored bytes, 32 bytes.
        pixel_hash: of the shape and the decoded pixels, 16 bytes.
        perceptual_hash: 64 bits, unsigned; pictures that look alike differ in few.
        source: a signature of what encoded the picture, at most 64 characters.
        face: the largest face; None where there is none, or its eyes are too close together to align it.
    """

    sha256: bytes
    pixel_hash: bytes
    perceptual_hash: int
    source: str
    face: FaceEvidence | None


def still_evidence(
    data: bytes,
    pixels: np.ndarray,
    faces: Sequence[tuple[Box, np.ndarray]],
    quality: Mapping[str, float] | None = None,
) -> StillEvidence:
    """The evidence of a picture.

    Args:
        data: as it is stored.
        pixels: decoded from it, uint8 (height, width, 3), RGB, upright.
        faces: box and landmarks of each, the largest first.
        quality: what ``face_quality`` says of the largest, where that is known already.
    """
    return StillEvidence(
        byte_hash(data),
        pixel_hash(pixels),
        perceptual_hash(pixels),
        source_signature(data),
        _face_evidence(pixels, *faces[0], quality) if faces else None,
    )


def _face_evidence(
    pixels: np.ndarray, box: Box, landmarks: np.ndarray, quality: Mapping[str, float] | None
) -> FaceEvidence | None:
    chip = face_chip(pixels, landmarks)
    if chip is None:
        return None
    known = face_quality(pixels, box) if quality is None else quality
    points = np.asarray(landmarks, dtype=np.float32)
    numbers = features(pixels, box, points)
    return FaceEvidence(
        box, points, known["sharpness"], known["brightness"], chip, numbers, thumbnail(pixels), pixels.shape[1]
    )
