"""How well ring motion and frame tell prints that a hand holds from people, each cue by itself."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from biosense_pipeline.errors import BiosenseError
from biosense_pipeline.evaluation.recapture.sittings import HELD_STYLES
from biosense_pipeline.evaluation.recapture.training import auc
from biosense_pipeline.evaluation.recapture.trials import GENUINE, REFERENCE, Trial
from biosense_pipeline.matching.evidence.moving import CALIBRATIONS, Moving
from biosense_pipeline.matching.evidence.presentation import WINDOW
from biosense_pipeline.matching.evidence.rigidity import far_apart
from biosense_pipeline.matching.evidence.surroundings import Surroundings, around
from biosense_pipeline.vision.presentation.thumbnail import thumbnail

#: Seconds from a still to the next.
_APART = 10.0
_RESAMPLES = 1000


class NoTrials(BiosenseError):
    """Nobody could be put before a camera."""


@dataclass
class HeldRun:
    """What came out.

    Attributes:
        people: who were shown, by name.
        windows: by cue and kind of sitting, of each sitting its person and what the cue tells of its first window;
            NaN where it tells nothing.
    """

    people: set[str] = field(default_factory=set)
    windows: dict[tuple[str, str], list[tuple[str, float]]] = field(default_factory=lambda: defaultdict(list))


def measure_held(trials: Iterable[Trial], on_trial: Callable[[Trial], None] = lambda trial: None) -> HeldRun:
    """Measure the first window of every sitting.

    Raises:
        NoTrials: there are none.
    """
    run = HeldRun()
    for trial in trials:
        run.people.add(trial.person)
        for kind, stills in trial.sittings.items():
            told = Moving(_around(trial, kind)).told(far_apart(_APART * np.arange(min(WINDOW, len(stills)))))
            for cue in CALIBRATIONS:
                run.windows[cue, kind].append((trial.person, told[cue].value if cue in told else np.nan))
        on_trial(trial)
    if not run.people:
        raise NoTrials("Of nobody in the folder two sittings could be made: portraits need an even backdrop.")
    return run


def numbers(run: HeldRun) -> dict[str, Any]:
    """The run as plain numbers."""
    genuine = {cue: [*run.windows[cue, REFERENCE], *run.windows[cue, GENUINE]] for cue in CALIBRATIONS}
    return {
        "people": len(run.people),
        "cues": [
            {
                "cue": cue,
                "style": style,
                **_figures(genuine[cue], run.windows[cue, style]),
            }
            for cue in CALIBRATIONS
            for style in HELD_STYLES
        ],
        "genuine": [{"cue": cue, **_spread(genuine[cue])} for cue in CALIBRATIONS],
        "resamples": _RESAMPLES,
    }


def _around(trial: Trial, kind: str) -> list[Surroundings | None]:
    return [
        around(thumbnail(still.pixels), still.landmarks, still.pixels.shape[1])
        for still in trial.sittings[kind][:WINDOW]
    ]


def _figures(genuine: list[tuple[str, float]], prints: list[tuple[str, float]]) -> dict[str, Any]:
    """AUC over windows of which the cue tells anything, with an interval over people."""
    rng = np.random.default_rng(0)
    people = sorted({person for person, _ in [*genuine, *prints]})
    by_person = [{person: [v for p, v in told if p == person] for person in people} for told in (genuine, prints)]
    aucs = []
    for _resample in range(_RESAMPLES):
        drawn = [people[place] for place in rng.integers(0, len(people), len(people))]
        lower, higher = (_told([v for person in drawn for v in own[person]]) for own in by_person)
        aucs.append(auc(lower, higher))
    values = _told([value for _, value in prints])
    return {
        "windows": len(prints),
        "told": len(values),
        "median": _rounded(np.median(values)) if len(values) else None,
        "auc": _rounded(auc(_told([value for _, value in genuine]), values)),
        "interval": [_rounded(end) for end in _ends(_told(aucs))],
    }


def _ends(values: np.ndarray) -> tuple[float, float]:
    return (float(np.quantile(values, 0.025)), float(np.quantile(values, 0.975))) if len(values) else (np.nan, np.nan)


def _spread(genuine: list[tuple[str, float]]) -> dict[str, Any]:
    values = _told([value for _, value in genuine])
    quantiles = np.quantile(values, (0.05, 0.5, 0.95)) if len(values) else [np.nan] * 3
    return {
        "windows": len(genuine),
        "told": len(values),
        **{name: _rounded(value) for name, value in zip(("p5", "median", "p95"), quantiles, strict=True)},
    }


def _told(values: Iterable[float]) -> np.ndarray:
    found = np.array(list(values), dtype=np.float64)
    return found[np.isfinite(found)]


def _rounded(value: float) -> float | None:
    return round(float(value), 4) if np.isfinite(value) else None
