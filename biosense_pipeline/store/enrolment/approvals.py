"""What people decide about training images: approve, reject, or propose a still as one."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from biosense_pipeline.codes import ImageKind, Process, Status, TrainingResult
from biosense_pipeline.errors import BiosenseError
from biosense_pipeline.lan_ids import agent_key
from biosense_pipeline.store.database import Database, utc_now
from biosense_pipeline.store.enrolment.checks import StoredCheck, write_checks
from biosense_pipeline.store.enrolment.verdicts import requeue, requeue_late
from biosense_pipeline.store.tables.pipeline import ProcessStatus, StreamImage, TrainingImage
from biosense_pipeline.store.users.audit import AuditRecord, add_audit

#: The check that stands for the person's decision, beside those that were measured.
APPROVAL_CHECK = "approval"
#: Characters kept of a reason.
LONGEST_REASON = 2000

_Stand = tuple[str | None, str | None]
_WAITS: _Stand = (Status.CLAIMED, TrainingResult.AWAITING_APPROVAL)
#: It shows one face, which its numbers speak against: a person may know better. Where another number of faces
#: was found there is nothing to compare with, whoever approves it.
_POOR: _Stand = (Status.FAILED, TrainingResult.POOR)


class AlreadyDecided(BiosenseError):
    """A training image does not wait for a decision (any more)."""


class NothingToPropose(BiosenseError):
    """A still cannot become a training image."""


def approve(
    database: Database,
    training_image_id: int,
    *,
    processed_time: datetime,
    requeue_since: datetime,
    audit: AuditRecord | None = None,
) -> int:
    """Approve an image that waits, or one that failed for its quality only.

    The agent's stills since ``requeue_since`` that failed for want of a training image return to pending.

    Args:
        processed_time: now, naive local.
        audit: written in the same transaction.

    Returns:
        the number of stills that returned.

    Raises:
        AlreadyDecided: it was approved or rejected meanwhile, waits for its check, or shows not exactly one face.
    """

    def work(connection: Connection) -> tuple[set[str], int]:
        lan_id = _take(connection, training_image_id, (_WAITS, _POOR))
        _decide(connection, training_image_id, Status.PROCESSED, TrainingResult.ONE_FACE, None, processed_time)
        add_audit(connection, audit)
        agent = {agent_key(lan_id)}
        return agent, requeue(connection, agent, requeue_since)

    agent, returned = database.write(work)
    return returned + requeue_late(database, agent, requeue_since)


def reject(
    database: Database,
    training_image_id: int,
    reason: str,
    *,
    withdraw: bool = False,
    processed_time: datetime,
    audit: AuditRecord | None = None,
) -> None:
    """Reject an image that waits, or with ``withdraw`` one that is approved. Other approved ones stay in force.

    The agent's stills stay as they are, also those that were compared with it: their hours may be processed again.

    Args:
        withdraw: the image was seen as an approved one: who rejects what somebody approved meanwhile is told.
        reason: kept as the reason of the check ``approval`` and in ``process_status``.
        processed_time: now, naive local.
        audit: written in the same transaction.

    Raises:
        AlreadyDecided: it does not wait, or is not approved.
    """
    told = reason.strip()[:LONGEST_REASON]

    def work(connection: Connection) -> None:
        _take(connection, training_image_id, () if withdraw else (_WAITS,), approved=withdraw)
        _decide(connection, training_image_id, Status.FAILED, TrainingResult.REJECTED, told, processed_time)
        add_audit(connection, audit)

    database.write(work)


def hold(database: Database, training_image_ids: Collection[int], *, processed_time: datetime) -> None:
    """Let new images wait for a person, whatever the settings say; their numbers come with the next check."""
    statement = (
        update(TrainingImage)
        .where(TrainingImage.id.in_(list(training_image_ids)), TrainingImage.status == Status.PENDING)
        .values(status=Status.CLAIMED, result=TrainingResult.AWAITING_APPROVAL, processed_time=processed_time)
    )
    database.write(lambda connection: connection.execute(statement) and None)


def propose(database: Database, still_id: int, *, now: datetime, audit: AuditRecord | None = None) -> int:
    """Enter a still's picture as a new training image of its agent, which then runs the enrolment flow.

    Proposed twice, it is entered once, unless the first one failed meanwhile.

    Args:
        now: naive local; the capture time where the still has none.
        audit: written in the same transaction, with the training image's id.

    Returns:
        the training image's id.

    Raises:
        NothingToPropose: the still, its picture or its LAN id is not there.
    """

    def work(connection: Connection) -> int:
        # Locked, so that of two proposals at once the second finds the first.
        still = connection.execute(
            select(StreamImage.lan_id, StreamImage.capture_time, StreamImage.image)
            .where(StreamImage.id == still_id)
            .with_for_update()
        ).first()
        if still is None or not still.image or not agent_key(still.lan_id):
            raise NothingToPropose(f"Still {still_id} has no picture of an agent any more: propose another one.")
        entered: int | None = connection.execute(
            select(TrainingImage.id)
            .where(
                TrainingImage.lan_id == still.lan_id,
                TrainingImage.image == still.image,
                TrainingImage.status != Status.FAILED,
            )
            .limit(1)
        ).scalar_one_or_none()
        if entered is not None:
            add_audit(connection, audit, training_image_id=entered)
            return entered
        key = connection.execute(
            insert(TrainingImage).values(
                lan_id=still.lan_id,
                capture_time=still.capture_time or now,
                image=still.image,
                status=Status.PENDING,
                result=TrainingResult.PROPOSED,
            )
        ).inserted_primary_key
        assert key is not None
        add_audit(connection, audit, training_image_id=int(key[0]))
        return int(key[0])

    return database.write(work)


def _take(
    connection: Connection, image_id: int, decidable: tuple[_Stand, ...], *, approved: bool = False
) -> str | None:
    """Lock the image and give its LAN id.

    Args:
        approved: approved ones may be decided too.

    Raises:
        AlreadyDecided: its status and result are none of the decidable ones.
    """
    row: Any = connection.execute(
        select(TrainingImage.lan_id, TrainingImage.status, TrainingImage.result)
        .where(TrainingImage.id == image_id)
        .with_for_update()
    ).first()
    if row is None:
        raise AlreadyDecided(f"Training image {image_id} is not there any more: reload the page.")
    if (row.status, row.result) not in decidable and not (approved and row.status == Status.PROCESSED):
        raise AlreadyDecided(_why_not(image_id, row.status, row.result))
    lan_id: str | None = row.lan_id
    return lan_id


def _why_not(image_id: int, status: str | None, result: str | None) -> str:
    image = f"Training image {image_id}"
    if status == Status.PROCESSED:
        return f"{image} is approved already: reload the page."
    if result == TrainingResult.REJECTED:
        return f"{image} was rejected already: let the agent enrol anew."
    if status == Status.FAILED:
        return f"{image} failed its check already ({result or 'no reason given'}): let the agent enrol anew."
    return f"{image} waits for its check: come back when that is done."


def _decide(
    connection: Connection,
    image_id: int,
    status: Status,
    result: TrainingResult,
    reason: str | None,
    processed_time: datetime,
) -> None:
    connection.execute(
        update(TrainingImage)
        .where(TrainingImage.id == image_id)
        .values(status=status, result=result, processed_time=processed_time)
    )
    now = utc_now(connection)
    connection.execute(
        insert(ProcessStatus).values(
            image_kind=ImageKind.TRAINING,
            image_id=image_id,
            process=Process.APPROVAL,
            status=status,
            result=result,
            started=now,
            finished=now,
            detail=reason,
        )
    )
    approved = status is Status.PROCESSED
    write_checks(connection, {image_id: [StoredCheck(APPROVAL_CHECK, None, None, approved, True, reason)]}, now)
