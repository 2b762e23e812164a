"""Windows of sequences, baselines of subjects, and which stills are stopped."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biosense_pipeline.evaluation.attacks import judging
from biosense_pipeline.evaluation.attacks.judging import Baselines, WindowPlan, alarmed_stills, judge, plan_windows
from biosense_pipeline.matching.evidence.baseline import Site, Sitting
from biosense_pipeline.matching.evidence.findings import FEWEST
from biosense_pipeline.matching.evidence.presentation import site
from biosense_pipeline.matching.evidence.recapture import RecaptureModel
from biosense_pipeline.matching.evidence.surroundings import surroundings
from biosense_pipeline_tests.evaluation.attacks.material import MODEL, acquired, sequence
from biosense_pipeline_tests.matching.evidence.held_sheets import Room, path, person, sheet, still


@given(st.integers(0, 80), st.integers(2, 15), st.integers(1, 15))
def test_windows(stills: int, window: int, step: int) -> None:
    """There are (n - window) // step + 1 windows of the full size, or one shorter, or none."""
    plan = WindowPlan(window, step)
    found = plan_windows(np.arange(stills), plan)
    if stills >= window:
        assert len(found) == (stills - window) // step + 1
        assert all(own.stop - own.start == window and own.stop <= stills for own in found)
    else:
        assert found == ([slice(0, stills)] if stills >= FEWEST else [])


def test_stills_without_a_face_take_their_place_in_windows() -> None:
    """A window spans so many stills whatever they show, and is judged by those with a face; one without any is none."""
    places = np.array([0, 1, 5, 20])
    assert plan_windows(places, WindowPlan(4, step=2)) == [
        slice(0, 2),
        slice(2, 3),
        slice(2, 3),
    ]
    assert plan_windows(np.array([0, 4]), WindowPlan(12)) == [slice(0, 2)]
    assert plan_windows(np.array([0, 1]), WindowPlan(12)) == []


def test_baselines_with_reference() -> None:
    """With reference stills each subject has a baseline of the own, and one with too few the pooled one."""
    reference = acquired(
        "reference",
        [
            sequence("low", "s1", 30, -3.0, moving=True),
            sequence("high", "s1", 30, 3.0, moving=True),
            sequence("few", "s1", 3, 3.0, moving=True),
        ],
    )
    genuine = acquired("genuine", [sequence("low", "s2", 12, -3.0, moving=True)])
    found = Baselines(genuine, reference, MODEL, 12, 12)
    assert found.of("low").score.centre == pytest.approx(-6, abs=0.5)
    assert found.of("high").score.centre == pytest.approx(6, abs=0.5)
    assert [found.of(name).personal for name in ("low", "high", "few", "nobody")] == [True, True, False, False]
    assert found.of("few") == found.of("nobody")
    assert found.of("few").groups == ("ring",)


def test_baselines_without_reference() -> None:
    """Without reference stills a subject's own stills never make the baseline by which they are judged."""
    others = [sequence(f"other {n}", "s", 20, 0.0, moving=True) for n in range(4)]
    one, other = (
        Baselines(acquired("g", [*others, sequence("me", "s", 20, mine, moving=True)]), None, MODEL, 12, 12)
        for mine in (-5.0, 5.0)
    )
    assert one.of("me") == other.of("me")
    assert not one.of("me").personal
    assert one.of("other 1") != other.of("other 1")


def test_the_pooled_baseline_of_crops_takes_all_groups() -> None:
    """Where the surroundings cannot be seen, a pooled baseline of them alone would tell nothing."""
    whole = [sequence(f"s{n}", "s", 20, 0.0, moving=True) for n in range(4)]
    crops = [replace(own, unseen=np.full(20, 0.8)) for own in whole]
    for reference in (False, True):
        groups = [
            Baselines(acquired("g", own), acquired("r", own[1:]) if reference else None, MODEL, 12, 12).of("s0").groups
            for own in (whole, crops)
        ]
        assert groups == [("ring",), ("ring", "sharpness")]


