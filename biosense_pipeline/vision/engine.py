"""The engine that ships: HOG boxes, 5 landmarks, and an encoder in onnxruntime."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from biosense_pipeline.vision.detector import HogDetector, surroundings
from biosense_pipeline.vision.encoders import Encoder
from biosense_pipeline.vision.faces import AlignedFace, Detected, DetectedFace, Look

#: A chip reaches no further than this, in widths of the face, however the head is turned. dlib copies what it
#: is given, and of a part of the picture less than of all.
_ALIGNED = 2.4


class Engine:
    """A detector and an encoder; the model id is the encoder's.

    A careful look encodes a face twice, as it is and mirrored, and takes the mean: a face's two halves differ
    less than the light on them. One view lies farther from a mean of two than a mean does, so the distance of
    a look that is not careful is an upper bound of a careful one's, but for what a different size does to the
    alignment.
    """

    def __init__(self, detector: HogDetector, encoder: Encoder) -> None:
        self.model_id = encoder.model_id
        self._detector = detector
        self._encoder = encoder

    def detect(self, pixels: np.ndarray, look: Look) -> Detected:
        """Faces of an RGB picture, largest first, each with what surrounds it."""
        boxes, full = self._detector.detect(pixels, look)
        faces = []
        for found in boxes:
            box = (found.left(), found.top(), found.right(), found.bottom())
            faces.append(DetectedFace(box, surroundings(pixels, box, _ALIGNED)))
        return Detected(faces, full, look.careful)

    def align(self, face: DetectedFace, careful: bool) -> AlignedFace:
        """Landmarks, and the views that are encoded: one, or for a careful look two."""
        part, left, top = face.pixels
        box = tuple(edge - shift for edge, shift in zip(face.box, (left, top) * 2, strict=True))
        shape = self._detector.landmarks(part, box)
        view = self._encoder.align(part, shape)
        landmarks = np.array([(point.x + left, point.y + top) for point in shape.parts()], dtype=np.float32)
        return AlignedFace(face.box, landmarks, (view, view[:, ::-1]) if careful else (view,))

    def encode(self, aligned: Sequence[Any]) -> np.ndarray:
        """Encodings of aligned faces, float32 (n, d): the mean over each one's views."""
        encodings = self._encoder.encode([view for views in aligned for view in views])
        starts = np.cumsum([0, *(len(views) for views in aligned[:-1])])
        counts = np.array([len(views) for views in aligned], dtype=np.float32)
        means: np.ndarray = np.add.reduceat(encodings, starts, axis=0) / counts[:, None]
        if self._encoder.unit_length:
            means /= np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12)
        return means
