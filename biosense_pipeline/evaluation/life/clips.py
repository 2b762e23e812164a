"""Clips of people before a camera: folders of frames, GIFs, and videos where there is a library that reads them."""

import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from biosense_pipeline.errors import WrongUse
from biosense_pipeline.evaluation.pictures import is_picture, natural

_VIDEOS = {".mkv", ".mp4", ".avi", ".mov", ".webm"}
#: Who is in the clips of intel-iot-devkit's sample videos, told by eye.
_SAMPLE_CLIPS = (
    "again brother help no student yes",
    "bird milk please sorry thanks",
    "book learn school walk",
    "eat night sister",
    "hungry want",
)
#: A file with this name beside the clips tells who is in which: a line each, the person and then the clips.
_PEOPLE = "people.txt"


@dataclass(frozen=True)
class Clip:
    """One clip; ``person`` is who it shows, by which clips are joined to a sitting."""

    name: str
    person: str
    path: Path

    def frames(self, step: int, first: int = 0) -> Iterator[np.ndarray]:
        """Every ``step``-th frame from ``first`` on, uint8 (height, width, 3), RGB.

        Raises:
            WrongUse: a video, and PyAV, which reads it, is not installed.
        """
        return islice(self._frames(), first, None, step)

    def _frames(self) -> Iterator[np.ndarray]:
        if self.path.is_dir():
            for file in _pictures(self.path):
                yield _rgb(Image.open(file))
        elif self.path.suffix.lower() == ".gif":
            with Image.open(self.path) as picture:
                for number in range(getattr(picture, "n_frames", 1)):
                    picture.seek(number)
                    yield _rgb(picture)
        else:
            with _library().open(str(self.path)) as video:
                for frame in video.decode(video=0):
                    yield frame.to_ndarray(format="rgb24")


def find_clips(folder: Path) -> list[Clip]:
    """The clips of a folder, by name: its videos, its GIFs, and its sub-folders with two pictures or more.

    Raises:
        WrongUse: there is none.
    """
    people = _people(folder / _PEOPLE)
    paths = [path for path in sorted(folder.iterdir()) if _is_clip(path)]
    if not paths:
        raise WrongUse(f"{folder} holds no clips: videos, GIFs, or a folder of frames (JPEG or PNG) for each.")
    return [Clip(path.stem, people.get(path.stem, path.stem), path) for path in paths]


def _is_clip(path: Path) -> bool:
    if path.is_dir():
        return len(_pictures(path)) >= 2
    return path.suffix.lower() in {*_VIDEOS, ".gif"}


def _pictures(folder: Path) -> list[Path]:
    """In natural order of their names: 9 before 10."""
    return sorted(filter(is_picture, folder.iterdir()), key=lambda path: natural(path.name))


def _rgb(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture.convert("RGB"))


def _people(file: Path) -> dict[str, str]:
    """Person by clip."""
    if file.is_file():
        lines = [line.split() for line in file.read_text().splitlines() if line.strip()]
    else:
        lines = [[f"sample-{number}", *clips.split()] for number, clips in enumerate(_SAMPLE_CLIPS, start=1)]
    return {clip: person for person, *clips in lines for clip in clips}


def _library() -> Any:
    try:
        return importlib.import_module("av")  # no dependency: its types are not known here
    except ImportError:
        raise WrongUse(
            "Videos are read by PyAV, which is not installed: run pip install av, or make a folder of frames of each."
        ) from None
