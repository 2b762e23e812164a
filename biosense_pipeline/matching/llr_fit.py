"""Fits a log-likelihood ratio to labelled distances, in two ways."""

from collections.abc import Callable

import numpy as np

from biosense_pipeline.matching.calibration import Calibration
from biosense_pipeline.matching.comparisons import GENUINE, Comparisons
from biosense_pipeline.matching.score_calibration import fit_affine

#: Impostor comparisons that a regression is fitted to; more cost time and change nothing.
_MOST_IMPOSTORS = 50_000
#: Least variance of a normal distribution: pictures stored twice have none.
_LEAST_VARIANCE = 1e-6

Fit = Callable[[np.ndarray, np.ndarray], tuple[float, float, float]]


def fit_logistic(distances: np.ndarray, genuine: np.ndarray) -> tuple[float, float, float]:
    """A line by logistic regression (see :func:`fit_affine`): c0, c1 and 0.

    Args:
        distances: (n,). genuine: bool (n,), of both kinds, the genuine ones first.
    """
    genuines = int(genuine.sum())
    impostors = np.arange(genuines, len(distances))
    if len(impostors) > _MOST_IMPOSTORS:
        impostors = np.random.default_rng(0).choice(impostors, _MOST_IMPOSTORS, replace=False)
    used = np.concatenate([np.arange(genuines), impostors])
    line = fit_affine(distances[used], genuine[used])
    return line.offset, line.slope, 0.0


def fit_bi_gaussian(distances: np.ndarray, genuine: np.ndarray) -> tuple[float, float, float]:
    """A parabola: the logarithm of the ratio of two normal densities, one a kind; c0, c1 and c2.

    Zeros, LLR 0 everywhere, where genuine distances are not smaller on average.
    """
    (mean, variance), (other_mean, other_variance) = (
        (float(of_kind.mean()), max(float(of_kind.var()), _LEAST_VARIANCE))
        for of_kind in (distances[genuine], distances[~genuine])
    )
    if mean >= other_mean:
        return 0.0, 0.0, 0.0
    return (
        0.5 * (np.log(other_variance / variance) - mean**2 / variance + other_mean**2 / other_variance),
        mean / variance - other_mean / other_variance,
        0.5 * (1.0 / other_variance - 1.0 / variance),
    )


METHODS: dict[str, Fit] = {"logistic": fit_logistic, "bi_gaussian": fit_bi_gaussian}


def supported_bounds(comparisons: Comparisons) -> tuple[float, float]:
    """The lowest and the highest LLR that so many people support.

    That a distance is x times as frequent among impostors cannot be seen in fewer than x of them. People
    are what counts, since one person's pictures repeat each other: the highest likelihood ratio is the
    number of pairs of people plus one, the lowest one over the number of people plus one.
    """
    people = len(np.unique(comparisons.groups[comparisons.shows[comparisons.are(GENUINE)]]))
    return -float(np.log(people + 1)), float(np.log(comparisons.pairs_of_people + 1))


def fit(method: str, comparisons: Comparisons, bounds: tuple[float, float]) -> Calibration:
    """A calibration by that method, no more certain than the bounds."""
    distances, genuine = comparisons.labelled
    c0, c1, c2 = (float(value) for value in METHODS[method](distances, genuine))
    low, high = float(distances.min()), float(distances.max())
    if c2:
        vertex = -c1 / (2.0 * c2)
        # Unequal variances make the ratio turn round beyond one of the two means.
        low, high = (max(low, vertex), high) if c2 < 0 else (low, min(high, vertex))
    return Calibration(method, (c0, c1, c2), (low, max(low, high)), bounds)
