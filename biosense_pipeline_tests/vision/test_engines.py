"""The engines on real faces, and what importing the code location loads."""

import io
import json
import subprocess
import sys
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from biosense_pipeline.choices import Detection, EngineName
from biosense_pipeline.demo import frames
from biosense_pipeline.demo.frames import Person
from biosense_pipeline.errors import ModelFileMissing
from biosense_pipeline.vision.decode import decode
from biosense_pipeline.vision.encoders import DlibEncoder
from biosense_pipeline.vision.engines import EngineSpec
from biosense_pipeline.vision.examine import Fault, InlineExaminer
from biosense_pipeline.vision.faces import Detected, FaceEngine, Look, Picture
from biosense_pipeline.vision.model_files import LANDMARKS_5, RESNET, model_file
from biosense_pipeline.vision.pool import PoolExaminer
from biosense_pipeline.vision.quality import face_quality
from biosense_pipeline.vision.reference_engine import ReferenceEngine
from biosense_pipeline_tests.vision.conftest import LIMITS, SPEC, See, examine_one

SEEDS = (0, 1, 4)
PAIRS = list(combinations(Person, 2))
HEAVY = ("dlib", "_dlib_pybind11", "face_recognition", "face_recognition_models", "cv2", "matplotlib", "onnxruntime")


@pytest.mark.parametrize("person", Person)
def test_one_person_one_face(see: See, person: Person) -> None:
    """Exactly one face is found in each frame of one person."""
    assert [len(see(frames.own_frame(person, seed)).faces) for seed in SEEDS] == [1, 1, 1]
    assert len(see(frames.training_picture(person)).faces) == 1


@pytest.mark.parametrize(("left", "right"), PAIRS[:3])
def test_two_people_two_faces(see: See, left: Person, right: Person) -> None:
    """Both faces of a shared frame are found, largest first."""
    faces = see(frames.shared_frame(left, right, 5)).faces
    assert len(faces) == 2
    areas = [(face.box[2] - face.box[0]) * (face.box[3] - face.box[1]) for face in faces]
    assert areas == sorted(areas, reverse=True)


@pytest.mark.parametrize("seed", range(6))
def test_an_empty_seat_has_no_face(see: See, seed: int) -> None:
    """A cup, a rocket and a cat are no faces."""
    assert see(frames.empty_frame(seed)).faces == []


@pytest.mark.parametrize("person", Person)
def test_the_same_person_is_near(see: See, references: dict[Person, np.ndarray], person: Person) -> None:
    """Frames of a person lie within 0.5 of the training picture."""
    for seed in SEEDS:
        assert _distance(see(frames.own_frame(person, seed)).faces[0].encoding, references[person]) < 0.5


@pytest.mark.parametrize("person", Person)
def test_other_people_are_far(see: See, references: dict[Person, np.ndarray], person: Person) -> None:
    """Frames of a person lie beyond 0.5 of everybody else's training picture."""
    encoding = see(frames.own_frame(person, 0)).faces[0].encoding
    assert all(_distance(encoding, references[other]) > 0.5 for other in Person if other is not person)


def test_what_a_face_is_made_of(see: See) -> None:
    """A face has a box in pixels, five landmarks in it, 128 numbers and three of quality."""
    face = see(frames.own_frame(Person.BIDEN, 0)).faces[0]
    left, top, right, bottom = face.box
    assert all(type(edge) is int for edge in face.box)
    assert face.landmarks.shape == (5, 2)
    assert face.landmarks.dtype == np.float32
    assert np.all((face.landmarks > [left, top]) & (face.landmarks < [right, bottom]))
    assert face.encoding.shape == (128,)
    assert face.encoding.dtype == np.float32
    assert set(face.quality) == {"width", "sharpness", "brightness"}


def test_landmark_order(see: See) -> None:
    """Landmarks are the corners of one eye, of the other, and the nose below both."""
    points = see(frames.own_frame(Person.HOPPER, 0)).faces[0].landmarks
    one_eye, other_eye, nose = points[:2].mean(axis=0), points[2:4].mean(axis=0), points[4]
    assert np.linalg.norm(points[0] - points[1]) < np.linalg.norm(one_eye - other_eye)
    assert nose[1] > max(one_eye[1], other_eye[1])


def test_each_stage_is_timed(see: See) -> None:
    """Every stage of an examination reports its milliseconds."""
    assert set(see(frames.own_frame(Person.COLLINS, 0)).milliseconds) == {"decode", "detect", "align", "encode"}


