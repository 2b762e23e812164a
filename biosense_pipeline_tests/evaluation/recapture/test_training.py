"""Training a score for each group, and the rule that chooses groups."""

from pathlib import Path

import numpy as np
import pytest

from biosense_pipeline.errors import WrongUse
from biosense_pipeline.evaluation.page import prepare_report
from biosense_pipeline.evaluation.recapture.report import REPORT_FILE, write_model, write_report
from biosense_pipeline.evaluation.recapture.run import numbers, trained
from biosense_pipeline.evaluation.recapture.sources import Sources
from biosense_pipeline.evaluation.recapture.styles import STYLES
from biosense_pipeline.evaluation.recapture.synthesis import GENUINE, Stills
from biosense_pipeline.evaluation.recapture.training import (
    PRINTS,
    Carry,
    auc,
    auc_of,
    auc_without_baseline,
    carry,
    chosen,
    fit,
    fit_group,
)
from biosense_pipeline.matching.evidence.recapture import RecaptureModel
from biosense_pipeline.vision.presentation.features import GROUPS, LENGTH


def made_up(seed: int, shift: dict[str, tuple[str, float]], number: int = 100) -> Stills:
    """Trials of people who differ much from one another, whose recaptures differ in one number of a group."""
    rng = np.random.default_rng(seed)
    people = rng.normal(20, 3, (number, LENGTH))
    parts, styles = [], []
    for style in (GENUINE, GENUINE, *shift):
        values = people + rng.normal(0, 1, (number, LENGTH))
        if style != GENUINE:
            group, by = shift[style]
            values[:, GROUPS[group].start] += by
        parts.append(values)
        styles += [style] * number
    trials = np.tile(np.arange(number), len(parts))
    return Stills(np.concatenate(parts).astype(np.float32), np.array(styles), trials, trials.astype(str))


def test_auc_is_the_share_of_pairs_in_order() -> None:
    """Counted by hand, ties as half."""
    assert auc(np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.0])) == pytest.approx((1.5 + 3) / 6)
    assert np.isnan(auc(np.array([]), np.array([1.0])))


def test_scores_are_standardised_on_genuine_stills_and_directed() -> None:
    """Genuine stills have mean 0, and variance 1 among people not trained on; prints lie above."""
    stills, others = (made_up(seed, {PRINTS[0]: ("chroma", 4.0)}) for seed in (0, 1))
    score = fit_group(stills, "chroma")
    found = score.scores(stills.features[:, GROUPS["chroma"]])
    assert found[stills.style == GENUINE].mean() == pytest.approx(0, abs=1e-6)
    found = score.scores(others.features[:, GROUPS["chroma"]])
    assert found[others.style == GENUINE].std() == pytest.approx(1, rel=0.3)
    assert auc_of(found, others, PRINTS[0]) > 0.9


def test_how_people_differ_is_left_to_their_baselines() -> None:
    """Against a person's own still a recapture is told, which against anybody's is hardly."""
    stills, others = (made_up(seed, {PRINTS[0]: ("chroma", 4.0)}) for seed in (0, 1))
    found = fit_group(stills, "chroma").scores(others.features[:, GROUPS["chroma"]])
    assert auc_of(found, others, PRINTS[0]) > auc_without_baseline(found, others, PRINTS[0]) + 0.05


def test_weights_agree_with_a_ridge_regression_of_scikit_learn() -> None:
    """They are those of its logistic regression of the differences, with the same penalty and balance."""
    from sklearn.linear_model import LogisticRegression

    stills = made_up(1, {PRINTS[0]: ("chroma", 1.5)})
    score = fit_group(stills, "chroma", ridge=10.0 / 400)
    values = score.standardised(stills.features[:, GROUPS["chroma"]])
    first, second, attack = values[:100], values[100:200], values[200:]
    rows = np.concatenate([first - second, second - first, attack - first, attack - second])
    theirs = LogisticRegression(C=1 / 10.0, tol=1e-8, max_iter=1000).fit(rows, np.arange(400) >= 200).coef_[0]
    assert score.weights == pytest.approx(theirs, abs=1e-3)


def test_a_group_is_kept_where_it_carries_over_both_ways() -> None:
    """The worse of the two directions decides; within a style, or to a screen, an AUC counts for nothing."""
    photo, plain = PRINTS
    carried = [
        *(Carry("kept", one, other, 0.8) for one in PRINTS for other in PRINTS),
        *(Carry("own style only", one, other, 0.99 if one == other else 0.6) for one in PRINTS for other in PRINTS),
        *(Carry("one way", one, other, 0.95 if one == photo else 0.7) for one in PRINTS for other in PRINTS),
        Carry("one way", plain, "phone_screen", 0.99),
    ]
    assert chosen(carried, PRINTS) == ("kept",)


def test_marks_of_a_single_style_do_not_carry_over() -> None:
    """What one style moves and the other does not is learnt within it, and shows as chance in the other."""
    photo, plain = PRINTS
    shift = {photo: ("chroma", 4.0), plain: ("sharpness", 4.0)}
    carried = {(e.group, e.trained, e.tested): e.auc for e in carry(made_up(2, shift), made_up(3, shift), PRINTS)}
    assert carried["chroma", photo, photo] > 0.95
    assert carried["chroma", photo, plain] < 0.65
    assert chosen((Carry(*key, value) for key, value in carried.items()), PRINTS) == ()


def test_training_is_deterministic() -> None:
    """The same stills give the same model, to the letter."""
    stills = made_up(4, {PRINTS[0]: ("ring", 2.0)})
    one, other = (fit(stills, ("ring", "chroma"), {}, "").as_text() for _ in range(2))
    assert one == other


def test_a_run_trains_on_all_people_and_is_written(tmp_path: Path) -> None:
    """The model that is written holds the groups that carried over, the figures and the credits; the report plots."""
    shift = dict.fromkeys(STYLES, ("chroma", 6.0))
    run = trained(Sources((), (), "Portraits: somebody."), made_up(5, shift), made_up(6, shift))
    assert run.groups == ("chroma",)
    assert run.stills == {GENUINE: 400, **dict.fromkeys(STYLES, 200)}
    write_model(tmp_path / "model.json", run)
    model = RecaptureModel.of_text((tmp_path / "model.json").read_text())
    assert model.names == run.groups
    assert model.credits == "Portraits: somebody."
    assert model.training["auc_held_out"] == numbers(run)["auc_held_out"]
    assert numbers(run)["auc_held_out"]["chroma"]["plain_paper"] > 0.95
    assert set(numbers(run)["auc_without_baseline"]) == {"chroma", "sum"}
    report = prepare_report(tmp_path / "report", REPORT_FILE)
    write_report(report, run)
    assert report.read_text().count("data:image/svg+xml") == len(STYLES)


def test_a_run_in_which_nothing_carries_over_writes_no_model(tmp_path: Path) -> None:
    """It says so in one sentence; the report shows the figures without plots."""
    shift = dict.fromkeys(STYLES, ("chroma", 0.0))
    run = trained(Sources((), (), ""), made_up(5, shift), made_up(6, shift))
    assert run.groups == ()
    with pytest.raises(WrongUse, match="No group"):
        write_model(tmp_path / "model.json", run)
    report = prepare_report(tmp_path / "report", REPORT_FILE)
    write_report(report, run)
    assert "data:image" not in report.read_text()
