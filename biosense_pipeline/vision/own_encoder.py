"""An operator's own ONNX model as an encoder."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from biosense_pipeline.choices import Device
from biosense_pipeline.vision.descriptor import Alignment, Descriptor
from biosense_pipeline.vision.encoders import EncoderUnusable, run_batched, session


class OwnEncoder:
    """Aligns faces to the descriptor's template and runs its model.

    Raises:
        EncoderUnusable: the model does not load, or gives something else than the descriptor says.
        DeviceUnavailable: see :func:`biosense_pipeline.vision.encoders.session`.
    """

    def __init__(self, descriptor: Descriptor, device: Device = Device.CPU) -> None:
        self.model_id = descriptor.model_id
        self.unit_length = descriptor.metric == "cosine"
        self._descriptor = descriptor
        self._session = session(descriptor.file.read_bytes(), device)
        self._try_out()

    def align(self, pixels: np.ndarray, shape: Any) -> np.ndarray:
        """uint8 (height, width, 3), RGB, eyes and nose as near to the template as a similarity brings them."""
        parts = np.array([(point.x, point.y) for point in shape.parts()], dtype=np.float64)
        # dlib's first two points are the corners of the eye on the right of the picture.
        landmarks = np.stack([parts[2:4].mean(axis=0), parts[:2].mean(axis=0), parts[4]])
        wanted = self._descriptor.input
        return warp(pixels, similarity(_template(self._descriptor.alignment), landmarks), wanted.width, wanted.height)

    def encode(self, aligned: Sequence[np.ndarray]) -> np.ndarray:
        """float32 (n, dimension)."""
        return run_batched(self._session, [self._prepared(face) for face in aligned])

    def _prepared(self, face: np.ndarray) -> np.ndarray:
        wanted = self._descriptor.input
        levels = face.astype(np.float32)
        if wanted.colours == "BGR":
            levels = levels[:, :, ::-1]
        levels = (levels - np.asarray(wanted.mean, dtype=np.float32)) * np.asarray(wanted.scale, dtype=np.float32)
        return levels.transpose(2, 0, 1) if wanted.layout == "NCHW" else levels

    def _try_out(self) -> None:
        """Encode two grey faces: a wrong size or dimension shows here and not in every still."""
        wanted = self._descriptor
        grey = np.full((wanted.input.height, wanted.input.width, 3), 128, dtype=np.uint8)
        try:
            shape = self.encode([grey, grey]).shape
        except Exception as error:
            reason = str(error).split("\n")[0][:300]
            raise EncoderUnusable(
                f"The model {wanted.file} does not take what its descriptor says ({reason}): correct the input's "
                "size and layout, and export the graph with a free batch size."
            ) from error
        if shape != (2, wanted.dimension):
            raise EncoderUnusable(
                f"The model {wanted.file} gives encodings of shape {shape[1:]} and its descriptor says "
                f"{wanted.dimension}: correct the dimension."
            )


def similarity(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The rotation, scale and shift that bring ``source`` nearest to ``target``, without mirroring.

    Least squares over the points, in closed form with complex numbers (Umeyama 1991 in two dimensions).

    Args:
        source, target: (n, 2), x and y.

    Returns:
        (2, 3) matrix that maps (x, y, 1) of the source onto the target.
    """
    one, other = source @ np.array([1, 1j]), target @ np.array([1, 1j])
    one_centre, other_centre = one.mean(), other.mean()
    spread = np.vdot(one - one_centre, one - one_centre).real
    turn = np.vdot(one - one_centre, other - other_centre) / max(spread, 1e-12)
    shift = other_centre - turn * one_centre
    return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])


def warp(pixels: np.ndarray, from_output: np.ndarray, width: int, height: int) -> np.ndarray:
    """Sample the picture at the places that (2, 3) ``from_output`` names for each pixel of the output."""
    picture = Image.fromarray(pixels)
    # Pillow measures from the corner of a pixel, landmarks from its centre.
    matrix = from_output.copy()
    matrix[:, 2] += 0.5 - 0.5 * matrix[:, :2].sum(axis=1)
    step = float(np.hypot(from_output[0, 0], from_output[1, 0]))
    if step >= 2:
        # Bilinear sampling looks at four pixels: of a much larger face it would pick single ones.
        factor = int(step)
        picture = picture.reduce(factor)
        # Only what is measured from the corner shrinks with the picture.
        matrix /= factor
    return np.asarray(
        picture.transform((width, height), Image.Transform.AFFINE, tuple(matrix.ravel()), Image.Resampling.BILINEAR)
    )


def _template(alignment: Alignment) -> np.ndarray:
    return np.array([alignment.left_eye, alignment.right_eye, alignment.nose], dtype=np.float64)
