"""What an engine finds in a picture, and the interface of an engine."""

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np


@dataclass(frozen=True)
class Face:
    """One face.

    Attributes:
        box: left, top, right, bottom in pixels of the upright picture; may reach beyond its edges.
        landmarks: float32 (5, 2), x and y: outer and inner corner of the left and of the right eye as
            dlib's 5-point model orders them, then the base of the nose.
        encoding: float32, as long as the model's dimension.
        quality: width in pixels, sharpness and brightness (see ``vision.quality``).
    """

    box: tuple[int, int, int, int]
    landmarks: np.ndarray
    encoding: np.ndarray
    quality: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Found:
    """All faces of a picture, largest first, and the milliseconds that each stage took."""

    faces: list[Face]
    milliseconds: dict[str, float]


class FaceEngine(Protocol):
    """Finds faces and turns them into encodings. One model id: encodings of different ids never meet."""

    model_id: str

    def find(self, pixels: np.ndarray) -> Found:
        """All faces of an RGB picture, uint8 (height, width, 3)."""
        ...
