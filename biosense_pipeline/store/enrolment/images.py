"""Training images: which wait for their check, which is an agent's newest and which are the references."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, Connection, or_, select

from biosense_pipeline.codes import Status, TrainingResult
from biosense_pipeline.lan_ids import agent_key
from biosense_pipeline.store.chunks import chunks
from biosense_pipeline.store.database import Database, exactly
from biosense_pipeline.store.tables.pipeline import FaceEncoding, TrainingCheck, TrainingImage

#: How an encoding stands in ``face_encoding``.
ENCODING_DTYPE = np.dtype("<f4")
#: Approved images of an agent that stills are compared with, the newest. Each further one is one more chance
#: for an impostor to come near.
MOST_REFERENCES = 5
#: Images that say nothing of the agent's enrolment: a person has not decided yet, or has decided against it, or
#: a reviewer's proposal came to nothing, which must not take the agent out of service.
SET_ASIDE = {
    (Status.CLAIMED, TrainingResult.AWAITING_APPROVAL),
    (Status.FAILED, TrainingResult.REJECTED),
    (Status.FAILED, TrainingResult.PROPOSAL_FAILED),
}


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
    """What an agent has to be compared with.

    Attributes:
        newest: the newest image of any status; those that wait for a person, were rejected by one, or were
            proposed at the desk and failed are passed over.
        approved: the newest approved ones, newest first, MOST_REFERENCES at most.
    """

    newest: TrainingRow | None = None
    approved: tuple[TrainingRow, ...] = ()

    @property
    def benchmark(self) -> TrainingRow | None:
        """The newest approved image."""
        return self.approved[0] if self.approved else None


@dataclass(frozen=True)
class StoredFace:
    """The encoding of an image that was approved, or that waits for a person to approve it."""

    training_image_id: int
    lan_id: str
    encoding: np.ndarray
    approved: bool


def training_states(database: Database, lan_ids: Collection[str], model_id: str) -> dict[str, TrainingState]:
    """Training states by :func:`agent_key`; agents without any training image are left out."""
    wanted = {agent_key(lan_id) for lan_id in lan_ids} - {""}
    if not wanted:
        return {}
    chosen: dict[str, tuple[int | None, list[int]]] = {}
    with database.read() as connection:
        for key, images in _images_of(connection, wanted).items():
            newest = next((image.id for image in images if (image.status, image.result) not in SET_ASIDE), None)
            approved = [image.id for image in images if image.status == Status.PROCESSED]
            chosen[key] = newest, approved[:MOST_REFERENCES]
        ids = {image_id for newest, approved in chosen.values() for image_id in (newest, *approved) if image_id}
        rows = {row.id: row for row in _rows(connection, ids, model_id)}
    return {
        key: TrainingState(rows.get(newest or 0), tuple(rows[image_id] for image_id in approved if image_id in rows))
        for key, (newest, approved) in chosen.items()
    }


def unchecked_ids(database: Database) -> list[int]:
    """Training images that wait for their check, oldest first."""
    with database.read() as connection:
        return list(
            connection.execute(
                select(TrainingImage.id).where(TrainingImage.status == Status.PENDING).order_by(TrainingImage.id)
            ).scalars()
        )


def unmeasured_ids(database: Database) -> list[int]:
    """Training images that wait for a person and have no checks to go by, oldest first."""
    measured = select(TrainingCheck.training_image_id).where(TrainingCheck.training_image_id == TrainingImage.id)
    with database.read() as connection:
        return list(
            connection.execute(select(TrainingImage.id).where(_waits(), ~measured.exists()).order_by(TrainingImage.id))
            .scalars()
            .all()
        )


def enrolled_faces(database: Database, model_id: str) -> list[StoredFace]:
    """The encodings under the model of all images that are approved, or passed their checks and wait for it."""
    with database.read() as connection:
        rows = connection.execute(
            select(TrainingImage.id, TrainingImage.lan_id, TrainingImage.status, FaceEncoding.encoding)
            .join(FaceEncoding, FaceEncoding.training_image_id == TrainingImage.id)
            .where(
                FaceEncoding.model_id == model_id,
                FaceEncoding.encoding.is_not(None),
                or_(TrainingImage.status == Status.PROCESSED, _waits()),
            )
            .order_by(TrainingImage.id)
        )
        return [
            StoredFace(row.id, row.lan_id or "", _decoded(row.encoding), row.status == Status.PROCESSED) for row in rows
        ]


def unencoded_benchmark_ids(database: Database, model_id: str) -> list[int]:
    """Benchmarks and other references that were not examined under the model yet."""
    encoded = select(FaceEncoding.training_image_id).where(FaceEncoding.model_id == model_id)
    with database.read() as connection:
        ids = {image_id for images in reference_ids(connection).values() for image_id in images}
        # In chunks: the list of placeholders of one statement is limited.
        for chunk in chunks(sorted(ids)):
            ids -= set(connection.execute(encoded.where(FaceEncoding.training_image_id.in_(chunk))).scalars())
    return sorted(ids)


def reference_ids(connection: Connection) -> dict[str, list[int]]:
    """The newest approved images by :func:`agent_key`, newest first, read off an index."""
    references: dict[str, list[int]] = defaultdict(list)
    for row in connection.execute(
        select(TrainingImage.id, TrainingImage.lan_id)
        .where(TrainingImage.status == Status.PROCESSED)
        .order_by(TrainingImage.id.desc())
    ):
        images = references[agent_key(row.lan_id)]
        if len(images) < MOST_REFERENCES:
            images.append(row.id)
    return dict(references)


def benchmark_counts(database: Database, model_id: str) -> dict[str, int]:
    """How many agents have benchmarks, how many images these are, and how many are encoded or failed under the model.

    Every reference counts as a benchmark.
    """
    with database.read() as connection:
        references = reference_ids(connection)
        ids = [image_id for images in references.values() for image_id in images]
        encoded = failed = 0
        for chunk in chunks(ids):
            for row in connection.execute(
                select(FaceEncoding.failure).where(
                    FaceEncoding.model_id == model_id, FaceEncoding.training_image_id.in_(chunk)
                )
            ):
                failed, encoded = (failed + 1, encoded) if row.failure else (failed, encoded + 1)
    return {"agents": len(references), "benchmarks": len(ids), "encoded": encoded, "failed": failed}


def training_encodings(
    database: Database, training_ids: Collection[int], model_id: str
) -> dict[int, np.ndarray | None]:
    """Encodings under the model by training image id: None where it failed, absent where it was not examined."""
    with database.read() as connection:
        return {
            row.training_image_id: None if row.encoding is None else _decoded(row.encoding)
            for chunk in chunks(list(training_ids))
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
            for chunk in chunks(list(training_ids))
            for row in connection.execute(
                select(TrainingImage.id, TrainingImage.lan_id).where(TrainingImage.id.in_(chunk))
            )
        }


def _waits() -> ColumnElement[bool]:
    """An image passed its checks and waits for a person."""
    return (TrainingImage.status == Status.CLAIMED) & (TrainingImage.result == TrainingResult.AWAITING_APPROVAL)


def _images_of(connection: Connection, agents: Collection[str]) -> dict[str, list[Any]]:
    """Id, status and result of the agents' images, newest first, by :func:`agent_key`.

    Their spellings are read off an index, some thousands of entries; those are then looked up.
    """
    spelt = connection.execute(select(TrainingImage.lan_id).group_by(*exactly(TrainingImage.lan_id))).scalars()
    theirs = [lan_id for lan_id in spelt if lan_id is not None and agent_key(lan_id) in agents]
    images: dict[str, list[Any]] = defaultdict(list)
    for chunk in chunks(theirs):
        for row in connection.execute(
            select(TrainingImage.id, TrainingImage.lan_id, TrainingImage.status, TrainingImage.result).where(
                TrainingImage.lan_id.in_(chunk)
            )
        ):
            # A collation may find other agents too.
            if agent_key(row.lan_id) in agents:
                images[agent_key(row.lan_id)].append(row)
    return {key: sorted(set(rows), key=lambda row: row.id, reverse=True) for key, rows in images.items()}


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
            encoding=None if row.encoding is None else _decoded(row.encoding),
            failure=row.failure,
        )
        for row in found
    ]


def _decoded(stored: bytes) -> np.ndarray:
    return np.frombuffer(stored, dtype=ENCODING_DTYPE)
