"""The plots of the report on attacks, each an SVG picture as a data address: numbers only, never a face."""

from typing import Any

import numpy as np

from biosense_pipeline.evaluation.attacks.figures import AttackFigures
from biosense_pipeline.evaluation.attacks.judging import JudgedSequence
from biosense_pipeline.evaluation.attacks.run import AttackRun
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
from biosense_pipeline.matching.evidence.presentation import ALARM_SPREADS

_BINS = 50
_STYLES = ("-", "--", ":", "-.")


def plots(run: AttackRun) -> dict[str, str]:
    """All plots that there is something to draw for, by name: ``scores``, ``roc``, ``det``, ``cues``."""
    with drawing():
        drawn = {"scores": _scores(run)}
        if any(species.window for species in run.species):
            drawn |= {"roc": _roc(run), "det": _det(run), "cues": _cues(run)}
        return drawn


def _scores(run: AttackRun) -> str:
    figure, axes = new_figure(rows=2, sharex=True)
    kinds = [("genuine", GENUINE, run.bona_fide)]
    kinds += [("attacks", IMPOSTOR, [sequence for own in run.judged_attacks for sequence in own])]
    for place, what in enumerate(("single stills", "windows")):
        values = {label: _spreads(judged, windows=place == 1) for label, _, judged in kinds}
        every = np.concatenate(list(values.values()))
        if every.size:
            bins = np.linspace(every.min(), every.max() + 1e-9, _BINS + 1)
            for label, colour, _ in kinds:
                axes[place].hist(values[label], bins=bins, color=colour, alpha=0.65, label=label)
        axes[place].axvline(ALARM_SPREADS, color=NEUTRAL, linewidth=1.0, linestyle="--")
        axes[place].set_ylabel(what)
    axes[1].set_xlabel("spreads above the subject's own level")
    axes[0].legend(frameon=False, loc="upper right")
    return data_address(figure)


def _roc(run: AttackRun) -> str:
    figure, axes = new_figure()
    least = 1.0
    for species, style in _windows(run):
        least = min(least, _least(species)[0])
        bpcer, apcer = corners(species.rates)
        axes.step(np.maximum(bpcer, 1e-9), 1 - apcer, where="post", linestyle=style[1], label=style[0], linewidth=1.5)
    axes.set_xscale("log")
    axes.set_xlim(least, 1)
    axes.set_ylim(0, 1.005)
    axes.xaxis.set_major_formatter(percent_formatter())
    axes.yaxis.set_major_formatter(percent_formatter())
    axes.set_xlabel("BPCER (log)")
    axes.set_ylabel("attack windows found, 1 - APCER")
    axes.grid(alpha=0.25)
    axes.legend(frameon=False, loc="lower right")
    return data_address(figure)


def _det(run: AttackRun) -> str:
    figure, axes = new_figure()
    lowest = 0.5
    for species, style in _windows(run):
        least_bpcer, least_apcer = _least(species)
        lowest = min(lowest, least_bpcer, least_apcer)
        bpcer, apcer = corners(species.rates)
        seen = (bpcer < 1) & (apcer < 1)
        axes.step(
            normal_deviates(np.maximum(bpcer[seen], least_bpcer)),
            normal_deviates(np.maximum(apcer[seen], least_apcer)),
            where="post",
            linestyle=style[1],
            label=style[0],
            linewidth=1.5,
        )
    ticks = [share for share in PERCENTAGES if lowest <= share <= 0.5]
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks(normal_deviates(np.array(ticks)), [percent(share) for share in ticks])
    ends = normal_deviates(np.array([lowest, 0.6]))
    axes.set_xlim(*ends)
    axes.set_ylim(*ends)
    axes.set_xlabel("BPCER (normal deviate)")
    axes.set_ylabel("APCER (normal deviate)")
    axes.grid(alpha=0.25)
    axes.legend(frameon=False, loc="upper right")
    return data_address(figure)


def _cues(run: AttackRun) -> str:
    figure, axes = new_figure()
    kinds = [("genuine", GENUINE, run.bona_fide)]
    kinds += [("attacks", IMPOSTOR, [sequence for own in run.judged_attacks for sequence in own])]
    for label, colour, judged in kinds:
        found = [
            (window.recapture.spreads, window.rigidity.spreads)
            for own in judged
            for _, window in own.windows
            if window.rigidity is not None
        ]
        if found:
            axes.plot(*zip(*found, strict=True), ".", color=colour, markersize=3, alpha=0.5, label=label)
    axes.set_xlabel("recapture, spreads")
    axes.set_ylabel("rigidity, spreads")
    axes.grid(alpha=0.25)
    axes.legend(frameon=False, loc="lower right")
    return data_address(figure)


def _windows(run: AttackRun) -> list[tuple[AttackFigures, tuple[str, str]]]:
    """The figures of each species' windows, with a name and a line to draw them by."""
    return [
        (species.window, (species.name, _STYLES[place % len(_STYLES)]))
        for place, species in enumerate(run.species)
        if species.window is not None
    ]


def _least(figures: AttackFigures) -> tuple[float, float]:
    """Half an error of either kind: where logarithms have to end."""
    return 0.5 / figures.bona_fide, 0.5 / figures.attacks


def _spreads(judged: list[JudgedSequence], *, windows: bool) -> np.ndarray:
    found: list[Any] = [
        presentation.spreads
        for own in judged
        for presentation in ([window for _, window in own.windows] if windows else own.stills)
    ]
    return np.array(found)
