"""The checks of a training image: each a number, the limit it is held against, and what to do where it fails."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from biosense_pipeline.lan_ids import agent_key
from biosense_pipeline.matching.benchmark import median_low
from biosense_pipeline.matching.distance import distances


@dataclass(frozen=True)
class Check:
    """One check.

    Attributes:
        value: what was measured; None where there was nothing to measure.
        decides: an image that does not pass fails for it; else it is only shown to whoever approves.
        reason: why it did not pass, in plain words; None where it did.
    """

    name: str
    value: float | None
    threshold: float | None
    passed: bool
    decides: bool
    reason: str | None


@dataclass(frozen=True)
class QualityLimits:
    """What the face in a training image has to hold to; ``vision.appraisal`` says what the numbers are.

    Attributes:
        clipped: the largest share of the face that may be black, and that may be white.
    """

    face_width: float
    sharpness: float
    clipped: float
    nose_offset: float
    roll: float


@dataclass(frozen=True)
class EnrolledFace:
    """The face of a training image that was approved, or that passed its checks and waits for it."""

    training_image_id: int
    lan_id: str
    encoding: np.ndarray
    approved: bool


def count_check(faces: int) -> Check:
    """Whether there is exactly one face."""
    reason = None
    if faces != 1:
        found = "no face was found" if faces == 0 else f"{faces} faces were found"
        reason = f"{found}; exactly one is needed"
    return Check("faces", faces, 1, faces == 1, True, reason)


def quality_checks(numbers: Mapping[str, float], limits: QualityLimits) -> list[Check]:
    """Whether the one face is large, sharp, lit and turned to the camera enough to be compared with.

    Args:
        numbers: of the face, by the names of ``vision.quality`` and ``vision.appraisal``. One that is missing fails.
    """

    def least(name: str, number: str, limit: float, reason: str) -> Check:
        value = numbers.get(number)
        return _quality(name, value, limit, value is not None and value >= limit, reason)

    def most(name: str, number: str, limit: float, reason: str) -> Check:
        value = numbers.get(number)
        return _quality(name, value, limit, value is not None and value <= limit, reason)

    return [
        least(
            "face_width",
            "width",
            limits.face_width,
            "the face is {value:.0f} pixels wide and has to be {limit:g} at least: come closer to the camera",
        ),
        least(
            "sharpness",
            "aligned_sharpness",
            limits.sharpness,
            "the face is blurred (sharpness {value:.1f}, at least {limit:g} is needed): wipe the lens, hold still "
            "and let in more light",
        ),
        most(
            "dark_share",
            "dark_share",
            limits.clipped,
            "{value:.1%} of the face is black, at most {limit:.0%} may be: put a light in front of the face",
        ),
        most(
            "bright_share",
            "bright_share",
            limits.clipped,
            "{value:.1%} of the face is white, at most {limit:.0%} may be: turn down the light on the face",
        ),
        most(
            "nose_offset",
            "nose_offset",
            limits.nose_offset,
            "the head is turned to the side (nose offset {value:.2f}, at most {limit:g} is allowed): look straight "
            "into the camera",
        ),
        most(
            "roll",
            "roll",
            limits.roll,
            "the head or the camera is tilted by {value:.1f} degrees, at most {limit:g} may be: hold it upright",
        ),
    ]


def collision_check(lan_id: str, encoding: np.ndarray, enrolled: Sequence[EnrolledFace], tolerance: float) -> Check:
    """Whether the face differs from that of every other agent. Decides nothing: colleagues may look alike.

    The reason names no agent: who reads it may lead another team.
    """
    others = [face for face in enrolled if agent_key(face.lan_id) != agent_key(lan_id)]
    if not others:
        return Check("collision", None, tolerance, True, False, None)
    found = distances(encoding, [face.encoding for face in others])
    position = int(found.argmin())
    nearest, face = float(found[position]), others[position]
    reason = None
    if nearest <= tolerance:
        reason = (
            f"the face is as near to training image {face.training_image_id}, another agent's, as two pictures of one "
            f"person are (distance {nearest:.2f}, tolerance {tolerance:.2f}); this decides nothing: have them compared"
        )
    return Check("collision", nearest, tolerance, reason is None, False, reason)


def consistency_check(lan_id: str, encoding: np.ndarray, enrolled: Sequence[EnrolledFace], tolerance: float) -> Check:
    """Whether the face agrees with the agent's earlier approved images. Decides nothing: these may be wrong ones."""
    own = [face.encoding for face in enrolled if face.approved and agent_key(face.lan_id) == agent_key(lan_id)]
    if not own:
        return Check("consistency", None, tolerance, True, False, None)
    median = median_low(distances(encoding, own))
    reason = None
    if median > tolerance:
        reason = (
            f"the face differs from most of the agent's earlier approved images (distance {median:.2f}, tolerance "
            f"{tolerance:.2f}); this decides nothing: look whether all show the agent"
        )
    return Check("consistency", median, tolerance, reason is None, False, reason)


def _quality(name: str, value: float | None, limit: float, passed: bool, reason: str) -> Check:
    told = None
    if value is None:
        told = "this could not be measured"
    elif not passed:
        told = reason.format(value=value, limit=limit)
    return Check(name, value, limit, passed, True, told)