def test_the_same_picture_gives_the_same_numbers(engine: FaceEngine) -> None:
    """The engine is deterministic."""
    data = frames.own_frame(Person.OBAMA, 0)
    one, other = examine_one(engine, data).faces[0], examine_one(engine, data).faces[0]
    assert one.box == other.box
    assert np.array_equal(one.encoding, other.encoding)


@pytest.mark.slow
def test_reference_engine_agrees() -> None:
    """face_recognition itself finds the faces that the policy reference finds, and tells the same people apart."""
    shown = [
        *(frames.training_picture(person) for person in Person),
        *(frames.own_frame(person, 2) for person in Person),
        frames.shared_frame(Person.OBAMA, Person.HOPPER, 5),
        frames.empty_frame(1),
        frames.truncated_frame(Person.OBAMA, 3),
    ]
    pictures = [Picture(key, data) for key, data in enumerate(shown)]
    ours = dict(InlineExaminer(replace(SPEC, detection=Detection.REFERENCE)).examine(pictures))
    # In a worker: its import changes Pillow for the whole process.
    pool = PoolExaminer(replace(SPEC, name=EngineName.FACE_RECOGNITION), workers=1, timeout=60)
    try:
        theirs = dict(pool.examine(pictures))
    finally:
        pool.close()
    assert "face_recognition" not in sys.modules
    assert theirs.keys() == ours.keys()
    for key, examination in ours.items():
        assert (examination.fault, examination.detail) == (theirs[key].fault, theirs[key].detail)
        assert [face.box for face in examination.faces] == [face.box for face in theirs[key].faces]
    assert [len(ours[key].faces) for key in range(len(shown))] == [1] * 8 + [2, 0, 0]
    for one, other in combinations(range(8), 2):
        same = [
            _distance(found[one].faces[0].encoding, found[other].faces[0].encoding) < 0.5 for found in (ours, theirs)
        ]
        assert same == [other == one + 4] * 2


def test_model_ids_differ() -> None:
    """Encodings of the two engines are kept apart by their model ids."""
    assert SPEC.model_id == DlibEncoder.model_id
    assert EngineSpec(EngineName.FACE_RECOGNITION, LIMITS).model_id == ReferenceEngine.model_id
    assert DlibEncoder.model_id != ReferenceEngine.model_id


def test_missing_model_folder(tmp_path: Path) -> None:
    """Where the weights are missing, one sentence says which file and what to do."""
    with pytest.raises(
        ModelFileMissing, match=r"^The model file .*\.dat is missing: .*BIOSENSE_MODEL_DIR\.$"
    ) as raised:
        replace(SPEC, model_dir=tmp_path / "nowhere").make()
    assert LANDMARKS_5 in str(raised.value)


def test_one_missing_model_file(tmp_path: Path) -> None:
    """The file that is missing is named, not the one that is there."""
    (tmp_path / LANDMARKS_5).symlink_to(model_file(LANDMARKS_5))
    with pytest.raises(ModelFileMissing, match=RESNET):
        replace(SPEC, model_dir=tmp_path).make()


def test_models_in_a_named_folder(tmp_path: Path) -> None:
    """Weights are loaded from the folder that is named."""
    for name in (LANDMARKS_5, RESNET):
        (tmp_path / name).symlink_to(model_file(name))
    engine = replace(SPEC, model_dir=tmp_path).make()
    assert len(examine_one(engine, frames.training_picture(Person.HOPPER)).faces) == 1


