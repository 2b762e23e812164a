"""What people decide about training images, alone and two at once."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import StatementError

from biosense_pipeline.codes import Action, Status, StillResult, TrainingResult
from biosense_pipeline.lan_ids import agent_key
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.enrolment.approvals import AlreadyDecided, NothingToPropose, approve, hold, propose, reject
from biosense_pipeline.store.enrolment.checks import StoredCheck, checks_of
from biosense_pipeline.store.enrolment.images import training_states
from biosense_pipeline.store.scope import Scope
from biosense_pipeline.store.stills.capture import CapturedImage, enter_stills, enter_training_images
from biosense_pipeline.store.stills.claims import Claims
from biosense_pipeline.store.stills.outcomes import write_outcomes
from biosense_pipeline.store.tables.pipeline import TrainingImage
from biosense_pipeline.store.users.audit import AuditRecord
from biosense_pipeline_tests.store.rows import (
    AGENT,
    HOUR,
    MODEL,
    NOW,
    OTHER,
    at_once,
    attempts_at,
    change,
    enter,
    enter_finished,
    enter_training,
    fetch,
    outcome,
    set_training,
    still,
)

DAY = timedelta(hours=24)
WAITS = {"status": Status.CLAIMED, "result": TrainingResult.AWAITING_APPROVAL}


@pytest.fixture
def waiting(database: Database) -> int:
    """A training image of the agent that waits for a person."""
    return _waiting(database)


def test_approval(database: Database, waiting: int) -> None:
    """An approved image is Y with the time of the decision, which stands in process_status and beside the checks."""
    assert _approve(database, waiting) == 0
    assert _stands(database, waiting) == ("Y", "SUCCESS", NOW)
    (attempt,) = attempts_at(database, waiting)
    assert (attempt.image_kind, attempt.process, attempt.status, attempt.detail) == ("TRAINING", "APPROVAL", "Y", None)
    assert checks_of(database, [waiting])[waiting] == [StoredCheck("approval", None, None, True, True, None)]


def test_no_decision_without_its_row_in_the_log(database: Database, waiting: int) -> None:
    """A decision and its row in the audit log are written together or not at all."""
    unwritable = AuditRecord(at=NOW, action=Action.APPROVE, detail={"what": object()})
    with pytest.raises(StatementError):
        approve(database, waiting, processed_time=NOW, requeue_since=NOW - DAY, audit=unwritable)
    assert _stands(database, waiting)[:2] == (Status.CLAIMED, TrainingResult.AWAITING_APPROVAL)
    written = AuditRecord(at=NOW, action=Action.APPROVE, subject_id=waiting)
    approve(database, waiting, processed_time=NOW, requeue_since=NOW - DAY, audit=written)
    assert fetch(database, "SELECT action, subject_id FROM audit_log") == [("approve", waiting)]


def test_approval_returns_the_stills_that_waited_for_it(database: Database, waiting: int) -> None:
    """The agent's stills that failed for want of an image return, of any spelling, within the hours that matter."""
    back = [
        _failed(database, AGENT, StillResult.NO_TRAINING_IMAGE),
        _failed(database, "na\\VEP5898", StillResult.TRAINING_IMAGE_FAILED),
    ]
    kept = [
        _failed(database, OTHER, StillResult.NO_TRAINING_IMAGE),
        _failed(database, AGENT, StillResult.UNREADABLE_IMAGE),
        enter_finished(database, AGENT, NOW - 2 * DAY, StillResult.NO_TRAINING_IMAGE, Status.FAILED),
    ]
    assert _approve(database, waiting) == 2
    assert [still(database, still_id).status for still_id in back] == ["N", "N"]
    assert {still(database, still_id).status for still_id in kept} == {"F"}


def test_approval_revokes_claims(database: Database, waiting: int) -> None:
    """A still claimed before the approval is not failed for want of the image."""
    (mine,) = enter(database, 1, AGENT, NOW)
    claim = Claims(database, lease_seconds=60, max_attempts=3).claim(Scope(), 10)
    assert _approve(database, waiting) == 1
    late = [outcome(mine, StillResult.NO_TRAINING_IMAGE)]
    assert write_outcomes(database, claim.token, late, model_id=MODEL, run_id=None, processed_time=NOW) == []
    assert still(database, mine).status == "N"


