"""An evaluation as the command's JSON object; shares are 0-1."""

from typing import Any

import numpy as np

from biosense_pipeline.evaluation.attacks.acquisition import AcquiredFolder
from biosense_pipeline.evaluation.attacks.figures import TARGETS, AttackFigures
from biosense_pipeline.evaluation.attacks.run import AttackRun, SpeciesResult
from biosense_pipeline.evaluation.machine import machine
from biosense_pipeline.matching.evidence.presentation import ALARM_SPREADS
from biosense_pipeline.matching.resampling import Interval


def numbers(run: AttackRun) -> dict[str, Any]:
    """The figures of the worst species lead, each figure by itself; all species and the pooled ones follow."""
    species = [species_numbers(result) for result in run.species]
    leading = {name: _highest([entry[name] for entry in species]) for name in _LEADING}
    windows = run.pooled.window
    bpcer_single, bpcer_window = run.bpcers
    return {
        "stills": run.stills,
        **leading,
        "worst_species": {
            name: next(entry["species"] for entry in species if entry[name] == value)
            for name, value in leading.items()
            if value is not None
        },
        "species": species,
        "pooled": species_numbers(run.pooled),
        "bpcer_in_use_single": _value(run.pooled.single, "bpcer_in_use"),
        "bpcer_in_use_window": _value(run.pooled.window, "bpcer_in_use"),
        "threshold_in_use": ALARM_SPREADS,
        "iapar_operating_point": {
            "bpcer_window": _rounded(bpcer_window),
            "bpcer_single": _rounded(bpcer_single),
            "threshold_window": _rounded(run.window_threshold),
            "threshold_single": _rounded(run.still_threshold),
            "tolerance": run.settings.tolerance,
        },
        "genuine": _folder_numbers(run.genuine),
        "genuine_reference": None if run.reference is None else _folder_numbers(run.reference),
        "attacks": [_folder_numbers(folder) for folder in run.attacks],
        "genuine_windows": 0 if windows is None else windows.bona_fide,
        "window": run.plan.stills,
        "step": run.plan.step,
        "fewest_stills_of_a_window": run.plan.fewest,
        "seconds_between": run.options.seconds_between,
        "subjects": len(run.personal) + len(run.site_judged),
        "subjects_with_own_baseline": len(run.personal),
        "baseline_stills": run.options.baseline_stills,
        "groups": list(run.model.names),
        "features_id": run.model.features_id,
        "own_scores": {score.name: score.score_id for score in run.model.own},
        "resamples": run.options.resamples,
        "model_id": run.model_id,
        "workers": run.settings.workers,
        "machine": machine(),
        "finished": run.finished.isoformat(timespec="seconds"),
        "remarks": run.remarks,
    }


def species_numbers(result: SpeciesResult) -> dict[str, Any]:
    """The figures of one species."""
    told: dict[str, Any] = {
        "species": result.name,
        "stills": result.stills,
        "without_face": result.without_face,
        "windows": 0 if result.window is None else result.window.attacks,
        "iapar": _rounded(result.iapar),
        "accepted_by_matcher": _rounded(result.accepted_by_matcher),
    }
    intervals: dict[str, Any] = {"iapar": _ends(result.iapar_interval)}
    for kind, figures in (("single", result.single), ("window", result.window)):
        for name in _FIGURES:
            told[f"{name}_{kind}"] = _value(figures, name)
            intervals[f"{name}_{kind}"] = None if figures is None else _ends(figures.intervals[name])
    return {**told, "confidence_intervals": intervals}


#: Figures of a species, of single stills and of windows.
_FIGURES = ("eer", *TARGETS, "apcer_in_use")
#: Those that lead, as the command's users know them.
_LEADING = ("eer_single", "eer_window", "apcer_at_bpcer_1_window", "apcer_at_bpcer_5_window", "iapar")


def _folder_numbers(folder: AcquiredFolder) -> dict[str, Any]:
    return {
        "name": folder.name,
        "subjects": len(folder.folder.subjects),
        "sequences": len({(still.subject, still.sequence) for still in folder.folder.stills}),
        "files": folder.files,
        "judged": folder.judged,
        "failures_to_acquire": sum(folder.without_face.values()),
        "unreadable": len(folder.unreadable),
    }


def _highest(values: list[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)


def _value(figures: AttackFigures | None, name: str) -> float | None:
    return None if figures is None else _rounded(figures.values[name])


def _ends(interval: Interval) -> list[float | None] | None:
    return None if interval is None else [_rounded(end) for end in interval]


def _rounded(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else round(float(value), 6)
