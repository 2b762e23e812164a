"""Trains the recapture scores anew and measures them: within a style of synthesis, and from one style to another."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from biosense_pipeline.evaluation.recapture.sources import Sources, read_sources, split_people
from biosense_pipeline.evaluation.recapture.styles import STYLES
from biosense_pipeline.evaluation.recapture.synthesis import GENUINE, Stills, synthesise
from biosense_pipeline.evaluation.recapture.training import (
    LEAST_AUC,
    PRINTS,
    Carry,
    auc_of,
    auc_without_baseline,
    carry,
    chosen,
    fit,
)
from biosense_pipeline.matching.evidence.recapture import RecaptureModel

NOT_MEASURED = (
    "Every recapture here is synthesised. Real prints are measured by `biosense evaluate attacks`; real screens, "
    "replayed video and masks are not measured at all, and nothing is claimed of them."
)
OnProgress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class RecaptureRun:
    """What a training found.

    Attributes:
        carried: every group from every style to every style, on people not trained on.
        groups: those that were kept.
        held_out: stills of the half of the people who were not trained on; scores: of the model trained without
            them, (n, groups).
        model: trained on all people.
    """

    people: int
    sources: int
    stills: dict[str, int]
    carried: list[Carry]
    groups: tuple[str, ...]
    held_out: Stills
    scores: np.ndarray
    model: RecaptureModel


def run_recapture(
    folder: Path, trials: int, seed: int, on_progress: OnProgress = lambda what, done, total: None
) -> RecaptureRun:
    """Read the sources, synthesise, train, choose the groups, and train the model on all people.

    Args:
        trials: in each half of the people (see ``synthesis``).

    Raises:
        SourcesUnusable: the folder shows too few people.
    """
    sources = read_sources(folder, lambda done, total: on_progress("sources", done, total))
    done = 0

    def count() -> None:
        nonlocal done
        done += 1
        on_progress("trials", done, 2 * trials)

    one, other = (
        synthesise(half, sources.rooms, trials, 2 * seed + number, count)
        for number, half in enumerate(split_people(sources.people))
    )
    return trained(sources, one, other)


def trained(sources: Sources, one: Stills, other: Stills) -> RecaptureRun:
    """Train on one half, choose and measure on the other, and train once more on both."""
    carried = carry(one, other, tuple(STYLES))
    groups = chosen(carried, PRINTS)
    scores = np.zeros((len(other.style), 0))
    if groups:
        scores = fit(one.of(GENUINE, *PRINTS), groups, {}, "").scores(other.features)
    figures: dict[str, Any] = {
        "people": len({source.person for source in sources.people}),
        "sources": len(sources.people),
        "stills": len(one.style) + len(other.style),
        "least_auc": LEAST_AUC,
        "auc_from_style_to_style": {
            f"{entry.group}: {entry.trained} to {entry.tested}": round(entry.auc, 4) for entry in carried
        },
        "auc_held_out": _held_out(groups, scores, other),
        "not_measured": NOT_MEASURED,
    }
    both = one + other
    model = fit(both.of(GENUINE, *PRINTS), groups, figures, sources.credits)
    counts = {style: int((both.style == style).sum()) for style in (GENUINE, *STYLES)}
    return RecaptureRun(figures["people"], figures["sources"], counts, carried, groups, other, scores, model)


def numbers(run: RecaptureRun) -> dict[str, Any]:
    """The run as plain numbers."""
    return {
        "people": run.people,
        "sources": run.sources,
        "stills": run.stills,
        "groups": list(run.groups),
        "auc": [
            {"group": entry.group, "trained": entry.trained, "tested": entry.tested, "auc": round(entry.auc, 4)}
            for entry in run.carried
        ],
        "auc_held_out": _held_out(run.groups, run.scores, run.held_out),
        "auc_without_baseline": _held_out(run.groups, run.scores, run.held_out, auc_without_baseline),
        "not_measured": NOT_MEASURED,
    }


def _held_out(
    groups: tuple[str, ...], scores: np.ndarray, stills: Stills, measure: Callable[..., float] = auc_of
) -> dict[str, dict[str, float]]:
    """Of each group kept and of their sum: AUC by style, on people not trained on.

    The groups were chosen on these people, so it is held out of fitting and not of choosing.
    """
    columns = {group: scores[:, position] for position, group in enumerate(groups)}
    if groups:
        columns["sum"] = scores.sum(axis=1)
    return {
        name: {style: round(measure(column, stills, style), 4) for style in STYLES} for name, column in columns.items()
    }