def test_poor_image_may_be_approved(database: Database) -> None:
    """A person may approve what failed for its quality only."""
    (image,) = enter_training(database, AGENT)
    set_training(database, [image], status=Status.FAILED, result=TrainingResult.POOR)
    _approve(database, image)
    assert _stands(database, image) == ("Y", "SUCCESS", NOW)


def test_rejection(database: Database, waiting: int) -> None:
    """A rejected image is F with the reason on record, and no still returns."""
    kept = _failed(database, AGENT, StillResult.NO_TRAINING_IMAGE)
    reason = " <b>Not</b> the agent's \\ 'face' "
    reject(database, waiting, reason, processed_time=NOW)
    assert _stands(database, waiting) == ("F", "REJECTED", NOW)
    (attempt,) = attempts_at(database, waiting)
    assert (attempt.process, attempt.status, attempt.result) == ("APPROVAL", "F", "REJECTED")
    (check,) = checks_of(database, [waiting])[waiting]
    assert (check.name, check.passed, check.decides) == ("approval", False, True)
    assert check.reason == attempt.detail == reason.strip()
    assert still(database, kept).status == "F"


@pytest.mark.parametrize("result", [TrainingResult.ONE_FACE, None])
def test_approved_image_is_withdrawn(database: Database, result: TrainingResult | None) -> None:
    """An approved image that is rejected counts no more, and the one approved before it is the benchmark again."""
    older, newer = (enter_training(database, AGENT)[0] for _ in range(2))
    set_training(database, [older, newer], status=Status.PROCESSED, result=result)
    with pytest.raises(AlreadyDecided, match="is approved already"):
        _approve(database, newer)
    with pytest.raises(AlreadyDecided, match="is approved already"):
        reject(database, newer, "not the agent", processed_time=NOW)
    reject(database, newer, "not the agent", withdraw=True, processed_time=NOW)
    assert _stands(database, newer) == ("F", "REJECTED", NOW)
    state = training_states(database, [AGENT], "m")[agent_key(AGENT)]
    assert (state.newest and state.newest.id, [row.id for row in state.approved]) == (older, [older])


@pytest.mark.parametrize(
    ("status", "result", "told"),
    [
        (Status.PROCESSED, TrainingResult.ONE_FACE, "is approved already"),
        (Status.PROCESSED, None, "is approved already"),
        (Status.FAILED, TrainingResult.REJECTED, "was rejected already"),
        (Status.FAILED, TrainingResult.NO_FACE, "failed its check already \\(NO_FACES_FOUND\\)"),
        (Status.FAILED, TrainingResult.SEVERAL_FACES, "failed its check already"),
        (Status.FAILED, None, "failed its check already \\(no reason given\\)"),
        (Status.PENDING, None, "waits for its check"),
    ],
)
def test_what_does_not_wait_is_not_decided(
    sqlite_database: Database, status: Status, result: TrainingResult | None, told: str
) -> None:
    """An image in any other state is neither approved nor rejected; it is said why, and nothing is written."""
    (image,) = enter_training(sqlite_database, AGENT)
    set_training(sqlite_database, [image], status=status, result=result)
    with pytest.raises(AlreadyDecided, match=f"Training image {image} {told}"):
        _approve(sqlite_database, image)
    with pytest.raises(AlreadyDecided, match=told):
        reject(sqlite_database, image, "no", processed_time=NOW)
    assert _stands(sqlite_database, image) == (status, result, None)
    assert attempts_at(sqlite_database, image) == []


def test_poor_image_is_not_rejected(sqlite_database: Database) -> None:
    """What failed its checks has failed; a rejection would let an older benchmark count again."""
    (image,) = enter_training(sqlite_database, AGENT)
    set_training(sqlite_database, [image], status=Status.FAILED, result=TrainingResult.POOR)
    with pytest.raises(AlreadyDecided, match="QUALITY_TOO_LOW"):
        reject(sqlite_database, image, "no", processed_time=NOW)


