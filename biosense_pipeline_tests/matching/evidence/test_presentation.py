"""Recapture and rigidity fused: directed, personal, and no cue counts where it tells nothing."""

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biosense_pipeline.codes import Species
from biosense_pipeline.matching.evidence.baseline import Baseline, Sitting, personal_baseline
from biosense_pipeline.matching.evidence.fusion import trimmed_mean
from biosense_pipeline.matching.evidence.levels import Level
from biosense_pipeline.matching.evidence.moving import CALIBRATIONS, FRAME, RING_MOTION, Told
from biosense_pipeline.matching.evidence.presentation import (
    ALARM_SPREADS,
    Measured,
    judge_window,
    measured,
    site,
    sitting,
    still_scores,
    window_pairs,
)
from biosense_pipeline.matching.evidence.recapture import GroupScore, RecaptureModel
from biosense_pipeline.matching.evidence.rigidity import Rigidity
from biosense_pipeline.matching.evidence.still import EvidenceStill
from biosense_pipeline_tests.matching.evidence.window_alone import print_evidence

NAMES = ("ring", "chroma")
ONE = GroupScore(np.zeros(1), np.ones(1), np.ones(1), 0.0, 1.0)
#: The features are the scores.
MODEL = RecaptureModel("two-1", dict.fromkeys(NAMES, ONE), {"ring": slice(0, 1), "chroma": slice(1, 2)}, {})
OWN = Baseline(NAMES, (0.0, 0.0), Level(0.0, 1.0, 1.0), Level(2.8, 0.6, 0.4), stills=30, sittings=2)
#: Of an agent who hardly moves: genuine windows are as rigid as prints.
UNMOVED = Baseline(NAMES, (0.0, 0.0), Level(0.0, 1.0, 1.0), Level(4.4, 0.6, 0.4), stills=30, sittings=2)
#: The levels of what moves with the face are 0, and a print's lie far above.
MOVING = replace(OWN, moving={RING_MOTION: Level(-2.0, 0.5, 0.5), FRAME: Level(-3.0, 0.5, 0.5)})
BEGIN = datetime(2026, 3, 2, 9)


def rigid_face(value: float) -> Rigidity:
    """A window's rigidity."""
    return Rigidity(value, float(1 - np.exp(-value)), 36)


def still(
    number: int, features: tuple[float, float] | None, seed: int = 0, features_id: str = "two-1"
) -> EvidenceStill:
    """A still; the chip is noise of that seed."""
    if features is None:
        return EvidenceStill(number, BEGIN + timedelta(seconds=10 * number), None, 0, b"", b"", 0, "")
    chip = np.random.default_rng(seed).integers(0, 256, (32, 32), dtype=np.uint8)
    values = np.array(features, dtype=np.float32)
    return EvidenceStill(
        number, BEGIN + timedelta(seconds=10 * number), None, 1, b"", b"", 0, "",
        brightness=120.0, chip=chip, features=values, features_id=features_id,
    )  # fmt: skip


def numbers(rows: list[tuple[float, float]], brightness: float = 120.0) -> Measured:
    """Measured stills with those group scores."""
    return Measured(np.array(rows), np.full(len(rows), brightness), np.zeros((len(rows), 32, 32)), np.arange(len(rows)))


def test_it_is_directed() -> None:
    """What lies above the agent's level speaks for a print, what lies as far below against it."""
    above, level, below = (judge_window(np.full(12, score), None, OWN) for score in (6.0, 0.0, -6.0))
    assert above.llr > 0 > level.llr > below.llr
    assert above.spreads > ALARM_SPREADS > level.spreads > below.spreads


def test_it_is_personal() -> None:
    """The same scores alarm for one agent and are another's normal."""
    other = Baseline(NAMES, (3.0, 3.0), Level(6.0, 1.0, 1.0), OWN.rigidity, stills=30, sittings=2)
    scores = np.full(12, 6.0)
    assert judge_window(scores, None, OWN).llr > 0 > judge_window(scores, None, other).llr


def test_rigidity_adds() -> None:
    """A rigid face raises a window's score, a living one lowers it."""
    scores = np.full(12, 2.0)
    rigid, alone, living = (judge_window(scores, found, OWN).llr for found in (rigid_face(4.5), None, rigid_face(2.4)))
    assert rigid > alone > living


