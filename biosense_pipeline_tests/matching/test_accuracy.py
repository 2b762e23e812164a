"""The percentage in stream_img.accuracy: the table of bands, and the formula of face_recognition's wiki."""

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from biosense_pipeline.choices import AccuracyScale
from biosense_pipeline.matching.accuracy import NORMALISERS, banded, face_recognition_formula

#: Lower edge, upper edge and percentage, as the contract lists them.
BANDS = [
    (0.0, 0.1, 100),
    (0.1, 0.2, 90),
    (0.2, 0.3, 85),
    (0.3, 0.4, 80),
    (0.4, 0.5, 75),
    (0.5, 0.6, 70),
    (0.6, 0.7, 65),
    (0.7, 0.8, 50),
    (0.8, 0.9, 30),
    (0.9, 1.0, 10),
    (1.0, 5.0, 0),
]
DISTANCES = st.floats(0, 5)
TOLERANCES = st.floats(0.05, 1.5)

#: Worked out by hand from the wiki's text, not by a program: distance, tolerance, share.
WORKED = [
    (0.0, 0.6, 1.0),
    (0.6, 0.6, 0.5),
    (0.8, 0.6, 0.25),
    (0.9, 0.6, 0.125),
    (1.0, 0.6, 0.0),
    (0.75, 0.5, 0.25),
    # linear 0.75, bent by 0.25 x 0.5 ** 0.2 = 0.25 x 0.8705506
    (0.3, 0.6, 0.9676376),
    (0.25, 0.5, 0.9676376),
    # linear 0.9, bent by 0.1 x 0.8 ** 0.2 = 0.1 x 0.9563525
    (0.1, 0.5, 0.9956352),
]


@pytest.mark.parametrize(("lower", "upper", "percentage"), BANDS)
def test_bands(lower: float, upper: float, percentage: float) -> None:
    """Every band gives its percentage from its lower edge up to just below the next one."""
    for distance in (lower, (lower + upper) / 2, math.nextafter(upper, 0)):
        assert banded(distance, 0.5) == percentage


@pytest.mark.parametrize("tenths", range(1, 11))
def test_edges_however_they_were_calculated(tenths: int) -> None:
    """An edge written as a quotient is the edge written as a decimal: 3 / 10 lies in the band from 0.3."""
    assert banded(tenths / 10, 0.5) == banded(float(f"0.{tenths}") if tenths < 10 else 1.0, 0.5) == BANDS[tenths][2]


def test_bands_do_not_depend_on_the_tolerance() -> None:
    """The table is the same for every tolerance."""
    assert {banded(0.45, tolerance) for tolerance in (0.1, 0.5, 0.6, 1.5)} == {75.0}


@pytest.mark.parametrize(("distance", "tolerance", "share"), WORKED)
def test_formula_against_worked_values(distance: float, tolerance: float, share: float) -> None:
    """The formula gives the values that follow from the wiki's text by hand."""
    assert face_recognition_formula(distance, tolerance) == pytest.approx(100 * share, abs=1e-4)


@given(distance=st.floats(0, 1), tolerance=st.floats(0.05, 0.95))
def test_formula_against_the_wikis_own_code(distance: float, tolerance: float) -> None:
    """Between 0 and 1 the formula is the wiki's own, times 100."""
    assert face_recognition_formula(distance, tolerance) == pytest.approx(100 * _wiki(distance, tolerance), abs=1e-6)


@pytest.mark.parametrize("name", list(NORMALISERS))
@given(distance=DISTANCES, tolerance=TOLERANCES)
@example(distance=1.0, tolerance=1.0)
@example(distance=1.2, tolerance=1.2)
@example(distance=5.0, tolerance=1.0)
@example(distance=1.2000000000000002, tolerance=1.2)
@example(distance=0.0, tolerance=0.05)
def test_percentages_are_percentages(name: str, distance: float, tolerance: float) -> None:
    """Every normaliser gives a real number from 0 to 100 for every distance and tolerance."""
    percentage = NORMALISERS[name](distance, tolerance)
    assert isinstance(percentage, float)
    assert 0 <= percentage <= 100


@pytest.mark.parametrize("name", list(NORMALISERS))
@given(one=DISTANCES, other=DISTANCES, tolerance=TOLERANCES)
@example(one=0.5, other=0.5000000000000001, tolerance=0.5)
def test_nearer_is_never_less_accurate(name: str, one: float, other: float, tolerance: float) -> None:
    """A smaller distance never gives a smaller percentage."""
    near, far = sorted((one, other))
    assert NORMALISERS[name](near, tolerance) >= NORMALISERS[name](far, tolerance) - 1e-9


def test_every_scale_of_the_settings_exists() -> None:
    """Each accuracy scale that needs a distance and no calibration has its normaliser, and no other exists."""
    of_the_rule = {AccuracyScale.AUTO, AccuracyScale.CALIBRATED}
    assert set(NORMALISERS) == {scale.value for scale in AccuracyScale} - of_the_rule


def _wiki(face_distance: float, face_match_threshold: float) -> float:
    """face_distance_to_conf as github.com/ageitgey/face_recognition/wiki prints it."""
    if face_distance > face_match_threshold:
        span = 1.0 - face_match_threshold
        return (1.0 - face_distance) / (span * 2.0)
    linear = 1.0 - (face_distance / (face_match_threshold * 2.0))
    # The wiki's math.pow fails where rounding takes the base below zero.
    return linear + ((1.0 - linear) * math.pow(max(0.0, (linear - 0.5) * 2), 0.2))
