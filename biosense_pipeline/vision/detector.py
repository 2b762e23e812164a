"""Finding faces with dlib's HOG detector and their 5 landmarks, at a chosen cost."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from biosense_pipeline.choices import Detection
from biosense_pipeline.errors import ModelFileMissing
from biosense_pipeline.vision.alignment import box_of
from biosense_pipeline.vision.faces import Box, Look
from biosense_pipeline.vision.model_files import LANDMARKS_5, MMOD, model_file

#: Where a face is searched for that was there before, in widths of the face: a head moves less than its own
#: width between two stills, or it is searched for in the whole picture.
_SEARCHED = 3.0
#: Larger pictures are not enlarged: it would take longer than a picture may, and in one of that many pixels a
#: face of 80 is small anyway.
_ENLARGED_UP_TO = 2_000_000
#: The convolutional detector takes some 50 times as long: enlarged, three seconds for a picture of this size.
_INSISTED_ENLARGED_UP_TO = 100_000
#: Narrower faces may be missed at half size; where a wider one is missed, something has changed.
_SEEN_AT_HALF = 176


class HogDetector:
    """Finds faces under one of three policies.

    ``reference``
        The picture is enlarged once and searched, as face_recognition does. Faces from about 40 pixels
        are found; what is smaller, turned away by more than some 40 degrees or covered is missed.
    ``full``
        The picture is searched at its own size, and enlarged only where that finds no face in up to two
        megapixels. Faces from about 80 pixels are found, from 40 where there is no larger one: missed is
        a second face of less than 80 pixels beside a large one, as of a person far behind the agent.
    ``adaptive``
        A full look is the policy ``full``. A quick look searches the picture at half its size, where
        faces from about 160 pixels are found; where that finds none, and the face that was last seen
        there was too small for it, that face's surroundings at full size. Unless exactly one face comes
        out, the look becomes a full one. Missed is what ``full`` misses, and in a quick look also a
        second face of less than 160 pixels. So whoever asks for quick looks has to take a full one now
        and then, and after every change.

    Args:
        policy: as above.
        model_dir: folder with the weights; default those of face_recognition_models.

    Raises:
        ModelFileMissing: the weights are not there, or the file holds something else.
    """

    def __init__(self, policy: Detection, model_dir: Path | None = None) -> None:
        landmarks = model_file(LANDMARKS_5, model_dir)
        import dlib

        self._policy = policy
        self._model_dir = model_dir
        self._convolutional: Any = None
        self._rectangle: Callable[..., Any] = dlib.rectangle
        self._search = dlib.get_frontal_face_detector()
        try:
            self._predict = dlib.shape_predictor(str(landmarks))
        except RuntimeError as error:  # torn, or the pointer that Git LFS leaves in a file's stead
            raise ModelFileMissing(
                f"The model file {landmarks} cannot be read ({error}): reinstall face_recognition_models, or "
                "name a folder with whole files in BIOSENSE_MODEL_DIR."
            ) from error

    def detect(self, pixels: np.ndarray, look: Look) -> tuple[list[Any], bool]:
        """The faces' boxes as dlib rectangles, largest first, and whether the look was a full one."""
        if self._policy is Detection.ADAPTIVE and not look.full:
            boxes = self._quickly(pixels, look.near)
            if len(boxes) == 1:
                return boxes, False
        if self._policy is Detection.REFERENCE:
            boxes = self._search(pixels, 1)
        else:
            boxes = self._fully(pixels, look.careful)
        if look.cropped:
            boxes = boxes or self._carried_on(pixels, look.careful)
        if look.insist:
            boxes = boxes or self._insist(pixels)
        return sorted(boxes, key=lambda box: box.area(), reverse=True), True

    def landmarks(self, pixels: np.ndarray, box: tuple[int, ...]) -> Any:
        """The 5 landmarks of the face in ``box``, as dlib's shape.

        The predictor starts from the box, and a box that is a few pixels off moves the landmarks, the chip
        and so the encoding. So they are predicted once more from the box that follows from them: in half of
        all pictures it then makes no difference at all at which size the face was found.
        """
        first = np.array([(point.x, point.y) for point in self._predict(pixels, self._rectangle(*box)).parts()])
        across, down, width = box_of(first)
        edges = (across - width / 2, down - width / 2, across + width / 2, down + width / 2)
        return self._predict(pixels, self._rectangle(*(round(float(edge)) for edge in edges)))

    def _quickly(self, pixels: np.ndarray, near: Box | None) -> list[Any]:
        found = [self._moved(box, 2, 0, 0) for box in self._search(_grey(pixels, shrink=2), 0)]
        if found or near is None or near[2] - near[0] > _SEEN_AT_HALF:
            return found
        crop, left, top = surroundings(pixels, near, _SEARCHED)
        return [self._moved(box, 1, left, top) for box in self._search(_grey(crop), 0)] if crop.size else []

    def _fully(self, pixels: np.ndarray, careful: bool) -> list[Any]:
        # In grey levels, at four fifths of the time; a careful look uses colour, as face_recognition does.
        boxes = self._search(pixels if careful else _grey(pixels), 0)
        if not boxes and pixels.shape[0] * pixels.shape[1] <= _ENLARGED_UP_TO:
            boxes = self._search(pixels, 1)
        return list(boxes)

    def _carried_on(self, pixels: np.ndarray, careful: bool) -> list[Any]:
        """Faces of a picture whose edges are carried on by a quarter of its size."""
        margin = max(pixels.shape[:2]) // 4
        wider = np.pad(pixels, ((margin, margin), (margin, margin), (0, 0)), mode="edge")
        return [self._moved(box, 1, -margin, -margin) for box in self._fully(wider, careful)]

    def _insist(self, pixels: np.ndarray) -> list[Any]:
        """Faces that dlib's convolutional detector finds: also covered and turned ones, in seconds."""
        if self._convolutional is None:
            import dlib

            self._convolutional = dlib.cnn_face_detection_model_v1(str(model_file(MMOD, self._model_dir)))
        enlarged = int(pixels.shape[0] * pixels.shape[1] <= _INSISTED_ENLARGED_UP_TO)
        return [found.rect for found in self._convolutional(pixels, enlarged)]

    def _moved(self, box: Any, scale: int, left: int, top: int) -> Any:
        edges = (scale * edge for edge in (box.left(), box.top(), box.right(), box.bottom()))
        return self._rectangle(*(edge + shift for edge, shift in zip(edges, (left, top, left, top), strict=True)))


def _grey(pixels: np.ndarray, shrink: int = 1) -> np.ndarray:
    picture = Image.fromarray(pixels).convert("L")
    return np.asarray(picture.reduce(shrink) if shrink > 1 else picture)


def surroundings(pixels: np.ndarray, box: Box, widths: float) -> tuple[np.ndarray, int, int]:
    """The part of a picture around a face, so many times as wide, and its left and upper edge in the picture."""
    left, top, right, bottom = box
    reach = int(widths * max(right - left, bottom - top) / 2)
    across, down = (left + right) // 2, (top + bottom) // 2
    left, top = max(0, across - reach), max(0, down - reach)
    return np.ascontiguousarray(pixels[top : max(top, down + reach), left : max(left, across + reach)]), left, top