def test_an_image_that_has_gone(sqlite_database: Database) -> None:
    """An image that a client purged meanwhile cannot be decided on."""
    with pytest.raises(AlreadyDecided, match="Training image 77 is not there any more"):
        _approve(sqlite_database, 77)


def test_two_people_decide_at_once(database: Database, waiting: int) -> None:
    """Of several who approve or reject one image at the same moment one decides and the others are told."""

    def decide(number: int) -> bool:
        try:
            if number % 2:
                _approve(database, waiting)
            else:
                reject(database, waiting, f"reason {number}", processed_time=NOW)
        except AlreadyDecided:
            return False
        return True

    assert sum(at_once(4, decide)) == 1
    assert len(attempts_at(database, waiting)) == 1


def test_holding_leaves_what_was_decided(database: Database) -> None:
    """New images can be made to wait; those that were checked already stay as they are."""
    ids = enter_training(database, AGENT, AGENT)
    set_training(database, ids[1:], status=Status.PROCESSED)
    hold(database, ids, processed_time=NOW)
    assert [_stands(database, image)[0] for image in ids] == ["P", "Y"]


def test_proposal(database: Database) -> None:
    """A proposed still becomes a new training image of its agent, as it was captured, and waits for its check."""
    (still_id,) = enter_stills(database, [CapturedImage("na\\VEP'5898", HOUR, b"\x00pic\\ture")])
    image = propose(database, still_id, now=NOW)
    assert fetch(database, "SELECT id, lan_id, image, status, result FROM train_img") == [
        (image, "na\\VEP'5898", b"\x00pic\\ture", "N", "PROPOSED")
    ]
    assert still(database, still_id).status == "N"
    change(database, [still_id], capture_time=None, image=b"another")
    propose(database, still_id, now=NOW)
    times = fetch(database, "SELECT capture_time FROM train_img ORDER BY id")
    assert [str(row[0])[:19] for row in times] == [str(HOUR), str(NOW)]


def test_proposed_twice_is_entered_once(database: Database) -> None:
    """A repeated or forwarded proposal gives the same training image; one that failed may be proposed anew."""
    (still_id,) = enter_stills(database, [CapturedImage(AGENT, HOUR, b"picture")])
    others = enter_training_images(database, [CapturedImage(OTHER, HOUR, b"picture")])
    images = set(at_once(4, lambda _: propose(database, still_id, now=NOW)))
    assert len(images) == 1
    assert images.isdisjoint(others)
    set_training(database, list(images), status=Status.PROCESSED)
    assert propose(database, still_id, now=NOW) in images
    set_training(database, list(images), status=Status.FAILED)
    assert propose(database, still_id, now=NOW) not in images


def test_nothing_to_propose(sqlite_database: Database) -> None:
    """A still that has gone, has no picture or belongs to nobody is no training image."""
    stills = enter_stills(sqlite_database, [CapturedImage(AGENT, HOUR, b""), CapturedImage(" ", HOUR, b"picture")])
    for still_id in (*stills, 99):
        with pytest.raises(NothingToPropose, match=f"Still {still_id} has no picture"):
            propose(sqlite_database, still_id, now=NOW)
    assert fetch(sqlite_database, "SELECT count(*) FROM train_img") == [(0,)]


def _waiting(database: Database) -> int:
    (image,) = enter_training(database, AGENT)
    set_training(database, [image], **WAITS)
    return image


def _approve(database: Database, image: int) -> int:
    return approve(database, image, processed_time=NOW, requeue_since=NOW - DAY)


def _stands(database: Database, image: int) -> tuple[object, ...]:
    with database.read() as connection:
        columns = (TrainingImage.status, TrainingImage.result, TrainingImage.processed_time)
        return tuple(connection.execute(select(*columns).where(TrainingImage.id == image)).one())


def _failed(database: Database, lan_id: str, result: StillResult) -> int:
    return enter_finished(database, lan_id, NOW, result, Status.FAILED)
