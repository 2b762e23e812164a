"""Stills with evidence as recognition leaves them, without pictures: people who move, pictures that do not."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
from scipy.ndimage import gaussian_filter
from sqlalchemy import select, update

from biosense_pipeline.codes import Status, StillResult
from biosense_pipeline.matching.evidence.recapture import shipped_model
from biosense_pipeline.store.agents.employees import employee_ids
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.evidence.stills import KeptEvidence, KeptFace, forget_evidence, write_evidence
from biosense_pipeline.store.stills.capture import CapturedImage, enter_stills
from biosense_pipeline.store.tables.evidence import PresentationEvidence
from biosense_pipeline.store.tables.pipeline import StreamImage
from biosense_pipeline_tests.conftest import HOUR
from biosense_pipeline_tests.workflows.fakes import AGENT

STEP = timedelta(seconds=10)
LANDMARKS = np.array([[180, 100], [160, 100], [120, 100], [140, 100], [150, 130]], dtype=np.float32)
CAMERA, OTHER_CAMERA = "JPEG 640x480 2x2,1x1,1x1 aaaaaaaaaaaa", "JPEG 1280x720 2x2,1x1,1x1 bbbbbbbbbbbb"

#: What the still of that number shows.
Scene = Callable[[int], KeptEvidence]


def person(seed: int = 1, source: str = CAMERA) -> Scene:
    """Somebody whose face changes from still to still, before a camera with noise."""
    face = _face(seed)

    def show(number: int) -> KeptEvidence:
        rng = np.random.default_rng([seed, number])
        change = gaussian_filter(rng.normal(0, 1, (32, 32)), 2)
        chip = face + 25 * change / change.std() + rng.normal(0, 2, (32, 32))
        return kept(chip, rng.bytes(32), LANDMARKS + rng.normal(0, 3, (5, 2)), source)

    return show


def motionless(seed: int = 1) -> Scene:
    """The same face in every still, but for the camera's noise."""
    face = _face(seed)

    def show(number: int) -> KeptEvidence:
        rng = np.random.default_rng([seed, number])
        return kept(face + rng.normal(0, 2, (32, 32)), rng.bytes(32), LANDMARKS)

    return show


def frozen_at(scene: Scene, begin: int, end: int | None = None) -> Scene:
    """The scene, whose picture of number ``begin`` is shown up to number ``end``."""
    return lambda number: scene(begin) if number >= begin and (end is None or number < end) else scene(number)


def encoded_anew(evidence: KeptEvidence, number: int) -> KeptEvidence:
    """The same picture after another JPEG: the pixels differ, and what it shows does not."""
    assert evidence.face is not None
    rng = np.random.default_rng([99, number])
    return kept(evidence.face.chip + rng.normal(0, 1.0, (32, 32)), rng.bytes(32), evidence.face.landmarks)


def scoring(scene: Scene, spreads: float) -> Scene:
    """The scene, with features whose score in every group lies that many spreads above genuine stills in general."""
    model = shipped_model()

    def show(number: int) -> KeptEvidence:
        shown = scene(number)
        assert shown.face is not None
        noise = np.random.default_rng([number, 11])
        features = np.zeros(max(part.stop for part in model.slices.values()), dtype=np.float32)
        for name, part in model.slices.items():
            score = model.groups[name]
            along = score.weights / max(float(score.weights @ score.weights), 1e-9)
            wanted = score.offset + score.scale * (spreads + noise.normal(0, 0.3))
            features[part] = score.mean + score.spread * along * wanted
        return replace(shown, face=replace(shown.face, features=features, features_id=model.features_id))

    return show


def nobody(number: int) -> KeptEvidence:
    """An empty seat."""
    digest = np.random.default_rng([7, number]).bytes(32)
    return KeptEvidence(0, digest, digest[:16], int.from_bytes(digest[:8], "big"), CAMERA, None)


def kept(chip: np.ndarray, digest: bytes, landmarks: np.ndarray, source: str = CAMERA) -> KeptEvidence:
    """A still with one face, of that chip."""
    levels = np.clip(np.round(chip), 0, 255).astype(np.uint8)
    numbers = np.zeros(4, dtype=np.float32)
    face = KeptFace((100, 60, 200, 160), landmarks.astype(np.float32), 300.0, 120.0, levels, numbers, "none")
    return KeptEvidence(1, digest, digest[:16], int.from_bytes(digest[:8], "big"), source, face)


def enter_scene(
    database: Database,
    scene: Scene,
    count: int,
    *,
    start: datetime = HOUR,
    step: timedelta = STEP,
    lan_id: str = AGENT,
    numbers: Sequence[int] | None = None,
) -> list[int]:
    """Processed stills of the scene with their evidence, one each ``step``; returns their ids."""
    moments = [start + number * step for number in range(count)]
    return enter_at(database, [scene(number) for number in numbers or range(count)], moments, lan_id)


def enter_at(
    database: Database, evidence: Sequence[KeptEvidence], moments: Sequence[datetime], lan_id: str = AGENT
) -> list[int]:
    """Processed stills captured at these moments, entered in this order."""
    ids = enter_stills(database, [CapturedImage(lan_id, moment, b"x") for moment in moments])
    processed = (
        update(StreamImage).where(StreamImage.id.in_(ids)).values(status=Status.PROCESSED, result=StillResult.SUCCESS)
    )
    database.write(lambda connection: connection.execute(processed))
    write_at(database, ids, evidence, moments, lan_id)
    return ids


def write_at(
    database: Database,
    ids: Sequence[int],
    evidence: Sequence[KeptEvidence],
    moments: Sequence[datetime],
    lan_id: str = AGENT,
) -> None:
    """Evidence of stills that are there, captured at these moments."""
    (employee,) = employee_ids(database, [lan_id]).values()
    kept_by_id, captured = dict(zip(ids, evidence, strict=True)), dict(zip(ids, moments, strict=True))
    database.write(
        lambda connection: write_evidence(connection, kept_by_id, captured, dict.fromkeys(ids, employee), HOUR)
    )


def remove_evidence(database: Database, ids: Sequence[int]) -> None:
    """Leave stills without evidence."""
    database.write(lambda connection: forget_evidence(connection, ids))


def employee_of(database: Database, lan_id: str = AGENT) -> int:
    """The agent's employee id."""
    (employee,) = employee_ids(database, [lan_id]).values()
    return employee


def evidence_count(database: Database) -> int:
    """How many stills have evidence."""
    with database.read() as connection:
        return len(connection.execute(select(PresentationEvidence.stream_image_id)).all())


def _face(seed: int) -> np.ndarray:
    pattern: np.ndarray = gaussian_filter(np.random.default_rng(seed).normal(0, 1, (32, 32)), 2)
    return np.asarray(128 + 40 * pattern / pattern.std())
