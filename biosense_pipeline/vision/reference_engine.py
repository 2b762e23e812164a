"""The library face_recognition itself, called as its users call it: the engine to compare others with.

Importing it loads the 68-point landmark model, whose terms exclude commercial use; the calls below do
not use that model, and this engine is never the default.
"""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import ImageFile

from biosense_pipeline.errors import ModelFileMissing
from biosense_pipeline.vision.faces import AlignedFace, Detected, DetectedFace, Look


class ReferenceEngine:
    """``face_locations`` (HOG, enlarged once) and ``face_encodings`` (5 points, one chip).

    Raises:
        ModelFileMissing: the library or one of its files cannot be loaded.
    """

    model_id = "face_recognition-1.3.0"

    def __init__(self) -> None:
        try:
            with warnings.catch_warnings():
                # face_recognition_models asks pkg_resources where its files are, which has announced its end.
                warnings.simplefilter("ignore", UserWarning)
                import face_recognition
        except (ImportError, RuntimeError, SystemExit) as error:
            # It ends the whole process where its models are missing.
            raise ModelFileMissing(
                f"The library face_recognition or one of its model files cannot be loaded ({error}): run "
                "`make install` again, or use BIOSENSE_ENGINE=dlib."
            ) from error

        # Its import makes Pillow accept torn pictures in the whole process.
        ImageFile.LOAD_TRUNCATED_IMAGES = False
        self._library = face_recognition

    def detect(self, pixels: np.ndarray, look: Look) -> Detected:
        """Faces of an RGB picture, largest first. Every look is the same to the library."""
        faces = []
        for location in self._library.face_locations(pixels):
            top, right, bottom, left = location
            faces.append(DetectedFace((left, top, right, bottom), (pixels, location)))
        faces.sort(key=lambda face: (face.box[2] - face.box[0]) * (face.box[3] - face.box[1]), reverse=True)
        return Detected(faces)

    def align(self, face: DetectedFace, careful: bool) -> AlignedFace:
        """Landmarks for the record; the library predicts them once more when it encodes."""
        pixels, location = face.pixels
        (parts,) = self._library.face_landmarks(pixels, [location], model="small")
        # face_recognition names the points; this is dlib's order again.
        points = [*parts["right_eye"], *parts["left_eye"], *parts["nose_tip"]]
        return AlignedFace(face.box, np.array(points, dtype=np.float32), face.pixels)

    def encode(self, aligned: Sequence[Any]) -> np.ndarray:
        """float32 (n, 128), one face after the other, as the library has it."""
        return np.asarray(
            [self._library.face_encodings(pixels, [location])[0] for pixels, location in aligned], dtype=np.float32
        )