def test_pooled_baselines_of_many_subjects(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many subjects there are, at most twenty pooled baselines are made, none of a subject's own stills."""
    many = [sequence(f"s{n}", "s", 4, 0.0, moving=True) for n in range(50)]
    made: list[int] = []

    def counted(agents: Sequence[Sequence[Sitting]], model: RecaptureModel) -> Site:
        made.append(len(agents))
        return site(agents, model)

    monkeypatch.setattr(judging, "site", counted)
    found = Baselines(acquired("g", many), None, MODEL, 12, 12)
    assert len({id(found.of(f"s{n}")) for n in range(50)}) == 20
    assert len(made) == 21
    assert max(made[1:]) < 50


def test_a_print_stands_out() -> None:
    """A rigid, high sequence scores above a moving, normal one, in single stills and in windows."""
    reference = acquired("r", [sequence("a", "s1", 30, 0.0, moving=True)])
    live, paper = sequence("a", "s2", 15, 0.0, moving=True), sequence("a", "p", 15, 3.0, moving=False)
    baseline = Baselines(acquired("g", [live]), reference, MODEL, 12, 12).of("a")
    plan = WindowPlan(12)
    genuine, attack = judge(live, MODEL, baseline, plan), judge(paper, MODEL, baseline, plan)
    assert (len(genuine.stills), len(genuine.windows)) == (15, 4)
    assert max(found.spreads for found in genuine.stills) < min(found.spreads for found in attack.stills)
    assert max(found.llr for _, found in genuine.windows) < 0 < min(found.llr for _, found in attack.windows)


def test_a_window_is_judged_as_by_itself() -> None:
    """Pairs that windows share are compared once, and each window comes out as it would alone."""
    live = sequence("a", "s", 16, 0.0, moving=True)
    baseline = Baselines(acquired("g", [live]), acquired("r", [live]), MODEL, 12, 12).of("a")
    for _, found in judge(live, MODEL, baseline, WindowPlan(12)).windows:
        assert found.rigid is not None
        assert found.rigid.pairs == 36
    single = judge(live, MODEL, baseline, WindowPlan(16)).windows[0][1]
    assert single.rigid is not None
    assert single.rigid.pairs == sum(16 - lag for lag in range(5, 16))


def test_what_moves_with_the_face_is_judged_too() -> None:
    """A sheet's windows score above those of the same stills without small pictures, and say by what."""
    room, places = Room(1).seen(), path(13)
    small = [surroundings(still(number, sheet(room, at, 1.3), at)) for number, at in enumerate(places)]
    plain = sequence("a", "p", 13, 1.0, moving=False)
    framed = replace(plain, numbers=replace(plain.numbers, around=tuple(small)))
    people = [surroundings(still(number, person(room, at), at)) for number, at in enumerate(path(30))]
    earlier = sequence("a", "s", 30, 0.0, moving=True)
    reference = acquired("r", [replace(earlier, numbers=replace(earlier.numbers, around=tuple(people)))])
    baseline = Baselines(acquired("g", [plain]), reference, MODEL, 12, 12).of("a")
    one, other = (judge(own, MODEL, baseline, WindowPlan(12)).windows for own in (plain, framed))
    assert [set(found.moving) for _, found in one] == [set(), set()]
    for (_, without), (_, with_frame) in zip(one, other, strict=True):
        assert with_frame.moving["frame"].spreads > 1
        assert with_frame.spreads > without.spreads


def test_stopped_stills() -> None:
    """A still is stopped by the window that ends with it or next after it; without windows by itself."""
    paper = sequence("a", "p", 6, 2.0, moving=False)
    baseline = Baselines(acquired("g", [paper]), acquired("r", [sequence("a", "s", 30, 0, moving=True)]), MODEL, 4, 12)
    judged = judge(paper, MODEL, baseline.of("a"), WindowPlan(4, step=2))
    assert [window.stop for window, _ in judged.windows] == [4, 6]
    assert alarmed_stills(judged, 0.0, 0.0).all()
    assert not alarmed_stills(judged, 1e6, 0.0).any()
    between = np.mean([found.spreads for _, found in judged.windows])
    assert alarmed_stills(judged, float(between), 0.0).tolist() in ([True] * 4 + [False] * 2, [False] * 4 + [True] * 2)
    alone = judge(sequence("a", "p", 1, 9.0, moving=False), MODEL, baseline.of("a"), WindowPlan(4))
    assert alone.windows == []
    assert alarmed_stills(alone, 1e6, 0.0).tolist() == [True]
