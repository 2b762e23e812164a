"""Stored results, decided again by what is in force now."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Row, select

from biosense_pipeline.codes import Process, StillResult
from biosense_pipeline.matching.calibration import Calibration
from biosense_pipeline.matching.differences import Tally
from biosense_pipeline.settings import Settings
from biosense_pipeline.store.agents.employees import employee_ids
from biosense_pipeline.store.calibration.calibrations import Candidate, OwnTolerance, activate, store_candidate
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.runs.due import due_hours
from biosense_pipeline.store.scope import Scope
from biosense_pipeline.store.tables.pipeline import ProcessStatus, RecognitionResult, StreamImage
from biosense_pipeline.workflows import redecide as module
from biosense_pipeline.workflows.drain import drain
from biosense_pipeline.workflows.redecide import LeftAlone, RedecisionReport, redecide
from biosense_pipeline.workflows.summarise import summarise_hours
from biosense_pipeline_tests.conftest import HOUR
from biosense_pipeline_tests.workflows.fakes import (
    AGENT,
    SIGHTS,
    capture,
    change_still,
    enter_legacy_benchmark,
    seen,
    stills,
)
from biosense_pipeline_tests.workflows.two_models import (
    CANDIDATE,
    EVERYTHING,
    OTHER,
    PRESENT,
    compare_candidate,
    contents,
    in_force,
    process,
)

LATER = HOUR + timedelta(hours=3)
LONG_AGO = datetime(2020, 1, 1)


def _redecide(database: Database, scope: Scope = EVERYTHING, **options: Any) -> RedecisionReport:
    own = {name: options.pop(name) for name in ("dry_run", "run_id", "on_progress") if name in options}
    return redecide(database, Settings(**options), scope, **own)


def _rows(database: Database) -> dict[int, Row[Any]]:
    return {row.id: row for row in stills(database, range(1, 1000))}


def _numbers(database: Database, model_id: str = PRESENT) -> dict[int, Row[Any]]:
    with database.read() as connection:
        rows = connection.execute(select(RecognitionResult.__table__).where(RecognitionResult.model_id == model_id))
        return {row.stream_image_id: row for row in rows}


@pytest.fixture
def processed(sqlite_database: Database) -> Database:
    """Processed stills, for what does not depend on the server."""
    return process(sqlite_database)


def test_exactly_what_the_rule_changes_is_changed(database: Database) -> None:
    """At another tolerance those rows change that lie between the two, their hours are due, and no others."""
    process(database)
    capture(database, b"agent", start=LATER)
    drain(in_force(database), EVERYTHING)
    summarise_hours(database, due_hours(database))
    with database.engine.begin() as connection:
        connection.execute(StreamImage.__table__.update().values(processed_time=LONG_AGO))  # type: ignore[attr-defined]
    before, numbers = _rows(database), _numbers(database)
    report = _redecide(database, tolerance=0.2, run_id="a run")
    after, renewed = _rows(database), _numbers(database)
    (changed,) = {still_id for still_id, row in after.items() if row != before[still_id]}
    assert (before[changed].result, after[changed].result) == (StillResult.SUCCESS, StillResult.UNKNOWN_PERSON)
    assert after[changed].processed_time > LONG_AGO
    assert (report.rows_changed, report.hours, due_hours(database)) == (1, {HOUR}, [HOUR])
    assert vars(report.differences.total) == vars(Tally(stills=8, changed=1, newly_unmatched=1))
    assert [still.still_id for still in report.differences.telling if still.changed] == [changed]
    assert {row.tolerance for row in renewed.values()} == {0.2}
    assert {row.created for row in renewed.values()} == {row.created for row in numbers.values()}
    with database.read() as connection:
        recorded = connection.execute(
            select(ProcessStatus.__table__).where(ProcessStatus.process == Process.REDECISION)
        ).one()
    assert (recorded.image_id, recorded.result, recorded.run_id) == (changed, StillResult.UNKNOWN_PERSON, "a run")


def test_a_second_time_changes_nothing(database: Database) -> None:
    """What was decided again stays, and a second run finds nothing to change."""
    process(database)
    _redecide(database, tolerance=0.2)
    before = contents(database)
    report = _redecide(database, tolerance=0.2)
    assert (report.rows_changed, report.differences.total.changed, report.differences.total.stills) == (0, 0, 7)
    assert contents(database) == before


def test_a_dry_run_reports_and_writes_nothing(database: Database) -> None:
    """The report of a dry run is that of the run that follows."""
    process(database)
    summarise_hours(database, due_hours(database))
    before = contents(database)
    expected = _redecide(database, tolerance=0.2, dry_run=True)
    assert contents(database) == before
    assert due_hours(database) == []
    report = _redecide(database, tolerance=0.2)
    assert report.differences.results == expected.differences.results
    assert report.differences.total == expected.differences.total
    assert (report.rows_changed, report.hours) == (expected.rows_changed, expected.hours)


def test_a_candidate_becomes_current_by_its_setting(database: Database) -> None:
    """Results stored under the model that is now in force are taken over, faces and all; back again, likewise."""
    process(database)
    before = {still_id: (row.result, row.accuracy, row.num_faces) for still_id, row in _rows(database).items()}
    compared, examiner = compare_candidate(database)
    examined = len(examiner.examined)
    report = _redecide(database, engine="face_recognition")
    assert report.differences.results == compared.differences.results
    assert report.model_id == CANDIDATE
    assert len(examiner.examined) == examined
    found = _numbers(database, CANDIDATE)
    rows = _rows(database)
    assert {still_id: (rows[still_id].result, rows[still_id].num_faces) for still_id in found} == {
        still_id: (row.result, row.num_faces) for still_id, row in found.items()
    }
    _redecide(database)
    assert {i: (row.result, row.accuracy, row.num_faces) for i, row in _rows(database).items()} == before


def test_a_calibration_in_force_decides(mariadb_database: Database) -> None:
    """Under a calibration its tolerance, an agent's own, LLR, probability and percentage are written."""
    database = process(mariadb_database)
    people = employee_ids(database, [AGENT, OTHER])
    calibration = Calibration("logistic", (20.0, -40.0, 0.0), (0.0, 1.0), (-9.0, 9.0))
    stored = store_candidate(
        database,
        Candidate(PRESENT, calibration.parameters(), 0.001, 0.8, {}, {}, True, None, None, None, []),
        [OwnTolerance(people[OTHER.lower()], 0.3, 0.0, 0.0, 0.2, people[AGENT.lower()], 0.7, True)],
        None,
    )
    activate(database, stored)
    report = _redecide(database)
    assert report.rule.calibration_id == stored
    by_agent = {lan_id: tally.newly_matched for lan_id, tally in report.differences.agents.items()}
    assert by_agent == {AGENT: 2, OTHER: 0}  # 0.75 lies within 0.8, and not within the other agent's 0.3
    rows, numbers = _rows(database), _numbers(database)
    for still_id, row in numbers.items():
        assert (row.calibration_id, row.tolerance) == (stored, 0.3 if rows[still_id].lan_id == OTHER else 0.8)
        if row.distance is not None:
            assert row.llr == pytest.approx(max(-9.0, min(9.0, 20 - 40 * row.distance)))
            assert rows[still_id].accuracy == pytest.approx(100 * row.p_genuine)
    assert _redecide(database).rows_changed == 0
    # Switched off again, nothing of it stays.
    _redecide(database, use_calibration=False)
    assert {(row.calibration_id, row.llr, row.tolerance) for row in _numbers(database).values()} == {(None, None, 0.5)}


