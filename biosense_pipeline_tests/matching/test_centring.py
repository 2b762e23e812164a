"""Centring by a cohort, and that nobody is compared by means of the own face."""

import numpy as np
import pytest

from biosense_pipeline.matching.centring import Cohort, PersonInCohort

AXES = np.eye(3)


def test_a_cohort_that_holds_the_impostor_is_refused() -> None:
    """Neither side of a comparison, genuine or impostor, may stand in the cohort that it is centred by."""
    cohort = Cohort(["ada", "bob"], AXES[:2])
    for people in (["eve", "bob"], ["bob"], ["ada", "eve"]):
        with pytest.raises(PersonInCohort, match=people[0] if people[0] != "eve" else people[1]):
            cohort.distances(AXES[:1], AXES[1:2], people)
    assert cohort.distances(AXES[:1], AXES[1:2], ["eve", "mallory"]).shape == (1,)


def test_distance_by_hand() -> None:
    """The distance is 1 less the cosine of the angle at the cohort's mean."""
    cohort = Cohort(["ada"], np.array([[1.0, 1.0]]))
    east, north, far_east, west = (np.array([point]) for point in ([2.0, 1], [1.0, 2], [9.0, 1], [0.0, 1]))
    assert [float(cohort.distances(east, other, ["eve"])[0]) for other in (far_east, north, west)] == [0, 1, 2]
    assert float(cohort.distances(east, np.array([[1.0, 1.0]]), ["eve"])[0]) == 1


def test_people_weigh_equally() -> None:
    """A person with many pictures draws the mean no more than one with a single picture."""
    cohort = Cohort(["ada", "ada", "ada", "bob"], np.array([[0.0], [0.0], [3.0], [4.0]]))
    assert cohort.mean == pytest.approx([2.5])


def test_nobody_is_no_cohort() -> None:
    """Without people there is no mean."""
    with pytest.raises(ValueError, match="needs people"):
        Cohort([], np.empty((0, 3)))
