"""What is looked for in a picture, what is found, and the interface of an engine."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np

#: left, top, right, bottom in pixels of the upright picture; may reach beyond its edges.
Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Look:
    """How closely a picture is looked at.

    Attributes:
        full: where the policy is adaptive, search it at its own size; else, a quick look, at half its size.
        careful: search in colour, encode each face as it is and mirrored, and take the mean; else in grey levels and
            as it is, at half the cost.
        near: where the same camera last saw its one face, which a quick look may use.
        insist: where nothing is found, under any policy, ask a slower detector, which also finds covered and
            turned faces; for pictures that are known to show one, as those of a test protocol.
        cropped: where nothing is found, search once more with the picture's edges carried on: the detector looks at a
            face's surroundings too, which a crop does not have.
        appraise: measure each face as an enrolment asks (see ``vision.appraisal``).
        evidence: keep of the picture what tells a person from a picture of one (see ``vision.presentation``), from
            its own size however it was searched; for stills, whose evidence is stored.
    """

    full: bool = True
    careful: bool = True
    near: Box | None = None
    insist: bool = False
    cropped: bool = False
    appraise: bool = False
    evidence: bool = False


FULL_LOOK = Look()
ENROLMENT_LOOK = Look(appraise=True)


class Picture(NamedTuple):
    """An encoded picture that is to be examined, under the key that its result will carry."""

    key: int
    data: bytes | None
    look: Look = FULL_LOOK


@dataclass(frozen=True)
class DetectedFace:
    """A face that was found.

    Attributes:
        pixels: what the engine's ``align`` takes, as the part of the picture that it needs.
    """

    box: Box
    pixels: Any


@dataclass(frozen=True)
class AlignedFace:
    """A face before it is encoded.

    Attributes:
        landmarks: float32 (5, 2), x and y: outer and inner corner of the left and of the right eye as
            dlib's 5-point model orders them, then the base of the nose.
        aligned: what the engine's ``encode`` takes, as a chip.
    """

    box: Box
    landmarks: np.ndarray
    aligned: Any


@dataclass(frozen=True)
class Detected:
    """All faces that a look found, largest first.

    Attributes:
        full: whether the picture was searched at its own size in the end.
        careful: whether its faces will be encoded in two views.
    """

    faces: list[DetectedFace]
    full: bool = True
    careful: bool = True


@dataclass(frozen=True)
class Face:
    """One face, encoded.

    Attributes:
        box, landmarks: see :class:`AlignedFace`.
        encoding: float32, as long as the model's dimension.
        quality: width in pixels, sharpness and brightness (see ``vision.quality``); after a look that
            appraises also the numbers of ``vision.appraisal``.
    """

    box: Box
    landmarks: np.ndarray
    encoding: np.ndarray
    quality: dict[str, float] = field(default_factory=dict)


class FaceEngine(Protocol):
    """Finds faces and turns them into encodings. One model id: encodings of different ids never meet."""

    model_id: str

    def detect(self, pixels: np.ndarray, look: Look) -> Detected:
        """Faces of an RGB picture, uint8 (height, width, 3)."""
        ...

    def align(self, face: DetectedFace, careful: bool) -> AlignedFace:
        """Landmarks of a face that was found, and the face as ``encode`` takes it."""
        ...

    def encode(self, aligned: Sequence[Any]) -> np.ndarray:
        """Encodings of aligned faces, of one picture or several: float32 (n, d)."""
        ...
