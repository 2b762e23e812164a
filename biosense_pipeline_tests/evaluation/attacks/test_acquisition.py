"""Stills of folders through the examiner: crops are looked at twice, whole pictures as the pipeline does."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from biosense_pipeline.choices import Detection
from biosense_pipeline.demo.frames import Person, empty_frame, own_frame
from biosense_pipeline.evaluation.attacks.acquisition import AcquiredFolder, acquire_folders
from biosense_pipeline.evaluation.attacks.folders import read_folder
from biosense_pipeline.matching.evidence.recapture import shipped_model
from biosense_pipeline.settings import Settings
from biosense_pipeline.vision.detector import HogDetector
from biosense_pipeline.vision.faces import Look
from biosense_pipeline.workflows.workbench import make_examiner

#: Of the frames of this person, at this many widths of the face, the last is missed for want of surroundings.
PERSON, SEEDS, WIDTHS = Person.COLLINS, (0, 1, 2), 0.85


@pytest.fixture(scope="module")
def crops() -> list[Image.Image]:
    """Frames cut down to their faces."""
    detector = HogDetector(Detection.FULL)
    made = []
    for seed in SEEDS:
        frame = Image.open(io.BytesIO(own_frame(PERSON, seed)))
        (box,), _full = detector.detect(np.asarray(frame), Look())
        reach = int(WIDTHS * box.width() / 2)
        across, down = (box.left() + box.right()) // 2, (box.top() + box.bottom()) // 2
        made.append(frame.crop((across - reach, down - reach, across + reach, down + reach)))
    return made


def acquire(folder: Path) -> AcquiredFolder:
    """Through this process's examiner."""
    examiner = make_examiner(Settings(workers=0))
    (acquired,) = acquire_folders(examiner, [read_folder(folder)], shipped_model(), 10.0)
    examiner.close()
    return acquired


def test_crops_are_looked_at_twice(tmp_path: Path, crops: list[Image.Image]) -> None:
    """A face that fills its picture is found by a second look, and how many were so found is counted."""
    (tmp_path / "g" / "a").mkdir(parents=True)
    for number, crop in enumerate(crops):
        crop.save(tmp_path / "g" / "a" / f"s_{number}.png")
    found = acquire(tmp_path / "g")
    assert found.cropped
    assert (found.judged, found.second_look, found.without_face) == (3, 1, {})
    assert found.sequences[0].places.tolist() == [0, 1, 2]


def test_whole_pictures_are_looked_at_once(tmp_path: Path) -> None:
    """As the pipeline looks: an empty seat stays one."""
    (tmp_path / "g" / "a").mkdir(parents=True)
    for number, frame in enumerate([own_frame(PERSON, 0), own_frame(PERSON, 1), empty_frame(1)]):
        (tmp_path / "g" / "a" / f"s_{number}.jpg").write_bytes(frame)
    found = acquire(tmp_path / "g")
    assert not found.cropped
    assert (found.judged, found.second_look, found.without_face) == (2, 0, {"a": 1})
