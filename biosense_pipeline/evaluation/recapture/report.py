"""The report of a training: which groups carry over and the ROC of the scores, without pictures of faces."""

import base64
import io
import os
from pathlib import Path
from typing import Any

import numpy as np

from biosense_pipeline.errors import WrongUse
from biosense_pipeline.evaluation.machine import machine
from biosense_pipeline.evaluation.recapture.run import NOT_MEASURED, RecaptureRun, numbers
from biosense_pipeline.evaluation.recapture.styles import STYLES
from biosense_pipeline.evaluation.recapture.synthesis import GENUINE
from biosense_pipeline.evaluation.recapture.training import LEAST_AUC

REPORT_FILE = "recapture.html"
_COLOURS = ("#4f6d9c", "#b3432b", "#6b6b6b", "#7a8f3c", "#8a5a9c", "#1f2733")

_TEMPLATE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Recapture scores</title>
<style>
  body { margin: 0 auto; max-width: 960px; padding: 2rem 1.25rem; color: #1f2733;
         font: 15px/1.5 system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
  h1 { font-size: 1.6rem; } h2 { font-size: 1.12rem; margin-top: 2rem; }
  table { border-collapse: collapse; font-size: .9rem; }
  th, td { text-align: left; padding: .35rem .8rem; border-bottom: 1px solid #dfe3e9; }
  td.number { text-align: right; font-variant-numeric: tabular-nums; }
  .plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(400px, 1fr)); gap: 1rem; }
  figure { margin: 0; } img { width: 100%; } figcaption { color: #5d6675; font-size: .85rem; }
</style>
</head>
<body>
<h1>Recapture scores</h1>
<p>{{ summary }}</p>
<p>{{ not_measured }}</p>
<h2>From style to style</h2>
<p>AUC on people not trained on. A group is kept where both directions between the two styles of print reach
{{ least }}.</p>
<table>
<thead><tr><th>group</th><th>trained on</th>
{% for style in styles %}<th>{{ style }}</th>{% endfor %}<th>kept</th></tr></thead>
<tbody>
{% for row in rows %}<tr>{% for cell in row %}<td class="{{ 'number' if cell is number else '' }}">{{ cell }}</td>
{%- endfor %}</tr>
{% endfor %}</tbody>
</table>
<h2>Trained on both styles of print</h2>
<section class="plots">
{% for style, picture in plots %}<figure><img src="{{ picture }}" alt="ROC, {{ style }}">
<figcaption>{{ style }}: recaptured stills found over genuine ones flagged (logarithmic), single stills of people not
trained on, no baselines.</figcaption></figure>
{% endfor %}</section>
</body>
</html>
"""


def prepare_report(folder: Path) -> Path:
    """The file into which the report will be written; its folder is made where it is missing.

    Raises:
        WrongUse: the folder cannot be made or written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WrongUse(f"The report cannot be written to {folder} ({error.strerror}): name another folder.") from error
    if not os.access(folder, os.W_OK):
        raise WrongUse(f"The report cannot be written to {folder} (no permission): name another folder.")
    return folder / REPORT_FILE


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
    """Write the report: one file that needs nothing else."""
    from jinja2 import Environment

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
    page = Environment(autoescape=True).from_string(_TEMPLATE)
    text = page.render(
        summary=summary, not_measured=NOT_MEASURED, least=LEAST_AUC, styles=list(STYLES), rows=rows, plots=_plots(run)
    )
    file.write_text(text)


def _plots(run: RecaptureRun) -> list[tuple[str, str]]:
    if not run.groups:
        return []
    columns = {group: run.scores[:, position] for position, group in enumerate(run.groups)}
    columns["sum"] = run.scores.sum(axis=1)
    return [(style, _roc(columns, run.held_out.style, style)) for style in STYLES]


def _roc(columns: dict[str, np.ndarray], styles: np.ndarray, style: str) -> str:
    """ROC of every column as an SVG picture in a data address."""
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context({"svg.hashsalt": "biosense", "font.size": 8.5}):
        figure: Any = Figure(figsize=(5.0, 3.7), layout="constrained")
        axes = figure.subplots()
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
        buffer = io.BytesIO()
        # Nothing of when and with what: the page says so once.
        figure.savefig(buffer, format="svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
    return f"data:image/svg+xml;base64,{base64.b64encode(buffer.getvalue()).decode()}"
