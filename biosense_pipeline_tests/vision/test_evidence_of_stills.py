"""Evidence as an examination keeps it, from real pictures and with the real engine."""

import numpy as np
import pytest

from biosense_pipeline.demo import frames
from biosense_pipeline.demo.frames import Person
from biosense_pipeline.vision import examine
from biosense_pipeline.vision.examine import Examination, examine_pictures
from biosense_pipeline.vision.faces import FULL_LOOK, FaceEngine, Look, Picture
from biosense_pipeline.vision.presentation.features import FEATURES_ID, LENGTH
from biosense_pipeline_tests.vision.conftest import LIMITS, examine_one

KEEP = Look(evidence=True)
STAGES = {"decode", "detect", "align", "evidence", "encode"}


def test_a_face(engine: FaceEngine) -> None:
    """Of a still with a face all is kept, about the largest face, and the time it took is told."""
    found = examine_one(engine, frames.own_frame(Person.OBAMA, 1), KEEP)
    assert found.evidence is not None
    assert found.evidence.face is not None
    face, largest = found.evidence.face, found.faces[0]
    assert (face.box, face.landmarks.tolist()) == (largest.box, largest.landmarks.tolist())
    assert (face.sharpness, face.brightness) == (largest.quality["sharpness"], largest.quality["brightness"])
    assert face.chip.shape == (32, 32)
    assert face.chip.dtype == np.uint8
    assert face.chip.std() > 10
    assert face.features.shape == (LENGTH,)
    assert face.features.dtype == np.float32
    assert face.features_id == FEATURES_ID
    assert np.isfinite(face.features).all()
    assert (face.thumbnail.shape, face.picture_width) == ((48, 64), 640)
    assert face.thumbnail.dtype == np.uint8
    assert (len(found.evidence.sha256), len(found.evidence.pixel_hash)) == (32, 16)
    assert found.evidence.source.startswith("JPEG 640x480 ")
    assert set(found.milliseconds) == STAGES


def test_no_face(engine: FaceEngine) -> None:
    """Of a still without a face the hashes and the source are kept."""
    found = examine_one(engine, frames.empty_frame(1), KEEP)
    assert found.evidence is not None
    assert found.evidence.face is None
    assert found.evidence.source.startswith("JPEG 640x480 ")


@pytest.mark.parametrize("data", [frames.truncated_frame(Person.HOPPER, 1), b"", None])
def test_unreadable(engine: FaceEngine, data: bytes | None) -> None:
    """Of what cannot be read nothing is kept, and that is no failure of the evidence."""
    found = examine_one(engine, data, KEEP)
    assert (found.evidence, found.evidence_failure) == (None, None)


def test_only_where_it_is_asked_for(engine: FaceEngine) -> None:
    """An enrolment, a bench or a calibration does not pay for it."""
    found = examine_one(engine, frames.own_frame(Person.OBAMA, 1), FULL_LOOK)
    assert found.evidence is None
    assert "evidence" not in found.milliseconds


def test_a_quick_look_keeps_of_the_whole_picture(engine: FaceEngine) -> None:
    """A picture that is searched at half its size has the same hashes and nearly the same chip."""
    data = frames.own_frame(Person.OBAMA, 1)
    quick, full = (examine_one(engine, data, Look(full=full, evidence=True)) for full in (False, True))
    assert (quick.full, full.full) == (False, True)
    one, other = quick.evidence, full.evidence
    assert one is not None
    assert other is not None
    assert (one.sha256, one.pixel_hash, one.perceptual_hash) == (other.sha256, other.pixel_hash, other.perceptual_hash)
    assert one.face is not None
    assert other.face is not None
    assert np.corrcoef(one.face.chip.ravel(), other.face.chip.ravel())[0, 1] > 0.95


def test_large_pictures_keep_the_same(engine: FaceEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures that are too large to wait for the others have the same faces and evidence as those that wait."""
    people = (Person.OBAMA, Person.HOPPER)
    pictures = [Picture(number, frames.own_frame(person, 1), KEEP) for number, person in enumerate(people)]
    waited = examine_pictures(engine, pictures, LIMITS)
    monkeypatch.setattr(examine, "_MAY_WAIT", 0)
    at_once = examine_pictures(engine, pictures, LIMITS)
    assert [_numbers(found) for found in waited] == [_numbers(found) for found in at_once]


def test_a_failure_costs_no_result(engine: FaceEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the evidence fails, the faces are found and encoded all the same, and the reason is told."""

    def fail(*arguments: object) -> None:
        raise FloatingPointError("too dark")

    monkeypatch.setattr(examine, "still_evidence", fail)
    found = examine_one(engine, frames.own_frame(Person.OBAMA, 1), KEEP)
    assert (len(found.faces), found.fault, found.evidence) == (1, None, None)
    assert found.evidence_failure == "FloatingPointError: too dark"


def _numbers(found: Examination) -> tuple[object, ...]:
    assert found.evidence is not None
    assert found.evidence.face is not None
    face = found.evidence.face
    return found.evidence.pixel_hash, face.box, face.chip.tobytes(), face.features.tobytes(), found.faces[0].encoding[0]
