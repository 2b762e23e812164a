"""Scores of the operator's own beside those that ship: added, personal, and told apart by species."""

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest

from biosense_pipeline.codes import Species
from biosense_pipeline.matching.evidence.baseline import Baseline, personal_baseline
from biosense_pipeline.matching.evidence.findings import passes
from biosense_pipeline.matching.evidence.fusion import Cue, fused
from biosense_pipeline.matching.evidence.levels import Level, Usual
from biosense_pipeline.matching.evidence.own_cues import OwnValues
from biosense_pipeline.matching.evidence.own_scores import Measurement, OwnScore, model_score
from biosense_pipeline.matching.evidence.presentation import (
    as_evidence,
    judge_window,
    measured,
    site,
    sitting,
)
from biosense_pipeline.matching.evidence.recapture import GroupScore, RecaptureModel
from biosense_pipeline.matching.evidence.shown import judge_screen, judge_shown
from biosense_pipeline.matching.evidence.still import EvidenceStill

BEGIN = datetime(2026, 3, 2, 9)
ONE = GroupScore(np.zeros(1), np.ones(1), np.ones(1), 0.0, 1.0)
USUAL = Usual(0.0, 1.0, 0.5, 0.5)
LEVEL = Level(0.0, 1.0, 1.0)
OWN = Baseline(
    ("ring",), (0.0,), LEVEL, Level(2.8, 0.6, 0.4), 30, 2, own=dict.fromkeys(("trained_print", "trained_screen"), LEVEL)
)


def trained(species: Species, distance: float = 4.0, correlation: float = 0.5, column: int = 1) -> OwnScore:
    """A score of one column of the features."""
    name = f"trained_{species.lower()}"
    groups = RecaptureModel("three-1", {"own": ONE}, {"own": slice(column, column + 1)}, {})
    return OwnScore(name, "own-1", Measurement(USUAL, {species: distance}, correlation), {}, groups)


PRINT, SCREEN = trained(Species.PRINT), trained(Species.SCREEN, column=2)


def values(score: OwnScore, value: float, count: int = 12) -> OwnValues:
    return score, np.full(count, value)


def test_a_score_of_ones_own_only_adds() -> None:
    """High it raises a window's numbers; low it leaves them as they were, so that nothing is lost by it."""
    for loud in (1.0, 4.0):
        scores = np.full(12, loud)
        alone = judge_window(scores, None, OWN)
        high, low = (judge_window(scores, None, OWN, own=[values(PRINT, value)]) for value in (5.0, -40.0))
        assert high.llr > alone.llr == low.llr
        assert high.spreads > alone.spreads == low.spreads


def test_it_is_personal_and_waits_for_a_baseline() -> None:
    """What is an agent's normal is no attack, and before there is a level of the agent's own it counts nothing."""
    scores, high = np.zeros(12), [values(PRINT, 4.0)]
    other = replace(OWN, own={"trained_print": Level(4.0, 1.0, 1.0)})
    nobody = replace(OWN, own={})
    assert judge_window(scores, None, OWN, own=high).alarm
    assert not judge_window(scores, None, other, own=high).alarm
    assert judge_window(scores, None, nobody, own=high) == judge_window(scores, None, nobody)


def test_what_it_says_besides_the_others_counts() -> None:
    """The more it says the same as the scores that ship, the less it adds; measured below 0.5 is taken for that."""
    scores = np.full(12, 3.0)
    found = [
        judge_window(scores, None, OWN, own=[values(trained(Species.PRINT, 1.0, correlation), 3.0)])
        for correlation in (-0.4, 0.5, 0.9)
    ]
    assert found[0] == found[1]
    assert found[1].llr > found[2].llr
    assert [shown.correlation for shown in found] == [0.5, 0.5, 0.9]


def test_stills_without_a_score_are_left_out() -> None:
    """Stills that the model did not see, or another one did, count nothing; of none nothing is said."""
    own = values(PRINT, 4.0)
    some = PRINT, np.where(np.arange(12) < 5, 4.0, np.nan)
    none = PRINT, np.full(12, np.nan)
    scores = np.zeros(12)
    assert (
        judge_window(scores, None, OWN, own=[own]).own["trained_print"].spreads
        > judge_window(scores, None, OWN, own=[some]).own["trained_print"].spreads
        > 2
    )
    assert judge_window(scores, None, OWN, own=[none]) == judge_window(scores, None, OWN)


def test_a_screen_is_told_by_a_score_of_screens_alone() -> None:
    """Without a score measured on screens nothing is said of them, however loud the others are."""
    loud = np.full(12, 9.0)
    assert judge_screen(loud, OWN, [values(PRINT, 9.0)]) is None
    assert set(judge_shown(loud, None, OWN, {}, [values(PRINT, 9.0)])) == {Species.PRINT}
    found = judge_screen(loud, OWN, [values(SCREEN, 5.0)])
    assert found is not None
    assert found.alarm
    assert found.recapture.separation == 0


def test_scores_that_ship_count_for_screens_as_far_as_they_were_measured() -> None:
    """Where it was measured how far screens lie in them, they speak for one too."""
    score = replace(SCREEN, recapture_distances={Species.SCREEN: 3.0})
    without, added = (judge_screen(np.full(12, 4.0), OWN, [values(own, 3.0)]) for own in (SCREEN, score))
    assert without is not None
    assert added is not None
    assert added.llr > without.llr


