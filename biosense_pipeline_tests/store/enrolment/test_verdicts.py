"""Verdicts on training images: what a check writes, and which stills an approval sets going."""

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest

from biosense_pipeline.codes import Process, Status, StillResult, TrainingResult
from biosense_pipeline.lan_ids import agent_key
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.enrolment.checks import StoredCheck, checks_of
from biosense_pipeline.store.enrolment.images import training_states, unchecked_ids, unmeasured_ids
from biosense_pipeline.store.scope import Scope
from biosense_pipeline.store.stills.claims import Claims
from biosense_pipeline.store.stills.outcomes import write_outcomes
from biosense_pipeline.store.tables.pipeline import TrainingImage
from biosense_pipeline_tests.store.enrolment.examined import DAY, ONE_FACE, record, verdict_on
from biosense_pipeline_tests.store.rows import (
    AGENT,
    MODEL,
    NOW,
    OTHER,
    attempts_at,
    enter,
    enter_finished,
    enter_training,
    fetch,
    outcome,
    still,
)

AWAITING = (StillResult.NO_TRAINING_IMAGE, StillResult.TRAINING_IMAGE_FAILED)


def test_passing_may_mean_waiting(database: Database) -> None:
    """An image that waits for a person is P with its encoding and its checks, and returns no still."""
    waiting_still = _fail_for_want(database, AGENT, NOW)
    (image,) = enter_training(database, AGENT)
    assert unmeasured_ids(database) == []
    verdict = replace(verdict_on(image, result=TrainingResult.AWAITING_APPROVAL), checks=ONE_FACE)
    assert record(database, Process.TRAINING_CHECK, verdict) == 0
    assert fetch(database, "SELECT status, result FROM train_img") == [("P", "AWAITING_APPROVAL")]
    assert fetch(database, "SELECT failure FROM face_encoding") == [(None,)]
    assert still(database, waiting_still).status == "F"
    (attempt,) = attempts_at(database, image)
    assert (attempt.status, attempt.result) == ("P", "AWAITING_APPROVAL")
    assert unchecked_ids(database) == unmeasured_ids(database) == []


def test_poor_image_fails_and_keeps_its_encoding(database: Database) -> None:
    """An image that fails for its quality is F; its face is encoded, should a person approve it all the same."""
    (image,) = enter_training(database, AGENT)
    record(database, Process.TRAINING_CHECK, verdict_on(image, result=TrainingResult.POOR))
    newest = training_states(database, [AGENT], MODEL)[agent_key(AGENT)].newest
    assert newest is not None
    assert (newest.status, newest.failure) == ("F", None)
    assert newest.encoding is not None
    (attempt,) = attempts_at(database, image)
    assert (attempt.status, attempt.result) == ("F", "QUALITY_TOO_LOW")


def test_checks_are_stored_and_read_again(database: Database) -> None:
    """Each check is kept with number, limit and reason; those that failed come first; a second look replaces them."""
    ids = enter_training(database, AGENT, AGENT)
    checks = (
        StoredCheck("faces", 1, 1, True, True, None),
        StoredCheck("collision", 0.3, 0.5, False, False, "like somebody else"),
        StoredCheck("sharpness", 10.25, 25, False, True, "blurred"),
        StoredCheck("consistency", None, 0.5, True, False, None),
    )
    record(database, Process.TRAINING_CHECK, replace(verdict_on(ids[0], result=TrainingResult.POOR), checks=checks))
    found = checks_of(database, ids)
    assert found == {ids[0]: [checks[2], checks[1], checks[0], checks[3]], ids[1]: []}
    assert all(isinstance(check.passed, bool) for check in found[ids[0]])
    again = replace(checks[2], value=30.0, passed=True, reason=None)
    record(database, Process.TRAINING_CHECK, replace(verdict_on(ids[0]), checks=(again,)))
    assert again in checks_of(database, ids)[ids[0]]
    assert len(checks_of(database, ids)[ids[0]]) == 4
    assert checks_of(database, []) == {}


