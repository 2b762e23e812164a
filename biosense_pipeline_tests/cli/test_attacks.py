"""`biosense evaluate attacks` on the demo's faces: live ones, and one frame of each held up like a sheet."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from biosense_pipeline.demo.frames import Person, empty_frame, own_frame
from biosense_pipeline_tests.cli.conftest import Done, Run, biosense, one_sentence

#: As the command's users know them.
KEYS = {"stills", "eer_single", "eer_window", "apcer_at_bpcer_1_window", "apcer_at_bpcer_5_window", "iapar"}
PEOPLE = (Person.COLLINS, Person.HOPPER, Person.OBAMA)


@pytest.fixture(scope="module")
def stills(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Genuine stills of two sittings and sheets, of three people; one sheet is missed, one file is no picture."""
    folder = tmp_path_factory.mktemp("stills")
    for person in PEOPLE:
        name = person.name.title()
        for kind, first, count in (("reference", 0, 12), ("genuine", 20, 5)):
            (folder / kind / name).mkdir(parents=True)
            for number in range(count):
                (folder / kind / name / f"{kind}_{number}.jpg").write_bytes(own_frame(person, first + number))
        (folder / "paper" / name).mkdir(parents=True)
        for number in range(5):
            (folder / "paper" / name / f"p_{number}.jpg").write_bytes(sheet(own_frame(person, 3), number))
    (folder / "paper" / "Collins" / "p_5.jpg").write_bytes(empty_frame(1))
    (folder / "genuine" / "Obama" / "genuine_9.jpg").write_bytes(b"no picture")
    (folder / "genuine" / "Nobody").mkdir()
    return folder


def sheet(frame: bytes, number: int) -> bytes:
    """The frame smaller, on a desk, somewhat further on."""
    with Image.open(io.BytesIO(frame)) as image:
        small = image.resize((512, 384))
    desk = Image.new("RGB", (640, 480), (150, 140, 120))
    desk.paste(small, (50 + 5 * number, 40 + 3 * number))
    noise = np.random.default_rng(number).normal(0, 3, (480, 640, 3))
    taken = Image.fromarray(np.clip(np.asarray(desk) + noise, 0, 255).astype(np.uint8))
    buffer = io.BytesIO()
    taken.save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


@pytest.mark.slow
def test_attacks(stills: Path, tmp_path: Path) -> None:
    """Every key is there, every still is counted once, and what costs itself is told."""
    done = evaluate(
        tmp_path, stills, "--genuine-reference", stills / "reference", "--report", tmp_path / "report", "--json"
    )
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert set(figures) >= KEYS
    assert figures["stills"] == 3 * 5 + 3 * 5
    assert all(0 <= figures[key] <= 1 for key in KEYS - {"stills"})
    (paper,) = figures["species"]
    assert (paper["species"], paper["stills"], paper["without_face"]) == ("paper", 15, 1)
    assert (paper["windows"], figures["genuine_windows"]) == (3 * 2, 3 * 2)
    assert paper["accepted_by_matcher"] >= 0.9
    assert figures["genuine"]["unreadable"] == 1
    assert figures["subjects_with_own_baseline"] == 3
    assert any("genuine_9.jpg" in remark for remark in figures["remarks"])
    assert any("Nobody" in remark for remark in figures["remarks"])
    report = (tmp_path / "report" / "attacks.html").read_text()
    assert figures["report"] == str(tmp_path / "report" / "attacks.html")
    assert "data:image/jpeg" not in report


@pytest.mark.slow
def test_tables_without_reference(stills: Path, tmp_path: Path) -> None:
    """Without --json there are tables, and that no subject has a baseline of the own is said."""
    done = evaluate(tmp_path, stills)
    assert done.returncode == 0, done.stderr
    assert "APCER at BPCER 5 %, window" in done.stdout
    assert "0 of 3 subjects have a baseline of their own" in done.stdout.replace("\n", " ")
    assert "Without --genuine-reference" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--genuine", "nowhere", "--attack", "there"], ["--genuine", "nowhere"]),
        (["--genuine", "there", "--attack", "nowhere"], ["--attack", "nowhere"]),
        (["--genuine", "there"], ["--attack"]),
        (["--attack", "there"], ["--genuine"]),
        (["--genuine", "there", "--attack", "there", "--genuine-reference", "nowhere"], ["--genuine-reference"]),
        (["--genuine", "there", "--attack", "there", "--window", "1"], ["--window"]),
        (["--genuine", "there", "--attack", "there", "--seconds-between", "0"], ["--seconds-between"]),
        (["--genuine", "empty", "--attack", "there"], ["empty", "no stills"]),
        (["--genuine", "there", "--attack", "empty"], ["empty", "no stills"]),
        (["--genuine", "there", "--attack", "there", "--attack", "other/there"], ["there", "rename"]),
        (["--genuine", "there", "--attack", "there", "--report", "file"], ["--report"]),
    ],
)
def test_mistakes(run: Run, tmp_path: Path, arguments: list[str], words: list[str]) -> None:
    """What cannot be meant is wrong use and named, before any still is looked at."""
    for folder in ("there/a", "empty/a", "other/there/a"):
        (tmp_path / folder).mkdir(parents=True)
    for folder in ("there/a", "other/there/a"):
        (tmp_path / folder / "s_1.jpg").write_bytes(b"no picture")
    (tmp_path / "file").write_text("")
    one_sentence(run("evaluate", "attacks", *arguments), 2, *words)


def test_no_face_anywhere(run: Run, tmp_path: Path) -> None:
    """Where not one genuine still shows a face there is nothing to measure, and the sentence says why."""
    (tmp_path / "g" / "a").mkdir(parents=True)
    (tmp_path / "g" / "a" / "s_1.jpg").write_bytes(b"no picture")
    done = run("evaluate", "attacks", "--genuine", "g", "--attack", "g", workers=0)
    one_sentence(done, 1, "Not one of the 1 stills", "neither JPEG nor PNG")


def evaluate(folder: Path, stills: Path, *arguments: object) -> Done:
    """Run over the stills with short windows, without processes of its own."""
    given = ("--genuine", stills / "genuine", "--attack", stills / "paper", "--window", 4, "--resamples", 100)
    return biosense(folder, "evaluate", "attacks", *map(str, (*given, *arguments)), workers=0)
