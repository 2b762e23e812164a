"""What every kind of evidence is made of: a still as numbers, and what a window of stills says of one species.

A window is a sequence of :class:`EvidenceStill` of one agent, in order of capture time and id.
"""

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from biosense_pipeline.codes import Species


@dataclass(frozen=True, eq=False)
class EvidenceStill:
    """A still as recognition stored it, without its picture.

    Attributes:
        captured: naive local, as the capture client wrote it.
        result: a ``StillResult``; None where the still's row is gone.
        num_faces: how many faces were found; the numbers below are those of the largest.
        sha256: of the stored bytes.
        pixel_hash: of the shape and the decoded pixels.
        perceptual_hash: 64 bits, unsigned; pictures that look alike differ in few. Kept for people who look into a
            case, as is ``sharpness``: no evidence reads either.
        source: a signature of what encoded the picture; equal for pictures of one camera and client.
        box: left, top, right, bottom in pixels; None, as all that follows, where there is no face.
        landmarks: float32 (5, 2), x and y in pixels, as dlib's 5-point model orders them.
        sharpness, brightness: of the face; 0 where there is none.
        chip: uint8 (32, 32), grey, the eyes level and always in the same places.
        features: float32 (n,), laid out as ``features_id`` says; numbers of different ids are not comparable.
        thumbnail: uint8 (height, 64), the whole still in grey levels; None where it was not kept. picture_width: of the
            still itself, in pixels.
        attack_score: of the operator's own model of that id; None: there is none.
    """

    still_id: int
    captured: datetime
    result: str | None
    num_faces: int
    sha256: bytes
    pixel_hash: bytes
    perceptual_hash: int
    source: str
    box: tuple[int, int, int, int] | None = None
    landmarks: np.ndarray | None = None
    sharpness: float = 0.0
    brightness: float = 0.0
    chip: np.ndarray | None = None
    features: np.ndarray | None = None
    features_id: str | None = None
    thumbnail: np.ndarray | None = None
    picture_width: int | None = None
    attack_score: float | None = None
    attack_model_id: str | None = None

    @property
    def usable(self) -> bool:
        """Whether it shows exactly one face, so that the numbers can be taken for the agent's."""
        return self.num_faces == 1 and self.chip is not None


@dataclass(frozen=True)
class Evidence:
    """What a window says of one species.

    Attributes:
        llr: log-likelihood ratio, natural logarithm; positive speaks for the attack.
        numbers: those that it follows from, by name.
        still_ids: the stills that it rests on, in order of the window.
    """

    species: Species
    llr: float
    numbers: dict[str, float]
    still_ids: tuple[int, ...]
