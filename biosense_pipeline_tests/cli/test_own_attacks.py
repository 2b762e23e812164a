"""`biosense attacks collect`: a session as a person goes through it on the terminal."""

import io
import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import pytest

from biosense_pipeline.demo.frames import Person, own_frame
from biosense_pipeline.evaluation.collection import taking
from biosense_pipeline.evaluation.collection.plan import REFERENCE_STILLS
from biosense_pipeline_tests.cli.conftest import Done, Run, one_sentence


@contextmanager
def camera(drop: Path) -> Iterator[None]:
    """Pictures keep coming into the folder, each another one."""
    drop.mkdir()
    over = threading.Event()

    def send() -> None:
        number = 0
        while not over.wait(0.03):
            number += 1
            (drop / f"{number}.jpg").write_bytes(own_frame(Person.OBAMA, number % 300))

    sender = threading.Thread(target=send)
    sender.start()
    try:
        yield
    finally:
        over.set()
        sender.join()


def answering(run: Run, answers: str, *arguments: str) -> Done:
    """Run with these lines typed in."""
    with mock.patch.object(sys, "stdin", io.StringIO(answers)):
        return run("attacks", "collect", *arguments)


@pytest.mark.slow
def test_a_session(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One person, two sittings, a step put off, stopped and gone on with: all stills are there, none twice."""
    monkeypatch.setattr(taking, "_PAUSE", 0.02)
    given = ("mine", "--from", "drop", "--people", "1", "--stills", "2", "--species", "print")
    with camera(tmp_path / "drop"):
        first = answering(run, "y\nn\n\n", *given)
        assert first.returncode == 0, first.stderr
        second = answering(run, "\n\n", *given)
        third = answering(run, "\n\n", "mine", "--from", "drop", "--json")
    assert "personal data" in first.stdout
    assert "Person 1: sit down" in first.stdout
    assert f"{REFERENCE_STILLS} of {REFERENCE_STILLS}" in first.stdout
    # The print of the first sitting was put off; taken the next time, it is asked whether to begin the second.
    assert "6 stills are left" in first.stdout
    assert "The first sitting is over" in second.stdout
    assert "4 stills are left" in second.stdout
    assert json.loads(third.stdout) == {"folder": "mine", "taken": REFERENCE_STILLS + 6, "left": 0}
    stills = list((tmp_path / "mine").rglob("*.jpg"))
    assert len({path.read_bytes() for path in stills}) == len(stills) == REFERENCE_STILLS + 6
    done = answering(run, "", "mine", "--from", "drop")
    assert "biosense evaluate attacks --genuine mine/genuine --genuine-reference mine/genuine-reference" in done.stdout
    assert "biosense attacks train mine" in done.stdout


def test_the_plan(run: Run, tmp_path: Path) -> None:
    """The plan is told before anything is made: who, when, what, how many, and what to have ready."""
    told = json.loads(run("attacks", "collect", "mine", "--plan", "--json").stdout)
    assert len(told["steps"]) == 6 * 2 * 4
    assert sum(step["left"] for step in told["steps"]) == 6 * (REFERENCE_STILLS + 10 + 2 * 3 * 10)
    assert len(told["ready"]) == 3
    table = run("attacks", "collect", "mine", "--plan", "--person", "2", "--species", "replay")
    assert "Play the film of person 2" in " ".join(table.stdout.split())
    assert not (tmp_path / "mine").exists()


def test_a_folder_in_a_repository_is_warned_of(run: Run, tmp_path: Path) -> None:
    """Whoever collects faces inside a repository hears of it before the first still."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "drop").mkdir()
    done = answering(run, "n\n" * 8, "mine", "--from", "drop", "--people", "1")
    assert done.returncode == 0, done.stderr
    assert f"WARNING: the folder lies in the git repository {tmp_path}" in done.stdout
    assert "stills are left" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["mine"], ["--lan-id", "--from"]),
        (["mine", "--from", "drop", "--lan-id", "a"], ["either"]),
        (["mine", "--from", "nowhere"], ["nowhere"]),
        (["mine", "--from", "drop", "--species", "mask"], ["mask", "print, screen or replay"]),
        (["mine", "--from", "drop", "--species", "print", "--species", "print"], ["twice"]),
        (["mine", "--from", "drop", "--people", "2", "--person", "3"], ["no person 3"]),
        (["drop", "--from", "drop"], ["something else"]),
        (["mine", "--lan-id", "a"], ["biosense db upgrade"]),
    ],
)
def test_mistakes(run: Run, tmp_path: Path, arguments: list[str], words: list[str]) -> None:
    """What cannot be meant is named before anything is made or asked."""
    (tmp_path / "drop").mkdir()
    (tmp_path / "drop" / "x.jpg").write_bytes(b"no picture")
    done = run("attacks", "collect", *arguments)
    one_sentence(done, 1 if "db upgrade" in words[0] else 2, *words)
    assert not (tmp_path / "mine").exists()