def test_encoding_a_benchmark_stores_no_checks(database: Database) -> None:
    """What a person approved elsewhere is encoded and not judged."""
    (image,) = enter_training(database, AGENT, status=Status.PROCESSED)
    record(database, Process.BENCHMARK_ENCODING, replace(verdict_on(image), checks=ONE_FACE))
    assert checks_of(database, [image]) == {image: []}


def test_check_approves_and_stores_the_encoding(database: Database) -> None:
    """A check that finds one face sets Y, the time and the encoding, exact to the last bit."""
    (image,) = enter_training(database, AGENT)
    verdict = verdict_on(image)
    record(database, Process.TRAINING_CHECK, verdict)
    row = fetch(database, "SELECT status, result FROM train_img")
    assert row == [("Y", "SUCCESS")]
    state = training_states(database, [AGENT], MODEL)["na\\vep5898"]
    assert state.benchmark is not None
    assert verdict.face is not None
    assert state.benchmark.encoding is not None
    assert np.array_equal(state.benchmark.encoding, verdict.face.encoding)
    assert (state.benchmark.processed_time, state.benchmark.failure) == (NOW, None)
    (attempt,) = attempts_at(database, image)
    assert (attempt.image_kind, attempt.process, attempt.status) == ("TRAINING", "TRAINING_CHECK", "Y")


@pytest.mark.parametrize("result", [TrainingResult.NO_FACE, TrainingResult.SEVERAL_FACES, TrainingResult.UNREADABLE])
def test_check_fails_with_the_reason(sqlite_database: Database, result: TrainingResult) -> None:
    """A check that does not find one face sets F with the reason, which the state reports under the model."""
    (image,) = enter_training(sqlite_database, AGENT)
    record(sqlite_database, Process.TRAINING_CHECK, verdict_on(image, result=result))
    assert fetch(sqlite_database, "SELECT status, result FROM train_img") == [("F", result.value)]
    newest = training_states(sqlite_database, [AGENT], MODEL)["na\\vep5898"].newest
    assert newest is not None
    assert (newest.failure, newest.encoding) == (result.value, None)


def test_check_does_not_overrule_a_decision(database: Database) -> None:
    """An image that somebody decided on meanwhile keeps that decision."""
    (image,) = enter_training(database, AGENT, status=Status.FAILED)
    _fail_for_want(database, AGENT, NOW)
    assert record(database, Process.TRAINING_CHECK, verdict_on(image)) == 0
    assert fetch(database, f"SELECT status FROM {TrainingImage.__tablename__}") == [("F",)]


def test_second_examination_replaces_the_encoding(database: Database) -> None:
    """Examined again under the same model, an image has one encoding: the second."""
    (image,) = enter_training(database, AGENT, status=Status.PROCESSED)
    record(database, Process.BENCHMARK_ENCODING, verdict_on(image, result=TrainingResult.ERROR))
    record(database, Process.BENCHMARK_ENCODING, verdict_on(image))
    assert fetch(database, "SELECT count(*), max(failure) FROM face_encoding") == [(1, None)]
    assert len(attempts_at(database, image)) == 2


@pytest.mark.parametrize("result", AWAITING)
def test_approval_returns_the_stills_that_waited_for_it(database: Database, result: StillResult) -> None:
    """Stills that failed for want of a training image are pending again, as if never tried."""
    waiting = _fail_for_want(database, AGENT, NOW - timedelta(hours=1), result)
    (image,) = enter_training(database, AGENT)
    assert record(database, Process.TRAINING_CHECK, verdict_on(image)) == 1
    row = still(database, waiting)
    assert (row.status, row.result, row.processed_time, row.attempts) == ("N", None, None, 0)


def test_approval_returns_stills_of_any_spelling(database: Database) -> None:
    """Stills of the agent return however the capture client spelt the LAN id."""
    waiting = [_fail_for_want(database, name, NOW) for name in ("NA\\vep5898", "na\\VEP5898", "NA\\VEP5898 ")]
    (image,) = enter_training(database, "Na\\Vep5898")
    assert record(database, Process.TRAINING_CHECK, verdict_on(image, "Na\\Vep5898")) == 3
    assert {still(database, still_id).status for still_id in waiting} == {"N"}


