"""An operator's own ONNX model: its descriptor, alignment and encodings."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper

from biosense_pipeline.choices import EngineName
from biosense_pipeline.demo import frames
from biosense_pipeline.demo.frames import Person
from biosense_pipeline.errors import WrongUse
from biosense_pipeline.vision.alignment import similarity, warp
from biosense_pipeline.vision.descriptor import read_descriptor
from biosense_pipeline.vision.encoders import DlibEncoder, EncoderUnusable
from biosense_pipeline.vision.own_encoder import OwnEncoder
from biosense_pipeline_tests.vision.conftest import SPEC, examine_one

DESCRIPTOR = """
name = "thumbnail"
file = "thumbnail.onnx"
dimension = 12
metric = "cosine"
tolerance = 0.4

[input]
width = 112
height = 112
colours = "BGR"
mean = 127.5
scale = 0.0078125

[alignment]
left_eye = [38.3, 51.7]
right_eye = [73.5, 51.5]
nose = [56.0, 71.7]
"""


@pytest.fixture
def descriptor(tmp_path: Path) -> Path:
    """A descriptor beside a model that shrinks a face to 2x2 pixels of 3 colours."""
    return write(tmp_path)


def write(folder: Path, text: str = DESCRIPTOR, outputs: int = 12) -> Path:
    """A descriptor and its model."""
    side = int((outputs / 3) ** 0.5)
    nodes = [
        helper.make_node(
            "AveragePool", ["faces"], ["small"], kernel_shape=[112 // side] * 2, strides=[112 // side] * 2
        ),
        helper.make_node("Flatten", ["small"], ["encodings"]),
    ]
    graph = helper.make_graph(
        nodes,
        "thumbnail",
        [helper.make_tensor_value_info("faces", TensorProto.FLOAT, ["n", 3, 112, 112])],
        [helper.make_tensor_value_info("encodings", TensorProto.FLOAT, ["n", outputs])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    onnx.save(model, folder / "thumbnail.onnx")
    path = folder / "thumbnail.toml"
    path.write_text(text)
    return path


def test_an_own_model_encodes_faces(descriptor: Path) -> None:
    """With an own model the same faces are found, and encoded as the descriptor says."""
    engine = replace(SPEC, name=EngineName.ONNX, descriptor=descriptor).make()
    faces = examine_one(engine, frames.shared_frame(Person.OBAMA, Person.HOPPER, 5)).faces
    assert len(faces) == 2
    for face in faces:
        assert face.encoding.shape == (12,)
        assert np.linalg.norm(face.encoding) == pytest.approx(1, abs=1e-5)


def test_colours_and_levels(descriptor: Path) -> None:
    """Levels are shifted and scaled, and colours come in the order that the descriptor names."""
    encoder = OwnEncoder(read_descriptor(descriptor))
    red = np.zeros((112, 112, 3), dtype=np.uint8)
    red[:, :, 0] = 255
    (encoding,) = encoder.encode([red])
    assert encoding.reshape(3, 4)[:, 0] == pytest.approx([-0.99609, -0.99609, 0.99609], abs=1e-4)  # blue, green, red


def test_eyes_come_to_lie_where_the_template_has_them(descriptor: Path) -> None:
    """After alignment the eyes are dark spots near the template's, and upright."""
    pixels = np.full((300, 400, 3), 200, dtype=np.uint8)
    tilt = np.deg2rad(20)
    turn = np.array([[np.cos(tilt), -np.sin(tilt)], [np.sin(tilt), np.cos(tilt)]])
    face = np.array([[-40, 0], [-30, 0], [40, 0], [30, 0], [0, 40]]) @ turn.T + [200, 150]
    for x, y in (face[:2].mean(axis=0), face[2:4].mean(axis=0)):
        pixels[round(y) - 4 : round(y) + 5, round(x) - 4 : round(x) + 5] = 0
    # dlib names the eye on the right of the picture first.
    aligned = OwnEncoder(read_descriptor(descriptor)).align(pixels, _Shape(face[[3, 2, 1, 0, 4]]))
    assert aligned.shape == (112, 112, 3)
    dark = np.argwhere(aligned[:, :, 0] < 80)
    left, right = dark[dark[:, 1] < 56].mean(axis=0), dark[dark[:, 1] >= 56].mean(axis=0)
    assert left[::-1] == pytest.approx([38, 52], abs=4)
    assert right[::-1] == pytest.approx([74, 52], abs=4)


@given(st.floats(0.2, 5), st.floats(-3, 3), st.floats(-500, 500), st.floats(-500, 500), st.integers(0, 2**32 - 1))
def test_a_similarity_is_found_again(scale: float, angle: float, across: float, down: float, seed: int) -> None:
    """Points moved by a rotation, scale and shift give back exactly these."""
    source = np.random.default_rng(seed).uniform(0, 100, size=(3, 2))
    matrix = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    found = similarity(source, source @ matrix.T + [across, down])
    assert found == pytest.approx(np.column_stack([matrix, [across, down]]), abs=1e-6)


