"""False match and false non-match rates of labelled comparisons, and the points that are read off them.

Terms as in ISO/IEC 19795-1: FMR is the share of impostor comparisons that match, FNMR the share of
genuine ones that do not. A comparison matches where its distance is at most the threshold.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class ErrorRates:
    """FMR and FNMR at every threshold that makes a difference.

    Attributes:
        thresholds: (m,), ascending: minus infinity, at which nothing matches, then each distance that occurs.
        fmr: (..., m), rising from 0 to 1; leading axes are those of the weights.
        fnmr: (..., m), falling from 1 to 0. NaN, as fmr, where a row of weights leaves no comparison of a kind.
    """

    thresholds: np.ndarray
    fmr: np.ndarray
    fnmr: np.ndarray

    def at(self, threshold: float) -> tuple[np.ndarray, np.ndarray]:
        """FMR and FNMR, each (...), at a threshold."""
        index = np.searchsorted(self.thresholds, threshold, side="right") - 1
        return self.fmr[..., index], self.fnmr[..., index]

    def threshold_at_fmr(self, target: float) -> float:
        """The largest threshold whose FMR does not exceed the target; infinite where none exceeds it.

        Raises:
            ValueError: there are several rows of weights, hence several answers.
        """
        if self.fmr.ndim != 1:
            raise ValueError("a threshold belongs to one set of weights")
        beyond = int(self._last_within(target)) + 1
        return float(np.nextafter(self.thresholds[beyond], -np.inf)) if beyond < self.thresholds.size else np.inf

    def fnmr_at_fmr(self, target: float) -> np.ndarray:
        """FNMR, (...), at the largest threshold whose FMR does not exceed the target: no interpolation."""
        index = self._last_within(target)[..., np.newaxis]
        found = np.take_along_axis(self.fnmr, index, axis=-1)[..., 0]
        return np.where(np.isnan(self.fmr[..., -1]), np.nan, found)

    def equal_error_rate(self) -> np.ndarray:
        """The rate, (...), at which both errors are equal: where a line between neighbouring points crosses."""
        crossed = np.argmax(self.fmr >= self.fnmr, axis=-1)[..., np.newaxis]
        before = np.maximum(crossed - 1, 0)
        fmr, next_fmr = (np.take_along_axis(self.fmr, at, axis=-1)[..., 0] for at in (before, crossed))
        fnmr, next_fnmr = (np.take_along_axis(self.fnmr, at, axis=-1)[..., 0] for at in (before, crossed))
        gap, next_gap = fnmr - fmr, next_fmr - next_fnmr
        with np.errstate(invalid="ignore"):
            return np.asarray(fmr + (next_fmr - fmr) * gap / (gap + next_gap))

    def _last_within(self, target: float) -> np.ndarray:
        return np.asarray(np.sum(self.fmr <= target, axis=-1) - 1)


def error_rates(distances: np.ndarray, genuine: np.ndarray, weights: np.ndarray | None = None) -> ErrorRates:
    """Error rates of labelled comparisons.

    Args:
        distances: (n,), finite.
        genuine: bool (n,), True where both are the same person.
        weights: (..., n) how often each comparison counts, None for once each. Several rows, as of a
            bootstrap, are worked out at once.

    Raises:
        ValueError: a kind of comparison is missing, or a distance is not finite.
    """
    genuine = np.asarray(genuine, dtype=bool)
    distances = np.asarray(distances, dtype=np.float64)
    if genuine.all() or not genuine.any():
        raise ValueError("error rates need genuine and impostor comparisons")
    if not np.isfinite(distances).all():
        raise ValueError("a distance is not finite")
    order = np.argsort(distances, kind="stable")
    distances, genuine = distances[order], genuine[order]
    counted = np.ones(distances.size) if weights is None else np.asarray(weights, dtype=np.float64)[..., order]
    # Equal distances match together, at the last of them.
    steps = np.flatnonzero(np.append(distances[1:] != distances[:-1], True))
    matched_impostors = np.cumsum(counted * ~genuine, axis=-1)[..., steps]
    matched_genuine = np.cumsum(counted * genuine, axis=-1)[..., steps]
    impostors, genuines = matched_impostors[..., -1:], matched_genuine[..., -1:]
    with np.errstate(invalid="ignore"):
        fmr = _from_nothing(matched_impostors) / impostors
        fnmr = (genuines - _from_nothing(matched_genuine)) / genuines
    return ErrorRates(np.concatenate([[-np.inf], distances[steps]]), fmr, fnmr)


def most_accurate_threshold(distances: np.ndarray, genuine: np.ndarray) -> float:
    """The threshold at which most comparisons are decided rightly.

    Thresholds lie half way between neighbouring distances, so that none rests on one comparison's last
    digit; of several equally good ones it is the middle one.

    Args:
        distances: (n,), finite. genuine: bool (n,).

    Raises:
        ValueError: a kind of comparison is missing, or a distance is not finite.
    """
    rates = error_rates(distances, genuine)
    genuines = int(np.sum(genuine))
    wrong = np.round(rates.fnmr * genuines + rates.fmr * (np.size(genuine) - genuines))
    best = np.flatnonzero(wrong == wrong.min())
    lower = int(best[best.size // 2])
    if lower == 0:
        return float(np.nextafter(rates.thresholds[1], -np.inf))
    return float(np.mean(rates.thresholds[lower : lower + 2]))


def _from_nothing(matched: np.ndarray) -> np.ndarray:
    return np.concatenate([np.zeros((*matched.shape[:-1], 1)), matched], axis=-1)
