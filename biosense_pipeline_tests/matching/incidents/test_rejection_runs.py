"""The correlation of successive rejections: found again where it is known, with an interval that holds it."""

import numpy as np
import pytest

from biosense_pipeline.evaluation.incidents.shifts import person_scores
from biosense_pipeline.matching.incidents.rejection_runs import Rejections, rejection_runs


def agents(
    correlation: float, count: int = 40, stills: int = 2000, step: float = 10.0, seed: int = 0
) -> list[Rejections]:
    """Agents whose rejections have this correlation from still to still, each with a rate of his own."""
    rng = np.random.default_rng(seed)
    scores = person_scores(rng, count, stills, correlation)
    rates = rng.uniform(0.02, 0.2, count)
    bars = np.array([np.quantile(row, 1 - rate) for row, rate in zip(scores, rates, strict=True)])
    seconds = np.arange(stills) * step
    return [Rejections(seconds, row > bar) for row, bar in zip(scores, bars, strict=True)]


@pytest.mark.parametrize("correlation", [0.0, 0.1, 0.5])
def test_known_correlation_is_found(correlation: float) -> None:
    """Agents who are rejected at different rates do not make a correlation; runs do."""
    found = rejection_runs(agents(correlation), 10.0, 30.0)
    assert found.correlation == pytest.approx(correlation, abs=0.02)
    assert found.interval is not None
    low, high = found.interval
    assert low < correlation + 0.005
    assert correlation - 0.005 < high < low + 0.08
    assert (found.stills, found.pairs, found.agents, found.seconds) == (80_000, 40 * 1999, 40, 10.0)


def test_converted_to_ten_seconds() -> None:
    """Of stills five seconds apart with a correlation of 0.5 it is 0.25 at ten, of such twenty apart its root."""
    assert rejection_runs(agents(0.5, step=5.0), 10.0, 30.0).correlation == pytest.approx(0.25, abs=0.03)
    assert rejection_runs(agents(0.25, step=20.0), 10.0, 30.0).correlation == pytest.approx(0.5, abs=0.03)


def test_stills_far_apart_are_no_pair() -> None:
    """Across a pause, and between stills of one moment, nothing is compared."""
    seconds = np.array([0.0, 10.0, 10.0, 200.0, 210.0])
    some = [Rejections(seconds, np.array([True, False, True, True, False]))] * 6
    assert rejection_runs(some, 10.0, 30.0).pairs == 6 * 2


def test_too_little_to_tell() -> None:
    """Without rejections, with few agents, or without stills there is no figure."""
    never = [Rejections(np.arange(50) * 10.0, np.zeros(50, dtype=bool))] * 20
    for some in ([], never, agents(0.3, count=4), [Rejections(np.empty(0), np.empty(0, dtype=bool))] * 9):
        found = rejection_runs(some, 10.0, 30.0)
        assert (found.correlation, found.interval) == (None, None)


def test_always_rejected_is_no_run() -> None:
    """An agent whose every still is rejected has nothing to tell from still to still."""
    always = Rejections(np.arange(500) * 10.0, np.ones(500, dtype=bool))
    one, other = rejection_runs(agents(0.1), 10.0, 30.0), rejection_runs([*agents(0.1), always], 10.0, 30.0)
    assert other.correlation == pytest.approx(one.correlation)
