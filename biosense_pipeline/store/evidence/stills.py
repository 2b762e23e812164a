"""The evidence that recognition keeps of each still: written with its result, read as windows of an agent's stills."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from sqlalchemy import Connection, Row, Select, case, delete, select

from biosense_pipeline.store.database import Database, upsert
from biosense_pipeline.store.tables.evidence import PresentationEvidence
from biosense_pipeline.store.tables.pipeline import StreamImage

#: How features are stored.
FEATURES_DTYPE = np.dtype("<f4")
_CHIP_SIDE, _THUMBNAIL_WIDTH = 32, 64
#: The columns that are most of a row.
_MOST = {"features", "thumbnail"}
#: Those that no analysis asks for.
_UNREAD = {"employee_id", "created"}


@dataclass(frozen=True, eq=False)
class KeptFace:
    """The largest face of a still.

    Attributes:
        box: left, top, right, bottom in pixels.
        landmarks: float32 (5, 2).
        chip: uint8 (32, 32).
        features: float32 (n,), laid out as ``features_id`` says; None where they were not read.
        thumbnail: uint8 (height, 64), the whole still; None where it was not read, and in rows from before it was kept.
            picture_width: of the still itself, in pixels.
        attack_score: of the operator's own model of that id; None where there is none.
    """

    box: tuple[int, int, int, int]
    landmarks: np.ndarray
    sharpness: float
    brightness: float
    chip: np.ndarray
    features: np.ndarray | None
    features_id: str
    thumbnail: np.ndarray | None = None
    picture_width: int | None = None
    attack_score: float | None = None
    attack_model_id: str | None = None


@dataclass(frozen=True, eq=False)
class KeptEvidence:
    """A still as numbers; ``perceptual_hash`` has 64 bits, unsigned."""

    num_faces: int
    sha256: bytes
    pixel_hash: bytes
    perceptual_hash: int
    source: str
    face: KeptFace | None


@dataclass(frozen=True, eq=False)
class StoredStill:
    """A still's evidence as it was stored; ``result`` is None where the still's own row is gone."""

    still_id: int
    captured: datetime
    result: str | None
    evidence: KeptEvidence


def write_evidence(
    connection: Connection,
    evidence: Mapping[int, KeptEvidence],
    captured: Mapping[int, datetime | None],
    employees: Mapping[int, int],
    now: datetime,
) -> None:
    """Store the evidence of stills, over what was stored of them before.

    Args:
        evidence: by still id, as are the stills' capture times and their agents' employee ids.
    """
    upsert(
        connection,
        PresentationEvidence.__table__,
        [
            _row(still_id, employees[still_id], captured[still_id], evidence[still_id], now)
            for still_id in sorted(evidence)
        ],
    )


def forget_evidence(connection: Connection, still_ids: Iterable[int]) -> None:
    """Remove the evidence of stills whose pictures cannot be read any more."""
    ids = sorted(still_ids)
    if ids:
        connection.execute(delete(PresentationEvidence).where(PresentationEvidence.stream_image_id.in_(ids)))


def read_window(
    database: Database,
    employee_id: int,
    start: datetime,
    end: datetime,
    whole_from: datetime | None = None,
) -> list[StoredStill]:
    """The stills of an agent captured in ``[start, end)``, in order of capture time and id.

    Args:
        whole_from: of stills captured before it features and thumbnail, most of what there is of one, are not read.
    """
    time, key = PresentationEvidence.capture_time, PresentationEvidence.stream_image_id
    of_agent = _stills(whole_from or start).where(PresentationEvidence.employee_id == employee_id)
    with database.read() as connection:
        return [
            _stored(row) for row in connection.execute(of_agent.where(time >= start, time < end).order_by(time, key))
        ]


def captures_before(database: Database, employee_id: int, moment: datetime, count: int) -> list[datetime]:
    """Capture times of the agent's last ``count`` stills before ``moment``, the latest first."""
    time = PresentationEvidence.capture_time
    with database.read() as connection:
        rows = connection.execute(
            select(time)
            .where(PresentationEvidence.employee_id == employee_id, time < moment)
            .order_by(time.desc(), PresentationEvidence.stream_image_id.desc())
            .limit(count)
        ).scalars()
        return [captured for captured in rows if captured is not None]


