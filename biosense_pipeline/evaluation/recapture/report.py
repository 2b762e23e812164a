"""The report of a training: which groups carry over and the ROC of the scores, without pictures of faces."""

from pathlib import Path

import numpy as np

from biosense_pipeline.errors import WrongUse
from biosense_pipeline.evaluation.drawing import GENUINE as GENUINE_COLOUR
from biosense_pipeline.evaluation.drawing import IMPOSTOR, NEUTRAL, data_address, drawing, new_figure
from biosense_pipeline.evaluation.machine import machine
from biosense_pipeline.evaluation.page import render_page, write_page
from biosense_pipeline.evaluation.recapture.run import NOT_MEASURED, RecaptureRun, numbers
from biosense_pipeline.evaluation.recapture.styles import STYLES
from biosense_pipeline.evaluation.recapture.synthesis import GENUINE
from biosense_pipeline.evaluation.recapture.training import LEAST_AUC

REPORT_FILE = "recapture.html"
_COLOURS = (GENUINE_COLOUR, IMPOSTOR, NEUTRAL, "#7a8f3c", "#8a5a9c", "#1f2733")

_BODY = """\
<p>{{ not_measured }}</p>
<h2>From style to style</h2>
<p>AUC on people not trained on. A group is kept where both directions between the two styles of print reach
{{ least }}.</p>
{{ table(["group", "trained on"] + styles + ["kept"], rows, range(2, 2 + styles | length)) }}
<p class="soft">The plots are of scores trained on both styles of print: single stills of people not trained on but
chosen on, no baselines.</p>
{{ pictures(plots) }}
"""


def write_model(file: Path, run: RecaptureRun) -> None:
    """Write the model as text.

    Raises:
        WrongUse: no group carried over, or the file cannot be written.
    """
    if not run.groups:
        raise WrongUse("No group of features carried over, so there is no model to write: train on more stills.")
    try:
        file.write_text(run.model.as_text())
    except OSError as error:
        raise WrongUse(f"The model cannot be written to {file} ({error.strerror}): name another file.") from error


def write_report(file: Path, run: RecaptureRun) -> None:
    """Write the report.

    Raises:
        WrongUse: the file cannot be written.
    """
    told = numbers(run)
    by_pair = {(entry["group"], entry["trained"], entry["tested"]): entry["auc"] for entry in told["auc"]}
    rows = [
        [group, trained, *(by_pair[group, trained, tested] for tested in STYLES), "yes" if group in run.groups else ""]
        for group in dict.fromkeys(entry.group for entry in run.carried)
        for trained in STYLES
    ]
    summary = (
        f"{run.people} people in {run.sources} pictures; "
        + ", ".join(f"{number} stills {style}" for style, number in run.stills.items())
        + f". {machine()}."
    )
    values = {"not_measured": NOT_MEASURED, "least": LEAST_AUC, "styles": list(STYLES), "rows": rows}
    write_page(file, render_page("Recapture scores", _BODY, subtitle=summary, plots=_plots(run), **values))


def _plots(run: RecaptureRun) -> list[tuple[str, str]]:
    if not run.groups:
        return []
    columns = {group: run.scores[:, position] for position, group in enumerate(run.groups)}
    columns["sum"] = run.scores.sum(axis=1)
    with drawing():
        return [
            (
                _roc(columns, run.held_out.style, style),
                f"ROC, {style}: recaptured stills found over genuine ones flagged.",
            )
            for style in STYLES
        ]


def _roc(columns: dict[str, np.ndarray], styles: np.ndarray, style: str) -> str:
    """ROC of every column as an SVG picture in a data address."""
    figure, axes = new_figure()
    genuine = styles == GENUINE
    for (name, column), colour in zip(columns.items(), _COLOURS, strict=False):
        thresholds = np.sort(column[genuine])[::-1]
        found = np.mean(column[styles == style][:, None] > thresholds[None, :], axis=0)
        flagged = np.arange(len(thresholds)) / max(1, len(thresholds))
        axes.step(np.maximum(flagged, 0.5 / len(thresholds)), found, where="post", color=colour, label=name)
    axes.set_xscale("log")
    axes.set_xlabel("genuine stills flagged (log)")
    axes.set_ylabel("recaptured stills found")
    axes.grid(alpha=0.25)
    axes.legend(frameon=False, loc="lower right")
    return data_address(figure)
