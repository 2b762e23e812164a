"""The most incidents that chance explains."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import poisson

from biosense_pipeline.matching.incidents.budget import most_by_chance


@given(expected=st.floats(0, 5000), confidence=st.floats(0.5, 0.999))
def test_quantile_of_the_poisson_distribution(expected: float, confidence: float) -> None:
    """So many or fewer come with that confidence, and one less would be too few to say so."""
    most = most_by_chance(expected, confidence)
    assert poisson.cdf(most, expected) >= confidence
    assert most == 0 or poisson.cdf(most - 1, expected) < confidence


@pytest.mark.parametrize(("expected", "most"), [(0.0, 0), (0.001, 0), (1.0, 4), (50.0, 67)])
def test_known_quantiles(expected: float, most: int) -> None:
    """At one expected, five are too many; where none is expected, one is."""
    assert most_by_chance(expected) == most
