"""A score learnt from collected stills: measured on people held out, and claimed for nothing else."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from biosense_pipeline.codes import Species
from biosense_pipeline.evaluation.collection.learning import held_out_scores, people_with, trained_score
from biosense_pipeline.evaluation.collection.measuring import told_by, usual_of_people
from biosense_pipeline.evaluation.collection.training import (
    MODEL,
    SHIPPED,
    TRAINED,
    NothingLearnt,
    TrainingRun,
    learn,
    numbers,
)
from biosense_pipeline.matching.evidence.attack_score import read_attack_score
from biosense_pipeline.matching.evidence.presentation import usual_score
from biosense_pipeline.matching.evidence.recapture import shipped_model
from biosense_pipeline.vision.presentation.features import FEATURES_ID
from biosense_pipeline_tests.evaluation.collection.material import NOTHING, PRINTS, SCREENS, Shift, collected


def trained(attacks: Mapping[str, Shift], **others: Any) -> TrainingRun:
    model = "mine-1" if "model" in others else None
    return learn(collected(attacks, **others), shipped_model(), model)


@pytest.fixture(scope="module")
def run() -> TrainingRun:
    """Prints and screens that can be told, films that cannot; a model of one's own that tells the same."""
    return trained(
        {"print": PRINTS, "screen": SCREENS, "replay": NOTHING}, model=dict.fromkeys(("print", "screen"), 3.0)
    )


def test_what_was_measured_is_claimed_and_nothing_else(run: TrainingRun) -> None:
    """A species that is told counts; films that are not told, and masks, which nobody showed, are not measured."""
    told = numbers(run)
    assert {name: found["counts"] for name, found in told["measured"].items()} == {
        "print": True,
        "screen": True,
        "replay": False,
    }
    assert told["not_measured"] == ["replayed films", "masks"]
    assert set(run.score.measured) == {Species.PRINT, Species.SCREEN}
    assert told["genuine"] == {"stills": 60, "sittings": 6}
    assert told["people"] == {"PRINT": 6, "SCREEN": 6}
    assert told["stills"] == {"genuine-reference": 90, "genuine": 60, "print": 120, "screen": 120, "replay": 120}
    assert json.loads(json.dumps(told)) == told


def test_figures_are_of_people_held_out(run: TrainingRun) -> None:
    """AUC and distances have intervals over people; the model is measured too, and what ships does not tell these."""
    prints = run.told["print"]
    assert prints[TRAINED].auc > 0.9 > prints[SHIPPED].auc
    interval = prints[TRAINED].auc_interval
    assert interval is not None
    assert interval[0] <= prints[TRAINED].auc <= interval[1]
    assert (prints[TRAINED].people, prints[TRAINED].stills) == (6, 60)
    assert 0 < prints[TRAINED].least_distance < prints[TRAINED].distance
    assert run.told["replay"][TRAINED].least_distance <= 0
    assert [run.told[name][MODEL].auc > 0.9 for name in ("print", "screen", "replay")] == [True, True, False]
    assert set(run.score.models["mine-1"].distances) == {Species.PRINT, Species.SCREEN}


def test_it_adds(run: TrainingRun) -> None:
    """All cues together find what they did not find without the score, and hardly anything genuine besides."""
    for name in ("print", "screen"):
        without, added = run.without[name].single, run.added[name].single
        assert without is not None
        assert added is not None
        assert added.values["apcer_in_use"] < without.values["apcer_in_use"] - 0.5
        assert added.values["bpcer_in_use"] <= 0.05


def test_the_file_holds_the_figures_and_no_person(run: TrainingRun) -> None:
    """What is written can be read by this release, with the figures printed; it names no subject."""
    text = run.score.as_text()
    read = read_attack_score(text, FEATURES_ID)
    assert read.score_id == run.score.score_id
    assert read.figures == numbers(run)
    assert "person" not in text
    assert len(text) < 100_000


def test_a_model_may_tell_what_no_training_could() -> None:
    """Where the model alone tells attacks, that is measured and written; a model that says one thing of all is not."""
    told = trained({"replay": NOTHING}, people=5, model={"replay": 4.0})
    assert told.score.measured == {}
    assert set(told.score.models["mine-1"].distances) == {Species.SCREEN}
    assert told.not_measured == ["prints", "pictures on screens", "masks"]
    stills = collected({"print": PRINTS}, people=5, model={})
    for _, sequence in stills.sequences:
        sequence.attack_scores[:] = 1.0
    assert learn(stills, shipped_model(), "mine-1").score.models["mine-1"].distances == {}


def test_noise_teaches_nothing() -> None:
    """Attacks that look as their people do are no ground for a score, and it is said."""
    with pytest.raises(NothingLearnt, match="could be shown to tell"):
        trained({"print": NOTHING}, people=5)


def test_too_few_people() -> None:
    """Of four people a score might know each by heart: it is refused, with how many there are and must be."""
    with pytest.raises(NothingLearnt, match="4 people are too few to learn from: 5 at least"):
        trained({"print": PRINTS}, people=4)


def test_who_is_missing_a_sitting_does_not_count() -> None:
    """Only those count who were taken in both sittings and in an attack of the second."""
    stills = collected({"print": PRINTS}, people=5)
    del stills.attacks[0].sequences[1]
    assert people_with(stills, Species.PRINT) == [f"person{number}" for number in range(2, 6)]
    del stills.genuine.sequences[-1]
    assert people_with(stills, Species.SCREEN) == []


def test_nobody_is_measured_by_a_score_that_knows_him() -> None:
    """A held-out person's scores do not hang on his stills: with others in their stead the weights are the same."""
    stills, other = collected({"print": PRINTS}, people=5), collected({"print": PRINTS}, people=5)
    names = people_with(stills, Species.PRINT)
    other.features[other.people == names[0]] += 100
    for changed in (False, True):
        of = other if changed else stills
        weights = trained_score(of, Species.PRINT, names[1:]).as_text()
        assert weights == trained_score(stills, Species.PRINT, names[1:]).as_text()
    scores = held_out_scores(stills, Species.PRINT, names)
    own = stills.people == names[0]
    without = trained_score(stills, Species.PRINT, names[1:])
    assert scores[own] == pytest.approx(without.fused(stills.features[own], stills.brightness[own]))


def test_levels_are_of_the_first_sitting() -> None:
    """Scores that only differ between people, each with a level of his own, tell nothing."""
    stills = collected({"print": PRINTS}, people=5)
    levels = {name: 10.0 * number for number, name in enumerate(dict.fromkeys(stills.people.tolist()))}
    noise = np.random.default_rng(0).normal(0, 1, len(stills.people))
    scores = np.array([levels[name] for name in stills.people.tolist()]) + noise
    spread = usual_of_people(stills, scores, usual_score(1))
    found = told_by(stills, scores, spread, "print")
    assert found is not None
    assert 0.35 < found.auc < 0.65
    above = told_by(stills, scores + 5.0 * (stills.kinds == "print"), spread, "print")
    assert above is not None
    assert above.auc > 0.99
    assert above.distance == pytest.approx(found.distance + 5.0)


def test_the_same_again() -> None:
    """The same stills give the same score, to the letter."""
    stills = collected({"print": PRINTS}, people=5)
    names = people_with(stills, Species.PRINT)
    one, other = (trained_score(stills, Species.PRINT, names).as_text() for _ in range(2))
    assert one == other
