"""Confidence intervals over people.

Comparisons that share a person are not independent: a person who is hard to recognise spoils all of his
or her comparisons at once. Resampling people instead of comparisons keeps that (the subsets bootstrap of
Bolle, Ratha and Pankanti, 2004); intervals over comparisons are too narrow.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

#: Resamples worked out together: some tens of megabytes for ten thousand comparisons.
_TOGETHER = 50

Interval = tuple[float, float] | None


def intervals(
    figures: Callable[[np.ndarray], Mapping[str, np.ndarray]],
    first: Sequence[str],
    second: Sequence[str],
    resamples: int,
    seed: int,
) -> dict[str, Interval]:
    """95 % intervals over people of some figures, by their names.

    Args:
        figures: what they are, (k,) each, by the weights of n comparisons in k resamples, (k, n).
        first, second: names of the people of the comparisons.
    """
    rng = np.random.default_rng(seed)
    batches = [figures(weights) for weights in _batches(first, second, resamples, rng)]
    return {name: percentile_interval(np.concatenate([batch[name] for batch in batches])) for name in batches[0]}


def people_weights(first: Sequence[str], second: Sequence[str], resamples: int, rng: np.random.Generator) -> np.ndarray:
    """How often each comparison counts in each resample of the people.

    As many people as there are get drawn with replacement. A comparison of two people counts the product
    of how often each was drawn (the vertex bootstrap of Snijders and Borgatti, 1999), one of a person
    with himself as often as that person was drawn. Where people hardly recur, as in LFW, the product makes
    intervals of impostor comparisons too wide rather than too narrow, by up to the root of 3.

    Args:
        first, second: names of the people of n comparisons.

    Returns:
        float64 (resamples, n), whole numbers.
    """
    return next(_batches(first, second, resamples, rng, resamples))


def percentile_interval(values: np.ndarray, level: float = 0.95) -> Interval:
    """The middle ``level`` of resampled values; NaN ones, of resamples without a kind, do not count.

    Returns:
        None where no value is left.
    """
    values = values[~np.isnan(values)]
    if not values.size:
        return None
    lower, upper = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(lower), float(upper)


def _batches(
    first: Sequence[str], second: Sequence[str], resamples: int, rng: np.random.Generator, together: int = _TOGETHER
) -> Iterator[np.ndarray]:
    people, position = np.unique([*first, *second], return_inverse=True)
    left, right = position[: len(first)], position[len(first) :]
    for begin in range(0, resamples, together):
        size = min(together, resamples - begin)
        drawn = rng.multinomial(people.size, np.full(people.size, 1 / people.size), size=size).astype(np.float64)
        weights = drawn[:, left]
        weights[:, left != right] *= drawn[:, right[left != right]]
        yield weights
