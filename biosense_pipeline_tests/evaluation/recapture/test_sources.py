"""Reading genuine pictures, and the command that trains from them."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from biosense_pipeline.cli import cli
from biosense_pipeline.evaluation.recapture.sources import SourcesUnusable, read_sources


@pytest.fixture
def folder(portraits: Path, tmp_path: Path) -> Path:
    """Eleven people in files, one with three pictures in a sub-folder, a room, an empty picture and the credits."""
    files = sorted(portraits.glob("*.jpg"))[:14]
    for file in files[:11]:
        shutil.copy(file, tmp_path)
    (tmp_path / "somebody").mkdir()
    for file in files[11:]:
        shutil.copy(file, tmp_path / "somebody")
    (tmp_path / "rooms").mkdir()
    Image.new("RGB", (320, 240), (90, 120, 100)).save(tmp_path / "rooms" / "wall.png")
    Image.new("RGB", (320, 240), (90, 120, 100)).save(tmp_path / "nobody.png")
    (tmp_path / "CREDITS.txt").write_text("Portraits: somebody.\n")
    return tmp_path


def test_people_rooms_and_credits_are_read(folder: Path) -> None:
    """A sub-folder is one person, a file is one, rooms are no people, and who shows no face is left out."""
    sources = read_sources(folder)
    assert len({source.person for source in sources.people}) == 12
    assert sum(source.person == "somebody" for source in sources.people) == 3
    assert [room.shape for room in sources.rooms] == [(240, 320, 3)]
    assert sources.credits == "Portraits: somebody."
    assert all(np.isfinite(source.landmarks).all() for source in sources.people)


def test_too_few_people_are_refused(folder: Path) -> None:
    """One sentence says what is missing."""
    with pytest.raises(SourcesUnusable, match="fewer than ten people"):
        read_sources(folder / "somebody")


@pytest.mark.slow
def test_the_command_trains_and_measures(folder: Path, tmp_path: Path) -> None:
    """`biosense evaluate recapture` prints one JSON object and writes a report."""
    report = tmp_path / "report"
    arguments = ["--sources", str(folder), "--trials", "10", "--json", "--report", str(report)]
    result = CliRunner().invoke(cli, ["evaluate", "recapture", *arguments], catch_exceptions=False)
    told = json.loads(result.stdout)
    assert told["people"] == 12
    assert told["stills"] == {"genuine": 40, "photo_paper": 20, "plain_paper": 20, "phone_screen": 20}
    assert {entry["trained"] for entry in told["auc"]} == {"photo_paper", "plain_paper", "phone_screen"}
    assert all(0 <= entry["auc"] <= 1 for entry in told["auc"])
    assert "not measured at all" in (report / "recapture.html").read_text()
