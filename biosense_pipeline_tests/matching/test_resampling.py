"""Resampling people: what a comparison weighs, and that people's dependence is kept."""

import numpy as np
import pytest

from biosense_pipeline.matching.resampling import intervals, people_weights, percentile_interval


def test_weights_follow_the_people() -> None:
    """A comparison of two people weighs the product of their draws, of one person that person's draws."""
    first, second = ["a", "b", "c", "a", "b"], ["a", "b", "c", "b", "c"]
    a, b, c, ab, bc = people_weights(first, second, 500, np.random.default_rng(0)).T
    assert np.array_equal(ab, a * b)
    assert np.array_equal(bc, b * c)
    assert np.all(a + b + c == 3)
    assert a.mean() == pytest.approx(1, abs=0.1)


def test_the_same_seed_gives_the_same_resamples() -> None:
    """Resamples depend on nothing but the seed and the people."""
    first, again = (people_weights(["a", "b"], ["a", "c"], 20, np.random.default_rng(7)) for _ in range(2))
    assert np.array_equal(first, again)


def test_intervals_over_people_are_wider() -> None:
    """Where all errors are one person's, the interval over people is wider than one over comparisons."""
    people = [f"p{number // 20}" for number in range(400)]
    wrong = np.array([person == "p3" for person in people])
    rng = np.random.default_rng(1)
    weights = people_weights(people, people, 1000, rng)
    over_people = percentile_interval(weights @ wrong / weights.sum(axis=1))
    over_pairs = percentile_interval(rng.multinomial(400, np.full(400, 1 / 400), size=1000) @ wrong / 400)
    assert over_people is not None
    assert over_pairs is not None
    assert over_people[1] - over_people[0] > 2 * (over_pairs[1] - over_pairs[0])


def test_interval_of_nothing() -> None:
    """Resamples that lack a kind do not count, and without any there is no interval."""
    assert percentile_interval(np.array([np.nan, 0.5, 0.5])) == (0.5, 0.5)
    assert percentile_interval(np.array([np.nan])) is None


def test_intervals_of_many_comparisons_take_little_memory() -> None:
    """Resamples are worked out some at a time, and come out as all at once would."""
    people = [f"p{number % 30}" for number in range(2_000)]
    happened = np.arange(2_000) % 3 == 0
    sizes: list[int] = []

    def share(weights: np.ndarray) -> dict[str, np.ndarray]:
        sizes.append(len(weights))
        return {"share": weights @ happened / weights.sum(axis=1)}

    found = intervals(share, people, people, 230, seed=4)["share"]
    assert sum(sizes) == 230
    assert max(sizes) <= 50
    at_once = people_weights(people, people, 230, np.random.default_rng(4))
    assert found == pytest.approx(percentile_interval(share(at_once)["share"]))
