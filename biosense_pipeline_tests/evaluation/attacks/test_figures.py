"""APCER and BPCER by hand, by counting, and over subjects."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biosense_pipeline.evaluation.attacks.figures import Scored, attack_figures, share_interval

SCORES = st.lists(st.integers(-5, 15), min_size=1, max_size=60)


def scored(values: list[float], subjects: str | None = None, in_use: float = 5.0) -> Scored:
    """Scores, each of a subject called by a letter, which alarm from that threshold on."""
    scores = np.array(values, dtype=float)
    return Scored(scores, tuple(subjects or "a" * len(values)), scores >= in_use)


def test_by_hand() -> None:
    """A score that equals the threshold alarms; rates are the shares that one counts."""
    bona_fide = scored([0.0] * 96 + [3.0, 4.0, 5.0, 9.0])
    attacks = scored([2.0, 4.5, 5.0, 5.5, 8.0, 9.5, 10, 10, 10, 10])
    found = attack_figures(bona_fide, attacks, resamples=100)
    assert found is not None
    # One of a hundred may alarm: all but the 9, so from just above 5 on; five of a hundred: all four that are high.
    assert found.values["apcer_at_bpcer_1"] == pytest.approx(0.3)
    assert found.values["apcer_at_bpcer_5"] == 0.0
    assert 5.0 < found.thresholds["apcer_at_bpcer_1"] <= 5.5
    assert found.values["bpcer_in_use"] == pytest.approx(0.02)
    assert found.values["apcer_in_use"] == pytest.approx(0.2)
    assert (found.bona_fide, found.attacks) == (100, 10)


def test_what_alarms_in_use_is_not_a_threshold_alone() -> None:
    """The rates in use are those of what the product reports, whatever else lies as high."""
    bona_fide, attacks = Scored(np.array([0.0, 9.0]), ("a", "b"), np.array([False, False])), scored([9.0, 9.5])
    found = attack_figures(bona_fide, attacks, resamples=100)
    assert found is not None
    assert (found.values["bpcer_in_use"], found.values["apcer_in_use"]) == (0, 0)


def test_told_apart_and_not_at_all() -> None:
    """Where every attack scores higher nothing is missed; where all score the same, everything."""
    apart = attack_figures(scored([0, 1, 2]), scored([3, 4]), 100)
    same = attack_figures(scored([1, 1, 1]), scored([1, 1]), 100)
    assert apart is not None
    assert same is not None
    assert (apart.values["eer"], apart.values["apcer_at_bpcer_1"]) == (0, 0)
    assert (same.values["eer"], same.values["apcer_at_bpcer_1"]) == (0.5, 1)


@given(SCORES, SCORES, st.integers(-6, 16))
def test_against_counting(bona_fide: list[int], attacks: list[int], in_use: int) -> None:
    """At any threshold both rates are counts, and at a BPCER the lowest threshold that keeps to it is read."""
    found = attack_figures(scored(list(bona_fide), None, in_use), scored(list(attacks), None, in_use), 2)
    assert found is not None
    genuine, attacking = np.array(bona_fide), np.array(attacks)
    assert found.values["bpcer_in_use"] == pytest.approx(np.mean(genuine >= in_use))
    assert found.values["apcer_in_use"] == pytest.approx(np.mean(attacking < in_use))
    for name, target in (("apcer_at_bpcer_1", 0.01), ("apcer_at_bpcer_5", 0.05)):
        best = min(
            float(np.mean(attacking < threshold))
            for threshold in [*genuine, *(genuine + 0.5), *attacking, 99]
            if np.mean(genuine >= threshold) <= target
        )
        assert found.values[name] == pytest.approx(best)
        assert np.mean(genuine >= found.thresholds[name]) <= target


@given(SCORES, SCORES)
def test_stricter_never_finds_more(bona_fide: list[int], attacks: list[int]) -> None:
    """Fewer false alarms allowed means no fewer attacks missed, and errors are shares."""
    found = attack_figures(scored(list(bona_fide)), scored(list(attacks)), 2)
    assert found is not None
    assert 0 <= found.values["apcer_at_bpcer_5"] <= found.values["apcer_at_bpcer_1"] <= 1
    assert 0 <= found.values["eer"] <= 1


def test_a_kind_is_missing() -> None:
    """Without genuine presentations or without attacks there are no figures."""
    assert attack_figures(scored([]), scored([1.0])) is None
    assert attack_figures(scored([1.0]), scored([])) is None


def test_intervals_are_over_subjects() -> None:
    """One subject in four who is always missed makes a wide interval, as many stills as there may be."""
    bona_fide = scored([0.0] * 400, "abcd" * 100)
    attacks = scored([9.0, 9.0, 9.0, -1.0] * 100, "abcd" * 100)
    found = attack_figures(bona_fide, attacks)
    assert found is not None
    assert found.values["apcer_in_use"] == 0.25
    low, high = found.intervals["apcer_in_use"] or (1, 0)
    assert low == 0
    assert high >= 0.5
    again = attack_figures(bona_fide, attacks)
    assert again is not None
    assert again.intervals == found.intervals


def test_share_and_interval() -> None:
    """The share is what it is; its interval is over subjects."""
    share, interval = share_interval(np.array([True, False, False, False]), ("a", "b", "c", "d"))
    assert share == 0.25
    assert interval is not None
    assert interval[0] == 0 < share < interval[1]
    assert share_interval(np.zeros(5, dtype=bool), ("a",) * 5) == (0.0, (0.0, 0.0))