@pytest.mark.parametrize(
    ("shipped", "as_print", "as_screen", "called"),
    [
        (4.0, 4.0, 0.0, Species.PRINT),
        (4.0, 0.0, 4.0, Species.SCREEN),
        (0.0, 0.0, 6.0, Species.SCREEN),
        (0.0, 9.0, 4.0, Species.PRINT),
        (9.0, 0.0, 0.0, Species.PRINT),
    ],
)
def test_an_alarm_is_one_thing(shipped: float, as_print: float, as_screen: float, called: Species) -> None:
    """Whatever raised it, it is called what the operator's own scores say; never both, and never lost."""
    own = [values(PRINT, as_print), values(SCREEN, as_screen)]
    shown = judge_shown(np.full(12, shipped), None, OWN, {}, own)
    assert set(shown) == {called}
    assert shown[called].alarm
    by_own = {each: shown[called].numbers[f"own_evidence_{each.lower()}"] for each in (Species.PRINT, Species.SCREEN)}
    assert by_own[called] == max(by_own.values())


def test_where_nothing_alarms_both_are_told() -> None:
    """Of a genuine window both say their own, and neither is a finding."""
    own = [values(PRINT, 0.1), values(SCREEN, -0.2)]
    shown = judge_shown(np.zeros(12), None, OWN, {}, own)
    assert set(shown) == {Species.PRINT, Species.SCREEN}
    assert all(found.llr < 0 for found in shown.values())


def test_the_decision_follows_from_its_numbers() -> None:
    """Spreads and likelihood ratio can be computed again from the numbers that are stored."""
    found = judge_window(np.full(12, 3.0), None, OWN, own=[values(PRINT, 4.0)])
    told = found.numbers
    shipped, own = (Cue(told[f"{name}_spreads"], told[f"{name}_separation"]) for name in ("recapture", "trained_print"))
    both = fused([shipped]), fused([shipped, own], [True, True], told["scores_correlation"])
    assert max(spreads for spreads, _ in both) == pytest.approx(found.spreads, abs=1e-3)
    either = np.log(np.mean(np.exp([llr for _, llr in both])))
    assert max(either, both[0][1]) == pytest.approx(found.llr, abs=1e-3)


def test_findings_of_screens() -> None:
    """A screen is a finding as a print is one: so many spreads above the agent's own level."""
    seen = [still(number) for number in range(12)]
    found = judge_screen(np.zeros(12), OWN, [values(SCREEN, 6.0)])
    assert found is not None
    assert passes(as_evidence(Species.SCREEN, found, seen, OWN), seen[-1], 10.0)
    quiet = judge_screen(np.zeros(12), OWN, [values(SCREEN, 1.0)])
    assert quiet is not None
    assert not passes(as_evidence(Species.SCREEN, quiet, seen, OWN), seen[-1], 10.0)


def test_baselines_learn_the_level() -> None:
    """From sittings of genuine stills an agent's level of each own score is learnt; of too few there is none."""
    model_own = model_score("mine-1", Measurement(USUAL, {Species.PRINT: 2.0}, 0.5))
    model = RecaptureModel("three-1", {"ring": ONE}, {"ring": slice(0, 1)}, {}, own=(PRINT, model_own))
    stills = [still(number, (0.0, 3.0, 0.0), 2.5 if number < 5 else None) for number in range(20)]
    numbers, _ = measured(stills, model)
    assert numbers.own["trained_print"].tolist() == [3.0] * 20
    assert np.isfinite(numbers.own["model"]).sum() == 5
    baseline = personal_baseline([sitting(numbers)], site([], model))
    assert baseline is not None
    assert set(baseline.own) == {"trained_print"}
    assert 1.0 < baseline.own["trained_print"].centre < 3.0
    assert Baseline.from_parameters(baseline.parameters()) == baseline
    assert site([], model).baseline().own == {}


def test_another_models_scores_are_none() -> None:
    """Scores of another id are not compared with these."""
    model_own = model_score("mine-1", Measurement(USUAL, {Species.PRINT: 2.0}, 0.5))
    model = RecaptureModel("three-1", {"ring": ONE}, {"ring": slice(0, 1)}, {}, own=(model_own,))
    other = replace(still(1, (0.0, 0.0, 0.0), 2.0), attack_model_id="mine-2")
    numbers, _ = measured([still(0, (0.0, 0.0, 0.0), 1.0), other], model)
    assert numbers.own["model"][0] == 1.0
    assert np.isnan(numbers.own["model"][1])


def test_the_version_names_all_that_decides() -> None:
    """Whatever changes what is decided changes the version, by which baselines and judgements are remembered."""
    plain = RecaptureModel("three-1", {"ring": ONE}, {"ring": slice(0, 1)}, {})
    variants = [
        plain,
        replace(plain, own=(PRINT,)),
        replace(plain, own=(replace(PRINT, score_id="own-2"),)),
        replace(plain, own=(trained(Species.PRINT, distance=4.5),)),
        replace(plain, own=(PRINT, SCREEN)),
    ]
    assert len({model.version for model in variants}) == len(variants)
    assert plain.version == plain.as_text()


def still(
    number: int, features: tuple[float, float, float] = (0.0, 0.0, 0.0), attack_score: float | None = None
) -> EvidenceStill:
    """A still of somebody whose face changes."""
    chip = np.random.default_rng(number).integers(0, 256, (32, 32), dtype=np.uint8)
    return EvidenceStill(
        number, BEGIN + timedelta(seconds=10 * number), None, 1, b"", b"", 0, "",
        brightness=120.0, chip=chip, features=np.array(features, dtype=np.float32), features_id="three-1",
        attack_score=attack_score, attack_model_id="mine-1",
    )  # fmt: skip
