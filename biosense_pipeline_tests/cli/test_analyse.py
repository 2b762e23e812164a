"""`biosense analyse`: motion, impersonation and incidents without Dagster."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from biosense_pipeline.store.database import Database
from biosense_pipeline.store.tables.incidents import Incident
from biosense_pipeline_tests.cli.conftest import Run
from biosense_pipeline_tests.store.rows import OTHER
from biosense_pipeline_tests.workflows.evidence_rows import enter_scene, frozen_at, motionless, person

DAY = ["--start", "2026-03-02", "--end", "2026-03-03"]


@pytest.fixture
def recognised(run: Run, tmp_path: Path) -> Iterator[Database]:
    """The command's database with stills of a frozen camera and of somebody who does not move."""
    run("db", "upgrade")
    database = Database(f"sqlite:///{tmp_path / 'biosense.sqlite'}")
    enter_scene(database, frozen_at(person(), 30, 60), 90)
    enter_scene(database, motionless(2), 90, lan_id=OTHER)
    yield database
    database.dispose()


def test_what_the_day_shows(run: Run, recognised: Database) -> None:
    """Windows, findings and incidents of the full hours are told and stored; a second time nothing changes."""
    found = _analysed(run, *DAY)
    assert (found["start"], found["end"]) == ("2026-03-02T00:00:00", "2026-03-03T00:00:00")
    assert (found["motion"]["agents"], found["motion"]["windows"]) == (2, 4)
    assert found["motion"]["outcomes"]["STATIC"] >= 1
    assert (found["impersonation"]["stills"], found["impersonation"]["findings"]) == (180, {"FROZEN": 1})
    assert "SCREEN" in found["impersonation"]["not_judged"]
    assert (found["incidents"]["stills"], found["incidents"]["entered"], found["incidents"]["open"]) == (180, 1, {})
    again = _analysed(run, *DAY)
    assert (again["motion"]["rows_changed"], again["impersonation"]["stills"]) == (0, 0)
    assert (again["incidents"]["entered"], again["incidents"]["changed"]) == (0, 0)


def test_one_agent_and_part_of_an_hour(run: Run, recognised: Database) -> None:
    """Of the agents those named are looked at, of any spelling; of the hours those that the times touch, whole."""
    scope = ["--lan-id", OTHER.lower(), "--start", "2026-03-02T09:10", "--end", "2026-03-02T09:20"]
    found = _analysed(run, *scope)
    assert (found["start"], found["end"]) == ("2026-03-02T09:00:00", "2026-03-02T10:00:00")
    assert [found[what]["agents"] for what in ("motion", "impersonation", "incidents")] == [1, 1, 1]
    assert [found[what]["stills"] for what in ("impersonation", "incidents")] == [90, 90]
    unknown = _analysed(run, *DAY, "--lan-id", "NA\\nobody")
    assert [unknown[what]["agents"] for what in ("motion", "impersonation", "incidents")] == [0, 0, 0]


def test_the_last_day_in_tables(run: Run, recognised: Database) -> None:
    """Without times it is the last 24 hours, and people get tables."""
    begin = datetime.now(UTC).replace(tzinfo=None) - timedelta(hours=2)
    enter_scene(recognised, frozen_at(person(), 30, 60), 90, start=begin)
    done = run("analyse")
    assert done.returncode == 0, done.stderr
    assert "FROZEN" in done.stdout
    assert "SCREEN was not looked for" in done.stdout
    assert "1 incidents are new" in " ".join(done.stdout.split())
    with recognised.read() as connection:
        opened = connection.execute(select(func.min(Incident.opened))).scalar_one()
    assert opened >= begin


def _analysed(run: Run, *arguments: str) -> dict[str, Any]:
    done = run("analyse", *arguments, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found
