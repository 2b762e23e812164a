"""The plots of the verification report, each an SVG picture as a data address: numbers only, never a face."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from biosense_pipeline.evaluation.drawing import (
    GENUINE,
    IMPOSTOR,
    NEUTRAL,
    PERCENTAGES,
    corners,
    data_address,
    drawing,
    new_figure,
    normal_deviates,
    percent,
    percent_formatter,
)
from biosense_pipeline.evaluation.verification.protocol import Verification
from biosense_pipeline.evaluation.verification.trials import Trials
from biosense_pipeline.matching.error_rates import ErrorRates

_HISTOGRAM_BINS = 60


def plots(verification: Verification) -> dict[str, str]:
    """All plots by name: ``histogram``, ``roc``, ``det``, ``reliability``."""
    in_use = {entry.name: entry.threshold for entry in verification.thresholds}
    with drawing():
        return {
            "histogram": _histogram(verification.trials, in_use),
            "roc": _roc(verification.rates, verification.trials, in_use),
            "det": _det(verification.rates, verification.trials, verification.figures["eer"]),
            "reliability": _reliability(verification.trials),
        }


def _histogram(trials: Trials, in_use: Mapping[str, float]) -> str:
    figure, axes = new_figure()
    distances = trials.distances[trials.compared]
    bins = np.linspace(distances.min(), distances.max() + 1e-9, _HISTOGRAM_BINS + 1)
    for kind, colour, label in ((trials.genuine, GENUINE, "genuine"), (~trials.genuine, IMPOSTOR, "impostor")):
        axes.hist(trials.distances[kind & trials.compared], bins=bins, color=colour, alpha=0.65, label=label)
    _mark_thresholds(axes, in_use)
    axes.set_xlabel("distance")
    axes.set_ylabel("pairs")
    # Room above the bars for the names of the thresholds.
    axes.set_ylim(0, 1.2 * axes.get_ylim()[1])
    axes.legend(frameon=False, loc="upper right")
    return data_address(figure)


def _roc(rates: ErrorRates, trials: Trials, in_use: Mapping[str, float]) -> str:
    figure, axes = new_figure()
    least = _least(trials)[0]
    fmr, fnmr = corners(rates)
    axes.step(np.maximum(fmr, least), 1 - fnmr, where="post", color=GENUINE, linewidth=1.6)
    for (name, threshold), marker in zip(in_use.items(), "osD^v", strict=False):
        at_fmr, at_fnmr = rates.at(threshold)
        axes.plot(
            max(at_fmr, least),
            1 - at_fnmr,
            marker,
            color=IMPOSTOR,
            markersize=5,
            clip_on=False,
            linestyle="",
            label=f"{name} {threshold:g}",
        )
    axes.set_xscale("log")
    axes.set_xlim(least, 1)
    axes.set_ylim(max(0.0, min(1 - fnmr[fmr >= least]) - 0.05), 1.005)
    axes.xaxis.set_major_formatter(percent_formatter())
    axes.yaxis.set_major_formatter(percent_formatter())
    axes.set_xlabel("FMR (log)")
    axes.set_ylabel("genuine pairs matched, 1 - FNMR")
    axes.grid(alpha=0.25)
    if in_use:
        axes.legend(frameon=False, loc="lower right")
    return data_address(figure)


def _det(rates: ErrorRates, trials: Trials, equal_error_rate: float) -> str:
    figure, axes = new_figure()
    least_fmr, least_fnmr = _least(trials)
    fmr, fnmr = corners(rates)
    seen = (fmr < 1) & (fnmr < 1)
    axes.step(
        normal_deviates(np.maximum(fmr[seen], least_fmr)),
        normal_deviates(np.maximum(fnmr[seen], least_fnmr)),
        where="post",
        color=GENUINE,
        linewidth=1.6,
    )
    diagonal = normal_deviates(np.array([min(least_fmr, least_fnmr), 0.6]))
    axes.plot(diagonal, diagonal, color=NEUTRAL, linewidth=0.8, linestyle=":")
    at = normal_deviates(np.array([max(equal_error_rate, least_fmr, least_fnmr)]))
    axes.plot(at, at, "o", color=IMPOSTOR, markersize=5, label=f"EER {100 * equal_error_rate:.2f} %")
    for axis, least in ((axes.xaxis, least_fmr), (axes.yaxis, least_fnmr)):
        ticks = [share for share in PERCENTAGES if least <= share <= 0.5]
        axis.set_ticks(normal_deviates(np.array(ticks)), [percent(share) for share in ticks])
    axes.set_xlim(*normal_deviates(np.array([least_fmr, 0.6])))
    axes.set_ylim(*normal_deviates(np.array([least_fnmr, 0.6])))
    axes.set_xlabel("FMR (normal deviate)")
    axes.set_ylabel("FNMR (normal deviate)")
    axes.grid(alpha=0.25)
    axes.legend(frameon=False, loc="upper right")
    return data_address(figure)


def _reliability(trials: Trials) -> str:
    figure, (axes, shares) = new_figure(rows=2, height_ratios=(3, 1), sharex=True)
    bins = trials.reliability
    axes.plot([0, 1], [0, 1], color=NEUTRAL, linewidth=0.8, linestyle=":")
    axes.plot(bins.predicted, bins.observed, "o-", color=GENUINE, markersize=4, linewidth=1.2)
    axes.set_ylabel("observed share genuine")
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.02)
    axes.grid(alpha=0.25)
    shares.bar(bins.predicted, bins.counts, width=0.03, color=GENUINE, alpha=0.65)
    shares.set_yscale("log")
    shares.set_ylabel("pairs (log)")
    shares.set_xlabel("predicted probability of the same person, at even odds")
    return data_address(figure)


def _mark_thresholds(axes: Any, in_use: Mapping[str, float]) -> None:
    for line, (name, threshold) in enumerate(in_use.items()):
        axes.axvline(threshold, color=NEUTRAL, linewidth=1.0, linestyle="--")
        axes.text(
            threshold,
            1.0 - 0.07 * line,
            f" {name} {threshold:g}",
            color=NEUTRAL,
            fontsize=7.5,
            va="top",
            transform=axes.get_xaxis_transform(),
        )


def _least(trials: Trials) -> tuple[float, float]:
    """Half an error among the impostor and the genuine pairs compared: where logarithms have to end."""
    impostors = np.sum(trials.compared & ~trials.genuine)
    genuine = np.sum(trials.compared & trials.genuine)
    return float(0.5 / impostors), float(0.5 / genuine)
