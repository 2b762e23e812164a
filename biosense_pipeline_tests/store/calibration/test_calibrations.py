"""Calibrations in the database: candidates, activation, and which one is in force."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from biosense_pipeline.store.agents.employees import employee_ids
from biosense_pipeline.store.calibration.calibrations import (
    Candidate,
    OwnTolerance,
    activate,
    calibration_in_force,
    newest_calibration,
    not_separable,
    store_candidate,
)
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.schema import upgrade_schema
from biosense_pipeline.store.scope import Scope
from biosense_pipeline.store.stills.capture import empty_tables
from biosense_pipeline.store.stills.claims import Claims
from biosense_pipeline.store.stills.outcomes import write_outcomes
from biosense_pipeline.store.tables.pipeline import MatchCalibration
from biosense_pipeline_tests.store.rows import HOUR, MODEL, NOW, at_once, enter, execute, fetch, outcome

PARAMETERS = {"method": "logistic", "coefficients": [20.0, -50.0, 0.0], "range": [0.1, 1.1], "bounds": [-4.5, 8.25]}


def test_candidate_is_stored_whole(database: Database) -> None:
    """All that a calibration was found to be is in its row; it is not in force."""
    calibration_id = _store(database, objections=["too few"], run_id="run-1")
    with database.read() as connection:
        row = connection.execute(select(MatchCalibration.__table__)).one()
    assert (row.id, row.model_id, row.run_id, row.activated) == (calibration_id, MODEL, "run-1", None)
    assert (row.parameters, row.target_fmr, row.tolerance) == (PARAMETERS, 0.001, 0.42)
    assert (row.figures, row.material, row.objections) == ({"cllr": 0.1}, {"people": 80}, ["too few"])
    assert (row.window_start, row.window_end, row.confirmed) == (HOUR, HOUR + timedelta(hours=1), False)
    assert calibration_in_force(database, MODEL) is None


def test_activated_last_is_in_force(database: Database) -> None:
    """Of a model's calibrations the one that was activated last is in force; other models have their own."""
    first = _store(database)
    other = _store(database, model_id="model-b")
    assert activate(database, first) == []
    assert activate(database, other) == []
    second = _store(database, compared_with=first, tolerance=0.4)
    assert (newest_calibration(database, MODEL), newest_calibration(database, "model-c")) == (second, None)
    in_force = calibration_in_force(database, MODEL)
    assert in_force is not None
    assert in_force.id == first
    assert activate(database, second) == []
    in_force = calibration_in_force(database, MODEL)
    assert in_force is not None
    assert (in_force.id, in_force.tolerance, in_force.parameters) == (second, 0.4, PARAMETERS)
    assert calibration_in_force(database, "model-c") is None


def test_activated_again_changes_nothing(sqlite_database: Database) -> None:
    """A check that runs a second time finds the calibration in force already, and leaves its time alone."""
    calibration_id = _store(sqlite_database)
    activate(sqlite_database, calibration_id)
    before = _activated(sqlite_database)
    assert activate(sqlite_database, calibration_id) == []
    assert _activated(sqlite_database) == before


def test_objections_keep_it_from_taking_effect(sqlite_database: Database) -> None:
    """What was found against a calibration is told, and it stays a candidate."""
    assert activate(sqlite_database, _store(sqlite_database, objections=["worse", "too few"])) == ["worse", "too few"]
    assert calibration_in_force(sqlite_database, MODEL) is None


def test_comparison_with_another_one_does_not_count(database: Database) -> None:
    """Where another calibration has taken effect since it was compared, it is refused."""
    first, second = _store(database), _store(database)
    activate(database, first)
    assert activate(database, second) == [f"Calibration {first} has taken effect meanwhile: calibrate again."]


def test_one_of_two_at_once(database: Database) -> None:
    """Of two calibrations that are activated at the same moment one takes effect."""
    ids = [_store(database), _store(database)]
    found = at_once(2, lambda number: activate(database, ids[number]))
    assert sorted(map(bool, found)) == [False, True]


