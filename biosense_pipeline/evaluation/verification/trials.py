"""The pairs of a protocol, each as it came out while its fold was held out, and figures of many resamples."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from biosense_pipeline.evaluation.verification.lfw import Pair
from biosense_pipeline.matching import resampling
from biosense_pipeline.matching.error_rates import ErrorRates, error_rates
from biosense_pipeline.matching.resampling import Interval
from biosense_pipeline.matching.score_calibration import Reliability, cllr, reliability

#: FMRs at which FNMR is told, by the name of the figure.
TARGETS = {"fnmr_at_fmr_1e-2": 1e-2, "fnmr_at_fmr_1e-3": 1e-3}


@dataclass(frozen=True)
class Trials:
    """What was decided of n pairs, and how surely, by what had been learned without them.

    Attributes:
        genuine: bool (n,).
        distances: (n,); NaN where the pair could not be compared.
        llrs: (n,) natural log-likelihood ratios; NaN likewise.
        right: bool (n,), whether the pair was decided rightly; without a comparison it counts as rejected.
    """

    pairs: tuple[Pair, ...]
    genuine: np.ndarray
    distances: np.ndarray
    llrs: np.ndarray
    right: np.ndarray

    @property
    def compared(self) -> np.ndarray:
        """Pairs of which both images have a face, bool (n,)."""
        return np.asarray(~np.isnan(self.distances))

    @property
    def reliability(self) -> Reliability:
        """Predicted against observed probability at even odds, of the pairs compared."""
        return reliability(self.llrs[self.compared], self.genuine[self.compared])

    def rates(self, weights: np.ndarray | None = None) -> ErrorRates:
        """Error rates of the pairs compared; weights are (..., n)."""
        chosen = self.compared
        return error_rates(self.distances[chosen], self.genuine[chosen], _columns(weights, chosen))

    def cllr(self, weights: np.ndarray | None = None) -> np.ndarray:
        """Cllr, (...), of the pairs compared; weights are (..., n)."""
        chosen = self.compared
        return cllr(self.llrs[chosen], self.genuine[chosen], _columns(weights, chosen))

    def accuracy(self, weights: np.ndarray) -> np.ndarray:
        """Share decided rightly, (...); weights are (..., n).

        Both kinds of pairs weigh as in the protocol, or a resample that happens to have more impostors would
        pass for an easier one.
        """
        with np.errstate(invalid="ignore"):
            of_genuine, of_impostors = (
                (weights[..., kind] @ self.right[kind]) / weights[..., kind].sum(axis=-1)
                for kind in (self.genuine, ~self.genuine)
            )
        share = self.genuine.mean()
        return np.asarray(share * of_genuine + (1 - share) * of_impostors)


def intervals(trials: Trials, thresholds: Mapping[str, float], resamples: int, seed: int) -> dict[str, Interval]:
    """95 % intervals by name of the figure, over people; what was learned on the folds stays as it is.

    Args:
        thresholds: distances at which FMR and FNMR get an interval, under the names of :func:`rate_at`.
    """
    first = [pair.first.person for pair in trials.pairs]
    second = [pair.second.person for pair in trials.pairs]
    return resampling.intervals(lambda weights: _figures(trials, weights, thresholds), first, second, resamples, seed)


def rate_at(rate: str, threshold: str) -> str:
    """The name of a rate at a named threshold."""
    return f"{rate} at {threshold}"


def _figures(trials: Trials, weights: np.ndarray, thresholds: Mapping[str, float]) -> dict[str, np.ndarray]:
    rates = trials.rates(weights)
    return {
        "accuracy_mean": trials.accuracy(weights),
        "eer": rates.equal_error_rate(),
        **{name: rates.fnmr_at_fmr(target) for name, target in TARGETS.items()},
        "cllr": trials.cllr(weights),
        **{
            rate_at(rate, name): values
            for name, threshold in thresholds.items()
            for rate, values in zip(("fmr", "fnmr"), rates.at(threshold), strict=True)
        },
    }


def _columns(weights: np.ndarray | None, chosen: np.ndarray) -> np.ndarray | None:
    return None if weights is None else weights[..., chosen]
