"""How good log-likelihood ratios are, and how to get them from distances.

Log-likelihood ratios (LLR) are natural logarithms; positive ones speak for the same person. Costs are in
bits. Cllr is the cost of all decisions over all priors, 1 for a method that says nothing (Brümmer and
du Preez, "Application-independent evaluation of speaker detection", 2006).
"""

from dataclasses import dataclass

import numpy as np

#: Bins of equal width between probability 0 and 1, as customary since Guo et al., "On calibration of modern
#: neural networks", 2017.
RELIABILITY_BINS = 15
_MOST_STEPS, _SMALLEST_STEP = 100, 1e-10


def cllr(llrs: np.ndarray, genuine: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Cllr in bits: the mean of log2(1 + 1/LR) over genuine and of log2(1 + LR) over impostors, halved.

    Args:
        llrs: (n,), infinite ones allowed. genuine: bool (n,).
        weights: (..., n) how often each comparison counts, None for once each.

    Returns:
        (...); NaN where a row of weights leaves no comparison of a kind.
    """
    genuine = np.asarray(genuine, dtype=bool)
    bits = np.logaddexp(0.0, np.where(genuine, -np.asarray(llrs), llrs)) / np.log(2.0)
    counted = np.ones(bits.size) if weights is None else np.asarray(weights, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        costs = [counted[..., kind] @ bits[kind] / counted[..., kind].sum(axis=-1) for kind in (genuine, ~genuine)]
    return np.asarray((costs[0] + costs[1]) / 2)


def cllr_min(distances: np.ndarray, genuine: np.ndarray) -> float:
    """Cllr in bits after the best calibration that keeps the order of these distances.

    The difference between Cllr and this is what calibration costs; this alone is what the distances cost.
    """
    return float(cllr(pooled_llrs(distances, genuine), genuine))


def pooled_llrs(distances: np.ndarray, genuine: np.ndarray) -> np.ndarray:
    """LLRs, (n,), that fall with the distance and cost least on the very comparisons they are made from.

    Pool-adjacent-violators: neighbours in distance are pooled until the share of genuine ones falls from
    pool to pool. Infinite where a pool holds one kind only, so of no use to other comparisons.
    """
    genuine = np.asarray(genuine, dtype=bool)
    values, position = np.unique(distances, return_inverse=True)
    counts, hits = np.bincount(position), np.bincount(position, weights=genuine)
    pools: list[tuple[float, float, int]] = []
    for hit, count in zip(hits, counts, strict=True):
        pools.append((float(hit), float(count), 1))
        # Shares by cross-multiplication: exact, as the counts are whole numbers.
        while len(pools) > 1 and pools[-2][0] * pools[-1][1] <= pools[-1][0] * pools[-2][1]:
            last, before = pools.pop(), pools.pop()
            pools.append((before[0] + last[0], before[1] + last[1], before[2] + last[2]))
    pooled = np.repeat([[hit, count] for hit, count, _ in pools], [size for _, _, size in pools], axis=0)
    assert len(pooled) == len(values)
    with np.errstate(divide="ignore"):
        log_odds = np.log(pooled[:, 0]) - np.log(pooled[:, 1] - pooled[:, 0])
    return np.asarray(log_odds[position] - (np.log(genuine.sum()) - np.log((~genuine).sum())))


@dataclass(frozen=True)
class AffineCalibration:
    """LLRs as a line over the distance, ``slope * distance + offset``; the slope is never positive."""

    slope: float
    offset: float

    def llrs(self, distances: np.ndarray) -> np.ndarray:
        """LLRs of distances, of the same shape."""
        return self.slope * np.asarray(distances, dtype=np.float64) + self.offset


def fit_affine(distances: np.ndarray, genuine: np.ndarray) -> AffineCalibration:
    """Logistic regression of the label on the distance, both kinds weighing one half, so that odds are LRs.

    Labels are drawn in from 0 and 1 by Platt's rule (1/(n+2) of n comparisons of a kind; "Probabilistic
    outputs for support vector machines", 1999), which keeps the slope finite where the kinds do not
    overlap. Newton's method, its step halved until the cost falls.

    Args:
        distances: (n,), finite. genuine: bool (n,), of both kinds.

    Returns:
        slope and offset 0, LLR 0 everywhere, where larger distances do not speak against the same person.
    """
    genuine = np.asarray(genuine, dtype=bool)
    distances = np.asarray(distances, dtype=np.float64)
    genuines, impostors = int(genuine.sum()), int((~genuine).sum())
    targets = np.where(genuine, (genuines + 1) / (genuines + 2), 1 / (impostors + 2))
    weights = np.where(genuine, 0.5 / genuines, 0.5 / impostors)
    centre, scale = distances.mean(), distances.std() or 1.0
    design = np.stack([(distances - centre) / scale, np.ones(distances.size)], axis=1)

    def cost(line: np.ndarray) -> float:
        odds = design @ line
        return float(weights @ (np.logaddexp(0.0, odds) - targets * odds))

    line = np.zeros(2)
    for _ in range(_MOST_STEPS):
        expected = 0.5 * (1.0 + np.tanh(design @ line / 2))
        gradient = design.T @ (weights * (expected - targets))
        curvature = design.T @ ((weights * expected * (1 - expected))[:, np.newaxis] * design)
        step = np.linalg.lstsq(curvature, gradient)[0]
        share = 1.0
        while cost(line - share * step) > cost(line) and share > _SMALLEST_STEP:
            share /= 2
        line = line - share * step
        if np.abs(share * step).max() < _SMALLEST_STEP:
            break
    slope = float(line[0] / scale)
    return AffineCalibration(slope, float(line[1] - slope * centre)) if slope < 0 else AffineCalibration(0.0, 0.0)


@dataclass(frozen=True)
class Reliability:
    """Predicted against observed, by bins of the predicted probability; empty bins are left out.

    Attributes:
        predicted: (k,) mean predicted probability of the same person.
        observed: (k,) share of genuine comparisons.
        weights: (k,) share of all comparisons; they sum to 1.
        counts: (k,) number of comparisons.
    """

    predicted: np.ndarray
    observed: np.ndarray
    weights: np.ndarray
    counts: np.ndarray

    @property
    def expected_calibration_error(self) -> float:
        """The mean gap between predicted and observed, over comparisons (Naeini et al., 2015)."""
        return float(self.weights @ np.abs(self.predicted - self.observed))


def reliability(llrs: np.ndarray, genuine: np.ndarray, bins: int = RELIABILITY_BINS) -> Reliability:
    """Reliability of the probabilities that LLRs give at even odds; both kinds weigh one half.

    Args:
        llrs: (n,). genuine: bool (n,), of both kinds.
    """
    genuine = np.asarray(genuine, dtype=bool)
    probabilities = 0.5 * (1.0 + np.tanh(np.asarray(llrs) / 2))
    weights = np.where(genuine, 0.5 / genuine.sum(), 0.5 / (~genuine).sum())
    position = np.minimum((probabilities * bins).astype(int), bins - 1)
    counts = np.bincount(position, minlength=bins)
    share, predicted, observed = (
        np.bincount(position, weights=values, minlength=bins)[counts > 0]
        for values in (weights, weights * probabilities, weights * genuine)
    )
    return Reliability(predicted / share, observed / share, share, counts[counts > 0])
