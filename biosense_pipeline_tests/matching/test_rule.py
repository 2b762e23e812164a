"""The rule in force: tolerances, percentages and certainty of a still."""

import math

import pytest

from biosense_pipeline.choices import AccuracyScale
from biosense_pipeline.codes import StillResult
from biosense_pipeline.matching.calibration import Calibration
from biosense_pipeline.matching.rule import Rule

#: LLR 20 - 50 d, so 0 at a distance of 0.4.
CALIBRATION = Calibration("logistic", (20.0, -50.0, 0.0), (0.1, 1.0), (-4.0, 8.0))
CALIBRATED = Rule(0.42, calibration=CALIBRATION, calibration_id=7, own_tolerances={"na\\vep5898": 0.35})


def test_before_any_calibration_settings_decide() -> None:
    """Without a calibration the percentage is the band, certainty is unknown, and the source says so."""
    judgement = Rule(0.5).judge("NA\\vep5898", [0.45])
    assert (judgement.decision.result, judgement.tolerance) == (StillResult.SUCCESS, 0.5)
    assert (judgement.accuracy, judgement.certainty, judgement.calibration_id) == (75.0, None, None)
    assert Rule(0.5).source == "BIOSENSE_TOLERANCE, not calibrated on this site"


def test_calibration_gives_certainty() -> None:
    """With a calibration the percentage is the probability of the same person, and all it follows from is there."""
    judgement = CALIBRATED.judge("EU\\abc", [0.9, 0.38])
    assert judgement.decision.result is StillResult.SUCCESS_MULTIPLE_FACES
    assert judgement.certainty is not None
    assert judgement.certainty.llr == pytest.approx(1.0)
    assert judgement.certainty.p_genuine == pytest.approx(1 / (1 + math.exp(-1)))
    assert judgement.accuracy == pytest.approx(100 / (1 + math.exp(-1)))
    assert judgement.calibration_id == 7
    assert CALIBRATED.source == "calibration 7"


def test_prior_moves_the_probability_and_not_the_ratio() -> None:
    """Another prior gives another probability from the same LLR."""
    certainty = Rule(0.42, prior_genuine=0.99, calibration=CALIBRATION, calibration_id=7).certainty(0.4)
    assert certainty is not None
    assert certainty.llr == pytest.approx(0)
    assert certainty.p_genuine == pytest.approx(0.99)


@pytest.mark.parametrize("lan_id", ["NA\\vep5898", "na\\VEP5898", "NA\\vep5898  "])
def test_own_tolerance_is_the_agents_in_every_spelling(lan_id: str) -> None:
    """An agent's own tolerance holds for every spelling of the LAN id, and for nobody else."""
    assert CALIBRATED.tolerance_for(lan_id) == 0.35
    assert CALIBRATED.judge(lan_id, [0.38]).decision.result is StillResult.UNKNOWN_PERSON
    assert CALIBRATED.tolerance_for("NA\\vep5899") == 0.42
    assert CALIBRATED.tolerance_for(None) == 0.42


def test_own_tolerance_is_never_looser() -> None:
    """An own tolerance above the fleet's does not count."""
    assert Rule(0.3, own_tolerances={"na\\a": 0.4}).tolerance_for("NA\\a") == 0.3


def test_still_without_face_has_no_numbers() -> None:
    """No face: no percentage, no certainty; the tolerance and the calibration are on record all the same."""
    judgement = CALIBRATED.judge("EU\\abc", [])
    assert judgement.decision.result is StillResult.NO_FACES_FOUND
    assert (judgement.accuracy, judgement.certainty) == (None, None)
    assert (judgement.tolerance, judgement.calibration_id) == (0.42, 7)


@pytest.mark.parametrize(
    ("scale", "before", "after"),
    [
        (AccuracyScale.AUTO, 80.0, 50.0),
        (AccuracyScale.CALIBRATED, None, 50.0),
        (AccuracyScale.BANDS, 80.0, 80.0),
        (AccuracyScale.FACE_RECOGNITION, 42.86, 42.86),
    ],
)
def test_scales(scale: AccuracyScale, before: float | None, after: float) -> None:
    """Each scale gives its percentage before a calibration is in force and after."""
    distance, tolerance = 0.4 - 1e-9, 0.3
    calibrated = Rule(tolerance, scale, calibration=CALIBRATION, calibration_id=7)
    assert calibrated.accuracy(distance, tolerance) == pytest.approx(after, abs=0.01)
    accuracy = Rule(tolerance, scale).accuracy(distance, tolerance)
    assert accuracy == (None if before is None else pytest.approx(before, abs=0.01))