@pytest.mark.parametrize("content", [b"", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n"])
def test_broken_model_file(tmp_path: Path, content: bytes) -> None:
    """A model file that is no model, as after a failed download, is told in one sentence too."""
    for name in (LANDMARKS_5, RESNET):
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ModelFileMissing, match=rf"{LANDMARKS_5}.*BIOSENSE_MODEL_DIR\.$"):
        replace(SPEC, model_dir=tmp_path).make()


@pytest.mark.slow
def test_the_code_location_stays_light() -> None:
    """Loading the code location imports neither a model nor a library that holds one."""
    script = (
        f"import json, sys, biosense_pipeline.definitions; print(json.dumps([m for m in {HEAVY} if m in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=120)
    assert json.loads(done.stdout) == []


def test_blurred_is_less_sharp(see: See) -> None:
    """A blurred face has less sharpness."""
    sharp, box = _pixels_and_box(see)
    blurred = np.asarray(Image.fromarray(sharp).filter(ImageFilter.GaussianBlur(3)))
    assert face_quality(blurred, box)["sharpness"] < face_quality(sharp, box)["sharpness"] / 4


def test_darker_is_less_bright(see: See) -> None:
    """A face at half the light has half the brightness."""
    light, box = _pixels_and_box(see)
    dark = (light // 2).astype(np.uint8)
    assert face_quality(dark, box)["brightness"] == pytest.approx(face_quality(light, box)["brightness"] / 2, abs=1)


def test_quality_of_an_even_grey() -> None:
    """An even grey has its own brightness and no sharpness."""
    grey = np.full((40, 60, 3), 90, dtype=np.uint8)
    assert face_quality(grey, (5, 5, 35, 35)) == {
        "width": 30.0,
        "brightness": pytest.approx(90, abs=0.1),
        "sharpness": pytest.approx(0, abs=0.01),
    }


@pytest.mark.parametrize("box", [(-50, -50, -10, -10), (500, 500, 600, 600), (10, 10, 11, 11), (30, 30, 10, 10)])
def test_quality_of_a_box_without_pixels(box: tuple[int, int, int, int]) -> None:
    """A box outside the picture, or too small to measure, has no brightness and no sharpness."""
    numbers = face_quality(np.full((100, 100, 3), 200, dtype=np.uint8), box)
    assert numbers == {"width": float(box[2] - box[0]), "brightness": 0.0, "sharpness": 0.0}


@pytest.mark.parametrize("box", [(-20, -20, 30, 30), (70, 70, 130, 130), (-10, -10, 110, 110)])
def test_quality_of_a_box_over_the_edge(box: tuple[int, int, int, int]) -> None:
    """Of a box that reaches beyond the picture, the part inside is measured."""
    assert face_quality(np.full((100, 100, 3), 200, dtype=np.uint8), box)["brightness"] == pytest.approx(200, abs=0.1)


def test_a_face_at_the_edge(engine: FaceEngine) -> None:
    """A face that the picture's edge cuts is still examined whole."""
    pixels = np.ascontiguousarray(decode(frames.training_picture(Person.OBAMA), LIMITS)[90:])
    (face,) = examine_one(engine, _png(pixels)).faces
    assert face.box[1] < 0
    assert face.encoding.shape == (128,)
    assert face.quality["brightness"] > 0


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (200, 3), (79, 79)])
def test_pictures_too_small_for_a_face(engine: FaceEngine, size: tuple[int, int]) -> None:
    """The smallest pictures are examined without failing."""
    assert examine_one(engine, _png(np.full((*size, 3), 128, dtype=np.uint8))).faces == []


def test_an_engine_that_fails_costs_only_the_picture(engine: FaceEngine) -> None:
    """A failure inside the engine becomes the picture's error with its reason."""

    class Failing:
        model_id = "failing"

        def detect(self, pixels: np.ndarray, look: Look) -> Detected:
            raise RuntimeError(f"cannot take {pixels.shape}")

        align = engine.align
        encode = engine.encode

    examination = examine_one(Failing(), frames.own_frame(Person.OBAMA, 0))
    assert (examination.fault, examination.detail) == (Fault.ERROR, "RuntimeError: cannot take (480, 640, 3)")


def test_inline_examiner_keeps_order_and_goes_on() -> None:
    """The inline examiner answers every picture in order, also after an unreadable one."""
    examiner = InlineExaminer(SPEC)
    shown = {9: frames.own_frame(Person.OBAMA, 0), 4: b"<html>", 7: None, 1: frames.empty_frame(0)}
    pictures = [Picture(key, data) for key, data in shown.items()]
    results = list(examiner.examine(pictures))
    examiner.close()
    assert [key for key, _ in results] == [9, 4, 7, 1]
    assert [examination.fault for _, examination in results] == [None, Fault.UNREADABLE, Fault.UNREADABLE, None]
    assert [len(examination.faces) for _, examination in results] == [1, 0, 0, 0]
    assert set(results[0][1].milliseconds) == {"decode", "detect", "align", "encode"}


def test_no_models_are_loaded_without_pictures(tmp_path: Path) -> None:
    """Without a picture the models are not needed, and not missed."""
    examiner = InlineExaminer(replace(SPEC, model_dir=tmp_path))
    assert list(examiner.examine([])) == []


def _pixels_and_box(see: See) -> tuple[np.ndarray, tuple[int, int, int, int]]:
    data = frames.training_picture(Person.HOPPER)
    return decode(data, LIMITS), see(data).faces[0].box


def _distance(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.linalg.norm(one - other))


def _png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()
