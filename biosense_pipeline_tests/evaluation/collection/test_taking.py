"""Taking stills: from a folder or a camera, only what is new, and each checked."""

import os
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest

from biosense_pipeline.demo import frames
from biosense_pipeline.demo.frames import Person
from biosense_pipeline.errors import WrongUse
from biosense_pipeline.evaluation.collection.plan import Plan
from biosense_pipeline.evaluation.collection.session import Session, open_session
from biosense_pipeline.evaluation.collection.sources import CameraSource, FolderSource
from biosense_pipeline.evaluation.collection.taking import take
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.stills.capture import CapturedImage, enter_stills
from biosense_pipeline.vision.examine import InlineExaminer
from biosense_pipeline_tests.vision.conftest import SPEC

NOW = datetime(2026, 3, 2, 9)
PLAN = Plan(1, 2, ("print",))
STEP = PLAN.steps[1]


@pytest.fixture(scope="module")
def examiner() -> Iterator[InlineExaminer]:
    made = InlineExaminer(SPEC)
    yield made
    made.close()


@pytest.fixture
def session(tmp_path: Path) -> Session:
    return open_session(tmp_path / "session", PLAN)


class Clock:
    """A clock that the sleep moves on, and which does the next thing at each."""

    def __init__(self, *events: Callable[[], object]) -> None:
        self.now, self._events = 0.0, iter(events)

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        next(self._events, lambda: pytest.fail("still waiting at the end"))()


def nothing() -> None:
    """No picture comes."""


def test_only_good_stills_count(tmp_path: Path, session: Session, examiner: InlineExaminer) -> None:
    """What cannot be read, shows nobody or two people, or repeats a still is told and not kept."""
    drop = tmp_path / "drop"
    drop.mkdir()
    (drop / "before.jpg").write_bytes(frames.own_frame(Person.OBAMA, 99))
    good = [frames.own_frame(Person.OBAMA, number) for number in range(2)]
    shown = [
        frames.not_an_image(0),
        frames.empty_frame(1),
        frames.shared_frame(Person.OBAMA, Person.HOPPER, 5),
        good[0],
        good[0] + b"sent again",
        good[1],
    ]
    puts = [lambda n=n, data=data: (drop / f"{n}.jpg").write_bytes(data) for n, data in enumerate(shown)]
    said: list[str] = []
    # A file counts in the second look that finds it.
    clock = Clock(*(event for put in puts for event in (put, nothing)))
    take(session, STEP, FolderSource(drop), examiner, said.append, monotonic=lambda: clock.now, sleep=clock.sleep)
    words = ["cannot be read", "no face", "2 faces", "1 of 2", "the very pixels of print/person1/1_01.jpg", "2 of 2"]
    assert [word in line for word, line in zip(words, said, strict=True)] == [True] * 6, said
    assert [(session.folder / name).read_bytes() for name in session.taken] == good


def test_a_file_that_grows_is_waited_for(tmp_path: Path) -> None:
    """A picture counts once it no longer changes, and once more where it is written over; hidden files never do."""
    file = tmp_path / "still.jpg"
    file.write_bytes(b"old")
    source = FolderSource(tmp_path)
    source.begin()
    assert source.look() == []
    (tmp_path / ".hidden").write_bytes(b"x")
    for size in (1, 2):
        file.write_bytes(b"n" * 10 * size)
        assert source.look() == []
    assert source.look() == [b"n" * 20]
    assert source.look() == []
    file.write_bytes(b"m" * 20)
    os.utime(file, ns=(1, 1))
    assert (source.look(), source.look()) == ([], [b"m" * 20])


def test_a_folder_that_is_gone(tmp_path: Path) -> None:
    """A folder that is taken away meanwhile is named in a sentence."""
    source = FolderSource(tmp_path / "gone")
    with pytest.raises(WrongUse, match="gone cannot be read"):
        source.begin()


def test_the_stills_of_a_camera(database: Database) -> None:
    """Those of the LAN id that arrive from then on but for the first; too large a one is told as unreadable."""

    def arrive(lan_id: str, image: bytes) -> None:
        enter_stills(database, [CapturedImage(lan_id, NOW, image)])

    arrive("NA\\one", b"before")
    source = CameraSource(database, "na\\ONE", 10)
    source.begin()
    assert source.look() == []
    arrive("NA\\two", b"other")
    assert source.look() == []
    arrive("NA\\one", b"before")
    assert source.look() == []
    for lan_id, image in (("NA\\one", b"first"), ("NA\\two", b"other"), ("na\\One", b"second"), ("NA\\one", b"x" * 11)):
        arrive(lan_id, image)
    assert source.look() == [b"first", b"second", b""]
    assert source.look() == []
    source.begin()
    for image in (b"third", b"fourth"):
        arrive("NA\\one", image)
    assert source.look() == [b"fourth"]


def test_silence_is_told(tmp_path: Path, session: Session, examiner: InlineExaminer) -> None:
    """Where nothing comes for a minute the person hears of it, once a minute."""
    drop = tmp_path / "drop"
    drop.mkdir()
    said: list[str] = []

    def arrive() -> None:
        for number in range(3):
            (drop / f"{number}.jpg").write_bytes(frames.own_frame(Person.HOPPER, number))

    clock = Clock(*[nothing] * 130, arrive, nothing)
    take(session, STEP, FolderSource(drop), examiner, said.append, monotonic=lambda: clock.now, sleep=clock.sleep)
    assert [line.startswith("Nothing has come from the folder") for line in said] == [True, True, False, False]
    assert len(session.taken) == STEP.stills
