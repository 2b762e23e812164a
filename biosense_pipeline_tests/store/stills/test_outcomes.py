"""Outcomes: what recognition found, written into three tables, and undone for another look."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from biosense_pipeline.codes import Status, StillResult
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.scope import Scope
from biosense_pipeline.store.stills.claims import Claims
from biosense_pipeline.store.stills.outcomes import StillOutcome, reset_for_reprocessing, write_outcomes
from biosense_pipeline.store.stills.results import count_results, distances_of, read_results, stills_without_result
from biosense_pipeline.store.tables.pipeline import RecognitionResult
from biosense_pipeline_tests.store.rows import (
    AGENT,
    HOUR,
    MODEL,
    NOW,
    attempts_at,
    enter,
    enter_finished,
    outcome,
    statuses,
    still,
)


def test_outcome_is_written_into_three_tables(database: Database) -> None:
    """An outcome fills the still's row, its result under the model and its attempt, and ends the lease."""
    (still_id,) = enter(database)
    done = outcome(still_id, detail="as expected")
    assert _write(database, done, run_id="run-1") == [done]
    row = still(database, still_id)
    assert (row.status, row.result, row.accuracy, row.num_faces) == ("Y", "SUCCESS", 80.0, 1)
    assert (row.processed_time, row.lease_token, row.lease_expires, row.attempts) == (NOW, None, None, 1)
    (found,) = _results(database)
    assert (found.stream_image_id, found.model_id, found.training_image_id) == (still_id, MODEL, 7)
    assert (found.result, found.distance, found.tolerance, found.run_id) == ("SUCCESS", 0.3, 0.5, "run-1")
    assert (found.num_faces, found.faces, found.milliseconds) == (1, [{"box": [1, 2, 3, 4]}], 12.5)
    (attempt,) = attempts_at(database, still_id)
    assert (attempt.image_kind, attempt.process, attempt.status) == ("STREAM", "RECOGNITION", "Y")
    assert (attempt.started, attempt.finished) == (NOW, NOW + timedelta(milliseconds=12))
    assert (attempt.result, attempt.run_id, attempt.model_id) == ("SUCCESS", "run-1", MODEL)
    assert attempt.detail == "as expected"


@pytest.mark.parametrize("result", StillResult)
def test_status_follows_the_result(sqlite_database: Database, result: StillResult) -> None:
    """Every result is stored with the status that the contract gives it."""
    _write(sqlite_database, outcome(enter(sqlite_database)[0], result, distance=None))
    failed = {"NO_TRAINING_IMAGE", "TRAINING_IMAGE_FAILED", "UNREADABLE_IMAGE", "PROCESSING_ERROR"}
    assert statuses(sqlite_database) == ["F" if result in failed else "Y"]


def test_outcome_without_comparison_has_no_numbers(database: Database) -> None:
    """A still that was not compared has a row and an attempt, but no result under the model."""
    (still_id,) = enter(database)
    _write(database, outcome(still_id, StillResult.UNREADABLE_IMAGE, distance=None, detail="cut off"))
    row = still(database, still_id)
    assert (row.status, row.result, row.accuracy, row.num_faces) == ("F", "UNREADABLE_IMAGE", None, None)
    assert not _results(database)
    assert [attempt.detail for attempt in attempts_at(database, still_id)] == ["cut off"]


def test_second_time_under_a_model_replaces_its_result(database: Database) -> None:
    """Processed again under the same model, a still has one result, the second; both attempts stay."""
    (still_id,) = enter(database)
    _write(database, outcome(still_id, distance=0.3))
    reset_for_reprocessing(database, Scope())
    _write(database, outcome(still_id, StillResult.UNKNOWN_PERSON, distance=0.7), run_id="run-2")
    (found,) = _results(database)
    assert (found.distance, found.result, found.run_id) == (0.7, "UNKNOWN_PERSON", "run-2")
    assert still(database, still_id).result == "UNKNOWN_PERSON"
    assert len(attempts_at(database, still_id)) == 2


def test_numbers_of_an_earlier_rule_do_not_stay(database: Database) -> None:
    """Processed again without a calibration, a still has no certainty left that came from one."""
    (still_id,) = enter(database)
    done = outcome(still_id)
    assert done.comparison is not None
    certain = replace(done, comparison=replace(done.comparison, llr=3.5, p_genuine=0.97, calibration_id=7))
    _write(database, certain)
    (found,) = _results(database)
    assert (found.llr, found.p_genuine, found.calibration_id) == (3.5, 0.97, 7)
    reset_for_reprocessing(database, Scope())
    _write(database, done)
    (found,) = _results(database)
    assert (found.llr, found.p_genuine, found.calibration_id) == (None, None, None)


