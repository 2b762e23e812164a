"""`biosense evaluate verification` on the demo's faces, laid out as LFW's are."""

import json
from itertools import combinations, product
from pathlib import Path

import pytest

from biosense_pipeline.demo.frames import Person, empty_frame, own_frame
from biosense_pipeline_tests.cli.conftest import Done, Run, biosense, one_sentence

#: As the issue names them.
KEYS = {
    "pairs",
    "failures_to_acquire",
    "accuracy_mean",
    "accuracy_std",
    "eer",
    "fnmr_at_fmr_1e-2",
    "fnmr_at_fmr_1e-3",
    "cllr",
    "cllr_min",
    "ece",
    "images_per_second",
}
FRAMES = 4
PEOPLE = [person.name.title() for person in Person]


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few frames of each person, one of them of an empty seat, and a development file of all their pairs."""
    folder = tmp_path_factory.mktemp("faces")
    for person in Person:
        name = person.name.title()
        (folder / name).mkdir()
        for number in range(1, FRAMES + 1):
            empty = person is Person.BIDEN and number == FRAMES
            frame = empty_frame(number) if empty else own_frame(person, number)
            (folder / name / f"{name}_{number:04d}.jpg").write_bytes(frame)
    genuine = [f"{name} {i} {j}" for name in PEOPLE for i, j in combinations(range(1, FRAMES + 1), 2)]
    impostors = [f"{a} {i} {b} {i}" for (a, b), i in product(combinations(PEOPLE, 2), range(1, FRAMES + 1))]
    write_pairs(folder / "dev.txt", genuine, impostors)
    return folder


def write_pairs(file: Path, genuine: list[str], impostors: list[str]) -> None:
    """A development file; both lists are equally long."""
    assert len(genuine) == len(impostors)
    file.write_text("\n".join([str(len(genuine)), *genuine, *impostors]) + "\n")


@pytest.mark.slow
def test_verification(faces: Path, tmp_path: Path) -> None:
    """Every key is there; the demo's people are told apart, and the empty seat counts as the protocol says."""
    done = verify(tmp_path, faces, "--report", tmp_path / "report", "--resamples", 100, "--json")
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert set(figures) >= KEYS
    assert (figures["pairs"], figures["images"], figures["failures_to_acquire"]) == (48, 16, 1)
    # Three genuine pairs and three of two people show the empty seat; only the genuine ones are wrong.
    assert figures["pairs_not_compared"] == 6
    assert figures["accuracy_mean"] == pytest.approx(1 - 3 / 48)
    assert (figures["eer"], figures["fnmr_at_fmr_1e-2"], figures["cllr_min"]) == (0, 0, 0)
    assert figures["cllr"] < 0.2
    assert figures["images_per_second"] > 0
    assert 0 < figures["encode_milliseconds_p50"] <= figures["encode_milliseconds_p95"]
    tolerance, customary = figures["thresholds"]
    assert (tolerance["name"], tolerance["threshold"], customary["threshold"]) == ("tolerance", 0.5, 0.6)
    assert tolerance["fmr"] == 0
    assert tolerance["gfrr"] == pytest.approx(3 / 24)
    report = (tmp_path / "report" / "verification.html").read_text()
    assert figures["report"] == str(tmp_path / "report" / "verification.html")
    assert "Biden_0004" in report
    assert str(faces) not in report


@pytest.mark.slow
def test_tables_and_missing_images(faces: Path, tmp_path: Path) -> None:
    """Without --json there are tables; pairs of missing images are left out only when asked for, and that is said."""
    lines = (faces / "dev.txt").read_text().splitlines()
    genuine, impostors = lines[1:25], lines[25:]
    write_pairs(tmp_path / "pairs.txt", [*genuine, "Obama 1 99"], [*impostors, "Nobody 1 Obama 1"])
    images = ("--images", faces, "--pairs", tmp_path / "pairs.txt")
    refused = run_in(tmp_path, *images)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "2 of 18 images are missing" in refused.stderr
    assert f"{faces}/Obama/Obama_0099.jpg" in refused.stderr
    done = run_in(tmp_path, *images, "--skip-missing", "--resamples", 100)
    assert done.returncode == 0, done.stderr
    assert "Verification with" in done.stdout
    assert "At the thresholds in use" in done.stdout
    assert "2 pairs were left out because 2 images are missing" in done.stdout.replace("\n", " ")


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("1\nObama 1\n", 2, ["pairs.txt, line 2", "2 fields"]),
        ("1\n../up 1 2\na 1 b 1\n", 2, ["pairs.txt, line 2", "path"]),
        ("ten\n", 2, ["pairs.txt, line 1", "header"]),
        ("1\nA 1 2\nA 1 B 1\n", 1, ["Not one of the 3 images is in", "--images"]),
    ],
)
def test_mistakes_in_the_file(run: Run, tmp_path: Path, text: str, code: int, words: list[str]) -> None:
    """A file of pairs that does not follow the form, or belongs to other images, ends in one sentence."""
    (tmp_path / "pairs.txt").write_text(text)
    (tmp_path / "images").mkdir()
    one_sentence(run("evaluate", "verification", "--images", "images", "--pairs", "pairs.txt"), code, *words)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--images", "nowhere", "--pairs", "pairs.txt"], ["--images", "nowhere"]),
        (["--images", ".", "--pairs", "nowhere.txt"], ["--pairs", "nowhere.txt"]),
        (["--images", ".", "--pairs", "."], ["--pairs"]),
        (["--images", "."], ["--pairs"]),
        (["--images", ".", "--pairs", "pairs.txt", "--normalise", "guess"], ["--normalise"]),
        (["--images", ".", "--pairs", "pairs.txt", "--report", "pairs.txt"], ["--report"]),
    ],
)
def test_mistakes_in_the_arguments(run: Run, tmp_path: Path, arguments: list[str], words: list[str]) -> None:
    """An argument that cannot be meant is wrong use and is named."""
    (tmp_path / "pairs.txt").write_text("1\nA 1 2\nA 1 B 1\n")
    one_sentence(run("evaluate", "verification", *arguments), 2, *words)


@pytest.mark.slow
def test_nothing_to_compare(tmp_path: Path) -> None:
    """Where no image gives a face there is nothing to measure, and the sentence says why."""
    for name, number in (("A", 1), ("A", 2), ("B", 1)):
        (tmp_path / name).mkdir(exist_ok=True)
        (tmp_path / name / f"{name}_{number:04d}.jpg").write_bytes(b"no picture")
    (tmp_path / "pairs.txt").write_text("1\nA 1 2\nA 1 B 1\n")
    done = run_in(tmp_path, "--images", tmp_path, "--pairs", tmp_path / "pairs.txt")
    one_sentence(done, 1, "Not one genuine pair could be compared", "3 of 3 images", "neither JPEG nor PNG")


def verify(folder: Path, faces: Path, *arguments: object) -> Done:
    """Run over the faces and their development file."""
    return run_in(folder, "--images", faces, "--pairs", faces / "dev.txt", *arguments)


def run_in(folder: Path, *arguments: object) -> Done:
    """Run in a folder, without processes of its own."""
    return biosense(folder, "evaluate", "verification", *map(str, arguments), workers=0)