def test_calibration_that_is_gone(sqlite_database: Database) -> None:
    """A calibration that was deleted meanwhile is named."""
    assert activate(sqlite_database, 99) == ["Calibration 99 is not there any more."]


def test_own_tolerances_are_the_agents(database: Database) -> None:
    """Own tolerances come back by agent, those who cannot be told apart by LAN id with their colleague."""
    lan_ids = ["NA\\O'Brien", "EU\\é", "EU\\e"]
    one, two, three = (employee_ids(database, lan_ids)[lan_id.casefold()] for lan_id in lan_ids)
    own = [
        OwnTolerance(one, 0.38, 0.0, 0.01, 0.02, two, 0.4, True),
        OwnTolerance(two, 0.35, 0.03, None, 0.05, three, 0.31, False),
    ]
    calibration_id = _store(database, own=own)
    activate(database, calibration_id)
    in_force = calibration_in_force(database, MODEL)
    assert in_force is not None
    assert in_force.own_tolerances == {"na\\o'brien": 0.38, "eu\\é": 0.35}
    (agent,) = not_separable(database, calibration_id)
    assert (agent.lan_id, agent.nearest_lan_id) == ("EU\\é", "EU\\e")
    assert (agent.tolerance, agent.fmr, agent.fnmr, agent.nearest_distance) == (0.35, 0.03, None, 0.31)


def test_emptied_with_the_rest(sqlite_database: Database) -> None:
    """A demo that starts anew leaves no calibration behind."""
    ids = employee_ids(sqlite_database, ["NA\\a", "NA\\b"])
    _store(sqlite_database, own=[OwnTolerance(ids["na\\a"], 0.3, 0.0, None, 0.1, ids["na\\b"], 0.4, True)])
    empty_tables(sqlite_database)
    assert newest_calibration(sqlite_database, MODEL) is None


@pytest.mark.parametrize("parameters", [None, PARAMETERS])
def test_calibration_without_a_fit(sqlite_database: Database, parameters: dict[str, Any] | None) -> None:
    """A candidate for which there was nothing to fit to is on record too."""
    _store(sqlite_database, parameters=parameters, tolerance=None, window_start=None, window_end=None)
    with sqlite_database.read() as connection:
        assert connection.execute(select(MatchCalibration.parameters)).scalar_one() == parameters


def test_results_of_the_first_release_are_kept(database: Database) -> None:
    """A database of the first release keeps its results; they were decided by no calibration."""
    (still_id,) = enter(database)
    claim = Claims(database, 60, 3).claim(Scope(), 1)
    write_outcomes(database, claim.token, [outcome(still_id)], model_id=MODEL, run_id=None, processed_time=NOW)
    execute(
        database,
        "DROP TABLE agent_threshold",
        "DROP TABLE match_calibration",
        "ALTER TABLE recognition_result DROP COLUMN calibration_id",
        "UPDATE alembic_version SET version_num = '0001'",
    )
    assert upgrade_schema(database)[0] == "0001"
    assert fetch(database, "SELECT distance, calibration_id FROM recognition_result") == [(0.3, None)]
    assert calibration_in_force(database, MODEL) is None


def _store(database: Database, own: list[OwnTolerance] | None = None, run_id: str | None = None, **values: Any) -> int:
    given: dict[str, Any] = {
        "model_id": MODEL,
        "parameters": PARAMETERS,
        "target_fmr": 0.001,
        "tolerance": 0.42,
        "figures": {"cllr": 0.1},
        "material": {"people": 80},
        "confirmed": False,
        "window_start": HOUR,
        "window_end": HOUR + timedelta(hours=1),
        "compared_with": None,
        "objections": [],
    }
    return store_candidate(database, Candidate(**{**given, **values}), own or [], run_id)


def _activated(database: Database) -> Any:
    with database.read() as connection:
        return connection.execute(select(MatchCalibration.activated)).scalar_one()
