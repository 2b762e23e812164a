"""An agent's stored evidence as the analysis of windows takes it."""

from collections.abc import Iterable
from datetime import datetime

from biosense_pipeline.matching.evidence.still import EvidenceStill
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.evidence.stills import StoredStill, read_window


def evidence_window(
    database: Database, employee_id: int, start: datetime, end: datetime, prints_from: datetime | None = None
) -> list[EvidenceStill]:
    """The stills of an agent captured in ``[start, end)``, in order of capture time and id.

    Args:
        prints_from: of stills captured before it, what prints alone are told by is not read.
    """
    return evidence_stills(read_window(database, employee_id, start, end, prints_from))


def evidence_stills(stored: Iterable[StoredStill]) -> list[EvidenceStill]:
    """The same stills as the analysis takes them."""
    return [_evidence_still(still) for still in stored]


def _evidence_still(still: StoredStill) -> EvidenceStill:
    kept, face = still.evidence, still.evidence.face
    if face is None:
        return EvidenceStill(
            still.still_id,
            still.captured,
            still.result,
            kept.num_faces,
            kept.sha256,
            kept.pixel_hash,
            kept.perceptual_hash,
            kept.source,
        )
    return EvidenceStill(
        still.still_id,
        still.captured,
        still.result,
        kept.num_faces,
        kept.sha256,
        kept.pixel_hash,
        kept.perceptual_hash,
        kept.source,
        face.box,
        face.landmarks,
        face.sharpness,
        face.brightness,
        face.chip,
        face.features,
        face.features_id,
        face.thumbnail,
        face.picture_width,
        face.attack_score,
        face.attack_model_id,
    )
