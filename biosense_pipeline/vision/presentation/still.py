"""What is kept of a still to tell a person from a picture of one, and a live camera from a frozen one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from biosense_pipeline.vision.attack_model import AttackScorer
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
        attack_score: of the operator's own model of that id (see ``vision.attack_model``), higher for an attack; None
            where there is no such model, or for the reason in ``attack_failure``.
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
    attack_score: float | None = None
    attack_model_id: str | None = None
    attack_failure: str | None = None


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
    attack_model: AttackScorer | None = None,
) -> StillEvidence:
    """The evidence of a picture.

    Args:
        data: as it is stored.
        pixels: decoded from it, uint8 (height, width, 3), RGB, upright.
        faces: box and landmarks of each, the largest first.
        quality: what ``face_quality`` says of the largest, where that is known already.
        attack_model: the operator's own, if there is one; a failure of it costs its score alone.
    """
    return StillEvidence(
        byte_hash(data),
        pixel_hash(pixels),
        perceptual_hash(pixels),
        source_signature(data),
        _face_evidence(pixels, *faces[0], quality, attack_model) if faces else None,
    )


def _face_evidence(
    pixels: np.ndarray,
    box: Box,
    landmarks: np.ndarray,
    quality: Mapping[str, float] | None,
    attack_model: AttackScorer | None,
) -> FaceEvidence | None:
    chip = face_chip(pixels, landmarks)
    if chip is None:
        return None
    known = face_quality(pixels, box) if quality is None else quality
    points = np.asarray(landmarks, dtype=np.float32)
    numbers = features(pixels, box, points)
    found = FaceEvidence(
        box, points, known["sharpness"], known["brightness"], chip, numbers, thumbnail(pixels), pixels.shape[1]
    )
    return found if attack_model is None else _with_score(found, pixels, attack_model)


def _with_score(found: FaceEvidence, pixels: np.ndarray, attack_model: AttackScorer) -> FaceEvidence:
    try:
        return replace(found, attack_score=attack_model.score(pixels, found.box), attack_model_id=attack_model.model_id)
    except Exception as error:
        return replace(found, attack_failure=f"{type(error).__name__}: {error}")