def test_hours_with_another_likelihood_are_due(processed: Database) -> None:
    """Incidents follow from the likelihood too, so its hour is due where a calibration changes no result."""
    calibration = Calibration("logistic", (20.0, -40.0, 0.0), (0.0, 1.0), (-9.0, 9.0))
    # The tolerance stays what it was.
    candidate = Candidate(PRESENT, calibration.parameters(), 0.001, 0.5, {}, {}, True, None, None, None, [])
    activate(processed, store_candidate(processed, candidate, [], None))
    summarise_hours(processed, due_hours(processed))
    report = _redecide(processed)
    assert (report.hours, due_hours(processed)) == (set(), [HOUR])
    summarise_hours(processed, due_hours(processed))
    _redecide(processed)
    assert due_hours(processed) == []


def test_claimed_and_failed_stills_are_left_alone(processed: Database) -> None:
    """A still that is pending, under a claim or failed keeps its row, though a result is stored for it."""
    ids = [still_id for still_id, row in _rows(processed).items() if row.result == StillResult.SUCCESS]
    for still_id, status in zip(ids, ("P", "N", "F"), strict=True):
        change_still(processed, still_id, status=status, lease_token="somebody's")
    before = contents(processed)
    report = _redecide(processed, tolerance=0.01, dry_run=False)
    assert report.differences.total.stills == 4
    untouched = {still_id: _rows(processed)[still_id] for still_id in ids}
    assert [row.lease_token for row in untouched.values()] == ["somebody's"] * 3
    assert [row for row in contents(processed) if row[0] in ids] == [row for row in before if row[0] in ids]