def test_warping_by_the_identity_changes_nothing() -> None:
    """A warp that moves nothing gives the picture's own pixels."""
    pixels = np.random.default_rng(0).integers(0, 255, size=(20, 30, 3), dtype=np.uint8)
    assert np.array_equal(warp(pixels, np.array([[1.0, 0, 0], [0, 1, 0]]), 30, 20), pixels)


def test_large_faces_are_shrunk_without_picking_pixels() -> None:
    """A fine pattern becomes its mean when it is shrunk, not a coarse pattern."""
    pixels = np.zeros((400, 400, 3), dtype=np.uint8)
    pixels[::2, ::2] = 255
    shrunk = warp(pixels, np.array([[8.0, 0, 0], [0, 8, 0]]), 48, 48)
    assert shrunk.std() < 3


@pytest.mark.parametrize("scale", [1.5, 2, 3, 4])
def test_a_blob_comes_to_lie_where_the_matrix_says(scale: float) -> None:
    """Shrunk by any factor, a blob's centroid is where its centre belongs, to a few hundredths of a pixel."""
    y, x = np.mgrid[:240, :240]
    centre = np.array([30.0, 25.0])
    in_picture = scale * centre + [7, 11]
    spread = 6 * scale
    blob = np.exp(-((x - in_picture[0]) ** 2 + (y - in_picture[1]) ** 2) / (2 * spread**2))
    pixels = np.repeat(np.round(255 * blob).astype(np.uint8)[:, :, np.newaxis], 3, axis=2)
    found = warp(pixels, np.array([[scale, 0, 7.0], [0, scale, 11.0]]), 56, 52)[:, :, 0].astype(float)
    rows, columns = np.indices(found.shape)
    centroid = np.array([(columns * found).sum(), (rows * found).sum()]) / found.sum()
    assert centroid == pytest.approx(centre, abs=0.03)


def test_model_ids(tmp_path: Path) -> None:
    """The id names the model and changes with whatever changes an encoding, not with the tolerance."""
    first = read_descriptor(write(tmp_path)).model_id
    assert first.startswith("thumbnail-")
    assert len(first) <= 64
    assert read_descriptor(write(tmp_path, DESCRIPTOR.replace("0.4", "0.5"))).model_id == first
    others = {
        read_descriptor(write(tmp_path, DESCRIPTOR.replace("BGR", "RGB"))).model_id,
        read_descriptor(write(tmp_path, DESCRIPTOR.replace("38.3", "38.4"))).model_id,
        read_descriptor(write(tmp_path, outputs=48)).model_id,
    }
    assert len(others | {first, DlibEncoder.model_id}) == 5


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("width = 112", "width = 96"), "does not take what its descriptor says"),
        (("dimension = 12", "dimension = 128"), "correct the dimension"),
        (('colours = "BGR"', 'layout = "NHWC"'), "does not take what its descriptor says"),
    ],
)
def test_a_descriptor_that_does_not_fit(tmp_path: Path, change: tuple[str, str], told: str) -> None:
    """Where model and descriptor disagree, loading the engine says what to correct."""
    path = write(tmp_path, DESCRIPTOR.replace(*change))
    with pytest.raises(EncoderUnusable, match=told):
        OwnEncoder(read_descriptor(path))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("name", "nom"), "name: Field required"),
        (('metric = "cosine"', 'metric = "manhattan"'), "metric: Input should be"),
        (("dimension = 12", "dimension = 0"), "dimension: "),
        (("thumbnail.onnx", "missing.onnx"), "which is not there"),
        (("[input]", "[input"), "is not TOML"),
        (('"thumbnail"', '"../up"'), "name: "),
        (("left_eye = [38.3, 51.7]", "left_eye = [38.3]"), "alignment.left_eye"),
    ],
)
def test_faulty_descriptors(tmp_path: Path, change: tuple[str, str], told: str) -> None:
    """A faulty descriptor is refused in one sentence that names file and field."""
    path = write(tmp_path, DESCRIPTOR.replace(*change, 1))
    with pytest.raises(WrongUse, match=told) as raised:
        read_descriptor(path)
    assert "thumbnail.toml" in str(raised.value)


def test_an_engine_without_its_descriptor() -> None:
    """The engine onnx without a descriptor says which setting is missing."""
    with pytest.raises(WrongUse, match="BIOSENSE_ENCODER"):
        _ = replace(SPEC, name=EngineName.ONNX).model_id


class _Point:
    def __init__(self, x: float, y: float) -> None:
        self.x, self.y = x, y


class _Shape:
    """Landmarks as dlib gives them."""

    def __init__(self, points: Any) -> None:
        self._points = [_Point(float(x), float(y)) for x, y in points]

    def parts(self) -> list[_Point]:
        return self._points