def agents_with_evidence(database: Database, start: datetime, end: datetime) -> list[int]:
    """Employee ids of the agents with stills captured in ``[start, end)`` of which evidence is stored."""
    with database.read() as connection:
        return list(
            connection.execute(
                select(PresentationEvidence.employee_id)
                .where(PresentationEvidence.capture_time >= start, PresentationEvidence.capture_time < end)
                .distinct()
                .order_by(PresentationEvidence.employee_id)
            ).scalars()
        )


def _stills(whole_from: datetime) -> Select[Any]:
    whole = PresentationEvidence.capture_time >= whole_from
    columns = [
        case((whole, column)).label(column.name) if column.name in _MOST else column
        for column in PresentationEvidence.__table__.columns
        if column.name not in _UNREAD
    ]
    return select(*columns, StreamImage.result).outerjoin(
        StreamImage, StreamImage.id == PresentationEvidence.stream_image_id
    )


def _row(
    still_id: int, employee_id: int, captured: datetime | None, evidence: KeptEvidence, now: datetime
) -> dict[str, Any]:
    face = evidence.face
    return {
        "stream_image_id": still_id,
        "employee_id": employee_id,
        "capture_time": captured,
        "num_faces": evidence.num_faces,
        "sha256": evidence.sha256,
        "pixel_hash": evidence.pixel_hash,
        "perceptual_hash": evidence.perceptual_hash.to_bytes(8, "big"),
        "source": evidence.source,
        # Of a still that was done again, what is no longer there must go too.
        "face": None if face is None else _face_numbers(face),
        "chip": None if face is None else _bytes(face.chip),
        "features": None if face is None or face.features is None else face.features.astype(FEATURES_DTYPE).tobytes(),
        "features_id": None if face is None else face.features_id,
        "thumbnail": None if face is None or face.thumbnail is None else _bytes(face.thumbnail),
        "attack_score": None if face is None else face.attack_score,
        "attack_model_id": None if face is None else face.attack_model_id,
        "created": now,
    }


def _bytes(levels: np.ndarray) -> bytes:
    return np.ascontiguousarray(levels, dtype=np.uint8).tobytes()


def _face_numbers(face: KeptFace) -> dict[str, Any]:
    return {
        "box": list(face.box),
        "landmarks": np.round(face.landmarks.astype(np.float64), 2).tolist(),
        "sharpness": face.sharpness,
        "brightness": face.brightness,
        "picture_width": face.picture_width,
    }


def _stored(row: Row[Any]) -> StoredStill:
    face = None
    if row.face is not None:
        left, top, right, bottom = row.face["box"]
        face = KeptFace(
            (left, top, right, bottom),
            np.array(row.face["landmarks"], dtype=np.float32),
            row.face["sharpness"],
            row.face["brightness"],
            np.frombuffer(row.chip, dtype=np.uint8).reshape(_CHIP_SIDE, _CHIP_SIDE),
            None if row.features is None else np.frombuffer(row.features, dtype=FEATURES_DTYPE),
            row.features_id,
            None
            if row.thumbnail is None
            else np.frombuffer(row.thumbnail, dtype=np.uint8).reshape(-1, _THUMBNAIL_WIDTH),
            row.face.get("picture_width"),
            row.attack_score,
            row.attack_model_id,
        )
    evidence = KeptEvidence(
        row.num_faces,
        bytes(row.sha256),
        bytes(row.pixel_hash),
        int.from_bytes(row.perceptual_hash, "big"),
        row.source,
        face,
    )
    return StoredStill(row.stream_image_id, row.capture_time, row.result, evidence)
