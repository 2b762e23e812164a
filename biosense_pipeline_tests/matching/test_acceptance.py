"""What a calibration is worth on unseen people, and whether it may take effect."""

from dataclasses import replace

import numpy as np
import pytest

from biosense_pipeline.matching import held_out
from biosense_pipeline.matching.acceptance import CLLR_MARGIN, Support, objections
from biosense_pipeline.matching.calibration import Calibration
from biosense_pipeline.matching.comparisons import AgentPair, Comparisons, Kind
from biosense_pipeline.matching.held_out import HeldOut, hold_out
from biosense_pipeline.matching.llr_fit import fit, supported_bounds
from biosense_pipeline.matching.thresholds import supported_fmr
from biosense_pipeline_tests.matching.crowds import crowd

SOUND = HeldOut(
    "logistic",
    np.array([0.3, 0.6]),
    np.array([True, False]),
    np.array([4.0, -4.0]),
    {"logistic": 0.1},
    0.0005,
    0.05,
    600,
)


def test_unseen_people_are_strangers_to_the_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    """In every fold nobody who was fitted to is tried, and all people are tried once."""
    fitted: list[set[str]] = []
    tried: list[set[str]] = []
    whole = crowd(20)
    parts = Comparisons.of_people

    def note(comparisons: Comparisons, chosen: np.ndarray) -> Comparisons:
        part = parts(comparisons, chosen)
        (fitted if len(fitted) == len(tried) else tried).append(set(part.people))
        return part

    monkeypatch.setattr(Comparisons, "of_people", note)
    hold_out(whole, 0.01)
    assert [one & other for one, other in zip(fitted, tried, strict=True)] == [set()] * 5
    assert [one | other for one, other in zip(fitted, tried, strict=True)] == [set(whole.people)] * 5
    assert sum(len(people) for people in tried) == 20


