"""An operator's own ONNX model as an encoder."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from biosense_pipeline.choices import Device
from biosense_pipeline.vision.alignment import eyes_and_nose, similarity, warp
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
        landmarks = eyes_and_nose(np.array([(point.x, point.y) for point in shape.parts()]))
        wanted = self._descriptor.input
        return warp(pixels, similarity(_template(self._descriptor.alignment), landmarks), wanted.width, wanted.height)

    def encode(self, aligned: Sequence[np.ndarray]) -> np.ndarray:
        """float32 (n, dimension)."""
        return run_batched(self._session, [self._descriptor.input.prepared(face) for face in aligned])

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


def _template(alignment: Alignment) -> np.ndarray:
    return np.array([alignment.left_eye, alignment.right_eye, alignment.nose], dtype=np.float64)
