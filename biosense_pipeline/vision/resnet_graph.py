"""dlib's face recognition ResNet as an ONNX graph.

Input ``chips`` is float32 (n, 3, 150, 150), RGB levels 0-255; output ``encodings`` is float32 (n, 128).
The network is that of dlib's ``dnn_face_recognition_ex.cpp``: a strided convolution and a pooling, then
14 residual blocks of two convolutions. A block whose first convolution has a stride halves the picture;
dlib's ``add_prev`` adds tensors of different size as if the smaller one went on in zeros.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from biosense_pipeline.vision.dlib_weights import Convolution, ResNetWeights

#: Changed with every change of the graph, so that no cached graph of an earlier release is used.
GRAPH_VERSION = 1
CHIP_SIZE = 150

# Of RGB; dlib's input_rgb_image subtracts it and divides by 256.
_MEAN = np.array([122.782, 117.001, 104.298])
_SCALE = 1 / 256
_OPSET, _IR_VERSION = 17, 9


def resnet_model(weights: ResNetWeights) -> bytes:
    """The graph with these weights, serialised."""
    return _Graph().network(weights)


class _Graph:
    """Nodes and constants as they are added; each method returns the name of its output."""

    def __init__(self) -> None:
        self._nodes: list[Any] = []
        self._constants: list[Any] = []

    def network(self, weights: ResNetWeights) -> bytes:
        from onnx import TensorProto, checker, helper

        first, *others = weights.convolutions
        _, channels, rows, _ = first.weights.shape
        # The normalisation goes into the first convolution, exactly: that one has no padding.
        mean = (first.weights * (_SCALE * _MEAN)[None, :, None, None]).sum(axis=(1, 2, 3))
        folded = Convolution(first.weights * np.float32(_SCALE), first.bias - mean, first.stride, first.padding)
        name = self._node(
            "MaxPool", [self._relu(self._convolution("chips", folded))], kernel_shape=[3, 3], strides=[2, 2]
        )
        size = (_shrunk(CHIP_SIZE, rows, first.stride) - 3) // 2 + 1
        filters = len(first.bias)
        for one, two in zip(others[::2], others[1::2], strict=True):
            name, size = self._block(name, size, filters, one, two)
            filters = len(two.bias)
        pooled = self._node("Flatten", [self._node("GlobalAveragePool", [name])])
        self._nodes.append(helper.make_node("MatMul", [pooled, self._constant(weights.projection)], ["encodings"]))
        graph = helper.make_graph(
            self._nodes,
            "dlib_face_recognition_resnet_model_v1",
            [helper.make_tensor_value_info("chips", TensorProto.FLOAT, ["n", channels, CHIP_SIZE, CHIP_SIZE])],
            [helper.make_tensor_value_info("encodings", TensorProto.FLOAT, ["n", weights.projection.shape[1]])],
            self._constants,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)])
        model.ir_version = _IR_VERSION
        checker.check_model(model, full_check=True)
        serialised: bytes = model.SerializeToString()
        return serialised

    def _block(self, name: str, size: int, filters: int, one: Convolution, two: Convolution) -> tuple[str, int]:
        inner = self._convolution(self._relu(self._convolution(name, one)), two)
        skip, skip_size, inner_size = name, size, size
        if one.stride > 1:
            skip = self._node("AveragePool", [name], kernel_shape=[2, 2], strides=[2, 2])
            skip_size, inner_size = size // 2, _shrunk(size, one.weights.shape[2], one.stride)
        size = max(skip_size, inner_size)
        inner = self._grown(inner, 0, size - inner_size)
        skip = self._grown(skip, len(two.bias) - filters, size - skip_size)
        return self._relu(self._node("Add", [inner, skip])), size

    def _convolution(self, name: str, layer: Convolution) -> str:
        return self._node(
            "Conv",
            [name, self._constant(layer.weights), self._constant(layer.bias)],
            kernel_shape=list(layer.weights.shape[2:]),
            strides=[layer.stride] * 2,
            pads=[layer.padding] * 4,
        )

    def _relu(self, name: str) -> str:
        return self._node("Relu", [name])

    def _grown(self, name: str, channels: int, pixels: int) -> str:
        """Zeros after the channels, at the right and at the bottom."""
        if not channels and not pixels:
            return name
        return self._node("Pad", [name, self._constant(np.array([0, 0, 0, 0, 0, channels, pixels, pixels]))])

    def _node(self, operator: str, inputs: Sequence[str], **attributes: Any) -> str:
        from onnx import helper

        name = f"{operator}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, inputs, [name], name=name, **attributes))
        return name

    def _constant(self, values: np.ndarray) -> str:
        from onnx import numpy_helper

        name = f"constant_{len(self._constants)}"
        stored = values.astype(np.int64 if np.issubdtype(values.dtype, np.integer) else np.float32)
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(stored), name))
        return name


def _shrunk(size: int, kernel: int, stride: int) -> int:
    """The size after a convolution without padding."""
    return (size - kernel) // stride + 1
