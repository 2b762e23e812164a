"""The recapture scores: linear, standardised on genuine stills, and read only whole."""

import json

import numpy as np
import pytest

from biosense_pipeline.matching.evidence.recapture import (
    COLOUR_GROUPS,
    CONTEXT_GROUPS,
    GroupScore,
    RecaptureModel,
    RecaptureModelUnusable,
    enough_light,
    shipped_model,
)
from biosense_pipeline.vision.presentation.features import FEATURES_ID, GROUPS, LENGTH


def small_model() -> RecaptureModel:
    """Two groups of two features."""
    one = GroupScore(np.array([1.0, 2.0]), np.array([1.0, 2.0]), np.array([1.0, 0.5]), 0.5, 2.0)
    other = GroupScore(np.array([0.0, 0.0]), np.array([1.0, 1.0]), np.array([1.0, -1.0]), 0.0, 1.0)
    groups = {"ring": one, "chroma": other}
    return RecaptureModel("two-4", groups, {"ring": slice(0, 2), "chroma": slice(2, 4)}, {}, "Somebody, CC BY")


def test_a_score_is_the_standardised_weighted_sum() -> None:
    """By hand: features against genuine mean and spread, weighted, and the sum against its own."""
    found = small_model().scores(np.array([[2.0, 4.0, 3.0, 1.0]]))
    assert found == pytest.approx(np.array([[((2 - 1) + 0.5 * (4 - 2) / 2 - 0.5) / 2, 2.0]]))


def test_what_was_not_seen_counts_as_the_mean() -> None:
    """A feature of exactly 0 moves no score."""
    model = small_model()
    assert model.scores(np.array([[0.0, 4.0, 3.0, 1.0]])) == pytest.approx(
        model.scores(np.array([[1.0, 4.0, 3.0, 1.0]]))
    )


def test_no_single_feature_decides() -> None:
    """Beyond four spreads more of the same says no more."""
    model = small_model()
    assert model.scores(np.array([[9e9, 1.0, 1.0, 1.0]])) == pytest.approx(model.scores(np.array([[99.0, 1, 1, 1]])))


def test_colours_count_only_in_enough_light() -> None:
    """In the dark the fused score is that of the other groups; in the light, of all."""
    model, still = small_model(), np.array([[2.0, 4.0, 3.0, 1.0]])
    of_groups = model.scores(still)[0]
    assert model.fused(still, np.array([20.0])) == pytest.approx([of_groups[0]])
    assert model.fused(still, np.array([120.0])) == pytest.approx([of_groups.sum()])
    assert model.fused(still) == pytest.approx([of_groups.sum()])


def test_light_is_enough_by_degrees() -> None:
    """No step at which a little more light changes a verdict."""
    levels = enough_light(np.linspace(0, 255, 256))
    assert levels[0] == 0
    assert levels[-1] == 1
    assert (np.diff(levels) >= 0).all()
    assert np.diff(levels).max() < 0.05


def test_without_a_baseline_the_surroundings_alone_count() -> None:
    """The fused score of the context groups leaves out those that look into the face."""
    model, still = small_model(), np.array([[2.0, 4.0, 3.0, 1.0]])
    assert model.fused(still, context_only=True) == pytest.approx(model.scores(still)[:, 0])


def test_a_model_survives_its_text() -> None:
    """Written and read, it scores the same to six digits and keeps its credits."""
    model = small_model()
    read = RecaptureModel.of_text(model.as_text())
    still = np.array([[2.0, 4.0, 3.0, 1.0]])
    assert read.scores(still) == pytest.approx(model.scores(still), rel=1e-5)
    assert (read.features_id, read.names, read.credits) == (model.features_id, model.names, model.credits)


@pytest.mark.parametrize("spoil", ["", "{}", '{"groups": {}}', "[]", "null"])
def test_a_torn_model_is_refused(spoil: str) -> None:
    """A text that is no model ends in one sentence."""
    with pytest.raises(RecaptureModelUnusable, match="cannot be read"):
        RecaptureModel.of_text(spoil)


def test_a_model_with_columns_that_do_not_fit_is_refused() -> None:
    """A weight too few is no model."""
    value = json.loads(small_model().as_text())
    value["groups"]["ring"]["weights"].pop()
    with pytest.raises(RecaptureModelUnusable, match="ring"):
        RecaptureModel.of_text(json.dumps(value))


def test_features_of_another_layout_are_refused() -> None:
    """Too few numbers are not taken for something else."""
    with pytest.raises(ValueError, match="too few"):
        small_model().scores(np.zeros((1, 3)))


def test_the_shipped_model_fits_the_features() -> None:
    """It was trained on the features that recognition stores, group by group, and says on what."""
    model = shipped_model()
    assert model.features_id == FEATURES_ID
    assert {name: GROUPS[name] for name in model.names} == dict(model.slices)
    assert set(model.names) & set(CONTEXT_GROUPS)
    assert set(model.names) <= set(GROUPS)
    assert set(COLOUR_GROUPS) <= set(GROUPS)
    assert model.training["not_measured"]
    assert "CC BY" in model.credits


def test_the_shipped_scores_are_finite_and_named() -> None:
    """Any features, those of a still in which nothing was seen included, have a score in every group."""
    rng = np.random.default_rng(0)
    assert np.isfinite(shipped_model().scores(rng.normal(0, 100, (20, LENGTH)))).all()
    assert shipped_model().scores(np.zeros(LENGTH)).shape == (1, len(shipped_model().names))
