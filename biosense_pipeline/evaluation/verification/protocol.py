"""The verification protocol: thresholds learned on nine folds and tried on the tenth, rates, and certainty.

Two conventions, both of ISO/IEC 19795-1. *Accuracy* is over all pairs: a pair with an image in which no
face was acquired is decided "different people", which is right for impostors and wrong for genuine pairs.
*FMR, FNMR, EER, Cllr and calibration error* are of the matcher: over the pairs that could be compared.
The generalised rates, GFAR and GFRR, are over all pairs again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from biosense_pipeline.evaluation.verification.folds import training
from biosense_pipeline.evaluation.verification.lfw import Pair
from biosense_pipeline.evaluation.verification.pair_distances import DistancesHoldingOut
from biosense_pipeline.evaluation.verification.trials import TARGETS, Trials, intervals, rate_at
from biosense_pipeline.matching.error_rates import ErrorRates, most_accurate_threshold
from biosense_pipeline.matching.resampling import Interval
from biosense_pipeline.matching.score_calibration import cllr_min, fit_affine


@dataclass(frozen=True)
class FoldResult:
    """A fold that was held out: how much of it was decided rightly, at a threshold learned on the others.

    Attributes:
        people_apart: whether the others, as far as they were learned from, show nobody of this fold.
    """

    fold: int
    pairs: int
    accuracy: float
    threshold: float
    people_apart: bool


@dataclass(frozen=True)
class AtThreshold:
    """Errors at a threshold in use: rates over pairs compared, counts, and generalised rates over all pairs."""

    name: str
    threshold: float
    fmr: float
    fnmr: float
    false_matches: int
    false_non_matches: int
    gfar: float
    gfrr: float
    fmr_interval: Interval
    fnmr_interval: Interval


@dataclass(frozen=True)
class Verification:
    """What a protocol says of an engine.

    Attributes:
        rates: at every threshold.
        figures: by name, as the command's JSON has them.
        intervals: 95 % over people, by name of the figure.
        thresholds_at_fmr: the distance to which each of TARGETS belongs.
    """

    trials: Trials
    folds: list[FoldResult]
    rates: ErrorRates
    thresholds: list[AtThreshold]
    figures: dict[str, float]
    intervals: dict[str, Interval]
    thresholds_at_fmr: dict[str, float]


def verify(
    pairs: Sequence[Pair],
    folds: Sequence[int],
    distances_holding_out: DistancesHoldingOut,
    thresholds: Mapping[str, float],
    resamples: int = 1000,
    seed: int = 0,
) -> Verification:
    """Work out all figures of a protocol.

    Args:
        folds: the fold of each pair.
        thresholds: the distances in use at which errors are to be told, by name.
        resamples: of the people, for the intervals.

    Raises:
        TooFewPairs: there is nothing to learn from once a fold is held out.
    """
    trials, results = _hold_out_each(pairs, np.asarray(folds), distances_holding_out)
    rates = trials.rates()
    spread = intervals(trials, thresholds, resamples, seed)
    in_use = [_at_threshold(trials, rates, name, threshold, spread) for name, threshold in thresholds.items()]
    figures = _figures(trials, rates, results)
    return Verification(
        trials,
        results,
        rates,
        in_use,
        figures,
        {name: interval for name, interval in spread.items() if name in figures},
        {name: rates.threshold_at_fmr(target) for name, target in TARGETS.items()},
    )


def _hold_out_each(
    pairs: Sequence[Pair], folds: np.ndarray, distances_holding_out: DistancesHoldingOut
) -> tuple[Trials, list[FoldResult]]:
    genuine = np.array([pair.genuine for pair in pairs], dtype=bool)
    distances, llrs = np.full(len(pairs), np.nan), np.full(len(pairs), np.nan)
    right = np.zeros(len(pairs), dtype=bool)
    results = []
    for fold in np.unique(folds):
        made = distances_holding_out(int(fold))
        learned = training(pairs, folds, int(fold), ~np.isnan(made))
        known = made[learned.pairs], genuine[learned.pairs]
        threshold = most_accurate_threshold(*known)
        held_out = folds == fold
        distances[held_out] = made[held_out]
        llrs[held_out] = fit_affine(*known).llrs(made[held_out])
        # NaN is no match.
        right[held_out] = (made[held_out] <= threshold) == genuine[held_out]
        results.append(
            FoldResult(int(fold), int(held_out.sum()), float(right[held_out].mean()), threshold, learned.people_apart)
        )
    return Trials(tuple(pairs), genuine, distances, llrs, right), results


def _figures(trials: Trials, rates: ErrorRates, results: Sequence[FoldResult]) -> dict[str, float]:
    """All figures but the intervals.

    The accuracy is the mean over folds, each by its pairs, which LFW's have equally many of. Its deviation
    is that of a sample, over folds; LFW's tables show the standard error, less by the root of their number.
    """
    accuracies = np.array([result.accuracy for result in results])
    deviation = float(accuracies.std(ddof=1)) if len(results) > 1 else 0.0
    compared = trials.compared
    return {
        "accuracy_mean": float(trials.right.mean()),
        "accuracy_std": deviation,
        "accuracy_standard_error": deviation / float(np.sqrt(len(results))),
        "eer": float(rates.equal_error_rate()),
        **{name: float(rates.fnmr_at_fmr(target)) for name, target in TARGETS.items()},
        "cllr": float(trials.cllr()),
        "cllr_min": cllr_min(trials.distances[compared], trials.genuine[compared]),
        "ece": trials.reliability.expected_calibration_error,
    }


def _at_threshold(
    trials: Trials, rates: ErrorRates, name: str, threshold: float, spread: Mapping[str, Interval]
) -> AtThreshold:
    fmr, fnmr = rates.at(threshold)
    matched, genuine = trials.distances <= threshold, trials.genuine
    return AtThreshold(
        name,
        threshold,
        float(fmr),
        float(fnmr),
        false_matches=int(np.sum(matched & ~genuine)),
        false_non_matches=int(np.sum(~matched & genuine & trials.compared)),
        gfar=float(matched[~genuine].mean()),
        gfrr=float(1 - matched[genuine].mean()),
        fmr_interval=spread[rate_at("fmr", name)],
        fnmr_interval=spread[rate_at("fnmr", name)],
    )
