"""From the images of a protocol to one encoding each, through the pipeline's own examiner."""

import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image

from biosense_pipeline.errors import BiosenseError
from biosense_pipeline.evaluation.pictures import bytes_of
from biosense_pipeline.evaluation.verification.lfw import PersonImage
from biosense_pipeline.vision.examine import Examination, Examiner
from biosense_pipeline.vision.faces import FULL_LOOK, Face, Look, Picture

T = TypeVar("T")

_ORIENTATION = 0x0112
#: EXIF orientations that turn a picture by a quarter, so that width and height change places.
_QUARTER_TURNS = (5, 6, 7, 8)
#: Pictures without bytes that go ahead of the images: enough to start every worker.
_WARM_UP = 64
#: Missing images named in the error.
_NAMED = 3


class ImagesMissing(BiosenseError):
    """The folder lacks images that the protocol names."""


@dataclass(frozen=True)
class Acquired:
    """Encodings of images, and what it took to get them.

    Attributes:
        encodings: (d,) of the most central face of each image that has one.
        failures: why the others have none.
        several_faces: images in which a choice had to be made.
        seconds: from the first image to the last result, models already loaded.
        encode_milliseconds: of encoding a face, one for each image with a face.
    """

    encodings: dict[PersonImage, np.ndarray]
    failures: dict[PersonImage, str]
    several_faces: int
    seconds: float
    encode_milliseconds: list[float]

    @property
    def images_per_second(self) -> float:
        """Images searched and encoded in a second, all worker processes together."""
        return (len(self.encodings) + len(self.failures)) / self.seconds if self.seconds else 0.0


def missing_images(folder: Path, images: Sequence[PersonImage]) -> list[PersonImage]:
    """The images that are not in the folder."""
    return [image for image in images if not (folder / image.path).is_file()]


def images_missing(folder: Path, missing: Sequence[PersonImage], of: int) -> ImagesMissing:
    """What is said of missing images."""
    if len(missing) == of:
        return ImagesMissing(
            f"Not one of the {of} images is in {folder}, such as {missing[0].path}: name the folder that holds a "
            "folder for each person with --images."
        )
    named = ", ".join(str(folder / image.path) for image in missing[:_NAMED])
    return ImagesMissing(
        f"{len(missing)} of {of} images are missing, {'such as ' if len(missing) > _NAMED else ''}{named}: complete "
        "the folder, or leave their pairs out with --skip-missing, which is no longer the published protocol."
    )


def acquire(
    examiner: Examiner,
    folder: Path,
    images: Sequence[PersonImage],
    on_progress: Callable[[int], None] = lambda done: None,
) -> Acquired:
    """Encode the most central face of each image.

    An image in which nothing is found is searched once more, by a slower detector: a protocol's images are
    known to show their person.

    Args:
        on_progress: called with the number of images done.
    """
    # Loading the models is not part of the work.
    for _ in examiner.examine(Picture(key, None) for key in range(len(images))[:_WARM_UP]):
        pass
    encodings: dict[PersonImage, np.ndarray] = {}
    failures: dict[PersonImage, str] = {}
    several, milliseconds = 0, []
    began = time.perf_counter()
    with closing(_examined(examiner, folder, images)) as results:
        for done, (key, examination) in enumerate(results, start=1):
            image = images[key]
            if examination.faces:
                several += len(examination.faces) > 1
                encodings[image] = _most_central(examination.faces, folder / image.path).encoding
                if (encode := examination.milliseconds.get("encode")) is not None:
                    milliseconds.append(encode / len(examination.faces))
            else:
                failures[image] = examination.detail or "no face found"
            on_progress(done)
    seconds = time.perf_counter() - began
    # In the images' own order, not in that of the workers: sums over them then come out the same each time.
    return Acquired(_in_order(images, encodings), _in_order(images, failures), several, seconds, milliseconds)


def most_central(faces: Sequence[Face], size: tuple[int, int]) -> Face:
    """The face whose box has its centre nearest to the centre of the picture; of equals the first.

    Args:
        faces: at least one.
        size: width and height of the upright picture.
    """

    def off_centre(face: Face) -> float:
        left, top, right, bottom = face.box
        return float(np.hypot(left + right - size[0], top + bottom - size[1]))

    return min(faces, key=off_centre)


def upright_size(file: Path) -> tuple[int, int]:
    """Width and height of a picture as its header tells them, turned as its EXIF orientation says."""
    with Image.open(file) as image:
        width, height = image.size
        turned = image.getexif().get(_ORIENTATION) in _QUARTER_TURNS
    return (height, width) if turned else (width, height)


def _examined(examiner: Examiner, folder: Path, images: Sequence[PersonImage]) -> Generator[tuple[int, Examination]]:
    empty: dict[int, Examination] = {}
    with closing(examiner.examine(_pictures(folder, images, range(len(images)), FULL_LOOK))) as results:
        for key, examination in results:
            if examination.fault is None and not examination.faces:
                empty[key] = examination
            else:
                yield key, examination
    with closing(examiner.examine(_pictures(folder, images, empty, Look(insist=True)))) as results:
        for key, examination in results:
            yield key, examination.after(empty[key])


def _pictures(folder: Path, images: Sequence[PersonImage], keys: Iterable[int], look: Look) -> Iterator[Picture]:
    for key in keys:
        yield Picture(key, bytes_of(folder / images[key].path), look)


def _in_order(images: Sequence[PersonImage], values: dict[PersonImage, T]) -> dict[PersonImage, T]:
    return {image: values[image] for image in images if image in values}


def _most_central(faces: list[Face], file: Path) -> Face:
    return faces[0] if len(faces) == 1 else most_central(faces, upright_size(file))
