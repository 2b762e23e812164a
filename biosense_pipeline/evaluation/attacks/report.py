"""The report on attacks: figures and plots in one HTML file, without pictures of faces."""

from pathlib import Path
from typing import Any

from biosense_pipeline.evaluation.attacks.figures import AttackFigures
from biosense_pipeline.evaluation.attacks.numbers import numbers
from biosense_pipeline.evaluation.attacks.report_page import BODY, HEADING
from biosense_pipeline.evaluation.attacks.report_plots import plots
from biosense_pipeline.evaluation.attacks.run import AttackRun, SpeciesResult
from biosense_pipeline.evaluation.page import interval, render_page, share, write_page

REPORT_FILE = "attacks.html"

_FIGURES = {
    "eer": "EER",
    "apcer_at_bpcer_5": "APCER at BPCER 5 %",
    "apcer_at_bpcer_1": "APCER at BPCER 1 %",
    "apcer_in_use": "APCER at the threshold in use",
    "bpcer_in_use": "BPCER at the threshold in use",
}
_CAPTIONS = {
    "scores": "Scores of genuine stills and attacks, single ones above and windows below; the line is the threshold in "
    "use.",
    "roc": "ROC of windows: attacks found over BPCER, which is on a logarithmic axis.",
    "det": "DET of windows: both errors on axes of normal deviates.",
    "cues": "The two cues of each window.",
}


def write_report(file: Path, run: AttackRun) -> None:
    """Write the report.

    Raises:
        WrongUse: the file cannot be written.
    """
    write_page(file, render(run))


def render(run: AttackRun) -> str:
    """The report as HTML."""
    told, pictures = numbers(run), plots(run)
    results = [*run.species, *([run.pooled] if len(run.species) > 1 else [])]
    return render_page(
        HEADING,
        BODY,
        title=run.genuine.name,
        subtitle=f"{told['stills']:,} stills of {told['subjects']:,} subjects · {len(run.species)} species of attack · "
        f"{run.finished:%Y-%m-%d %H:%M}",
        headline=[
            (share(told["apcer_at_bpcer_5_window"]), f"APCER at BPCER 5 %, windows of {run.plan.stills}"),
            (share(told["apcer_at_bpcer_1_window"]), f"APCER at BPCER 1 %, windows of {run.plan.stills}"),
            (share(told["eer_window"]), "equal error rate, windows"),
            (share(told["eer_single"]), "equal error rate, single stills"),
            (share(told["iapar"]), "IAPAR of matcher and attack detection"),
        ],
        remarks=run.remarks,
        figures=[row for result in results for row in _rows(result)],
        resamples=f"{run.options.resamples:,}",
        subjects=told["subjects"],
        system=[
            (result.name, share(result.accepted_by_matcher), share(result.iapar), interval(result.iapar_interval))
            for result in results
        ],
        threshold=f"{run.window_threshold:.2f}",
        bpcer=share(run.bpcers[1]),
        tolerance=f"{run.settings.tolerance:g}",
        plots=[(pictures[name], caption) for name, caption in _CAPTIONS.items() if name in pictures],
        folders=[tuple(entry.values()) for entry in _folders(told)],
        setting=_setting(run, told),
    )


def _rows(result: SpeciesResult) -> list[tuple[str, ...]]:
    return [
        (result.name, title, *_cell(result.single, name), *_cell(result.window, name))
        for name, title in _FIGURES.items()
    ]


def _cell(figures: AttackFigures | None, name: str) -> tuple[str, str]:
    return ("none", "") if figures is None else (share(figures.values[name]), interval(figures.intervals[name]))


def _folders(told: dict[str, Any]) -> list[dict[str, Any]]:
    reference = told["genuine_reference"]
    return [told["genuine"], *([reference] if reference else []), *told["attacks"]]


def _setting(run: AttackRun, told: dict[str, Any]) -> list[tuple[str, object]]:
    return [
        ("window", f"{run.plan.stills} stills, a new one after {run.plan.step}"),
        ("from a still to the next", f"{run.options.seconds_between:g} s"),
        ("subjects with a baseline of their own", f"{len(run.personal)} of {told['subjects']}"),
        ("threshold in use", f"{told['threshold_in_use']:g} spreads"),
        ("groups of features", ", ".join(told["groups"])),
        ("features", told["features_id"]),
        ("matcher", run.model_id),
        ("machine", told["machine"]),
        ("finished", f"{run.finished:%Y-%m-%d %H:%M:%S %Z}"),
    ]