def test_accounts_of_one_person_are_held_out_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two accounts suspected to be one person never stand on both sides."""
    joined = crowd(20).joined([AgentPair(3, 11, 0.1), AgentPair(5, 6, 0.1)])
    for held in held_out._folds(joined):
        assert held[3] == held[11]
        assert held[5] == held[6]


def test_figures_of_overlapping_people() -> None:
    """On people that can be told apart, cost is between its minimum and that of a guess, and errors are few."""
    figures = hold_out(crowd(40), 0.005).figures()
    assert 0 < figures["cllr_min"] <= figures["cllr"] < 0.2
    assert 0 <= figures["ece"] < 0.05
    assert figures["fmr"] < 0.03
    assert figures["fnmr"] < 0.1
    assert figures["genuine_comparisons"] == 400


def test_look_alikes_with_many_stills_are_one_pair_of_people() -> None:
    """One of 90 people with ten times the stills and a look-alike is one pair of 765, and no reason to refuse."""
    shows = np.repeat(np.arange(90), [30, *[3] * 89])
    rng = np.random.default_rng(0)
    table = rng.normal(0.85, 0.04, size=(len(shows), 90))
    table[np.arange(len(shows)), shows] = rng.normal(0.35, 0.03, size=len(shows))
    comparisons = Comparisons.between(
        [f"NA\\person{n}" for n in range(90)], shows.tolist(), [Kind.PRESUMED] * len(shows), table
    )
    together = next(held for held in held_out._folds(comparisons) if held[0])
    alike = int(np.flatnonzero(together)[1])
    comparisons.distances[shows == 0, alike] = 0.4
    comparisons.distances[shows == alike, 0] = 0.4
    observed = supported_fmr(comparisons.pairs_of_people, 0.001)
    assert observed is not None
    tried = hold_out(comparisons, observed)
    assert tried.pairs_of_people == 765
    assert tried.fmr == pytest.approx(1 / 765)
    assert objections(tried, 0.5, 0.001, None) == []


def test_cost_of_another_calibration_on_the_same_people() -> None:
    """A calibration that knows nothing costs 1 bit, a reversed one more, the one fitted to everybody least."""
    comparisons = crowd(40)
    unseen = hold_out(comparisons, 0.01)
    nothing = Calibration("logistic", (0.0, 0.0, 0.0), (0, 1), (-9, 9))
    mistaken = Calibration("logistic", (-9.0, 20.0, 0.0), (0, 1), (-9, 9))
    assert unseen.cllr_of(nothing) == pytest.approx(1.0)
    assert unseen.cllr_of(mistaken) > 1.0
    assert (
        unseen.cllr_of(fit(unseen.method, comparisons, supported_bounds(comparisons)))
        < unseen.cllrs[unseen.method] + 0.01
    )


def test_too_few_people_are_not_held_out() -> None:
    """With fewer than two people a fold nothing is tried."""
    with pytest.raises(ValueError, match="fewer than 10 people have stills"):
        hold_out(crowd(9), 0.01)


def test_enough_people() -> None:
    """78 people with 10 stills each are enough for 0.1 %; the genuine pairs are counted by kind."""
    support = Support.of(crowd(78))
    assert support.objections(0.001, 30) == []
    assert (support.people, support.people_with_stills, support.pairs_of_people) == (78, 78, 3003)
    assert (support.genuine, support.impostor) == (780, 780 * 77)
    assert support.genuine_by_kind == {"confirmed": 0, "presumed": 780, "training": 0}


def test_too_few_are_told_with_what_is_needed() -> None:
    """Each thing that is missing is a sentence with what there is and what is needed."""
    people, pairs, genuine = Support.of(crowd(4, pictures=3)).objections(0.001, 30)
    assert "Stills of 4 people" in people
    assert "30 are needed" in people
    assert "6 pairs of people were compared and 3000 are needed, as 78 people make them" in pairs
    assert "rule of three" in pairs
    assert "12 genuine comparisons are there and 300 are needed" in genuine


def test_stills_of_one_person_do_not_stand_for_people() -> None:
    """However many stills: pairs of people are what counts."""
    assert [text.split()[1] for text in Support.of(crowd(30, pictures=40)).objections(0.001, 30)] == ["pairs"]


def test_nobody() -> None:
    """A site without people lacks everything, and says so."""
    nobody = Comparisons.between([], [], [], np.empty((0, 0)))
    assert len(Support.of(nobody).objections(0.001, 30)) == 3
    assert Support.of(crowd(3, kind=Kind.TRAINING)).people_with_stills == 0


def test_sound_calibration() -> None:
    """Nothing speaks against one that is as good as the one in force within the margin."""
    assert objections(SOUND, 0.4, 0.001, None) == []
    assert objections(SOUND, 0.4, 0.001, (3, 0.1)) == []
    assert objections(SOUND, 0.4, 0.001, (3, 0.1 - CLLR_MARGIN + 1e-9)) == []


def test_bad_luck_among_few_pairs_is_no_objection() -> None:
    """One false match among 600 pairs exceeds 0.1 %, and does not show that the rate does."""
    assert objections(replace(SOUND, fmr=1 / 600), 0.4, 0.001, None) == []


@pytest.mark.parametrize(
    ("change", "in_force", "words"),
    [
        ({}, 0.05, "worse than calibration 3, which is in force: Cllr 0.1000 against 0.0500"),
        ({"cllrs": {"logistic": 1.2}}, 2.0, "It says nothing: Cllr 1.2000"),
        ({"fmr": 0.01}, 0.1, "does not carry over to people it has not seen: 1.000% of impostor"),
        ({"fnmr": 0.35}, 0.1, "35% of the agents' own pictures would be rejected"),
    ],
)
def test_objections(change: dict[str, object], in_force: float, words: str) -> None:
    """Worse, saying nothing, too many false matches or too many rejected: each is told with its figures."""
    (found,) = objections(replace(SOUND, **change), 0.4, 0.001, (3, in_force))  # type: ignore[arg-type]
    assert words in found