def test_approval_returns_nothing_else(database: Database) -> None:
    """Older stills, other agents' and those that failed for another reason stay as they are."""
    kept = [
        _fail_for_want(database, AGENT, NOW - DAY - timedelta(seconds=1)),
        _fail_for_want(database, OTHER, NOW),
        _fail_for_want(database, "", NOW),
        enter_finished(database, AGENT, NOW, StillResult.UNREADABLE_IMAGE, Status.FAILED),
        enter_finished(database, AGENT, NOW, StillResult.UNKNOWN_PERSON),
    ]
    last = _fail_for_want(database, AGENT, NOW - DAY)
    enter(database)
    (image,) = enter_training(database, AGENT)
    assert record(database, Process.TRAINING_CHECK, verdict_on(image)) == 1
    assert still(database, last).status == "N"
    assert [still(database, still_id).status for still_id in kept] == ["F", "F", "F", "F", "Y"]


def test_failed_check_returns_nothing(database: Database) -> None:
    """A training image that fails its check sends no still back."""
    _fail_for_want(database, AGENT, NOW)
    (image,) = enter_training(database, AGENT)
    assert record(database, Process.TRAINING_CHECK, verdict_on(image, result=TrainingResult.NO_FACE)) == 0


def test_benchmark_approved_elsewhere_returns_stills(database: Database) -> None:
    """A benchmark that the site's own tool approved returns the agent's stills when it is first encoded."""
    _fail_for_want(database, AGENT, NOW)
    (image,) = enter_training(database, AGENT, status=Status.PROCESSED)
    assert record(database, Process.BENCHMARK_ENCODING, verdict_on(image)) == 1


def test_older_reference_returns_nothing(database: Database) -> None:
    """That an approved image beside the benchmark is encoded sends no still back, and takes no claim away."""
    _fail_for_want(database, AGENT, NOW)
    older, benchmark = enter_training(database, AGENT, "na\\VEP5898", status=Status.PROCESSED)
    assert record(database, Process.BENCHMARK_ENCODING, verdict_on(older)) == 0
    assert record(database, Process.BENCHMARK_ENCODING, verdict_on(benchmark)) == 1


def test_no_verdicts_are_no_work(database: Database) -> None:
    """Nothing examined, nothing written."""
    assert record(database, Process.TRAINING_CHECK) == 0


def test_approval_revokes_claims_on_the_agents_stills(database: Database) -> None:
    """A still claimed before the approval is not failed for want of the image: it returns to pending."""
    (image,) = enter_training(database, AGENT)
    (mine,) = enter(database, 1, AGENT, NOW)
    (other,) = enter(database, 1, "NA\\other", NOW)
    claim = Claims(database, lease_seconds=60, max_attempts=3).claim(Scope(), 10)
    assert record(database, Process.TRAINING_CHECK, verdict_on(image)) == 1
    late = [outcome(still_id, StillResult.NO_TRAINING_IMAGE) for still_id in (mine, other)]
    written = write_outcomes(database, claim.token, late, model_id=MODEL, run_id=None, processed_time=NOW)
    assert [one.still_id for one in written] == [other]
    assert still(database, mine).status == Status.PENDING


@pytest.mark.parametrize("process", [Process.TRAINING_CHECK, Process.BENCHMARK_ENCODING])
def test_error_decides_nothing_before_the_last_attempt(database: Database, process: Process) -> None:
    """A processing error leaves a training image undecided until its attempts are used up."""
    (image,) = enter_training(database, AGENT)
    for _ in range(2):
        record(database, process, verdict_on(image, result=TrainingResult.ERROR))
        assert _failure(database) is None
        assert unchecked_ids(database) == [image]
    record(database, process, verdict_on(image, result=TrainingResult.ERROR))
    assert _failure(database) == "PROCESSING_ERROR"
    assert unchecked_ids(database) == ([] if process is Process.TRAINING_CHECK else [image])


def _failure(database: Database) -> str | None:
    newest = training_states(database, [AGENT], MODEL)[agent_key(AGENT)].newest
    assert newest is not None
    return newest.failure


def _fail_for_want(
    database: Database, lan_id: str, capture_time: datetime, result: StillResult = StillResult.NO_TRAINING_IMAGE
) -> int:
    return enter_finished(database, lan_id, capture_time, result, Status.FAILED)
