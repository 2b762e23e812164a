"""The engine that ships: HOG boxes, 5 landmarks, and an encoder in onnxruntime."""

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from biosense_pipeline.vision.detector import HogDetector, surroundings
from biosense_pipeline.vision.encoders import Encoder
from biosense_pipeline.vision.faces import Detected, DetectedFace, Look

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
        """Faces of an RGB picture, aligned, largest first."""
        begin = time.perf_counter()
        boxes, full = self._detector.detect(pixels, look)
        detected = time.perf_counter()
        faces = [self._aligned(pixels, box, look.careful) for box in boxes]
        aligned = time.perf_counter()
        return Detected(
            faces, full, look.careful, {"detect": 1e3 * (detected - begin), "align": 1e3 * (aligned - detected)}
        )

    def encode(self, aligned: Sequence[Any]) -> np.ndarray:
        """Encodings of aligned faces, float32 (n, d): the mean over each one's views."""
        encodings = self._encoder.encode([view for views in aligned for view in views])
        starts = np.cumsum([0, *(len(views) for views in aligned[:-1])])
        counts = np.array([len(views) for views in aligned], dtype=np.float32)
        means: np.ndarray = np.add.reduceat(encodings, starts, axis=0) / counts[:, None]
        if self._encoder.unit_length:
            means /= np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12)
        return means

    def _aligned(self, pixels: np.ndarray, rectangle: Any, careful: bool) -> DetectedFace:
        box = (rectangle.left(), rectangle.top(), rectangle.right(), rectangle.bottom())
        part, left, top = surroundings(pixels, box, _ALIGNED)
        shape = self._detector.landmarks(
            part, tuple(edge - shift for edge, shift in zip(box, (left, top) * 2, strict=True))
        )
        view = self._encoder.align(part, shape)
        return DetectedFace(
            box=box,
            landmarks=np.array([(point.x + left, point.y + top) for point in shape.parts()], dtype=np.float32),
            aligned=(view, view[:, ::-1]) if careful else (view,),
        )
