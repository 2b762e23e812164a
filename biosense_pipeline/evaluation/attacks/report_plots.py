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
    data_address,
    det_axes,
    draw_det,
    draw_roc,
    drawing,
    half_an_error,
    new_figure,
    roc_axes,
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
    least = min(_least(species)[0] for species, _ in _windows(run))
    for species, (name, line) in _windows(run):
        draw_roc(axes, species.rates, least, linestyle=line, label=name, linewidth=1.5)
    roc_axes(axes, least)
    axes.set_ylim(0, 1.005)
    axes.set_xlabel("BPCER (log)")
    axes.set_ylabel("attack windows found, 1 - APCER")
    axes.legend(frameon=False, loc="lower right")
    return data_address(figure)


def _det(run: AttackRun) -> str:
    figure, axes = new_figure()
    for species, (name, line) in _windows(run):
        draw_det(axes, species.rates, _least(species), linestyle=line, label=name, linewidth=1.5)
    lowest = min(0.5, *(min(_least(species)) for species, _ in _windows(run)))
    det_axes(axes, (lowest, lowest))
    axes.set_xlabel("BPCER (normal deviate)")
    axes.set_ylabel("APCER (normal deviate)")
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
    return half_an_error(figures.bona_fide, figures.attacks)


def _spreads(judged: list[JudgedSequence], *, windows: bool) -> np.ndarray:
    found: list[Any] = [
        presentation.spreads
        for own in judged
        for presentation in ([window for _, window in own.windows] if windows else own.stills)
    ]
    return np.array(found)