def test_a_still_that_another_process_holds_is_passed_over(mariadb_database: Database) -> None:
    """A row that is locked is not waited for; it is counted, and done the next time."""
    database = process(mariadb_database)
    with database.engine.begin() as connection:
        connection.execute(select(StreamImage.id).where(StreamImage.id == 3).with_for_update())
        report = _redecide(database, tolerance=0.2)
    assert +report.left_alone == Counter({LeftAlone.BUSY: 1})
    assert report.rows_changed == 0
    assert _redecide(database, tolerance=0.2).rows_changed == 1


def test_stills_that_the_model_has_not_examined_keep_their_results(processed: Database) -> None:
    """Without a result under the model in force a still is counted and left as it is."""
    before = contents(processed)
    report = _redecide(processed, engine="face_recognition")
    assert +report.left_alone == Counter({LeftAlone.NOT_EXAMINED: 7})
    assert (report.differences.total.stills, contents(processed)) == (0, before)


def test_a_result_from_before_a_new_enrolment_is_not_brought_back(processed: Database) -> None:
    """A still that was compared with a newer training image since is not decided by the older comparison."""
    compare_candidate(processed)
    enter_legacy_benchmark(processed, OTHER, b"stranger")
    theirs = [still_id for still_id, row in _rows(processed).items() if row.lan_id == OTHER]
    for still_id in theirs:
        change_still(processed, still_id, status="N")
    drain(in_force(processed), EVERYTHING)
    report = _redecide(processed, engine="face_recognition")
    assert +report.left_alone == Counter({LeftAlone.OUTDATED: 2})
    assert report.differences.total.stills == 5


def test_stopped_and_run_again_it_changes_the_rest(processed: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each transaction stands by itself: after a stop the next run changes what is left."""
    monkeypatch.setattr(module, "_AT_A_TIME", 2)

    def stop(report: RedecisionReport) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _redecide(processed, tolerance=0.8, on_progress=stop)
    changed = [row.result for row in _rows(processed).values()].count(StillResult.SUCCESS)
    assert changed == 4  # three before, one of the first two
    report = _redecide(processed, tolerance=0.8)
    assert report.differences.total.newly_matched == 2
    assert _redecide(processed, tolerance=0.8).rows_changed == 0


@pytest.mark.parametrize(
    ("scope", "stills_in_it"),
    [
        (Scope(HOUR, HOUR + timedelta(seconds=10)), 2),
        (Scope(lan_ids=(OTHER,)), 2),
        (Scope(HOUR + timedelta(hours=1)), 0),
    ],
)
def test_only_the_scope_is_decided_again(processed: Database, scope: Scope, stills_in_it: int) -> None:
    """Hours and agents limit it as they do a drain."""
    assert _redecide(processed, scope, tolerance=0.2).differences.total.stills == stills_in_it


def test_rows_without_a_capture_time(processed: Database) -> None:
    """A still that no clock dated is decided again, and no hour is due for it."""
    change_still(processed, 3, capture_time=None)
    report = _redecide(processed, tolerance=0.2)
    assert (report.rows_changed, report.hours) == (1, set())


def test_the_way_back_with_several_references(sqlite_database: Database) -> None:
    """Results of both models from the same images stand for each other, whichever image was nearest; later ones not."""
    database = sqlite_database
    enter_legacy_benchmark(database)
    enter_legacy_benchmark(database, picture=b"stranger")
    capture(database, b"agent again", b"stranger", b"nobody")
    drain(in_force(database), EVERYTHING)
    turned = {**SIGHTS, b"agent": seen(0.75), b"stranger": seen(0.0)}
    compare_candidate(database, sights=turned)
    assert +_redecide(database).left_alone == Counter()
    assert +_redecide(database, engine="face_recognition").left_alone == Counter()
    enter_legacy_benchmark(database, picture=b"agent again")
    for still_id in _rows(database):
        change_still(database, still_id, status="N")
    drain(in_force(database), EVERYTHING)
    assert +_redecide(database, engine="face_recognition").left_alone == Counter({LeftAlone.OUTDATED: 3})
