"""Tolerances by error rate: the fleet's, and stricter ones of agents whom colleagues look like.

Stills of one person repeat each other, so not comparisons but pairs of people are counted, each by the
share of its comparisons that match. Bounds on their rate are binomial: they take the pairs as independent,
which pairs that share a person are not. A person easily taken for others spoils all of his or her pairs at
once, so where there are such people a rate is less certain than its bound says.
"""

import math
from dataclasses import dataclass

import numpy as np

from biosense_pipeline.matching.comparisons import GENUINE, Comparisons
from biosense_pipeline.matching.error_rates import error_rates

#: One-sided confidence that the false match rate does not exceed the target, pairs of people taken as independent.
CONFIDENCE = 0.95
#: An agent who is rejected more often than this is of no use to supervisors; no tolerance goes that far.
MOST_FNMR = 0.2
#: Colleagues' pictures within the fleet's tolerance, in persons, from which there is a look-alike: where
#: colleagues are few, a single chance picture exceeds any target.
LEAST_ALIKE = 0.5
#: Own pictures from which an agent's own false non-match rate is read; with fewer, everybody's are.
FEWEST_OWN = 8


@dataclass(frozen=True)
class LookAlikes:
    """What colleagues who look like an agent mean for the agent's tolerance.

    Attributes:
        person, nearest: the agent, and the colleague whose pictures come nearest; places among the people.
        nearest_distance: median distance of that colleague's pictures.
        tolerance: the agent's own.
        fmr, fnmr: at it; fnmr is None without own pictures.
        fleet_fmr: at the fleet's tolerance.
        reaches_target: whether fmr keeps to the target.
    """

    person: int
    nearest: int
    nearest_distance: float
    tolerance: float
    fmr: float
    fnmr: float | None
    fleet_fmr: float
    reaches_target: bool


def pairs_needed(target_fmr: float) -> int:
    """Pairs of people without a false match that show the rate at 95 % confidence: the rule of three.

    It takes the pairs as independent, as the bounds below do.
    """
    return math.ceil(3.0 / target_fmr)


def people_needed(target_fmr: float) -> int:
    """People who make as many pairs."""
    return math.ceil((1.0 + math.sqrt(1.0 + 8.0 * pairs_needed(target_fmr))) / 2.0)


def supported_fmr(pairs: int, target_fmr: float) -> float | None:
    """The largest observed rate among so many pairs of people whose upper confidence bound keeps to the target.

    The bound is that of Clopper and Pearson (1934), its number of errors taken as a real number. It is at
    95 % confidence for independent pairs; the n (n - 1) / 2 pairs of n people share people, and where single
    people are easily taken for others, the true rate exceeds the target more often than one time in twenty.

    Returns:
        None where even no error at all would not be enough.
    """
    from scipy.optimize import brentq
    from scipy.stats import beta

    def excess(errors: float) -> float:
        return float(beta.ppf(CONFIDENCE, errors + 1.0, pairs - errors)) - target_fmr

    if pairs < 1 or excess(0.0) > 0:
        return None
    most = target_fmr * pairs
    return float(brentq(excess, 0.0, most)) / pairs if most < pairs and excess(most) > 0 else target_fmr


def shown_fmr(fmr: float, pairs: int) -> float:
    """The rate that ``fmr``, observed, shows to be exceeded at 95 % confidence: Clopper and Pearson's lower bound.

    For independent pairs, as in :func:`supported_fmr`; people easily taken for others make it too high.
    """
    from scipy.stats import beta

    errors = fmr * pairs
    return float(beta.ppf(1.0 - CONFIDENCE, errors, pairs - errors + 1.0)) if errors > 0 else 0.0


def tolerance_at_fmr(comparisons: Comparisons, fmr: float) -> float:
    """The largest distance at which the false match rate, over pairs of people, does not exceed ``fmr``."""
    distances, genuine = comparisons.labelled
    weights = np.concatenate([np.ones(genuine.sum()), comparisons.pair_weights[comparisons.impostors]])
    return error_rates(distances, genuine, weights).threshold_at_fmr(fmr)


def look_alikes(comparisons: Comparisons, fleet: float, target_fmr: float) -> list[LookAlikes]:
    """The agents for whom the fleet's tolerance lets too many colleagues pass, the worst first.

    An agent's rate is the mean over the colleagues of the share of their pictures, benchmarks too, that
    come within the tolerance. Only who exceeds the target and has at least half a colleague accepted
    (LEAST_ALIKE) is named. The own tolerance brings it to the target, but rejects a fifth of the
    agent's own pictures at most (MOST_FNMR): beyond that agent and colleague cannot be told apart.
    """
    per_picture = 1.0 / np.bincount(comparisons.shows, minlength=len(comparisons.people))[comparisons.shows]
    weights = np.where(comparisons.of_others, per_picture[:, np.newaxis], 0.0)
    colleagues = np.maximum(weights.sum(axis=0), 1.0)
    rates = (weights * (comparisons.distances <= fleet)).sum(axis=0) / colleagues
    medians = np.where(comparisons.groups[:, np.newaxis] != comparisons.groups, comparisons.medians, np.nan)
    genuine = comparisons.are(GENUINE)
    found = []
    for person in np.flatnonzero(rates > np.maximum(target_fmr, LEAST_ALIKE / colleagues) * (1.0 + 1e-9)):
        own = comparisons.own[genuine & (comparisons.shows == person)]
        usual = own if len(own) >= FEWEST_OWN else comparisons.own[genuine]
        # Just large enough for the last of those pictures that have to be accepted.
        usable = float(np.quantile(usual, 1.0 - MOST_FNMR, method="inverted_cdf"))
        others = comparisons.of_others[:, person]
        wanted = _largest_within(
            comparisons.distances[others, person], per_picture[others] / colleagues[person], target_fmr
        )
        tolerance = min(max(wanted, usable), fleet)
        accepted = comparisons.distances[others, person] <= tolerance
        nearest = int(np.nanargmin(medians[:, person]))
        found.append(
            LookAlikes(
                int(person),
                nearest,
                float(medians[nearest, person]),
                tolerance,
                float(per_picture[others] @ accepted / colleagues[person]),
                float(np.mean(own > tolerance)) if len(own) else None,
                float(rates[person]),
                wanted >= usable,
            )
        )
    return sorted(found, key=lambda entry: (entry.reaches_target, -entry.fleet_fmr))


def _largest_within(distances: np.ndarray, weights: np.ndarray, most: float) -> float:
    """The largest threshold within which the weights of the distances sum up to ``most`` at the most."""
    order = np.argsort(distances)
    beyond = int(np.searchsorted(np.cumsum(weights[order]), most * (1.0 + 1e-9), side="right"))
    return float(np.nextafter(distances[order][beyond], 0.0))
