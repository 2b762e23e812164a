"""Genuine pictures of people, from which recaptures are synthesised."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from biosense_pipeline.choices import Detection
from biosense_pipeline.errors import BiosenseError
from biosense_pipeline.evaluation.pictures import is_picture
from biosense_pipeline.evaluation.recapture.matte import cut_out
from biosense_pipeline.vision.alignment import box_of, eyes_apart
from biosense_pipeline.vision.detector import HogDetector
from biosense_pipeline.vision.faces import Look

ROOMS = "rooms"
#: Larger pictures are brought to this size first: their faces are then as large as any before a webcam.
_LARGEST = 1000
#: A face below this makes no still worth judging.
_LEAST_FACE = 48
#: In a picture so many times as wide as its face, the face stands in a room of its own.
_ROOM_AROUND = 4.5


class SourcesUnusable(BiosenseError):
    """The folder holds too little to train from."""


@dataclass(frozen=True)
class Source:
    """One genuine picture of one person.

    Attributes:
        person: who it shows: the sub-folder's name, or the file's own without what follows its last underscore.
        pixels: uint8 (height, width, 3), RGB.
        landmarks: float32 (5, 2).
        share, colours: the person cut out (see ``matte``), or None.
    """

    person: str
    name: str
    pixels: np.ndarray
    landmarks: np.ndarray
    share: np.ndarray | None = None
    colours: np.ndarray | None = None

    @property
    def eyes(self) -> float:
        """Distance between the eyes in pixels."""
        return eyes_apart(self.landmarks)

    @property
    def face(self) -> tuple[float, float, float]:
        """Middle across and down, and width: as the detector draws it."""
        return box_of(self.landmarks)

    @property
    def in_a_room(self) -> bool:
        """Whether there is a room around the person, as in a still of a webcam."""
        return bool(self.pixels.shape[1] > _ROOM_AROUND * self.face[2])


@dataclass(frozen=True)
class Sources:
    """What a folder holds.

    Attributes:
        rooms: backgrounds.
        credits: text of the folder's CREDITS files, which the model carries on.
    """

    people: tuple[Source, ...]
    rooms: tuple[np.ndarray, ...]
    credits: str


def read_sources(
    folder: Path, on_progress: Callable[[int, int], None] = lambda done, total: None, limit: int | None = None
) -> Sources:
    """Read the pictures in a folder and its sub-folders, find their faces, and cut out whom one can.

    A sub-folder is one person; a file beside it is a person too, and so are files whose names differ only after
    the last underscore. The sub-folder ``rooms`` holds backgrounds. Pictures without a face or with several are
    left out.

    Raises:
        SourcesUnusable: fewer than ten people.
    """
    files = sorted(filter(is_picture, folder.rglob("*")))[:limit]
    detector = HogDetector(Detection.FULL)
    people: list[Source] = []
    rooms: list[np.ndarray] = []
    for done, path in enumerate(files):
        pixels = _read(path)
        if path.parent.name == ROOMS:
            rooms.append(pixels)
            continue
        boxes, _full = detector.detect(pixels, Look())
        if len(boxes) == 1:
            found = boxes[0]
            shape = detector.landmarks(pixels, (found.left(), found.top(), found.right(), found.bottom()))
            points = np.array([(point.x, point.y) for point in shape.parts()], dtype=np.float32)
            source = Source(_person(folder, path), str(path.relative_to(folder)), pixels, points)
            if source.face[2] >= _LEAST_FACE:
                cut = None if source.in_a_room else cut_out(pixels, source.face)
                people.append(source if cut is None else Source(source.person, source.name, pixels, points, *cut))
        on_progress(done + 1, len(files))
    if len({source.person for source in people}) < 10:
        raise SourcesUnusable(
            f"The folder {folder} shows fewer than ten people that can be told apart: put pictures of more people "
            "there, a sub-folder for each person of whom there are several."
        )
    credit = "\n".join(path.read_text().strip() for path in sorted(folder.rglob("CREDITS*")) if path.is_file())
    return Sources(tuple(people), tuple(rooms), credit)


def split_people(people: Sequence[Source]) -> tuple[tuple[Source, ...], tuple[Source, ...]]:
    """Two halves that share no person: every other name in alphabetical order."""
    names = sorted({source.person for source in people})
    first = set(names[::2])
    return (
        tuple(source for source in people if source.person in first),
        tuple(source for source in people if source.person not in first),
    )


def _person(folder: Path, path: Path) -> str:
    if path.parent != folder:
        return path.relative_to(folder).parts[0]
    return re.sub(r"_[^_]*$", "", path.stem)


def _read(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        rgb = picture.convert("RGB")
        rgb.thumbnail((_LARGEST, _LARGEST), Image.Resampling.LANCZOS)
        return np.asarray(rgb)