def test_second_model_keeps_the_firsts_result(database: Database) -> None:
    """Processed again under another model, a still has a result of each."""
    (still_id,) = enter(database)
    _write(database, outcome(still_id, distance=0.3))
    reset_for_reprocessing(database, Scope())
    _write(database, outcome(still_id, distance=0.2), model_id="model-b")
    assert [(row.model_id, row.distance) for row in _results(database)] == [("model-a", 0.3), ("model-b", 0.2)]
    assert distances_of(database, Scope(), "model-a") == [0.3]
    assert distances_of(database, Scope(), "model-b") == [0.2]


def test_failed_attempt_goes_back(database: Database) -> None:
    """An outcome PENDING returns the still for another attempt without a result; the attempt is on record."""
    (still_id,) = enter(database)
    _write(
        database,
        outcome(still_id, StillResult.PROCESSING_ERROR, status=Status.PENDING, distance=None, detail="worker died"),
    )
    row = still(database, still_id)
    assert (row.status, row.result, row.processed_time, row.lease_token) == ("N", None, None, None)
    assert row.attempts == 1
    assert [(attempt.status, attempt.detail) for attempt in attempts_at(database, still_id)] == [("N", "worker died")]


def test_batch_of_mixed_outcomes(database: Database) -> None:
    """Outcomes of one batch do not mix: each still gets its own result."""
    ids = enter(database, 3)
    _write(
        database,
        outcome(ids[0], StillResult.NO_FACES_FOUND, distance=None),
        outcome(ids[1], distance=0.1),
        outcome(ids[2], StillResult.NO_TRAINING_IMAGE, distance=None),
    )
    assert [row.result for row in read_results(database, ids)] == ["NO_FACES_FOUND", "SUCCESS", "NO_TRAINING_IMAGE"]
    assert [row.stream_image_id for row in _results(database)] == [ids[1]]
    assert count_results(database, Scope()) == {"NO_FACES_FOUND": 1, "SUCCESS": 1, "NO_TRAINING_IMAGE": 1}


def test_nothing_to_write(database: Database) -> None:
    """No outcomes are no work."""
    assert write_outcomes(database, "token", [], model_id=MODEL, run_id=None, processed_time=NOW) == []


def test_failed_write_leaves_nothing_behind(database: Database) -> None:
    """Where one outcome cannot be stored, none of its batch is, and the claim still holds."""
    ids = enter(database, 2)
    broken = StillOutcome(ids[1], Status.PROCESSED, StillResult.SUCCESS, NOW, NOW, comparison=outcome(1).comparison)
    with pytest.raises(IntegrityError, match="num_faces"):
        _write(database, outcome(ids[0]), broken)
    assert statuses(database) == ["P", "P"]
    assert not _results(database)
    assert not attempts_at(database, ids[0])


def test_reset_returns_finished_stills_of_the_scope(database: Database) -> None:
    """Reprocessing returns Y and F of the scope to N with no attempts, in batches; P and N stay."""
    finished = [enter_finished(database, AGENT, HOUR + timedelta(seconds=n)) for n in range(5)]
    finished.append(enter_finished(database, AGENT, HOUR, StillResult.UNREADABLE_IMAGE, Status.FAILED))
    outside = enter_finished(database, AGENT, HOUR + timedelta(hours=1))
    held = enter(database)
    Claims(database, 60, 3).claim(Scope(), 1)
    assert reset_for_reprocessing(database, Scope(HOUR, HOUR + timedelta(hours=1)), batch=4) == 6
    for still_id in finished:
        row = still(database, still_id)
        assert (row.status, row.attempts, row.lease_token) == ("N", 0, None)
    assert still(database, outside).status == "Y"
    assert still(database, held[0]).status == "P"


def test_finished_stills_without_result_are_counted(database: Database) -> None:
    """A finished still without a word, and a processed one without numbers, lack their result."""
    whole = enter(database, 2)
    _write(database, outcome(whole[0]), outcome(whole[1], StillResult.UNREADABLE_IMAGE, distance=None))
    assert stills_without_result(database, Scope()) == 0
    enter_finished(database, AGENT, HOUR)
    enter_finished(database, AGENT, HOUR, None, Status.FAILED)
    assert stills_without_result(database, Scope()) == 2


def test_results_of_missing_stills_are_left_out(database: Database) -> None:
    """Rows that clients have purged meanwhile are left out."""
    ids = enter(database, 3)
    assert [row.id for row in read_results(database, [*ids, 10**6])] == ids


def _write(
    database: Database, *outcomes: StillOutcome, model_id: str = MODEL, run_id: str | None = None
) -> list[StillOutcome]:
    claim = Claims(database, 60, 3).claim(Scope(), 100)
    return write_outcomes(database, claim.token, outcomes, model_id=model_id, run_id=run_id, processed_time=NOW)


def _results(database: Database) -> list[RecognitionResult]:
    with database.read() as connection:
        table = RecognitionResult.__table__
        return list(connection.execute(select(table).order_by(table.c.stream_image_id, table.c.model_id)))  # type: ignore[arg-type]
