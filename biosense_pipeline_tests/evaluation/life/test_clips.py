"""Clips are found and read, whatever form they have."""

import importlib.util
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from biosense_pipeline.errors import WrongUse
from biosense_pipeline.evaluation.life.clips import find_clips


def frames(levels: Iterable[int]) -> list[Image.Image]:
    return [Image.new("RGB", (16, 8), (level, 2 * level, 0)) for level in levels]


def folder_of_frames(folder: Path, levels: Iterable[int], suffix: str = ".png") -> None:
    folder.mkdir()
    for number, frame in enumerate(frames(levels)):
        frame.save(folder / f"frame{number}{suffix}")


def test_frames_in_natural_order(tmp_path: Path) -> None:
    """Frame 10 follows frame 9, every third is taken, and the shift moves which."""
    folder_of_frames(tmp_path / "clip", range(12))
    (clip,) = find_clips(tmp_path)
    assert [int(frame[0, 0, 0]) for frame in clip.frames(3)] == [0, 3, 6, 9]
    assert [int(frame[0, 0, 0]) for frame in clip.frames(3, 2)] == [2, 5, 8, 11]


def test_animated_gif(tmp_path: Path) -> None:
    """A GIF's frames are whole pictures in RGB."""
    first, *others = frames([10, 60, 110])
    first.save(tmp_path / "clip.gif", save_all=True, append_images=others)
    (clip,) = find_clips(tmp_path)
    shown = list(clip.frames(1))
    assert [frame.shape for frame in shown] == [(8, 16, 3)] * 3
    np.testing.assert_allclose([frame[0, 0, 0] for frame in shown], [10, 60, 110], atol=4)


def test_people(tmp_path: Path) -> None:
    """A file tells who is in which clip; a clip that it does not name shows a person of its own."""
    for name in ("one", "two", "three"):
        folder_of_frames(tmp_path / name, range(2), ".jpg")
    (tmp_path / "people.txt").write_text("ann one three\n\n")
    assert {clip.name: clip.person for clip in find_clips(tmp_path)} == {"one": "ann", "three": "ann", "two": "two"}


def test_no_clips(tmp_path: Path) -> None:
    """A folder of something else is refused in a sentence that says what is wanted."""
    (tmp_path / "notes.txt").write_text("nothing")
    (tmp_path / "empty").mkdir()
    with pytest.raises(WrongUse, match="holds no clips"):
        find_clips(tmp_path)


@pytest.mark.skipif(importlib.util.find_spec("av") is not None, reason="PyAV is installed, so videos are read")
def test_video_without_its_reader(tmp_path: Path) -> None:
    """Without PyAV a video is refused in a sentence that says what to do."""
    (tmp_path / "clip.mkv").write_bytes(b"")
    (clip,) = find_clips(tmp_path)
    with pytest.raises(WrongUse, match="pip install av"):
        next(clip.frames(1))
