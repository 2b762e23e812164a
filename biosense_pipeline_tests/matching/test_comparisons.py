"""Comparisons of known people: which are genuine, which are impostors, and how many there are of each."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biosense_pipeline.matching.comparisons import AgentPair, Comparisons, Kind
from biosense_pipeline_tests.matching.crowds import compared, crowd


def test_own_benchmark_is_genuine_and_every_other_an_impostor() -> None:
    """A still's distance from its own benchmark is genuine, those from all others are impostors."""
    comparisons = compared([0, 1, 1], [[0.3, 0.6, 0.7], [0.65, 0.31, 0.8], [0.66, 0.32, 0.81]])
    distances, genuine = comparisons.labelled
    assert sorted(distances[genuine]) == [0.3, 0.31, 0.32]
    assert sorted(distances[~genuine]) == [0.6, 0.65, 0.66, 0.7, 0.8, 0.81]


@pytest.mark.parametrize(
    ("kind", "genuine", "impostor"),
    [(Kind.CONFIRMED, 2, 2), (Kind.PRESUMED, 2, 2), (Kind.TRAINING, 2, 0), (Kind.BENCHMARK, 0, 0)],
)
def test_kinds(kind: Kind, genuine: int, impostor: int) -> None:
    """Training images are genuine only: portraits tell nothing of impostors before a webcam. Benchmarks are neither."""
    _, labels = compared([0, 1], [[0.3, 0.6], [0.6, 0.3]], kind).labelled
    assert (int(labels.sum()), int((~labels).sum())) == (genuine, impostor)


def test_two_accounts_of_one_person_are_suspected() -> None:
    """Agents as near to each other as half of all pictures are to their own are suspected, and no impostors then."""
    table = [[0.3, 0.28, 0.7], [0.28, 0.29, 0.7], [0.7, 0.7, 0.31], [0.7, 0.7, 0.3]]
    comparisons = compared([0, 1, 2, 2], table)
    (pair,) = comparisons.suspected()
    assert (pair.first, pair.second) == (0, 1)
    assert pair.distance == pytest.approx(0.28)
    joined = comparisons.joined([pair])
    distances, genuine = joined.labelled
    assert distances[~genuine].min() == 0.7
    assert (comparisons.pairs_of_people, joined.pairs_of_people) == (3, 1)


def test_look_alikes_are_not_suspected() -> None:
    """Who comes near, but not as near as pictures of one person, stays an impostor: leaving it out would flatter."""
    assert not compared([0, 1], [[0.3, 0.4], [0.4, 0.3]]).suspected()


def test_nearest_pairs_are_named() -> None:
    """The nearest pairs come first, each once, by the median of both directions; accounts of one person are no pair."""
    comparisons = compared([0, 1, 2], [[0.3, 0.4, 0.8], [0.5, 0.3, 0.6], [0.8, 0.7, 0.3]])
    pairs = comparisons.nearest_pairs(2)
    assert [(pair.first, pair.second) for pair in pairs] == [(0, 1), (1, 2)]
    assert [pair.distance for pair in pairs] == [pytest.approx(0.45), pytest.approx(0.65)]
    assert [(pair.first, pair.second) for pair in comparisons.joined(pairs[:1]).nearest_pairs(9)] == [(1, 2), (0, 2)]


def test_single_near_picture_is_not_suspected() -> None:
    """One chance picture does not make two agents one person."""
    rows = [[0.3, 0.2], [0.3, 0.6], [0.3, 0.6], [0.6, 0.3]]
    assert not compared([0, 0, 0, 1], rows).suspected()


def test_one_person_may_have_three_accounts() -> None:
    """Pairs that share somebody are all one person."""
    groups = crowd(5).joined([_pair(0, 1), _pair(3, 1)]).groups
    assert groups[0] == groups[1] == groups[3]
    assert len(set(groups)) == 3


def test_pairs_of_people_count_once() -> None:
    """Two people are one pair however many stills compare them; people of whom no still is there make none."""
    assert crowd(6, pictures=7).pairs_of_people == 15
    assert compared([0, 0], [[0.3, 0.6, 0.7]] * 2).pairs_of_people == 2


@settings(deadline=None, max_examples=30)
@given(people=st.integers(2, 8), shows=st.lists(st.integers(0, 7), min_size=1, max_size=30), seed=st.integers(0, 99))
def test_pair_weights_count_pairs(people: int, shows: list[int], seed: int) -> None:
    """The weights of all impostor comparisons sum up to the pairs of people, also where two are one person."""
    shows = [person % people for person in shows]
    rng = np.random.default_rng(seed)
    comparisons = compared(shows, rng.uniform(0, 1, (len(shows), people)).tolist())
    for some in (comparisons, comparisons.joined([_pair(0, 1)])):
        assert some.pair_weights.sum() == pytest.approx(some.pairs_of_people)


def test_part_of_the_people() -> None:
    """Limited to some people, comparisons hold their pictures and their benchmarks only."""
    comparisons = crowd(6, pictures=3)
    part = comparisons.of_people(np.array([False, True, False, True, True, False]))
    assert part.people == tuple(comparisons.people[n] for n in (1, 3, 4))
    assert part.distances.shape == (12, 3)
    assert set(part.own) <= set(comparisons.own)
    assert part.pairs_of_people == 3


def test_nobody() -> None:
    """No people and no pictures are no comparisons."""
    nothing = Comparisons.between([], [], [], np.empty((0, 0)))
    assert (nothing.pairs_of_people, nothing.suspected(), len(nothing.labelled[0])) == (0, [], 0)


def _pair(first: int, second: int) -> AgentPair:
    return AgentPair(first, second, 0.2)
