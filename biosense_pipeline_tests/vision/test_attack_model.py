"""An operator's own model that tells attacks: what it is shown, how its numbers are read, what goes wrong."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from biosense_pipeline.demo import frames
from biosense_pipeline.demo.frames import Person
from biosense_pipeline.errors import BiosenseError, WrongUse
from biosense_pipeline.vision.attack_descriptor import read_attack_descriptor
from biosense_pipeline.vision.attack_model import AttackModel, AttackModelUnusable, BrokenAttackModel
from biosense_pipeline.vision.examine import InlineExaminer, examine_pictures
from biosense_pipeline.vision.faces import FaceEngine, Look, Picture
from biosense_pipeline.vision.pool import PoolExaminer
from biosense_pipeline_tests.vision.attack_graphs import DESCRIPTOR, STATED, write_model
from biosense_pipeline_tests.vision.conftest import LIMITS, SPEC

KEEP = Look(evidence=True)
STILL = Picture(7, frames.own_frame(Person.OBAMA, 1), KEEP)


def model_of(folder: Path, *changes: tuple[str, str], tail: str = "Identity") -> AttackModel:
    """The model of a descriptor with some changes."""
    text = DESCRIPTOR
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    return AttackModel(read_attack_descriptor(write_model(folder, text, tail)))


def picture(inside: int, around: int = 0) -> np.ndarray:
    """A face's box of one level, 40 to 60, in a picture of another."""
    pixels = np.full((100, 100, 3), around, dtype=np.uint8)
    pixels[40:60, 40:60] = inside
    return pixels


BOX = (40, 40, 60, 60)


def test_it_sees_the_face_as_far_as_the_descriptor_says(tmp_path: Path) -> None:
    """With a crop of one width it sees the box alone, with more what surrounds it; beyond the edge the edge goes on."""
    pixels = picture(255)
    assert model_of(tmp_path).score(pixels, BOX) == pytest.approx(1.0)
    assert model_of(tmp_path, ("crop = 1.0", "crop = 2.0")).score(pixels, BOX) == pytest.approx(0.25, abs=0.02)
    pixels[:, :10] = 255
    assert model_of(tmp_path).score(pixels, (-40, 40, -20, 60)) == pytest.approx(1.0)


def test_colours_come_in_order(tmp_path: Path) -> None:
    """The first number is red's, or blue's where the model wants it first."""
    red = picture(0)
    red[:, :, 0] = 255
    assert model_of(tmp_path).score(red, BOX) == pytest.approx(1.0)
    assert model_of(tmp_path, ("scale", 'colours = "BGR"\nscale')).score(red, BOX) == pytest.approx(0.0)


def test_the_direction_is_the_descriptors(tmp_path: Path) -> None:
    """Where a low number means an attack the score is turned round, so that high always means one."""
    low = ('attack = "high"', 'attack = "low"')
    assert model_of(tmp_path, low).score(picture(255), BOX) == pytest.approx(-1.0)
    other = ("index = 0", 'name = "other"\nindex = 0')
    assert model_of(tmp_path, other).score(picture(255), BOX) == pytest.approx(-1.0)


def test_probabilities_and_logits_become_log_odds(tmp_path: Path) -> None:
    """A probability and the logits that it comes from give one score, which never becomes endless."""
    grey = picture(0)
    grey[40:60, 40:60] = (255, 51, 51)
    logits = model_of(tmp_path / "l", ('"score"', '"logits"')).score(grey, BOX)
    probabilities = model_of(tmp_path / "p", ('"score"', '"probabilities"'), tail="Softmax").score(grey, BOX)
    assert logits == pytest.approx(1.0 - np.log(2 * np.exp(0.2)), abs=1e-3)
    assert probabilities == pytest.approx(logits, abs=1e-3)
    sure = model_of(tmp_path / "s", ("scale = 0.00392156862745098", "scale = 100"), ('"score"', '"logits"'))
    assert sure.score(grey, BOX) == 9.0


@pytest.mark.parametrize(
    ("changes", "tail", "told"),
    [
        ([("width = 32", "width = 48")], "Identity", "does not take what its descriptor says"),
        ([("width = 32", 'layout = "NHWC"\nwidth = 32')], "Identity", "does not take what its descriptor says"),
        ([("index = 0", "index = 3")], "Identity", "gives 3 numbers, and its descriptor names the one of index 3"),
        ([("index = 0", 'name = "life"\nindex = 0')], "Identity", "has no output life, only out, other"),
        ([('"score"', '"probabilities"'), ("scale = ", "mean = 200\nscale = ")], "Identity", "is no probability"),
        ([("scale = ", "mean = 200\nscale = ")], "Log", "gives no number"),
    ],
)
def test_a_model_that_does_not_fit(tmp_path: Path, changes: list[tuple[str, str]], tail: str, told: str) -> None:
    """Where model and descriptor disagree, or the model gives NaN, loading it says so."""
    with pytest.raises(AttackModelUnusable, match=told):
        model_of(tmp_path, *changes, tail=tail)


