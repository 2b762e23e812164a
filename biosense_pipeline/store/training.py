"""Training images: which wait for their check, which is an agent's newest and which the benchmark."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from sqlalchemy import ColumnElement, Connection, func, select

from biosense_pipeline.codes import Status
from biosense_pipeline.lan_ids import agent_key
from biosense_pipeline.store.database import Database, exactly
from biosense_pipeline.store.tables import FaceEncoding, TrainingImage

#: How an encoding stands in ``face_encoding``.
ENCODING_DTYPE = np.dtype("<f4")


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


def unencoded_benchmark_ids(database: Database, model_id: str) -> list[int]:
    """Benchmarks that were not examined under the model yet."""
    encoded = select(FaceEncoding.training_image_id).where(FaceEncoding.model_id == model_id)
    with database.read() as connection:
        ids = set(_highest_ids(connection, TrainingImage.status == Status.PROCESSED).values())
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


def training_encodings(
    database: Database, training_ids: Collection[int], model_id: str
) -> dict[int, np.ndarray | None]:
    """Encodings under the model by training image id: None where it failed, absent where it was not examined."""
    with database.read() as connection:
        return {
            row.training_image_id: _encoding(row.encoding)
            for chunk in _chunks(list(training_ids))
            for row in connection.execute(
                select(FaceEncoding.training_image_id, FaceEncoding.encoding).where(
                    FaceEncoding.model_id == model_id, FaceEncoding.training_image_id.in_(chunk)
                )
            )
        }


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
            encoding=_encoding(row.encoding),
            failure=row.failure,
        )
        for row in found
    ]


def _encoding(stored: bytes | None) -> np.ndarray | None:
    return None if stored is None else np.frombuffer(stored, dtype=ENCODING_DTYPE)


def _chunks(ids: Sequence[int], size: int = 1000) -> list[Sequence[int]]:
    return [ids[start : start + size] for start in range(0, len(ids), size)]
