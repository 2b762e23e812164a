"""`biosense bench`: both engines over real stills, and the way through a real database."""

import io
import json
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import URL

from biosense_pipeline.demo import frames
from biosense_pipeline.demo.frames import Person
from biosense_pipeline_tests.cli.conftest import biosense

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def agents(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two agents' folders: a benchmark, own stills, and one still of somebody else."""
    folder = tmp_path_factory.mktemp("agents")
    for person, other in ((Person.OBAMA, Person.HOPPER), (Person.HOPPER, Person.OBAMA)):
        (folder / person.name).mkdir()
        shown = [
            frames.training_picture(person),
            *(frames.own_frame(person, seed) for seed in (1, 2)),
            frames.own_frame(other, 3),
        ]
        for number, picture in enumerate(shown):
            (folder / person.name / f"{number:03d}.jpg").write_bytes(_smaller(picture))
    return folder


def test_against_face_recognition(agents: Path, tmp_path: Path) -> None:
    """Rates, their ratio, milliseconds by stage and every decision that differs are told for one's own stills."""
    done = biosense(tmp_path, "bench", "--images", str(agents), "--json")
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert told["stills"] == 6
    assert told["one_face"]["stills"] == 6
    rates = told["one_face"]
    assert rates["engine_per_second_and_core"] > 2 * rates["baseline_per_second_and_core"] > 0
    assert rates["ratio"] == pytest.approx(
        rates["engine_per_second_and_core"] / rates["baseline_per_second_and_core"], rel=0.5
    )
    assert (told["decisions"], told["decisions_agreeing"], told["disagreements"]) == (12, 12, [])
    assert told["settled_by_a_quick_look"] in (1, 2)
    assert set(told["milliseconds"]["engine"]) == {"decode", "detect", "align", "evidence", "encode"}


def test_end_to_end(agents: Path, tmp_path: Path, mariadb_server: URL) -> None:
    """Stills go through a database of their own, and the share of the engine's rate that comes out is told."""
    server = mariadb_server.render_as_string(hide_password=False)
    arguments = ["bench", "--end-to-end", "--images", str(agents), "--stills", "20", "--server", server, "--json"]
    done = biosense(tmp_path, *arguments, workers=1)
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert (told["stills"], told["processes"]) == (20, 1)
    assert told["share"] == pytest.approx(told["end_to_end_per_second"] / told["engine_per_second"], rel=0.02)
    assert told["resident_mib"][-1]["stills"] == 20
    assert all(entry["mib"] > 50 for entry in told["resident_mib"])


def test_a_folder_without_agents(tmp_path: Path) -> None:
    """A folder that holds no agents' folders is told in one sentence."""
    done = biosense(tmp_path, "bench", "--images", str(tmp_path))
    assert done.returncode == 2
    assert "holds no agents: make a folder for each" in done.stderr


def _smaller(picture: bytes) -> bytes:
    """At 400x300, so that the baseline takes a third of the time."""
    buffer = io.BytesIO()
    Image.open(io.BytesIO(picture)).resize((400, 300)).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()
