"""dlib's HOG detector, 5-point alignment and ResNet, all on public-domain weights."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from biosense_pipeline.errors import ModelFileMissing
from biosense_pipeline.vision.faces import Face, Found
from biosense_pipeline.vision.model_files import LANDMARKS_5, RESNET, model_file
from biosense_pipeline.vision.quality import face_quality


class DlibEngine:
    """Finds faces with HOG and encodes each from one aligned 150x150 chip.

    Args:
        always_enlarge: True searches every picture at twice its size, as face_recognition does: faces
            from about 40 pixels are found. False searches at its own size and enlarges only where that
            finds nothing: faces from about 70-80 pixels are found, and a small second face behind a
            large one is missed.
        model_dir: folder with the weights; default those of face_recognition_models.

    Raises:
        ModelFileMissing: the weights are not there, or the files hold something else.
    """

    model_id = "dlib-resnet-v1"

    def __init__(self, always_enlarge: bool = False, model_dir: Path | None = None) -> None:
        landmarks, resnet = model_file(LANDMARKS_5, model_dir), model_file(RESNET, model_dir)
        import dlib

        self._detector = dlib.get_frontal_face_detector()
        self._landmarks = _load(dlib.shape_predictor, landmarks)
        self._resnet = _load(dlib.face_recognition_model_v1, resnet)
        self._always_enlarge = always_enlarge

    def find(self, pixels: np.ndarray) -> Found:
        """All faces of an RGB picture, largest first."""
        begin = time.perf_counter()
        boxes = self._detect(pixels)
        detected = time.perf_counter()
        shapes = [self._landmarks(pixels, box) for box in boxes]
        aligned = time.perf_counter()
        faces = [self._encode(pixels, box, shape) for box, shape in zip(boxes, shapes, strict=True)]
        encoded = time.perf_counter()
        return Found(
            faces,
            {
                "detect": 1e3 * (detected - begin),
                "align": 1e3 * (aligned - detected),
                "encode": 1e3 * (encoded - aligned),
            },
        )

    def _detect(self, pixels: np.ndarray) -> list[Any]:
        if self._always_enlarge:
            boxes = self._detector(pixels, 1)
        else:
            boxes = self._detector(pixels, 0) or self._detector(pixels, 1)
        return sorted(boxes, key=lambda box: box.area(), reverse=True)

    def _encode(self, pixels: np.ndarray, box: Any, shape: Any) -> Face:
        corners = (box.left(), box.top(), box.right(), box.bottom())
        return Face(
            box=corners,
            landmarks=np.array([(point.x, point.y) for point in shape.parts()], dtype=np.float32),
            encoding=np.asarray(self._resnet.compute_face_descriptor(pixels, shape), dtype=np.float32),
            quality=face_quality(pixels, corners),
        )


def _load(model: Callable[[str], Any], file: Path) -> Any:
    try:
        return model(str(file))
    except RuntimeError as error:  # torn, or the pointer that Git LFS leaves in a file's stead
        raise ModelFileMissing(
            f"The model file {file} cannot be read ({error}): reinstall face_recognition_models, or name "
            "a folder with whole files in BIOSENSE_MODEL_DIR."
        ) from error
