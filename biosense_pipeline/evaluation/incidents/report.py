"""The report of the simulation: its figures and plots in one HTML file."""

import base64
import io
import os
from pathlib import Path
from typing import Any

import numpy as np

from biosense_pipeline.errors import WrongUse
from biosense_pipeline.evaluation.incidents.run import GOAL_SECONDS, Simulation, numbers
from biosense_pipeline.evaluation.incidents.shifts import Kind

REPORT_FILE = "incidents.html"
_COLOURS = {Kind.RESULTS: "#b3432b", Kind.LLRS: "#4f6d9c"}

_TEMPLATE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Incidents in simulation</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
table { border-collapse: collapse; margin: 1rem 0; } td, th { padding: .25rem .7rem; border-bottom: 1px solid #ddd; }
td { text-align: right; } th { text-align: left; } figure { margin: 1.5rem 0; } img { max-width: 100%; }
</style></head><body>
<h1>Incidents in simulation</h1>
<p>{{ n.agent_months }} agent-months of shifts about which nothing is wrong, and {{ n.swap.cases }} in which somebody
else takes the agent's place; evidence: {{ n.evidence }}, FNMR {{ n.fnmr }}, FMR {{ n.fmr }}, correlation of
successive stills {{ n.correlation }} (the test assumes {{ n.correlation_assumed }}), seed {{ n.seed }}. Everything is
drawn at random: no face, no person, no camera is in it.</p>
<table>
<tr><th>false incidents per agent-month</th><td>{{ n.false_incidents_per_agent_month }}</td>
<td>95 % {{ n.false_incidents_interval[0] }} to {{ n.false_incidents_interval[1] }}</td></tr>
<tr><th>swap found, median</th><td>{{ n.swap.seconds_median }} s</td><td>{{ n.swap.stills_median }} stills</td></tr>
<tr><th>swap found, 95 of 100</th><td>{{ n.swap.seconds_p95 }} s</td><td>{{ n.swap.stills_p95 }} stills</td></tr>
<tr><th>look-alike found, median</th><td>{{ n.swap_by_look_alike.seconds_median }} s</td>
<td>accepted in {{ n.swap_by_look_alike.accepted }} of stills</td></tr>
<tr><th>empty place found, median</th><td>{{ n.absent.seconds_median }} s</td><td></td></tr>
<tr><th>noisy camera, false incidents per agent-month</th><td>{{ n.noisy_camera.false_incidents_per_agent_month }}</td>
<td>95 % {{ n.noisy_camera.interval[0] }} to {{ n.noisy_camera.interval[1] }}</td></tr>
</table>
<p>The noisy camera rejects {{ n.noisy_camera.rejected_then }} of the agent's stills for
{{ n.noisy_camera.stills_at_a_time }} stills at a time, in {{ n.noisy_camera.share_of_time }} of all time: more than the
test assumes of any camera.</p>
<h2>If rejections hang together more than assumed</h2>
<table>
<tr><th>evidence</th><th>correlation</th><th>false incidents, as set</th><th>false incidents, assumed so</th>
<th>then found in, median</th></tr>
{% for c in n.correlated %}
<tr><th>{{ c.evidence }}</th><td>{{ c.correlation }}</td><td>{{ c.as_set.false_incidents_per_agent_month }}</td>
<td>{{ c.assumed.false_incidents_per_agent_month }}</td><td>{{ c.assumed.seconds_median }} s</td></tr>
{% endfor %}
</table>
{% for picture, caption in plots %}<figure><img src="{{ picture }}" alt="{{ caption }}">
<figcaption>{{ caption }}</figcaption></figure>{% endfor %}
</body></html>
"""


def prepare_report(folder: Path) -> Path:
    """The file into which the report will be written; its folder is made where it is missing.

    Raises:
        WrongUse: the folder cannot be made or written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WrongUse(
            f"The report cannot be written to {folder} ({error.strerror}): name another --report."
        ) from error
    if not os.access(folder, os.W_OK):
        raise _unwritable(folder, "no permission")
    return folder / REPORT_FILE


def write_report(file: Path, run: Simulation) -> None:
    """Write the report."""
    from jinja2 import Environment

    page = Environment(autoescape=True).from_string(_TEMPLATE)
    file.write_text(page.render(n=numbers(run), plots=_plots(run)), encoding="utf-8")


def _unwritable(folder: Path, reason: str | None) -> WrongUse:
    return WrongUse(f"The report cannot be written to {folder} ({reason}): name another --report.")


def _plots(run: Simulation) -> list[tuple[str, str]]:
    import matplotlib

    # A fixed salt: the same numbers give the same bytes.
    with matplotlib.rc_context(
        {"svg.hashsalt": "biosense", "font.size": 8.5, "axes.spines.top": False, "axes.spines.right": False}
    ):
        return [
            (_times(run), "Share of swaps found, by the time since the swap."),
            (
                _trade(run),
                "What more correlation costs: false incidents as set, and time with it assumed.",
            ),
        ]


def _times(run: Simulation) -> str:
    figure, (axes,) = _figure(1)
    for detections, colour, label in (
        (run.swap, _COLOURS[run.world.kind], "somebody else"),
        (run.look_alike, "#6b6b6b", "a look-alike"),
    ):
        seconds = np.sort(detections.seconds)
        axes.step(seconds, np.arange(1, len(seconds) + 1) / len(seconds), where="post", color=colour, label=label)
    axes.axvline(GOAL_SECONDS, color="#999999", linewidth=0.8, linestyle=":")
    axes.set_xlim(0, 240)
    axes.set_ylim(0, 1.02)
    axes.set_xlabel("seconds since the swap")
    axes.set_ylabel("share found")
    axes.legend(frameon=False, loc="lower right")
    return _data_address(figure)


def _trade(run: Simulation) -> str:
    figure, (left, right) = _figure(2)
    for kind, colour in _COLOURS.items():
        own = [entry for entry in run.correlated if entry.kind is kind]
        correlations = [entry.correlation for entry in own]
        left.plot(correlations, [max(entry.as_set.per_agent_month, 0.01) for entry in own], "o-", color=colour)
        right.plot(correlations, [entry.found_assumed.percentile(50)[0] for entry in own], "o-", color=colour)
        right.plot([], [], "o-", color=colour, label=str(kind))
    left.set_yscale("log")
    left.axhline(1, color="#999999", linewidth=0.8, linestyle=":")
    left.set_ylabel("false incidents per agent-month, as set")
    right.axhline(GOAL_SECONDS, color="#999999", linewidth=0.8, linestyle=":")
    right.set_ylabel("seconds to detection, correlation assumed")
    for axes in (left, right):
        axes.set_xlabel("correlation of successive stills")
    right.legend(frameon=False)
    return _data_address(figure)


def _figure(columns: int) -> tuple[Any, Any]:
    # Figure without pyplot: no global state, no window system, and nothing to close.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.2 * columns + 0.8, 3.4), layout="constrained")
    return figure, np.atleast_1d(figure.subplots(1, columns))


def _data_address(figure: Any) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
    return f"data:image/svg+xml;base64,{base64.b64encode(buffer.getvalue()).decode()}"
