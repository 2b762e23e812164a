"""Reads the weights of dlib's face recognition ResNet from dlib's own file.

The file is a stream of layers, input side first. An integer is a control byte, whose low four bits count
the bytes that follow and whose high bit is the sign, then these bytes, lowest first. A tensor is the
integer 2, four dimensions and raw little-endian float32. Of interest are the layers tagged ``con_4``,
``affine_`` and ``fc_2``; what lies between them (the other layers, sizes of learning rates) is skipped.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from biosense_pipeline.errors import ModelFileMissing

_CONVOLUTION, _AFFINE, _FULLY_CONNECTED = b"con_4", b"affine_", b"fc_2"
_CONVOLUTIONS = 29


@dataclass(frozen=True)
class Convolution:
    """A convolution with the affine layer after it folded in.

    Attributes:
        weights: float32 (filters, channels, rows, columns).
        bias: float32 (filters,).
    """

    weights: np.ndarray
    bias: np.ndarray
    stride: int
    padding: int


@dataclass(frozen=True)
class ResNetWeights:
    """All convolutions, input side first, and the last layer, float32 (256, 128), without bias."""

    convolutions: list[Convolution]
    projection: np.ndarray


def read_resnet(file: Path) -> ResNetWeights:
    """Read ``dlib_face_recognition_resnet_model_v1.dat``.

    Raises:
        ModelFileMissing: the file holds something else, or only a part.
    """
    try:
        stream = _Stream(file.read_bytes())
        convolutions = [_convolution(stream) for _ in range(_CONVOLUTIONS)]
        stream.skip_past(_FULLY_CONNECTED)
        stream.integers(2)  # outputs and inputs, which the tensor's own dimensions tell too
        return ResNetWeights(convolutions, stream.tensor()[:, :, 0, 0])
    except (ValueError, IndexError) as error:
        raise ModelFileMissing(
            f"The model file {file} cannot be read ({error}): reinstall face_recognition_models, or name "
            "a folder with whole files in BIOSENSE_MODEL_DIR."
        ) from error


def _convolution(stream: "_Stream") -> Convolution:
    stream.skip_past(_CONVOLUTION)
    parameters = stream.tensor().ravel()
    filters, rows, columns, stride, _, padding, _ = stream.integers(7)
    weights = parameters[:-filters].reshape(filters, -1, rows, columns)
    bias = parameters[-filters:]
    stream.skip_past(_AFFINE)
    gamma, beta = stream.tensor().ravel().reshape(2, filters)
    return Convolution(weights * gamma[:, None, None, None], bias * gamma + beta, stride, padding)


class _Stream:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    def skip_past(self, tag: bytes) -> None:
        # A tag is a string: its length comes first, which keeps floats that spell a tag from being taken for one.
        self._position = self._data.index(bytes([1, len(tag)]) + tag, self._position) + 2 + len(tag)

    def integers(self, count: int) -> list[int]:
        return [self._integer() for _ in range(count)]

    def tensor(self) -> np.ndarray:
        version, *shape = self.integers(5)
        if version != 2:
            raise ValueError(f"a tensor of version {version}")
        count = int(np.prod(shape))
        values = np.frombuffer(self._data, "<f4", count, self._position).reshape(shape)
        self._position += values.nbytes
        return values

    def _integer(self) -> int:
        control = self._data[self._position]
        end = self._position + 1 + (control & 0x0F)
        value = int.from_bytes(self._data[self._position + 1 : end], "little")
        self._position = end
        return -value if control & 0x80 else value
