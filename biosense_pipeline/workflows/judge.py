"""From an examined still to its outcome: the decision, the percentage, and the numbers behind them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from biosense_pipeline.codes import Status, StillResult
from biosense_pipeline.matching.benchmark import Reference, ReferenceState
from biosense_pipeline.matching.rule import Rule
from biosense_pipeline.settings import Settings
from biosense_pipeline.store.evidence.stills import KeptEvidence, KeptFace
from biosense_pipeline.store.stills.claims import ClaimedStill
from biosense_pipeline.store.stills.outcomes import REFERENCES, Comparison, StillOutcome
from biosense_pipeline.vision.examine import Examination, Fault
from biosense_pipeline.vision.faces import Face
from biosense_pipeline.workflows.workbench import naive_utc_now

_WITHOUT_REFERENCE = {
    ReferenceState.MISSING: StillResult.NO_TRAINING_IMAGE,
    ReferenceState.FAILED: StillResult.TRAINING_IMAGE_FAILED,
}


def judge(
    still: ClaimedStill, reference: Reference, examination: Examination, settings: Settings, rule: Rule
) -> StillOutcome:
    """The outcome of a still that was examined, by the rule in force; its agent's reference is READY."""
    spent = sum(examination.milliseconds.values())
    finished = naive_utc_now()
    started = finished - timedelta(milliseconds=spent)
    if examination.fault is Fault.UNREADABLE:
        return StillOutcome(
            still.id, Status.FAILED, StillResult.UNREADABLE_IMAGE, started, finished, detail=examination.detail
        )
    if examination.fault is Fault.ERROR:
        return _failed_attempt(still, settings, examination.detail, started, finished)
    found = reference.nearest([face.encoding for face in examination.faces])
    judgement = rule.judge(still.lan_id, [nearest.distance for nearest in found])
    compared_with = min(found, key=lambda nearest: nearest.distance).training_image_id if found else None
    decision, certainty = judgement.decision, judgement.certainty
    return StillOutcome(
        still.id,
        decision.result.status,
        decision.result,
        started,
        finished,
        accuracy=judgement.accuracy,
        num_faces=len(examination.faces),
        comparison=Comparison(
            compared_with or reference.training_image_ids[0],
            decision.distance,
            judgement.tolerance,
            _face_records(examination.faces, decision.distances, reference),
            spent,
            llr=certainty.llr if certainty else None,
            p_genuine=certainty.p_genuine if certainty else None,
            calibration_id=judgement.calibration_id,
        ),
        lan_id=still.lan_id,
        evidence=kept_evidence(examination),
        evidence_failure=examination.evidence_failure,
        attack_failure=_attack_failure(examination),
    )


def not_comparable(still: ClaimedStill, reference: Reference, settings: Settings) -> StillOutcome:
    """The outcome of a still whose agent's reference is not READY; nothing is examined for it."""
    now = naive_utc_now()
    reason = reference.state.value
    if reference.state not in _WITHOUT_REFERENCE:
        return _failed_attempt(still, settings, reason, now, now)
    result = _WITHOUT_REFERENCE[reference.state]
    return StillOutcome(still.id, result.status, result, now, now, detail=reason)


def _failed_attempt(
    still: ClaimedStill, settings: Settings, detail: str | None, started: datetime, finished: datetime
) -> StillOutcome:
    """Back to pending, or failed for good after the last attempt."""
    status = Status.FAILED if still.attempt >= settings.max_attempts else Status.PENDING
    reason = f"attempt {still.attempt} of {settings.max_attempts}: {detail}"
    return StillOutcome(still.id, status, StillResult.PROCESSING_ERROR, started, finished, detail=reason)


def _attack_failure(examination: Examination) -> str | None:
    """Why the operator's own model gave no score, where that is so."""
    face = examination.evidence and examination.evidence.face
    return face.attack_failure if face else None


def kept_evidence(examination: Examination) -> KeptEvidence | None:
    """The evidence of an examination as it is stored."""
    found = examination.evidence
    if found is None:
        return None
    face = found.face
    return KeptEvidence(
        len(examination.faces),
        found.sha256,
        found.pixel_hash,
        found.perceptual_hash,
        found.source,
        face=None
        if face is None
        else KeptFace(
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
        ),
    )


def _face_records(faces: Sequence[Face], distances: Sequence[float], reference: Reference) -> list[dict[str, Any]]:
    # Written down only where they are several: else the comparison's own training image says it.
    several = {REFERENCES: list(reference.approved)} if len(reference.approved) > 1 else {}
    return [
        {
            "box": list(face.box),
            "landmarks": np.round(face.landmarks, 2).tolist(),
            "distance": distance,
            **face.quality,
            **several,
        }
        for face, distance in zip(faces, distances, strict=True)
    ]
