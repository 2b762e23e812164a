"""Cues in one: each counts for what it adds, and none against an attack."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biosense_pipeline.matching.evidence.fusion import LLR_BOUNDS, Cue, fused

cues = st.builds(Cue, st.floats(-8, 8), st.floats(0, 5))


def test_independent_cues_add_up() -> None:
    """Of cues that have nothing to do with one another the likelihood ratios multiply."""
    one, other = Cue(2.0, 1.5), Cue(1.0, 0.5)
    spreads, llr = fused([one, other])
    assert llr == pytest.approx(1.5 * 2 - 1.5**2 / 2 + 0.5 * 1 - 0.5**2 / 2)
    assert spreads == pytest.approx((1.5 * 2 + 0.5 * 1) / np.hypot(1.5, 0.5))


def test_what_is_said_twice_counts_once() -> None:
    """A second cue that nearly always says the same changes next to nothing; a weaker one of the kind nothing."""
    cue = Cue(3.0, 2.0)
    alone, twice = fused([cue]), fused([cue, cue], [True, True], 0.95)
    assert twice == pytest.approx(alone, rel=0.03)
    assert fused([cue, Cue(-5.0, 1.0)], [True, True], 0.95) == alone
    assert fused([cue, cue])[1] > 1.5 * alone[1]


def test_a_cue_that_tells_nothing_counts_nothing() -> None:
    """With a separation of 0 a cue changes neither number, alike or not; of such alone nothing is said."""
    cue, nothing = Cue(2.0, 1.0), Cue(8.0, 0.0)
    assert fused([cue, nothing]) == fused([cue, nothing], [True, True], 0.5) == fused([cue])
    assert fused([nothing]) == (0.0, 0.0)


def test_likelihood_ratios_are_what_they_say() -> None:
    """Drawn with that correlation, evidence is as much more frequent among attacks as it claims."""
    rng = np.random.default_rng(0)
    spread = np.array([[1.0, 0.6], [0.6, 1.0]])
    apart = np.array([1.5, 1.2])
    found = []
    for mean in (np.zeros(2), apart):
        drawn = rng.multivariate_normal(mean, spread, 4000)
        found.append(
            np.array([fused([Cue(u, d) for u, d in zip(row, apart, strict=True)], [True] * 2, 0.6)[1] for row in drawn])
        )
    genuine, attacks = found
    for low, high in ((-1.0, 0.0), (0.0, 1.0), (1.0, 2.0)):
        ratio = np.mean((attacks > low) & (attacks < high)) / np.mean((genuine > low) & (genuine < high))
        assert low - 0.3 < np.log(ratio) < high + 0.3


@given(st.lists(cues, min_size=1, max_size=4), st.floats(0, 0.95), st.integers(0, 3), st.floats(0, 10), st.data())
def test_more_suspicious_is_never_less(
    own: list[Cue], correlation: float, which: int, by: float, data: st.DataObject
) -> None:
    """A cue that rises lowers neither number, whatever the cues have in common, and both stay within bounds."""
    alike = data.draw(st.lists(st.booleans(), min_size=len(own), max_size=len(own)))
    place = which % len(own)
    risen = [Cue(cue.spreads + by * (number == place), cue.separation) for number, cue in enumerate(own)]
    before, after = fused(own, alike, correlation), fused(risen, alike, correlation)
    assert after[0] >= before[0] - 1e-9
    assert after[1] >= before[1] - 1e-9
    assert LLR_BOUNDS[0] <= before[1] <= LLR_BOUNDS[1]
