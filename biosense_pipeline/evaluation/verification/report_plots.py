"""The plots of the verification report, each an SVG picture as a data address: numbers only, never a face."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from biosense_pipeline.evaluation.drawing import (
    GENUINE,
    IMPOSTOR,
    NEUTRAL,
    data_address,
    det_axes,
    draw_det,
    draw_roc,
    drawing,
    half_an_error,
    new_figure,
    normal_deviates,
    roc_axes,
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
    draw_roc(axes, rates, least, color=GENUINE, linewidth=1.6)
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
    roc_axes(axes, least)
    axes.set_ylim(max(0.0, min(1 - rates.fnmr[rates.fmr >= least]) - 0.05), 1.005)
    axes.set_xlabel("FMR (log)")
    axes.set_ylabel("genuine pairs matched, 1 - FNMR")
    if in_use:
        axes.legend(frameon=False, loc="lower right")
    return data_address(figure)


def _det(rates: ErrorRates, trials: Trials, equal_error_rate: float) -> str:
    figure, axes = new_figure()
    least = _least(trials)
    draw_det(axes, rates, least, color=GENUINE, linewidth=1.6)
    diagonal = normal_deviates(np.array([min(least), 0.6]))
    axes.plot(diagonal, diagonal, color=NEUTRAL, linewidth=0.8, linestyle=":")
    at = normal_deviates(np.array([max(equal_error_rate, *least)]))
    axes.plot(at, at, "o", color=IMPOSTOR, markersize=5, label=f"EER {100 * equal_error_rate:.2f} %")
    det_axes(axes, least)
    axes.set_xlabel("FMR (normal deviate)")
    axes.set_ylabel("FNMR (normal deviate)")
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
    """Half an error among the pairs compared."""
    return half_an_error(int(np.sum(trials.compared & ~trials.genuine)), int(np.sum(trials.compared & trials.genuine)))
