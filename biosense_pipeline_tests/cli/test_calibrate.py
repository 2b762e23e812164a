"""`biosense calibrate`: what it says of a calibration that takes effect, and of one that does not."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from biosense_pipeline.settings import Settings
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.schema import upgrade_schema
from biosense_pipeline.workflows.workbench import Workbench
from biosense_pipeline_tests.cli.conftest import Run
from biosense_pipeline_tests.workflows.fake_site import FakeSite
from biosense_pipeline_tests.workflows.fakes import bench_with

FillSite = Callable[..., None]


@pytest.fixture
def fill_site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FillSite:
    """Fills the command's database with a made-up site of so many people, whose pictures the command knows."""

    def fill(people: int, **values: Any) -> None:
        database = Database(f"sqlite:///{tmp_path / 'biosense.sqlite'}")
        upgrade_schema(database)
        site = FakeSite(database, people, hours=3)
        site.fill()

        @contextmanager
        def prepared(settings: Settings, opened: Database, run_id: str | None = None) -> Iterator[Workbench]:
            yield bench_with(opened, site.examiner, **values)

        monkeypatch.setattr("biosense_pipeline.cli.opening.workbench", prepared)

    return fill


def test_calibration_takes_effect(run: Run, fill_site: FillSite) -> None:
    """With enough people it takes effect; a dry run before says so and changes nothing; tables show the figures."""
    fill_site(40, target_fmr=0.01)
    dry = json.loads(run("calibrate", "--dry-run", "--json").stdout)
    assert (dry["calibration_id"], dry["in_force"], dry["objections"]) == (None, False, [])
    assert dry["figures"]["cllr"] < 0.2
    assert dry["material"]["pairs_of_people"] == 780
    done = run("calibrate")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"Tolerance {dry['tolerance']:.4f} for a false match rate of 0.01." in done.stdout
    assert done.stdout.endswith("Calibration 1 is in force in place of BIOSENSE_TOLERANCE, which is not calibrated.\n")
    again = json.loads(run("calibrate", "--json").stdout)
    assert (again["calibration_id"], again["in_force"], again["tolerance"]) == (2, True, dry["tolerance"])


def test_too_few_people(run: Run, fill_site: FillSite) -> None:
    """With too few people it says what there is, what is needed, and what stays in force, and is no failure."""
    fill_site(4)
    done = run("calibrate")
    assert done.returncode == 0
    assert "Against it: Stills of 4 people are there to calibrate on and 30 are needed" in done.stdout
    assert done.stdout.endswith("Refused; in force stays BIOSENSE_TOLERANCE, which is not calibrated.\n")


def test_without_a_schema(run: Run) -> None:
    """On a database that was never migrated it names the command to run."""
    done = run("calibrate")
    assert done.returncode == 1
    assert "run `biosense db upgrade`" in done.stderr
