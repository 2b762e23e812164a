"""How many stills pass, in the mean, before the sum of an ordinary agent's evidence passes a bound by chance.

Evidence repeats itself: a still says the same as the one before it with probability ``correlation``, and
otherwise something drawn anew (the discrete autoregressive process of Jacobs and Lewis, 1978). Whatever is
drawn, its correlation is then ``correlation`` to the power of the stills between, and two-valued evidence is
a Markov chain: rejections come in runs. Between two draws the sum moves by the drawn value times the length
of the run, so that over the draws it is a sum of independent steps, held at zero from below; its mean time
to the bound follows from a Markov chain on a grid (Brook and Evans, "An approach to the probability
distribution of CUSUM run length", 1972). Steps are rounded up to the grid, which makes the time too short,
never too long.
"""

from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

import numpy as np

from biosense_pipeline.matching.incidents.assumptions import Assumptions, as_exception, discount

#: Width of the grid in units of LLR, and the values that normal evidence is cut into.
_CELL, _VALUES = 0.05, 101
_ROUNDING = 1e-9


@dataclass(frozen=True)
class OrdinaryEvidence:
    """What stills say of an agent about whom nothing is wrong.

    Attributes:
        values: LLRs that a still may have, before the discount.
        shares: how often each occurs; they sum to 1.
        correlation: of two successive stills.
        exceptions: whether a still against the incident counts less after one for it; here, each first of a run does.
    """

    values: tuple[float, ...]
    shares: tuple[float, ...]
    correlation: float
    exceptions: bool = False


def ordinary_results(assumptions: Assumptions) -> OrdinaryEvidence:
    """Identity from results, accepted or rejected."""
    return OrdinaryEvidence(
        (assumptions.rejection, assumptions.acceptance),
        (assumptions.fnmr, 1 - assumptions.fnmr),
        assumptions.correlation,
    )


def ordinary_llrs(assumptions: Assumptions) -> OrdinaryEvidence:
    """Identity from calibrated LLRs: normal, with the separation that the assumed rates imply, and limited.

    LLRs that are normal for both kinds have means ∓ d²/2 and variance d²; a threshold with these rates exists
    where d is the sum of the normal deviates of 1 - FNMR and 1 - FMR.
    """
    separation = llr_separation(assumptions)
    normal = NormalDist(-(separation**2) / 2, separation)
    edges = np.linspace(-assumptions.largest_llr, assumptions.largest_llr, _VALUES)
    # Each value stands for those up to the next lower one: rounded up.
    below = np.array([0.0, *(normal.cdf(edge) for edge in edges[:-1]), 1.0])
    return OrdinaryEvidence(tuple(edges.tolist()), tuple(np.diff(below).tolist()), assumptions.correlation)


def llr_separation(assumptions: Assumptions) -> float:
    """Distance of the means of genuine and impostor scores in standard deviations, d'."""
    normal = NormalDist()
    return normal.inv_cdf(1 - assumptions.fnmr) + normal.inv_cdf(1 - assumptions.fmr)


def mean_run_length(evidence: OrdinaryEvidence, bound: float) -> float:
    """Stills until the discounted sum reaches ``bound``, from zero; the bound is rounded to the grid, downwards."""
    cells = max(1, int(bound / _CELL + _ROUNDING))
    reach = cells * _CELL
    start = np.arange(cells) * _CELL
    moves = np.zeros((cells, cells))
    for value, share in zip(evidence.values, evidence.shares, strict=True):
        # What speaks against counts in full, what speaks for it at a discount: see tracks.
        step = value * (discount(evidence.correlation) if value > 0 else 1.0)
        first = as_exception(value, evidence.correlation) if evidence.exceptions and value <= 0 else step
        for length, probability in _runs(evidence.correlation, abs(step), reach):
            after = start + first + (length - 1) * step
            stays = after < reach - _ROUNDING
            cell = np.maximum(0, np.ceil(after[stays] / _CELL - _ROUNDING)).astype(int)
            kept = cell < cells
            np.add.at(moves, (np.flatnonzero(stays)[kept], cell[kept]), share * probability)
    draws = np.linalg.solve(np.eye(cells) - moves, np.ones(cells))[0]
    # Of the last run only the first still is sure to be needed.
    return float((draws - 1) / (1 - evidence.correlation) + 1)


@lru_cache(maxsize=64)
def least_bound(evidence: OrdinaryEvidence, stills: float) -> float:
    """The smallest bound on the grid with a mean run length of ``stills`` at least.

    Where evidence says so little that the grid's rounding outweighs it, it is twice what independent LLRs need.
    """
    independent = int(np.ceil((np.log(max(np.e, stills)) + 1) / _CELL))
    low, high, most = 0, independent, 2 * independent
    while high < most and mean_run_length(evidence, high * _CELL) < stills:
        low, high = high, min(most, int(np.ceil(1.25 * high)))
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if mean_run_length(evidence, middle * _CELL) >= stills else (middle, high)
    return round(high * _CELL, 6)


def _runs(correlation: float, step: float, reach: float) -> list[tuple[int, float]]:
    """Lengths of runs and their probabilities; all that cross the whole of ``reach`` are one."""
    most = 1 if step <= 0 or correlation <= 0 else 1 + int(np.ceil(reach / step))
    lengths = np.arange(1, most)
    probabilities = (1 - correlation) * correlation ** (lengths - 1.0)
    return [*zip(lengths.tolist(), probabilities.tolist(), strict=True), (most, correlation ** (most - 1.0))]
