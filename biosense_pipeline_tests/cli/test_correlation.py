"""`biosense evaluate correlation`: measured on stored stills, with what to set."""

import json
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from biosense_pipeline.evaluation.incidents.shifts import person_scores
from biosense_pipeline.local_time import local_now
from biosense_pipeline.settings import Settings
from biosense_pipeline.store.database import Database
from biosense_pipeline_tests.alerting import enter_agent, enter_incident
from biosense_pipeline_tests.cli.conftest import Run
from biosense_pipeline_tests.incident_days import STEP, SUCCESS, UNKNOWN, enter_results

SEVEN = [f"EU\\agent{number}" for number in range(7)]


@pytest.fixture
def site(run: Run, tmp_path: Path) -> Database:
    """Seven agents whose rejections are in runs, and of one an incident in which somebody else sat there for long."""
    assert run("db", "upgrade").returncode == 0
    database = Database(f"sqlite:///{tmp_path / 'biosense.sqlite'}")
    start = local_now(Settings().zone).replace(microsecond=0) - timedelta(days=1)
    scores = person_scores(np.random.default_rng(1), 7, 700, 0.4)
    for number, lan_id in enumerate(SEVEN):
        employee_id = enter_agent(database, lan_id, registered=start)
        results = [UNKNOWN if score > 1.3 else SUCCESS for score in scores[number]]
        stranger = [UNKNOWN] * (300 if number == 0 else 0)
        ids = enter_results(database, [*results, *stranger], lan_id, start)
        if stranger:
            began, ended = start + 700 * STEP, start + 999 * STEP
            values = {"species": "UNKNOWN_PERSON", "first_still_id": ids[700], "last_still_id": ids[-1]}
            enter_incident(database, employee_id, began, ended, **values)
    return database


def test_measured_on_the_sites_stills(run: Run, site: Database) -> None:
    """The correlation is found without the incident, higher with it, and the advice names the setting."""
    told = json.loads(run("evaluate", "correlation", "--json").stdout)
    genuine, every = told["genuine"], told["with_incidents"]
    assert genuine["correlation"] == pytest.approx(0.4, abs=0.1)
    assert every["correlation"] > genuine["correlation"] + 0.05
    assert genuine["interval"][0] < genuine["correlation"] < genuine["interval"][1]
    assert (genuine["stills"], every["stills"], genuine["agents"]) == (4900, 5200, 7)
    assert told["assumed"] == 0.1
    assert "set BIOSENSE_INCIDENT_CORRELATION=0." in told["advice"]
    table = run("evaluate", "correlation", incident_correlation=0.9).stdout
    assert "without incidents" in table
    assert "shorter runs than assumed" in table


def test_nothing_to_measure(run: Run) -> None:
    """Without stills the setting stays."""
    assert run("db", "upgrade").returncode == 0
    done = run("evaluate", "correlation")
    assert done.returncode == 0
    assert "Too few agents" in done.stdout
