"""Encoders: from an aligned face to the numbers that stand for it, in onnxruntime.

An encoder is a graph and how a face is prepared for it. The default one runs dlib's ResNet; an operator's
own comes with a descriptor (see ``vision.descriptor``).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from biosense_pipeline.choices import Device
from biosense_pipeline.errors import BiosenseError
from biosense_pipeline.vision.dlib_weights import read_resnet
from biosense_pipeline.vision.model_cache import cached
from biosense_pipeline.vision.model_files import RESNET, model_file
from biosense_pipeline.vision.resnet_graph import CHIP_SIZE, GRAPH_VERSION, resnet_model

#: dlib's own: the share of a chip's width that lies around the face on each side.
_PADDING = 0.25
#: Faces encoded at once. On one core a larger batch gains nothing more, and it needs memory.
_MOST_AT_ONCE = 16


class DeviceUnavailable(BiosenseError):
    """The device that the settings name cannot be used."""


class EncoderUnusable(BiosenseError):
    """An operator's own model does not do what its descriptor says."""


class Encoder(Protocol):
    """Prepares faces and encodes them.

    Attributes:
        unit_length: whether encodings are compared by direction only.
    """

    model_id: str
    unit_length: bool

    def align(self, pixels: np.ndarray, shape: Any) -> np.ndarray:
        """The face as the graph wants it, from an RGB picture and dlib's shape of 5 landmarks."""
        ...

    def encode(self, aligned: Sequence[np.ndarray]) -> np.ndarray:
        """float32 (n, d), one row for each aligned face."""
        ...


class DlibEncoder:
    """dlib's ResNet on chips of 150x150 pixels; equal to dlib's own run of it within 1e-5.

    Raises:
        ModelFileMissing: the weights are not there, or the file holds something else.
        DeviceUnavailable: see :func:`session`.
    """

    #: Version 1 encoded one view, from landmarks predicted once.
    model_id = "dlib-resnet-v2"
    unit_length = False

    def __init__(self, device: Device = Device.CPU, model_dir: Path | None = None) -> None:
        weights = model_file(RESNET, model_dir)
        import dlib

        self._chip = dlib.get_face_chip
        self._session = session(cached(weights, GRAPH_VERSION, lambda: resnet_model(read_resnet(weights))), device)

    def align(self, pixels: np.ndarray, shape: Any) -> np.ndarray:
        """uint8 (150, 150, 3): eyes level, the face in the middle."""
        chip: np.ndarray = self._chip(pixels, shape, CHIP_SIZE, _PADDING)
        return chip

    def encode(self, aligned: Sequence[np.ndarray]) -> np.ndarray:
        """float32 (n, 128)."""
        return run_batched(self._session, [chip.transpose(2, 0, 1) for chip in aligned])


def session(model: bytes, device: Device) -> Any:
    """An onnxruntime session with one thread: the processes are the parallelism.

    Raises:
        DeviceUnavailable: CUDA is asked for and onnxruntime or the machine has none.
        EncoderUnusable: the bytes are no model.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors come as exceptions; warnings are of no use to an operator
    providers: list[Any] = ["CPUExecutionProvider"]
    if device is Device.CUDA:
        # TF32 would round encodings to three digits.
        providers.insert(0, ("CUDAExecutionProvider", {"use_tf32": 0}))
        if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
            raise DeviceUnavailable(
                "BIOSENSE_DEVICE is cuda, but this onnxruntime has no CUDA: install onnxruntime-gpu in its "
                "stead, or set BIOSENSE_DEVICE=cpu."
            )
    try:
        made = onnxruntime.InferenceSession(model, options, providers=providers)
    except Exception as error:  # onnxruntime raises a class of its own for each of its status codes
        raise EncoderUnusable(f"onnxruntime cannot load the model ({_first_line(error)}).") from error
    if device is Device.CUDA and made.get_providers()[0] != "CUDAExecutionProvider":
        raise DeviceUnavailable(
            "BIOSENSE_DEVICE is cuda, but onnxruntime found no GPU that it can use: check the driver with "
            "nvidia-smi, or set BIOSENSE_DEVICE=cpu."
        )
    return made


def run_batched(made: Any, inputs: Sequence[np.ndarray]) -> np.ndarray:
    """Run a graph of one input and one output over inputs of equal shape; float32 (n, d)."""
    (name,) = (node.name for node in made.get_inputs())
    batches = [
        made.run(None, {name: np.stack(inputs[start : start + _MOST_AT_ONCE]).astype(np.float32, copy=False)})[0]
        for start in range(0, len(inputs), _MOST_AT_ONCE)
    ]
    return np.concatenate(batches).astype(np.float32, copy=False)


def _first_line(error: Exception) -> str:
    return str(error).split("\n")[0][:300]
