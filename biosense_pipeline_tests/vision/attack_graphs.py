"""Tiny models that tell attacks, with their descriptors."""

from pathlib import Path

import onnx
from onnx import TensorProto, helper

DESCRIPTOR = """
name = "brightness"
file = "brightness.onnx"
crop = 1.0

[input]
width = 32
height = 32
scale = 0.00392156862745098

[output]
index = 0
values = "score"
attack = "high"
"""
STATED = """
[stated]
mean = 0.0
spread = 1.0
separation = { print = 2.0, screen = 2.0 }
"""


def write_model(folder: Path, text: str = DESCRIPTOR, tail: str = "Identity", channels: int = 3) -> Path:
    """A descriptor and its model: the mean level of each colour of what it is shown, put through ``tail``."""
    nodes = [
        helper.make_node("GlobalAveragePool", ["face"], ["means"]),
        helper.make_node("Flatten", ["means"], ["flat"]),
        helper.make_node(tail, ["flat"], ["out"]),
        helper.make_node("Neg", ["out"], ["other"]),
    ]
    shape = [channels, 32, 32]
    graph = helper.make_graph(
        nodes,
        "brightness",
        [helper.make_tensor_value_info("face", TensorProto.FLOAT, ["n", *shape])],
        [
            helper.make_tensor_value_info("out", TensorProto.FLOAT, ["n", channels]),
            helper.make_tensor_value_info("other", TensorProto.FLOAT, ["n", channels]),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    folder.mkdir(exist_ok=True)
    onnx.save(model, folder / "brightness.onnx")
    path = folder / "brightness.toml"
    path.write_text(text)
    return path
