"""The checks of a training image: what passes, what fails, and what is said of it."""

from dataclasses import replace

import numpy as np
import pytest

from biosense_pipeline.matching.enrolment import (
    EnrolledFace,
    QualityLimits,
    collision_check,
    consistency_check,
    count_check,
    quality_checks,
)

LIMITS = QualityLimits(face_width=80, sharpness=25, clipped=0.25, nose_offset=0.35, roll=25)
#: Numbers that just hold to the limits.
JUST = {
    "width": 80.0,
    "aligned_sharpness": 25.0,
    "dark_share": 0.25,
    "bright_share": 0.25,
    "nose_offset": 0.35,
    "roll": 25.0,
}
AGENT, OTHER = "NA\\vep5898", "EU\\<b>x"
TOLERANCE = 0.5


def test_exactly_one_face() -> None:
    """One face passes; none and several fail, and it is said how many there were."""
    assert count_check(1).passed
    assert (count_check(0).passed, count_check(0).reason) == (False, "no face was found; exactly one is needed")
    assert (count_check(3).value, count_check(3).reason) == (3, "3 faces were found; exactly one is needed")


def test_limits_are_included() -> None:
    """Numbers that reach the limits exactly pass every check, without a reason."""
    checks = quality_checks(JUST, LIMITS)
    assert [check.name for check in checks] == [
        "face_width",
        "sharpness",
        "dark_share",
        "bright_share",
        "nose_offset",
        "roll",
    ]
    assert all(check.passed and check.decides and check.reason is None for check in checks)
    assert [check.threshold for check in checks] == [80, 25, 0.25, 0.25, 0.35, 25]


@pytest.mark.parametrize(
    ("number", "value", "name", "words"),
    [
        ("width", 79.0, "face_width", "79 pixels wide and has to be 80 at least: come closer"),
        ("aligned_sharpness", 24.96, "sharpness", "blurred (sharpness 25.0, at least 25 is needed)"),
        ("dark_share", 0.4, "dark_share", "40.0% of the face is black, at most 25% may be: put a light"),
        ("bright_share", 0.26, "bright_share", "26.0% of the face is white, at most 25% may be: turn down"),
        ("nose_offset", 0.6, "nose_offset", "the head is turned to the side"),
        ("roll", 31.4, "roll", "tilted by 31.4 degrees, at most 25 may be"),
    ],
)
def test_one_number_beyond_its_limit(number: str, value: float, name: str, words: str) -> None:
    """What does not hold to its limit fails alone, and says what to do about it."""
    (failed,) = [check for check in quality_checks({**JUST, number: value}, LIMITS) if not check.passed]
    assert (failed.name, failed.value, failed.decides) == (name, value, True)
    assert failed.reason is not None
    assert words in failed.reason


def test_what_could_not_be_measured_fails() -> None:
    """A missing number passes no check."""
    checks = quality_checks({}, LIMITS)
    assert not any(check.passed for check in checks)
    assert {check.value for check in checks} == {None}


def test_collision_names_the_nearest_and_decides_nothing() -> None:
    """Another agent's face within the tolerance is told with its distance, and fails nothing."""
    enrolled = [_enrolled(1, OTHER, 0.3), _enrolled(2, "AP\\third", 0.45), _enrolled(3, AGENT, 0.0)]
    check = collision_check(AGENT, _face(0.0), enrolled, TOLERANCE)
    assert (check.passed, check.decides) == (False, False)
    assert check.value == pytest.approx(0.3)
    assert check.reason is not None
    assert "training image 1, another agent's" in check.reason
    assert OTHER not in check.reason
    assert "decides nothing" in check.reason


def test_no_collision() -> None:
    """Faces beyond the tolerance collide with nobody; without others there is nothing to measure."""
    check = collision_check(AGENT, _face(0.0), [_enrolled(1, OTHER, 0.6)], TOLERANCE)
    assert (check.passed, check.reason) == (True, None)
    assert check.value == pytest.approx(0.6)
    own = [_enrolled(1, AGENT.upper() + " ", 0.0)]
    assert collision_check(AGENT, _face(0.0), own, TOLERANCE).value is None


def test_waiting_images_collide_too() -> None:
    """Two agents whose images both still wait are told to collide: approving one would hide it from the other."""
    waiting = replace(_enrolled(1, OTHER, 0.1), approved=False)
    assert not collision_check(AGENT, _face(0.0), [waiting], TOLERANCE).passed


def test_consistency_with_the_agents_own() -> None:
    """A face that most of the agent's approved images differ from is told, and fails nothing."""
    own = [_enrolled(number, AGENT.upper(), place) for number, place in enumerate((0.0, 0.1, 0.9))]
    assert consistency_check(AGENT, _face(0.2), own, TOLERANCE).passed
    check = consistency_check(AGENT, _face(0.8), own, TOLERANCE)
    assert (check.passed, check.decides) == (False, False)
    assert check.value == pytest.approx(0.7)
    assert check.reason is not None
    assert "decides nothing" in check.reason


def test_nothing_earlier_to_be_consistent_with() -> None:
    """Other agents' images and such as only wait say nothing of consistency."""
    others = [_enrolled(1, OTHER, 5.0), replace(_enrolled(2, AGENT, 5.0), approved=False)]
    check = consistency_check(AGENT, _face(0.0), others, TOLERANCE)
    assert (check.passed, check.value, check.threshold) == (True, None, TOLERANCE)


def _face(place: float) -> np.ndarray:
    return np.array([place, 0, 0, 0], dtype=np.float32)


def _enrolled(image_id: int, lan_id: str, place: float) -> EnrolledFace:
    return EnrolledFace(image_id, lan_id, _face(place), approved=True)
