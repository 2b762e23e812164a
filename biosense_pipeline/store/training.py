"""Training images: which wait for their check, which is an agent's newest and which the benchmark."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, Connection, func, insert, select, update

from biosense_pipeline.codes import AWAITING_ENROLMENT, ImageKind, Process, Status, TrainingResult
from biosense_pipeline.lan_ids import agent_key
from biosense_pipeline.store.database import Database, exactly, upsert, utc_now
from biosense_pipeline.store.tables import FaceEncoding, ProcessStatus, StreamImage, TrainingImage

_ENCODING_DTYPE = np.dtype("<f4")


@dataclass(frozen=True)
class TrainingRow:
    """A training image without its picture, and its encoding under one model.

    Attributes:
        encoding: float32 array of the model's dimension, or None where there is none (yet).
        failure: why it cannot be encoded under the model, or None.
    """

    id: int
    lan_id: str
    status: str
    processed_time: datetime | None
    encoding: np.ndarray | None
    failure: str | None


@dataclass(frozen=True)
class TrainingState:
    """What an agent has to be compared with: the newest image of any status, and the newest approved."""

    newest: TrainingRow | None = None
    benchmark: TrainingRow | None = None


@dataclass(frozen=True)
class EncodedFace:
    """The one face of a training image: encoding, box in pixels and quality numbers."""

    encoding: np.ndarray
    box: tuple[int, int, int, int]
    quality: dict[str, float]


@dataclass(frozen=True)
class TrainingVerdict:
    """The outcome of examining a training image; ``face`` is there where the result is ONE_FACE."""

    id: int
    lan_id: str | None
    result: TrainingResult
    face: EncodedFace | None
    detail: str | None
    started: datetime
    finished: datetime


def training_states(database: Database, lan_ids: Collection[str], model_id: str) -> dict[str, TrainingState]:
    """Training states by :func:`agent_key`; agents without any training image are left out."""
    wanted = {agent_key(lan_id) for lan_id in lan_ids} - {""}
    if not wanted:
        return {}
    with database.read() as connection:
        newest = _highest_ids(connection)
        approved = _highest_ids(connection, TrainingImage.status == Status.PROCESSED)
        ids = {ids[key] for ids in (newest, approved) for key in wanted & ids.keys()}
        rows = {row.id: row for row in _rows(connection, ids, model_id)}
    return {
        key: TrainingState(rows.get(newest[key]), rows.get(approved[key]) if key in approved else None)
        for key in wanted & newest.keys()
    }


def unchecked_ids(database: Database) -> list[int]:
    """Training images that wait for their check, oldest first."""
    with database.read() as connection:
        return list(
            connection.execute(
                select(TrainingImage.id).where(TrainingImage.status == Status.PENDING).order_by(TrainingImage.id)
            ).scalars()
        )


def unencoded_benchmark_ids(database: Database, model_id: str, lan_ids: Collection[str] | None = None) -> list[int]:
    """Benchmarks (all agents' or those of ``lan_ids``) that were not examined under the model yet."""
    wanted = None if lan_ids is None else {agent_key(lan_id) for lan_id in lan_ids}
    encoded = select(FaceEncoding.training_image_id).where(FaceEncoding.model_id == model_id)
    with database.read() as connection:
        benchmarks = _highest_ids(connection, TrainingImage.status == Status.PROCESSED)
        ids = {highest for key, highest in benchmarks.items() if wanted is None or key in wanted}
        # In chunks: the list of placeholders of one statement is limited.
        for chunk in _chunks(sorted(ids)):
            ids -= set(connection.execute(encoded.where(FaceEncoding.training_image_id.in_(chunk))).scalars())
    return sorted(ids)


def benchmark_counts(database: Database, model_id: str) -> dict[str, int]:
    """How many agents have a benchmark, and how many of these an encoding or a failure under the model."""
    with database.read() as connection:
        ids = list(_highest_ids(connection, TrainingImage.status == Status.PROCESSED).values())
        encoded = failed = 0
        for chunk in _chunks(ids):
            for row in connection.execute(
                select(FaceEncoding.failure).where(
                    FaceEncoding.model_id == model_id, FaceEncoding.training_image_id.in_(chunk)
                )
            ):
                failed, encoded = (failed + 1, encoded) if row.failure else (failed, encoded + 1)
    return {"benchmarks": len(ids), "encoded": encoded, "failed": failed}


def lan_ids_of(database: Database, training_ids: Collection[int]) -> dict[int, str | None]:
    """LAN ids by training image id."""
    with database.read() as connection:
        return {
            row.id: row.lan_id
            for chunk in _chunks(list(training_ids))
            for row in connection.execute(
                select(TrainingImage.id, TrainingImage.lan_id).where(TrainingImage.id.in_(chunk))
            )
        }


def record_verdicts(
    database: Database,
    process: Process,
    verdicts: Sequence[TrainingVerdict],
    *,
    model_id: str,
    run_id: str | None,
    processed_time: datetime,
    requeue_since: datetime | None,
) -> int:
    """Store what was found on training images in one transaction.

    A TRAINING_CHECK also sets status and result of those images that still wait for it. Where it
    approves one, the agent's stills since ``requeue_since`` that failed for want of a training image
    return to pending.

    Returns:
        the number of stills that returned to pending.
    """

    def store(connection: Connection) -> int:
        now = utc_now(connection)
        upsert(connection, FaceEncoding.__table__, [_encoding_row(verdict, model_id, now) for verdict in verdicts])
        connection.execute(
            insert(ProcessStatus), [_process_row(verdict, process, model_id, run_id) for verdict in verdicts]
        )
        if process is not Process.TRAINING_CHECK:
            return 0
        approved = [verdict for verdict in verdicts if _decide(connection, verdict, processed_time)]
        if requeue_since is None:
            return 0
        return _requeue(connection, {agent_key(verdict.lan_id) for verdict in approved}, requeue_since)

    return database.write(store) if verdicts else 0


def _decide(connection: Connection, verdict: TrainingVerdict, processed_time: datetime) -> bool:
    status = Status.PROCESSED if verdict.result is TrainingResult.ONE_FACE else Status.FAILED
    changed = connection.execute(
        update(TrainingImage)
        .where(TrainingImage.id == verdict.id, TrainingImage.status == Status.PENDING)
        .values(status=status, result=verdict.result, processed_time=processed_time)
    ).rowcount
    return bool(changed) and status is Status.PROCESSED


def _requeue(connection: Connection, agents: Collection[str], since: datetime) -> int:
    awaiting = (
        StreamImage.status == Status.FAILED,
        StreamImage.result.in_(AWAITING_ENROLMENT),
        StreamImage.capture_time >= since,
    )
    spelt = connection.execute(
        select(StreamImage.lan_id).where(*awaiting).group_by(*exactly(StreamImage.lan_id))
    ).scalars()
    theirs = [lan_id for lan_id in spelt if agent_key(lan_id) in agents]
    if not theirs:
        return 0
    return connection.execute(
        update(StreamImage)
        .where(StreamImage.lan_id.in_(theirs), *awaiting)
        .values(status=Status.PENDING, result=None, processed_time=None, attempts=0)
    ).rowcount


def _highest_ids(connection: Connection, *conditions: ColumnElement[bool]) -> dict[str, int]:
    """The newest training image by :func:`agent_key`, read off an index: some thousands of entries."""
    highest: dict[str, int] = {}
    for lan_id, image_id in connection.execute(
        select(TrainingImage.lan_id, func.max(TrainingImage.id))
        .where(*conditions)
        .group_by(*exactly(TrainingImage.lan_id))
    ):
        key = agent_key(lan_id)
        highest[key] = max(image_id, highest.get(key, 0))
    return highest


def _rows(connection: Connection, ids: Collection[int], model_id: str) -> list[TrainingRow]:
    found = connection.execute(
        select(
            TrainingImage.id,
            TrainingImage.lan_id,
            TrainingImage.status,
            TrainingImage.processed_time,
            FaceEncoding.encoding,
            FaceEncoding.failure,
        )
        .outerjoin(
            FaceEncoding,
            (FaceEncoding.training_image_id == TrainingImage.id) & (FaceEncoding.model_id == model_id),
        )
        .where(TrainingImage.id.in_(ids))
    )
    return [
        TrainingRow(
            id=row.id,
            lan_id=row.lan_id or "",
            status=row.status or "",
            processed_time=row.processed_time,
            encoding=None if row.encoding is None else np.frombuffer(row.encoding, dtype=_ENCODING_DTYPE),
            failure=row.failure,
        )
        for row in found
    ]


def _encoding_row(verdict: TrainingVerdict, model_id: str, now: datetime) -> dict[str, Any]:
    face = verdict.face
    return {
        "training_image_id": verdict.id,
        "model_id": model_id,
        "encoding": None if face is None else face.encoding.astype(_ENCODING_DTYPE).tobytes(),
        "box": None if face is None else list(face.box),
        "quality": None if face is None else face.quality,
        "failure": None if face else str(verdict.result),
        "created": now,
    }


def _process_row(verdict: TrainingVerdict, process: Process, model_id: str, run_id: str | None) -> dict[str, Any]:
    return {
        "image_kind": ImageKind.TRAINING,
        "image_id": verdict.id,
        "process": process,
        "status": Status.PROCESSED if verdict.face else Status.FAILED,
        "result": verdict.result,
        "started": verdict.started,
        "finished": verdict.finished,
        "run_id": run_id,
        "model_id": model_id,
        "detail": verdict.detail,
    }


def _chunks(ids: Sequence[int], size: int = 1000) -> list[Sequence[int]]:
    return [ids[start : start + size] for start in range(0, len(ids), size)]