@given(st.floats(-8, 8), st.floats(0.5, 9))
def test_a_cue_that_tells_nothing_counts_nothing(score: float, value: float) -> None:
    """Where genuine windows are as rigid as prints, rigidity changes neither score nor likelihood ratio."""
    alone = judge_window(np.full(12, score), None, UNMOVED)
    both = judge_window(np.full(12, score), rigid_face(value), UNMOVED)
    assert both.spreads == pytest.approx(alone.spreads)
    assert both.llr == pytest.approx(alone.llr)


@given(st.lists(st.floats(-30, 30), min_size=1, max_size=20), st.floats(0, 10), st.floats(0.5, 9), st.floats(0, 4))
def test_more_suspicious_is_never_less(scores: list[float], by: float, value: float, more: float) -> None:
    """Higher recapture scores and more rigidity never lower score or likelihood ratio, and both stay bounded."""
    values = np.array(scores)
    one = judge_window(values, rigid_face(value), OWN)
    other = judge_window(values + by, rigid_face(value + more), OWN)
    assert other.spreads >= one.spreads - 1e-9
    assert other.llr >= one.llr - 1e-9
    assert abs(one.llr) < 200


@given(st.integers(1, 40))
def test_one_still_more_of_the_same_is_surer(stills: int) -> None:
    """Equal scores of more stills are more spreads, but far less than independent ones would be."""
    one = judge_window(np.array([2.0]), None, OWN)
    fewer = judge_window(np.full(stills, 2.0), None, OWN).spreads
    more = judge_window(np.full(stills + 1, 2.0), None, OWN).spreads
    assert fewer <= more <= judge_window(np.full(10_000, 2.0), None, OWN).spreads < 1.5 * one.spreads


def test_what_moves_with_the_face_adds() -> None:
    """Ring motion and frame raise a window's score above its level, and lower it by less; told by name."""
    scores = np.full(12, 2.0)
    for name in (RING_MOTION, FRAME):
        level = MOVING.moving[name]
        judged = {
            spreads: judge_window(scores, None, MOVING, {name: Told(level.centre + spreads * level.deviation(12), 12)})
            for spreads in (-4, 0, 4)
        }
        alone = judge_window(scores, None, MOVING)
        assert judged[4].llr > alone.llr > judged[0].llr >= judged[-4].llr
        assert alone.llr - judged[-4].llr < judged[4].llr - alone.llr
        assert judged[4].numbers[f"{name}_spreads"] > 0
        assert f"{name}_spreads" not in alone.numbers


def test_what_moves_with_the_face_needs_a_level() -> None:
    """A baseline from before these cues were, or of one whose own level is a print's, leaves them out."""
    scores, told = np.full(12, 2.0), {FRAME: Told(9.0, 12)}
    alone = judge_window(scores, None, OWN)
    assert judge_window(scores, None, OWN, told) == alone
    framed = replace(OWN, moving={FRAME: Level(CALIBRATIONS[FRAME].of_prints + 0.1, 0.2, 0.2)})
    assert judge_window(scores, None, framed, told).spreads == pytest.approx(alone.spreads)


@given(st.floats(-3, 3), st.floats(0, 3))
def test_more_of_a_frame_is_never_less(value: float, more: float) -> None:
    """A stronger frame or ring motion never lowers a window's score or likelihood ratio."""
    for name in (RING_MOTION, FRAME):
        one, other = (
            judge_window(np.full(12, 2.0), None, MOVING, {name: Told(level, 12)}) for level in (value, value + more)
        )
        assert other.spreads >= one.spreads - 1e-9
        assert other.llr >= one.llr - 1e-9


def test_likelihood_ratios_are_what_they_say() -> None:
    """Drawn as the model assumes, evidence for a print is as much more frequent among prints as it claims."""
    rng = np.random.default_rng(0)
    shift = judge_window(np.array([0.0]), None, OWN).recapture.separation * OWN.score.deviation(1)
    genuine, prints = (
        np.array(
            [judge_window(np.array([score]), None, OWN).llr for score in rng.normal(by, OWN.score.deviation(1), 4000)]
        )
        for by in (0.0, shift)
    )
    for low, high in ((-1.0, 0.0), (0.0, 1.0)):
        ratio = np.mean((prints > low) & (prints < high)) / np.mean((genuine > low) & (genuine < high))
        assert low - 0.35 < np.log(ratio) < high + 0.35


