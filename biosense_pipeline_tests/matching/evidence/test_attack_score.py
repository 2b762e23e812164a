"""The file of a trained score: read as it was written, and refused where it is not for this release."""

import json

import numpy as np
import pytest

from biosense_pipeline.codes import Species
from biosense_pipeline.errors import WrongUse
from biosense_pipeline.matching.evidence.attack_score import AttackScore, AttackScoreUnusable, read_attack_score
from biosense_pipeline.matching.evidence.levels import Usual
from biosense_pipeline.matching.evidence.own_scores import Measurement
from biosense_pipeline.matching.evidence.recapture import GroupScore, RecaptureModel

ONE = GroupScore(np.array([0.25]), np.array([2.0]), np.array([1.0 / 3]), 0.5, 1.5)
GROUPS = RecaptureModel("two-1", {"ring": ONE}, {"ring": slice(1, 2)}, {})
USUAL = Usual(0.0, 1.0, 0.5, 0.5)
SCORE = AttackScore(
    "two-1",
    dict.fromkeys((Species.PRINT, Species.SCREEN), GROUPS),
    {
        Species.PRINT: Measurement(USUAL, {Species.PRINT: 2.5}, 0.6),
        Species.SCREEN: Measurement(USUAL, {Species.SCREEN: 1.5}, 0.4),
    },
    {Species.SCREEN: 0.75},
    {"mine-1": Measurement(USUAL, {Species.SCREEN: 1.0}, 0.1)},
    {"people": 6},
)


def test_it_is_read_as_it_was_written() -> None:
    """Scores, what was measured and figures come back, under the same id; the cues are those of its species."""
    read = read_attack_score(SCORE.as_text(), "two-1")
    assert read.as_text() == SCORE.as_text()
    assert read.score_id == SCORE.score_id
    assert (read.measured, read.models, read.figures) == (SCORE.measured, SCORE.models, SCORE.figures)
    assert [own.name for own in read.own_scores] == ["trained_print", "trained_screen"]
    features, light = np.array([[9.0, 3.25]]), np.array([120.0])
    for one, other in zip(read.own_scores, SCORE.own_scores, strict=True):
        none = np.full(1, np.nan)
        assert one.values(features, light, none) == pytest.approx(other.values(features, light, none), abs=1e-5)
        assert one.recapture_distances == {Species.SCREEN: 0.75}


def test_whatever_changes_changes_the_id() -> None:
    """Two files that decide differently have different ids."""
    text = SCORE.as_text()
    others = [text.replace("2.5", "2.6"), text.replace('"people": 6', '"people": 7'), text.replace("0.75", "0.76")]
    assert len({read_attack_score(each, "two-1").score_id for each in [text, *others]}) == 4


def test_other_features_are_refused() -> None:
    """A score of another release's features is refused with what to do, as wrong use."""
    with pytest.raises(AttackScoreUnusable, match=r"the features two-1 and this release has three-1: train it again"):
        read_attack_score(SCORE.as_text(), "three-1")
    assert issubclass(AttackScoreUnusable, WrongUse)


def torn(*path: str, value: object) -> str:
    """The text with one value another one."""
    whole = json.loads(SCORE.as_text())
    part = whole
    for name in path[:-1]:
        part = part[name]
    part[path[-1]] = value
    return json.dumps(whole)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        SCORE.as_text()[:-40],
        torn("kind", value="a cake"),
        torn("version", value=2),
        torn("species", value={"GHOST": {}}),
        torn("species", "PRINT", "groups", value={}),
        torn("species", "PRINT", "groups", "ring", "spread", value=[0.0]),
        torn("species", "PRINT", "groups", "ring", "weights", value=[1.0, 2.0]),
        torn("species", "PRINT", "groups", "ring", "weights", value=[float("nan")]),
        torn("species", "PRINT", "measured", "distances", value={"PRINT": "far"}),
        torn("species", "PRINT", "measured", "usual", value={"centre": 0}),
        torn("species", "PRINT", "measured", "usual", "within", value=0),
        torn("species", "PRINT", "measured", "correlation", value=float("inf")),
        torn("models", value=[]),
    ],
)
def test_torn_files_are_refused(text: str) -> None:
    """What is no such file, or was changed into nonsense, is refused with the command that writes one."""
    with pytest.raises(AttackScoreUnusable, match="biosense attacks train"):
        read_attack_score(text, "two-1")