def test_what_is_no_model(tmp_path: Path) -> None:
    """A file that is no graph is refused."""
    path = write_model(tmp_path)
    (tmp_path / "brightness.onnx").write_bytes(b"no model")
    with pytest.raises(BiosenseError, match="onnxruntime cannot load the model"):
        AttackModel(read_attack_descriptor(path))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("name", "nom"), "name: Field required"),
        (("brightness.onnx", "missing.onnx"), "which is not there"),
        (("[input]", "[input"), "is not TOML"),
        (("crop = 1.0", "crop = 9"), "crop: "),
        (('values = "score"', 'values = "vibes"'), "output.values: "),
        (('attack = "high"', ""), "output.attack: Field required"),
        (("index = 0", "index = -1"), "output.index: "),
    ],
)
def test_faulty_descriptors(tmp_path: Path, change: tuple[str, str], told: str) -> None:
    """A faulty descriptor is refused in one sentence that names file and field."""
    path = write_model(tmp_path, DESCRIPTOR.replace(*change, 1))
    with pytest.raises(WrongUse, match=told) as raised:
        read_attack_descriptor(path)
    assert "brightness.toml" in str(raised.value)


@pytest.mark.parametrize("change", [("spread = 1.0", "spread = 0"), ("print = 2.0", "mask = 2.0"), ("2.0", "-1")])
def test_faulty_statements(tmp_path: Path, change: tuple[str, str]) -> None:
    """What is stated of a model has to be possible, and of species that can be found."""
    path = write_model(tmp_path, DESCRIPTOR + STATED.replace(*change, 1))
    with pytest.raises(WrongUse, match="stated"):
        read_attack_descriptor(path)


def test_model_ids(tmp_path: Path) -> None:
    """The id changes with whatever changes a score, not with what is stated of it."""
    first = read_attack_descriptor(write_model(tmp_path)).model_id
    assert first.startswith("brightness-")
    assert read_attack_descriptor(write_model(tmp_path, DESCRIPTOR + STATED)).model_id == first
    others = {
        read_attack_descriptor(write_model(tmp_path, DESCRIPTOR.replace(*change))).model_id
        for change in (("crop = 1.0", "crop = 1.1"), ('"high"', '"low"'), ("width = 32", "width = 33"))
    }
    assert len(others | {first, read_attack_descriptor(write_model(tmp_path, tail="Relu")).model_id}) == 5


def test_stills_carry_its_score(tmp_path: Path, engine: FaceEngine) -> None:
    """The score of the largest face is part of a still's evidence, with the model's id."""
    model = model_of(tmp_path)
    (found,) = examine_pictures(engine, [STILL], LIMITS, attack_model=model)
    assert found.evidence is not None
    assert found.evidence.face is not None
    face = found.evidence.face
    assert face.attack_score is not None
    assert 0.1 < face.attack_score < 1.0
    assert (face.attack_model_id, face.attack_failure) == (model.model_id, None)


def test_a_failure_costs_the_score_alone(tmp_path: Path, engine: FaceEngine) -> None:
    """A model that cannot be used leaves faces, encodings and all other evidence, and the still says why."""
    broken = BrokenAttackModel(AttackModelUnusable("It is broken."))
    plain, found = (examine_pictures(engine, [STILL], LIMITS, attack_model=model)[0] for model in (None, broken))
    for examined in (plain, found):
        assert examined.fault is None
        assert examined.evidence is not None
        assert examined.evidence.face is not None
    assert plain.evidence.face.features.tolist() == found.evidence.face.features.tolist()  # type: ignore[union-attr]
    face = found.evidence.face  # type: ignore[union-attr]
    assert (face.attack_score, face.attack_model_id) == (None, None)  # type: ignore[union-attr]
    assert face.attack_failure == "AttackModelUnusable: It is broken."  # type: ignore[union-attr]


def test_examiners_load_it(tmp_path: Path) -> None:
    """An examiner with a descriptor scores its stills; with one that names no model it examines all the same."""
    path = write_model(tmp_path)
    failures = []
    for missing in (False, True):
        if missing:
            (tmp_path / "brightness.onnx").unlink()
        examiner = InlineExaminer(replace(SPEC, attack_model=path))
        ((key, found),) = examiner.examine([STILL])
        assert (key, len(found.faces)) == (7, 1)
        assert found.evidence is not None
        assert found.evidence.face is not None
        failures.append(found.evidence.face.attack_failure)
    assert failures[0] is None
    assert "which is not there" in (failures[1] or "")


@pytest.mark.slow
def test_worker_processes_load_it(tmp_path: Path) -> None:
    """So does each worker process."""
    path = write_model(tmp_path)
    examiner = PoolExaminer(replace(SPEC, attack_model=path), 1, 30.0)
    try:
        ((_, found),) = examiner.examine([STILL])
    finally:
        examiner.close()
    assert found.evidence is not None
    assert found.evidence.face is not None
    assert found.evidence.face.attack_model_id == read_attack_descriptor(path).model_id