def test_colours_fade_out_of_the_dark() -> None:
    """In the dark the group of colours lies where it usually does, in the light where it was measured."""
    rows = [(1.0, 5.0)]
    lit, dim = (still_scores(numbers(rows, brightness), MODEL, OWN)[0] for brightness in (150.0, 10.0))
    assert (lit, dim) == (6.0, 1.0)
    assert rows == [(1.0, 5.0)]


def test_colours_in_the_dark_widen_no_baseline() -> None:
    """A baseline's spread is of the score that will be judged: of dim stills without the noise of their colours."""
    rng = np.random.default_rng(3)
    rows = [
        (float(edge), float(colours)) for edge, colours in zip(*rng.normal(0, [[1.0], [6.0]], (2, 40)), strict=True)
    ]
    before = site([], MODEL)
    lit, dim = (personal_baseline([sitting(numbers(rows, light))], before) for light in (150.0, 10.0))
    assert lit is not None
    assert dim is not None
    judged = still_scores(numbers(rows, 10.0), MODEL, dim)
    assert dim.score.within < 0.5 * lit.score.within
    assert dim.score.centre == pytest.approx(np.median(judged), abs=1.0)
    of_all = [site([[sitting(numbers(rows, light))] for _ in range(5)], MODEL).score for light in (150.0, 10.0)]
    assert of_all[1].within < 0.7 * of_all[0].within


def test_the_pooled_baseline_judges_context_alone() -> None:
    """Without a baseline of his own an agent's colours count nothing."""
    here = site([[Sitting(np.zeros((20, 2)), np.full(10, 2.8))] for _ in range(5)], MODEL)
    pooled = here.baseline()
    assert pooled.groups == ("ring",)
    one, other = (still_scores(numbers([(1.0, colours)]), MODEL, pooled)[0] for colours in (0.0, 9.0))
    assert one == other


def test_evidence_of_a_window() -> None:
    """It names the print, its numbers and the stills that it rests on: those with a face and features of the model."""
    print_like = [still(number, (6.0, 6.0)) for number in range(6)]
    window = [*print_like, still(6, None), still(7, (6.0, 6.0), features_id="other-1")]
    found = print_evidence(window, MODEL, OWN)
    assert found is not None
    assert found.species is Species.PRINT
    assert found.llr > 5
    assert found.still_ids == tuple(range(6))
    assert found.numbers["stills"] == 6
    assert found.numbers["correlation"] == pytest.approx(1, abs=1e-4)
    assert print_evidence([still(0, None)], MODEL, OWN) is None
    assert print_evidence([], MODEL, OWN) is None


def test_a_living_window_accuses_nobody() -> None:
    """Genuine scores and a changing face speak against a print."""
    found = print_evidence([still(number, (0.2, -0.1), seed=number) for number in range(12)], MODEL, OWN)
    assert found is not None
    assert found.llr < 0


def test_a_baseline_is_made_of_such_windows() -> None:
    """A sitting's rigidity is learned from the pairs that its windows have, each once and not too many."""
    seconds = 10.0 * np.arange(40)
    pairs = window_pairs(seconds, 12)
    lags = pairs[:, 1] - pairs[:, 0]
    assert (lags.min(), lags.max()) == (4, 11)
    assert len(np.unique(pairs, axis=0)) == len(pairs)
    assert len(window_pairs(10.0 * np.arange(2000), 12)) <= 600
    assert len(window_pairs(np.array([0.0]), 12)) == 0
    stills, seen = measured([still(number, (0.0, 0.0), seed=number) for number in range(20)], MODEL)
    assert len(seen) == 20
    own = personal_baseline([sitting(stills)], site([], MODEL))
    assert own is not None
    assert own.rigidity.centre < site([], MODEL).rigidity.centre


def test_trimmed_mean() -> None:
    """One wild still of twelve does not count; of few stills none is left out."""
    assert trimmed_mean(np.array([0.0] * 11 + [1000.0])) == 0
    assert trimmed_mean(np.array([1.0, 3.0])) == 2
