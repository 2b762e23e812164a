"""`biosense attacks`: a session as a person goes through it on the terminal, and a score trained on its stills."""

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
from biosense_pipeline.evaluation.collection.plan import REFERENCE, REFERENCE_STILLS, Plan
from biosense_pipeline.evaluation.collection.session import open_session
from biosense_pipeline.matching.evidence.attack_score import read_attack_score
from biosense_pipeline.vision.presentation.features import FEATURES_ID
from biosense_pipeline_tests.cli.conftest import Done, Run, biosense, one_sentence
from biosense_pipeline_tests.recaptures import before_a_webcam
from biosense_pipeline_tests.vision.attack_graphs import write_model

#: How each kind of still is synthesised.
STYLES_SHOWN = {"genuine": "genuine", "print": "photo_paper", "screen": "phone_screen"}


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


def test_a_camera_in_service(run: Run) -> None:
    """Whoever shows attacks to a camera in service hears that supervisors may be alerted."""
    assert run("db", "upgrade").returncode == 0
    done = answering(run, "n\n" * 8, "mine", "--lan-id", "NA\\kho2114", "--people", "1")
    assert done.returncode == 0, done.stderr
    words = " ".join(done.stdout.split())
    assert "as they arrive from the camera of NA\\kho2114" in words
    assert "may alert supervisors" in words


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


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stills of a session with five people, prints and screens synthesised."""
    folder, take = tmp_path_factory.mktemp("collected"), before_a_webcam(1)
    made = open_session(folder / "mine", Plan(5, 3, ("print", "screen")))
    for step in made.plan.steps:
        while made.left(step):
            picture = take(step.person - 1, step.sitting, STYLES_SHOWN[step.kind])
            made.keep(step, picture, f"{len(made.taken):032x}")
    return folder


@pytest.fixture(scope="module")
def training(session: Path) -> Done:
    """What a training on the session says, with a model that is measured too; it writes score.json."""
    model = write_model(session / "model")
    return biosense(session, "attacks", "train", "mine", "--output", "score.json", workers=0, attack_model=model)


@pytest.mark.slow
def test_training(session: Path, training: Done) -> None:
    """A score is trained, measured and written without pictures or names, and what is not measured is said plainly."""
    assert training.returncode == 0, training.stderr
    words = " ".join(training.stdout.split())
    assert "trained here" in words
    assert "Measured now: print, screen." in words
    assert "Not measured, and nothing is claimed of them: replayed films, masks." in words
    assert "set BIOSENSE_ATTACK_SCORE=" in words
    text = (session / "score.json").read_text()
    assert "person1" not in text
    told = json.loads(text)["figures"]
    assert told["people"] == {"PRINT": 5, "SCREEN": 5}
    assert set(told["measured"]["print"]["scores"]) == {"shipped", "trained", "model"}
    assert told["measured"]["print"]["scores"]["trained"]["auc"] > 0.9


@pytest.mark.slow
@pytest.mark.usefixtures("training")
def test_a_trained_score_is_taken_up(session: Path) -> None:
    """Doctor and the evaluation of attacks take up the score that the settings name."""
    score_id = read_attack_score((session / "score.json").read_text(), FEATURES_ID).score_id
    found = findings(biosense(session, "doctor", "--json", attack_score="score.json"))
    assert found["attack score"] == (True, f"{score_id} counts for PRINT, SCREEN")
    folders = ["--genuine", "mine/genuine", "--attack", "mine/print", "--genuine-reference", "mine/genuine-reference"]
    evaluate = ["evaluate", "attacks", *folders, "--resamples", "100", "--json"]
    without, added = (
        json.loads(biosense(session, *evaluate, workers=0, **settings).stdout)
        for settings in ({}, {"attack_score": "score.json"})
    )
    assert without["subjects_with_own_baseline"] == 5
    assert (without["own_scores"], set(added["own_scores"].values())) == ({}, {score_id})
    assert added["species"][0]["apcer_in_use_single"] < without["species"][0]["apcer_in_use_single"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere", "--output", "score.json"], ["nowhere"]),
        (["empty"], ["--output"]),
        (["empty", "--output", "score.json"], ["empty", "cannot be read"]),
        (["empty", "--output", "no/such/score.json"], ["cannot be written"]),
        (["half", "--output", "score.json"], ["holds no attacks", "biosense attacks collect half"]),
    ],
)
def test_mistakes_of_training(run: Run, tmp_path: Path, arguments: list[str], words: list[str]) -> None:
    """What cannot be trained on is named, before any still is looked at."""
    (tmp_path / "empty").mkdir()
    for kind in ("genuine", "genuine-reference"):
        (tmp_path / "half" / kind / "person1").mkdir(parents=True)
        (tmp_path / "half" / kind / "person1" / "1_01.jpg").write_bytes(b"no picture")
    one_sentence(run("attacks", "train", *arguments), 2, *words)


def test_too_few_people(run: Run, tmp_path: Path) -> None:
    """A session that was hardly begun is refused with how many people there have to be."""
    for kind in ("genuine", "genuine-reference", "print"):
        own = tmp_path / "mine" / kind / "person1"
        own.mkdir(parents=True)
        sitting = 1 if kind == REFERENCE else 2
        (own / f"{sitting}_01.jpg").write_bytes(own_frame(Person.OBAMA, len(kind)))
    done = run("attacks", "train", "mine", "--output", "score.json", workers=0)
    one_sentence(done, 1, "1 people are too few", "5 at least")
    assert not (tmp_path / "score.json").exists()


@pytest.mark.parametrize(
    ("values", "what", "words"),
    [
        ({"attack_score": "nowhere.json"}, "attack score", "BIOSENSE_ATTACK_SCORE names nowhere.json"),
        ({"attack_model": "nowhere.toml"}, "attack model", "BIOSENSE_ATTACK_MODEL"),
    ],
)
def test_doctor_tells_what_is_unusable(run: Run, values: dict[str, str], what: str, words: str) -> None:
    """A score or model that is set and cannot be used needs mending; one that is not set is told so."""
    found = findings(run("doctor", "--json", **values))
    (other,) = {"attack score", "attack model"} - {what}
    assert found[what][0] is False
    assert words in found[what][1]
    assert found[other] == (True, f"none: BIOSENSE_{other.upper().replace(' ', '_')} is empty")


def findings(done: Done) -> dict[str, tuple[bool, str]]:
    """What doctor found, by what it looked at."""
    return {finding["what"]: (finding["ok"], finding["finding"]) for finding in json.loads(done.stdout)["findings"]}
