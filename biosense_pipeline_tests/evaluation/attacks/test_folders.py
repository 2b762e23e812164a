"""Subjects, sequences and stills by the names of folders and files."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biosense_pipeline.errors import WrongUse
from biosense_pipeline.evaluation.attacks.folders import read_folder, read_species, sequence_of
from biosense_pipeline.evaluation.pictures import natural


def make(folder: Path, *names: str) -> Path:
    """Files of these names."""
    for name in names:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x")
    return folder


def test_subjects_and_sequences(tmp_path: Path) -> None:
    """Each direct sub-folder is a subject, and what stands before the last underscore a sequence."""
    make(tmp_path / "prints", "b/a_1_10.jpg", "b/a_1_9.jpg", "b/a_2_1.jpg", "a/7.png", "a/8.png", "stray.jpg")
    found = read_folder(tmp_path / "prints")
    assert found.name == "prints"
    assert found.subjects == ("a", "b")
    assert [(still.subject, still.sequence, still.place, still.path.name) for still in found.stills] == [
        ("a", "", 0, "7.png"),
        ("a", "", 1, "8.png"),
        ("b", "a_1", 0, "a_1_9.jpg"),
        ("b", "a_1", 1, "a_1_10.jpg"),
        ("b", "a_2", 0, "a_2_1.jpg"),
    ]


def test_what_is_no_still(tmp_path: Path) -> None:
    """Hidden files, what systems leave behind and deeper folders are passed over; empty subjects are named."""
    make(tmp_path / "g", "a/1.jpg", "a/.hidden.jpg", "a/Thumbs.db", "a/deeper/2.jpg", ".cache/3.jpg")
    (tmp_path / "g" / "empty").mkdir()
    found = read_folder(tmp_path / "g")
    assert [still.path.name for still in found.stills] == ["1.jpg"]
    assert found.empty_subjects == ("empty",)


def test_what_is_no_picture_takes_no_place(tmp_path: Path) -> None:
    """A text or a video beside the stills is left out, named, and not counted among them."""
    make(tmp_path / "g", "a/s_1.jpg", "a/s_1.txt", "a/s_2.PNG", "a/film.mp4", "b/notes.txt")
    found = read_folder(tmp_path / "g")
    assert [(still.path.name, still.place) for still in found.stills] == [("s_1.jpg", 0), ("s_2.PNG", 1)]
    assert [path.name for path in found.left_out] == ["film.mp4", "s_1.txt", "notes.txt"]
    assert found.empty_subjects == ("b",)


def test_nothing_there(tmp_path: Path) -> None:
    """A missing folder, one that is a file, and one without stills are wrong use and named."""
    (tmp_path / "empty" / "a").mkdir(parents=True)
    make(tmp_path, "file")
    for name in ("missing", "file", "empty"):
        with pytest.raises(WrongUse, match=name):
            read_folder(tmp_path / name)


def test_species_are_told_apart_by_name(tmp_path: Path) -> None:
    """Two folders of one name are refused, since nobody could tell their figures apart."""
    for parent in ("one", "other"):
        make(tmp_path / parent / "prints", "a/1.jpg")
    make(tmp_path / "screens", "a/1.jpg")
    species = read_species([tmp_path / "one" / "prints", tmp_path / "screens"])
    assert [folder.name for folder in species] == ["prints", "screens"]
    with pytest.raises(WrongUse, match="prints"):
        read_species([tmp_path / "one" / "prints", tmp_path / "other" / "prints"])


def test_the_name_of_a_folder_given_by_a_dot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A species named by `.` is called after the folder that this is."""
    monkeypatch.chdir(make(tmp_path / "prints", "a/1.jpg"))
    assert read_folder(Path()).name == "prints"


@pytest.mark.parametrize(
    ("name", "sequence"),
    [("s1_0001.jpg", "s1"), ("a_b_c.png", "a_b"), ("0001.jpg", ""), ("_1.jpg", ""), ("s1_0001.v2.jpg", "s1")],
)
def test_sequences(name: str, sequence: str) -> None:
    """All before the last underscore; nothing where there is none."""
    assert sequence_of(name) == sequence


@given(st.lists(st.integers(0, 10**6), unique=True, max_size=20), st.sampled_from(["", "still_", "a1_", "B-"]))
def test_natural_order(numbers: list[int], prefix: str) -> None:
    """Names that differ in a number are in that number's order."""
    names = [f"{prefix}{number}.jpg" for number in numbers]
    assert sorted(names, key=natural) == [f"{prefix}{number}.jpg" for number in sorted(numbers)]


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/\0"), min_size=1)))
def test_every_name_has_its_place(names: list[str]) -> None:
    """Whatever names there are can be ordered, and different names never count as equal."""
    ordered = sorted(names, key=natural)
    assert len({tuple(natural(name)) for name in ordered}) == len(set(names))
