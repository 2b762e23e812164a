"""From an examined training image to its verdict: the checks, and who has to approve it."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import timedelta

from biosense_pipeline.choices import Approval
from biosense_pipeline.codes import TrainingResult
from biosense_pipeline.matching.enrolment import (
    Check,
    EnrolledFace,
    QualityLimits,
    collision_check,
    consistency_check,
    count_check,
    quality_checks,
)
from biosense_pipeline.settings import Settings
from biosense_pipeline.store.enrolment.checks import StoredCheck
from biosense_pipeline.store.enrolment.images import enrolled_faces
from biosense_pipeline.store.enrolment.verdicts import EncodedFace, TrainingVerdict
from biosense_pipeline.vision.examine import Examination, Fault
from biosense_pipeline.workflows.rules import load_rule
from biosense_pipeline.workflows.workbench import Workbench, naive_utc_now

_BY_COUNT = {0: TrainingResult.NO_FACE, 1: TrainingResult.ONE_FACE}


class Gate:
    """Checks training images one after the other; each that passes is a face that later ones may collide with."""

    def __init__(self, bench: Workbench) -> None:
        settings = bench.settings
        self._limits = limits_of(settings)
        self._passed = (
            TrainingResult.ONE_FACE if settings.approved_by is Approval.AUTO else TrainingResult.AWAITING_APPROVAL
        )
        self._rule = load_rule(bench.database, settings, bench.model_id)
        self._enrolled = [
            EnrolledFace(face.training_image_id, face.lan_id, face.encoding, face.approved)
            for face in enrolled_faces(bench.database, bench.model_id)
        ]

    def verdict(self, image_id: int, lan_id: str | None, examination: Examination) -> TrainingVerdict:
        """The verdict on an image that was examined with an ENROLMENT_LOOK."""
        found = plain_verdict(image_id, lan_id, examination)
        result, detail = found.result, found.detail
        if examination.fault is not None:
            checks = [Check("readable", None, None, False, True, detail)]
        else:
            checks = [count_check(len(examination.faces))]
        if len(examination.faces) == 1:
            face = examination.faces[0]
            checks += quality_checks(face.quality, self._limits)
            agent, tolerance = lan_id or "", self._rule.tolerance_for(lan_id)
            earlier = [entry for entry in self._enrolled if entry.training_image_id != image_id]
            checks.append(collision_check(agent, face.encoding, earlier, tolerance))
            checks.append(consistency_check(agent, face.encoding, earlier, tolerance))
            detail = "; ".join(check.reason or check.name for check in checks if check.decides and not check.passed)
            result = TrainingResult.POOR if detail else self._passed
            if not detail:
                approved = result is TrainingResult.ONE_FACE
                self._enrolled.append(EnrolledFace(image_id, agent, face.encoding, approved))
        return TrainingVerdict(
            image_id, lan_id, result, found.face, detail or None, found.started, found.finished, _stored(checks)
        )


def plain_verdict(image_id: int, lan_id: str | None, examination: Examination) -> TrainingVerdict:
    """The verdict on an image of which only the encoding is wanted: whoever approved it has judged it."""
    result, detail = _count(examination)
    face = None
    if result is TrainingResult.ONE_FACE:
        only = examination.faces[0]
        face = EncodedFace(only.encoding, only.box, only.quality)
    finished = naive_utc_now()
    started = finished - timedelta(milliseconds=sum(examination.milliseconds.values()))
    return TrainingVerdict(image_id, lan_id, result, face, detail, started, finished)


def limits_of(settings: Settings) -> QualityLimits:
    """The limits that the settings ask training images to hold to."""
    return QualityLimits(
        settings.training_min_face_width,
        settings.training_min_sharpness,
        settings.training_max_clipped,
        settings.training_max_nose_offset,
        settings.training_max_roll,
    )


def _count(examination: Examination) -> tuple[TrainingResult, str | None]:
    if examination.fault is Fault.UNREADABLE:
        return TrainingResult.UNREADABLE, examination.detail
    if examination.fault is Fault.ERROR:
        return TrainingResult.ERROR, examination.detail
    count = len(examination.faces)
    return _BY_COUNT.get(count, TrainingResult.SEVERAL_FACES), count_check(count).reason


def _stored(checks: Iterable[Check]) -> tuple[StoredCheck, ...]:
    return tuple(StoredCheck(**asdict(check)) for check in checks)
