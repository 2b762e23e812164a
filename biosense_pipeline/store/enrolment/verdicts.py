"""Writes what was found on training images, and returns stills to pending that only waited for one."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from sqlalchemy import Connection, and_, case, func, insert, or_, select, update

from biosense_pipeline.codes import AWAITING_ENROLMENT, ImageKind, Process, Status, TrainingResult
from biosense_pipeline.lan_ids import agent_key
from biosense_pipeline.store.database import Database, exactly, upsert, utc_now
from biosense_pipeline.store.enrolment.checks import StoredCheck, write_checks
from biosense_pipeline.store.enrolment.images import ENCODING_DTYPE, reference_ids
from biosense_pipeline.store.stills.outcomes import AS_CAPTURED
from biosense_pipeline.store.tables.pipeline import FaceEncoding, ProcessStatus, StreamImage, TrainingImage

#: The status that a training image with a result is given; every other result fails it.
_STATUS = {
    TrainingResult.ONE_FACE: Status.PROCESSED,
    TrainingResult.AWAITING_APPROVAL: Status.CLAIMED,
}


@dataclass(frozen=True)
class EncodedFace:
    """The one face of a training image: encoding, box in pixels and quality numbers."""

    encoding: np.ndarray
    box: tuple[int, int, int, int]
    quality: dict[str, float]


@dataclass(frozen=True)
class TrainingVerdict:
    """The outcome of examining a training image.

    Attributes:
        face: there wherever exactly one was found, whether it passed the other checks or not.
        checks: the numbers behind the result, where it was checked.
    """

    id: int
    lan_id: str | None
    result: TrainingResult
    face: EncodedFace | None
    detail: str | None
    started: datetime
    finished: datetime
    checks: tuple[StoredCheck, ...] = ()


def record_verdicts(
    database: Database,
    process: Process,
    verdicts: Sequence[TrainingVerdict],
    *,
    model_id: str,
    run_id: str | None,
    processed_time: datetime,
    requeue_since: datetime | None,
    max_attempts: int,
    keep_claim: str | None = None,
) -> int:
    """Store what was found on training images.

    A TRAINING_CHECK also stores the checks, and sets status and result of those images that still wait for it.
    Where an image is approved, or a benchmark that somebody else approved is seen for the first time, stills
    return to pending as :func:`requeue` has it. A processing error says nothing of the image: nothing is
    decided before the last of ``max_attempts``.

    Returns:
        the number of stills that returned to pending.
    """

    def store(connection: Connection) -> tuple[set[str], int]:
        now = utc_now(connection)
        decided = [verdict for verdict in verdicts if _is_final(connection, process, verdict, max_attempts)]
        upsert(connection, FaceEncoding.__table__, [_encoding_row(verdict, model_id, now) for verdict in decided])
        connection.execute(
            insert(ProcessStatus),
            [_process_row(verdict, process, model_id, run_id, verdict in decided) for verdict in verdicts],
        )
        if process is Process.TRAINING_CHECK:
            write_checks(connection, {verdict.id: verdict.checks for verdict in decided}, now)
            decided = [verdict for verdict in decided if _decide(connection, verdict, processed_time)]
        else:
            # No still waited for one that is compared with beside the benchmark.
            benchmarks = {images[0] for images in reference_ids(connection).values()}
            decided = [verdict for verdict in decided if verdict.id in benchmarks]
        enrolled = {agent_key(verdict.lan_id) for verdict in decided if verdict.result is TrainingResult.ONE_FACE}
        if not enrolled or requeue_since is None:
            return set(), 0
        return enrolled, requeue(connection, enrolled, requeue_since, keep_claim)

    if not verdicts:
        return 0
    enrolled, returned = database.write(store)
    if not enrolled or requeue_since is None:
        return 0
    return returned + requeue_late(database, enrolled, requeue_since, keep_claim)


def requeue_late(database: Database, agents: Collection[str], since: datetime, keep_claim: str | None = None) -> int:
    """Once more :func:`requeue`, when the transaction that approved an image is over.

    A still that was claimed before the approval was visible, and failed since, slipped through the first time.
    """
    return database.write(lambda connection: requeue(connection, agents, since, keep_claim))


def _is_final(connection: Connection, process: Process, verdict: TrainingVerdict, max_attempts: int) -> bool:
    """Whether the verdict holds; an error holds only when this was the last attempt."""
    if verdict.result is not TrainingResult.ERROR:
        return True
    earlier = connection.execute(
        select(func.count()).where(
            ProcessStatus.image_kind == ImageKind.TRAINING,
            ProcessStatus.image_id == verdict.id,
            ProcessStatus.process == process,
            ProcessStatus.result == TrainingResult.ERROR,
        )
    ).scalar_one()
    return earlier + 1 >= max_attempts


def _decide(connection: Connection, verdict: TrainingVerdict, processed_time: datetime) -> bool:
    status = _STATUS.get(verdict.result, Status.FAILED)
    proposal = case((TrainingImage.result == TrainingResult.PROPOSED, TrainingResult.PROPOSAL_FAILED))
    changed = connection.execute(
        update(TrainingImage)
        .where(TrainingImage.id == verdict.id, TrainingImage.status == Status.PENDING)
        .values(
            status=status,
            result=func.coalesce(proposal, verdict.result) if status is Status.FAILED else verdict.result,
            processed_time=processed_time,
        )
    ).rowcount
    return bool(changed) and status is Status.PROCESSED


def requeue(connection: Connection, agents: Collection[str], since: datetime, keep_claim: str | None = None) -> int:
    """Return to pending what failed for want of a training image, in the transaction that approves one.

    Claims on the agents' stills lose their token, except ``keep_claim``.

    Args:
        agents: by :func:`agent_key`.
        since: capture time of the oldest stills that matter, naive local.

    Returns:
        the number of stills that returned.
    """
    # A still under a claim may be about to fail for want of the very image that was just approved. Without
    # its token that result is not written, and the still is done again.
    awaiting = (
        or_(
            and_(StreamImage.status == Status.CLAIMED, StreamImage.lease_token != (keep_claim or "")),
            and_(StreamImage.status == Status.FAILED, StreamImage.result.in_(AWAITING_ENROLMENT)),
        ),
        or_(StreamImage.capture_time >= since, StreamImage.capture_time.is_(None)),
    )
    spelt = connection.execute(
        select(StreamImage.lan_id).where(*awaiting).group_by(*exactly(StreamImage.lan_id))
    ).scalars()
    theirs = [lan_id for lan_id in spelt if agent_key(lan_id) in agents]
    if not theirs:
        return 0
    return connection.execute(
        update(StreamImage).where(StreamImage.lan_id.in_(theirs), *awaiting).values(**AS_CAPTURED)
    ).rowcount


def _encoding_row(verdict: TrainingVerdict, model_id: str, now: datetime) -> dict[str, Any]:
    face = verdict.face
    return {
        "training_image_id": verdict.id,
        "model_id": model_id,
        "encoding": None if face is None else face.encoding.astype(ENCODING_DTYPE).tobytes(),
        "box": None if face is None else list(face.box),
        "quality": None if face is None else face.quality,
        "failure": None if face else str(verdict.result),
        "created": now,
    }


def _process_row(
    verdict: TrainingVerdict, process: Process, model_id: str, run_id: str | None, final: bool
) -> dict[str, Any]:
    status = _STATUS.get(verdict.result, Status.FAILED)
    return {
        "image_kind": ImageKind.TRAINING,
        "image_id": verdict.id,
        "process": process,
        "status": status if final else Status.PENDING,
        "result": verdict.result,
        "started": verdict.started,
        "finished": verdict.finished,
        "run_id": run_id,
        "model_id": model_id,
        "detail": verdict.detail,
    }
