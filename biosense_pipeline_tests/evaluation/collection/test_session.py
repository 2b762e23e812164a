"""The plan of a session and its folder: what is asked for, what is kept, and how it goes on."""

import json
import os
import stat
from pathlib import Path

import pytest

from biosense_pipeline.codes import Species
from biosense_pipeline.errors import WrongUse
from biosense_pipeline.evaluation.attacks.folders import read_folder, read_species
from biosense_pipeline.evaluation.collection.plan import (
    GENUINE,
    REFERENCE,
    REFERENCE_STILLS,
    Plan,
    not_measured,
    species_found,
)
from biosense_pipeline.evaluation.collection.session import Session, open_session, repository_of, stored_plan
from biosense_pipeline.matching.evidence.baseline import FEWEST_STILLS

JPEG, PNG = b"\xff\xd8 a picture", b"\x89PNG a picture"
SMALL = Plan(2, 3, ("print",))


def fill(session: Session) -> None:
    """Take every still that is left."""
    for step in session.plan.steps:
        while session.left(step):
            number = len(session.taken)
            session.keep(step, JPEG + bytes([number]), f"{number:032x}")


def test_the_default_plan() -> None:
    """Six people, two sittings, three species, ten stills each; the first genuine ones make a baseline."""
    steps = Plan().steps
    assert len(steps) == 6 * 2 * 4
    assert {step.kind for step in steps} == {GENUINE, "print", "screen", "replay"}
    assert [step.sitting for step in steps] == [1] * 24 + [2] * 24
    assert {step.stills for step in steps if step.folder.startswith(REFERENCE)} == {REFERENCE_STILLS}
    assert {step.stills for step in steps if not step.folder.startswith(REFERENCE)} == {10}
    assert REFERENCE_STILLS >= FEWEST_STILLS
    assert all(f"person {step.person}" in step.instruction.lower() for step in steps)


def test_each_kind_is_told_apart_in_words() -> None:
    """Each kind has an instruction of its own, and each species says what to have ready."""
    plan = Plan(1, 2, ("print", "screen", "replay", "print-bent"))
    assert len({step.instruction for step in plan.steps if step.sitting == 1}) == 4
    assert [thing.partition(":")[0] for thing in plan.ready] == list(plan.species)


@pytest.mark.parametrize("name", ["mask", "", "prints", "print/..", "../print", "Print", "genuine", "print-"])
def test_species_that_cannot_be_meant(name: str) -> None:
    """What could not be told as a finding, or is no plain name, is refused."""
    with pytest.raises(WrongUse, match="no species"):
        Plan(6, 10, (name,))
    assert species_found(name) is None


def test_species_by_their_first_word() -> None:
    """A film on a screen is found as a screen, and what was not shown stays unmeasured; masks always do."""
    found = [species_found(name) for name in ("print", "print-glossy", "screen-phone", "replay")]
    assert found == [Species.PRINT, Species.PRINT, Species.SCREEN, Species.SCREEN]
    assert not_measured(["print-glossy"]) == ["pictures on screens", "replayed films", "masks"]
    assert not_measured(["print", "screen", "replay"]) == ["masks"]


def test_folders_are_as_the_evaluation_reads_them(tmp_path: Path) -> None:
    """Each kind is a folder of subjects, and the sittings are its sequences."""
    session = open_session(tmp_path / "s", SMALL)
    fill(session)
    genuine, reference = (read_folder(tmp_path / "s" / name) for name in (GENUINE, REFERENCE))
    (species,) = read_species([tmp_path / "s" / "print"])
    assert genuine.subjects == reference.subjects == species.subjects == ("person1", "person2")
    assert (len(genuine.stills), len(reference.stills), len(species.stills)) == (6, 2 * REFERENCE_STILLS, 12)
    assert {(still.sequence, still.place) for still in species.stills} == {(s, n) for s in "12" for n in range(3)}
    assert {still.sequence for still in genuine.stills} == {"2"}
    assert {still.sequence for still in reference.stills} == {"1"}


def test_stills_are_private_and_as_they_came(tmp_path: Path) -> None:
    """Only the owner may read folders and files; bytes are kept as they are, under the ending of their kind."""
    before = os.umask(0)
    try:
        session = open_session(tmp_path / "s", SMALL)
        first, second = (session.keep(SMALL.steps[1], data, data.hex()) for data in (JPEG, PNG))
    finally:
        os.umask(before)
    assert (first.name, second.name) == ("1_01.jpg", "1_02.png")
    assert (first.read_bytes(), second.read_bytes()) == (JPEG, PNG)
    for path in (tmp_path / "s", *(tmp_path / "s").rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_it_goes_on_where_it_was(tmp_path: Path) -> None:
    """Opened again, the stills taken count; one that was deleted is asked for again, and none is written over."""
    step = SMALL.steps[1]
    session = open_session(tmp_path, SMALL)
    for number in range(2):
        session.keep(step, JPEG + bytes([number]), str(number))
    again = open_session(tmp_path, SMALL)
    assert (again.left(step), again.same_as("1")) == (1, "print/person1/1_02.jpg")
    (tmp_path / "print" / "person1" / "1_01.jpg").unlink()
    assert again.left(step) == 2
    (tmp_path / "print" / "person1" / "1_01.png").write_bytes(b"of somebody else")
    assert again.keep(step, JPEG, "3").name == "1_03.jpg"
    assert (tmp_path / "print" / "person1" / "1_01.png").read_bytes() == b"of somebody else"
    assert stored_plan(tmp_path) == SMALL


def test_another_plan_is_refused(tmp_path: Path) -> None:
    """A session goes on with its own plan only, and the sentence tells it."""
    open_session(tmp_path, SMALL)
    with pytest.raises(WrongUse, match="planned with 2 people, 3 stills each and print"):
        open_session(tmp_path, Plan(3, 3, ("print",)))


def test_a_folder_with_something_else_is_refused(tmp_path: Path) -> None:
    """A folder that holds other files is left alone."""
    (tmp_path / "mine.txt").write_text("")
    with pytest.raises(WrongUse, match="something else"):
        open_session(tmp_path, SMALL)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", json.dumps({"plan": {"people": 1, "stills": 1, "species": ["mask"]}})]
)
def test_a_torn_session_is_refused(tmp_path: Path, text: str) -> None:
    """What is no session is told in a sentence, and not begun anew over what is there."""
    (tmp_path / "session.json").write_text(text)
    with pytest.raises(WrongUse, match=r"session|species"):
        open_session(tmp_path, SMALL)
    assert (tmp_path / "session.json").read_text() == text


def test_a_folder_in_a_repository(tmp_path: Path) -> None:
    """A folder below a repository is known for one, before it is made too; and git adds nothing of it."""
    (tmp_path / "code" / ".git").mkdir(parents=True)
    assert repository_of(tmp_path / "code" / "a" / "b") == tmp_path / "code"
    assert repository_of(tmp_path / "beside") is None
    open_session(tmp_path / "code" / "a", SMALL)
    assert (tmp_path / "code" / "a" / ".gitignore").read_text() == "*\n"
