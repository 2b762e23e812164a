"""From images to encodings: each once, the most central face, and what has none."""

from collections.abc import Callable, Generator, Iterable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from biosense_pipeline.evaluation.verification.acquisition import (
    ImagesMissing,
    acquire,
    images_missing,
    missing_images,
    most_central,
    upright_size,
)
from biosense_pipeline.evaluation.verification.lfw import PersonImage
from biosense_pipeline.vision.examine import Examination, Fault
from biosense_pipeline.vision.faces import Face, Picture

IMAGES = [PersonImage("ada", 1), PersonImage("ada", 2), PersonImage("bob", 1), PersonImage("bob", 2)]


class PreparedExaminer:
    """Finds what was prepared for the images in order, last first, as workers may."""

    model_id = "prepared"

    def __init__(self, *prepared: Examination) -> None:
        self.prepared = prepared
        self.insisting: Examination | None = None
        self.given: list[Picture] = []

    def examine(
        self, pictures: Iterable[Picture], waiting: Callable[[], None] = lambda: None
    ) -> Generator[tuple[int, Examination]]:
        """Answer for each picture with bytes or without."""
        for picture in reversed(list(pictures)):
            self.given.append(picture)
            insisted = self.insisting if picture.look.insist else None
            yield picture.key, insisted or self.prepared[picture.key]

    def close(self) -> None:
        """Nothing to end."""


def test_acquire(tmp_path: Path) -> None:
    """Images with a face have its encoding, the others their reason; work is counted once a face."""
    for image in IMAGES:
        picture(tmp_path / image.path, (100, 80))
    examiner = PreparedExaminer(
        Examination([face(40, 30, 1)], {"encode": 8.0}),
        Examination([face(0, 0, 2), face(42, 33, 3), face(80, 60, 4)], {"encode": 30.0}),
        Examination(),
        Examination(fault=Fault.UNREADABLE, detail="broken or truncated"),
    )
    progress: list[int] = []
    acquired = acquire(examiner, tmp_path, IMAGES, progress.append)
    assert {str(image): encoding[0] for image, encoding in acquired.encodings.items()} == {"ada_0001": 1, "ada_0002": 3}
    assert {str(image): reason for image, reason in acquired.failures.items()} == {
        "bob_0001": "no face found",
        "bob_0002": "broken or truncated",
    }
    assert list(acquired.encodings) == IMAGES[:2]
    assert acquired.several_faces == 1
    assert sorted(acquired.encode_milliseconds) == [8, 10]
    assert acquired.images_per_second == pytest.approx(4 / acquired.seconds)
    assert progress == [1, 2, 3, 4]
    with_bytes = [given.key for given in examiner.given if given.data]
    assert sorted(with_bytes) == [0, 1, 2, 2, 3]
    assert [given.key for given in examiner.given if given.look.insist] == [2]


def test_where_nothing_is_found_the_slower_detector_is_asked(tmp_path: Path) -> None:
    """What the slower detector finds in an image without a face counts."""
    picture(tmp_path / IMAGES[0].path, (100, 80))
    examiner = PreparedExaminer(Examination())
    examiner.insisting = Examination([face(42, 30, 2)], {"encode": 16.0})
    acquired = acquire(examiner, tmp_path, IMAGES[:1])
    assert acquired.encodings[IMAGES[0]][0] == 2
    assert not acquired.failures


@pytest.mark.parametrize(("size", "chosen"), [((100, 100), 2), ((20, 20), 1), ((180, 20), 3), ((100, 90), 2)])
def test_most_central(size: tuple[int, int], chosen: int) -> None:
    """The face counts whose centre is nearest to the centre of the picture, whatever its size."""
    faces = [face(0, 0, 1), face(45, 40, 2), face(80, 0, 3)]
    assert most_central(faces, size).encoding[0] == chosen


def test_size_of_a_turned_picture(tmp_path: Path) -> None:
    """A picture that EXIF turns by a quarter is as wide as it is stored high."""
    for orientation, size in ((1, (100, 80)), (3, (100, 80)), (6, (80, 100)), (8, (80, 100))):
        file = tmp_path / f"{orientation}.jpg"
        picture(file, (100, 80), orientation)
        assert upright_size(file) == size


def test_missing_images(tmp_path: Path) -> None:
    """Missing images are told apart from the others, and named a few at a time with what to do."""
    picture(tmp_path / IMAGES[0].path, (8, 8))
    missing = missing_images(tmp_path, IMAGES)
    assert missing == IMAGES[1:]
    some = images_missing(tmp_path, missing, of=4)
    assert isinstance(some, ImagesMissing)
    assert str(some).startswith(f"3 of 4 images are missing, {tmp_path / IMAGES[1].path}, ")
    assert "--skip-missing" in str(some)
    assert "--images" in str(images_missing(tmp_path, IMAGES, of=4))


def test_an_image_that_vanishes(tmp_path: Path) -> None:
    """An image that cannot be read when its turn comes fails alone."""
    examiner = PreparedExaminer(Examination(fault=Fault.UNREADABLE, detail="the image is empty"))
    assert acquire(examiner, tmp_path, IMAGES[:1]).failures == {IMAGES[0]: "the image is empty"}
    assert examiner.given[-1].data is None


def picture(file: Path, size: tuple[int, int], orientation: int = 1) -> None:
    """A grey JPEG."""
    file.parent.mkdir(exist_ok=True)
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.new("RGB", size, (90, 90, 90)).save(file, exif=exif)


def face(left: int, top: int, number: int) -> Face:
    """A face of 20 pixels whose encoding is its number."""
    return Face((left, top, left + 20, top + 20), np.zeros((5, 2), dtype=np.float32), np.array([float(number)]))
