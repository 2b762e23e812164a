"""The report of the simulation: its figures and plots in one HTML file."""

from pathlib import Path

import numpy as np

from biosense_pipeline.evaluation.drawing import GENUINE, IMPOSTOR, NEUTRAL, data_address, drawing, new_figure
from biosense_pipeline.evaluation.incidents.run import GOAL_SECONDS, Simulation, numbers
from biosense_pipeline.evaluation.incidents.shifts import Kind
from biosense_pipeline.evaluation.page import render_page, write_page

REPORT_FILE = "incidents.html"
_COLOURS = {Kind.RESULTS: IMPOSTOR, Kind.LLRS: GENUINE}

_BODY = """\
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
<tr><th>a faint print found, median</th><td>{{ n.prints.faint.seconds_median }} s</td>
<td>{{ n.prints.faint.not_found_within_two_hours }} not within two hours</td></tr>
<tr><th>most prints found, median</th><td>{{ n.prints.plain.seconds_median }} s</td>
<td>{{ n.prints.plain.not_found_within_two_hours }} not within two hours</td></tr>
<tr><th>noisy camera, false incidents per agent-month</th><td>{{ n.noisy_camera.false_incidents_per_agent_month }}</td>
<td>95 % {{ n.noisy_camera.interval[0] }} to {{ n.noisy_camera.interval[1] }}</td></tr>
</table>
<p>The noisy camera rejects {{ n.noisy_camera.rejected_then }} of the agent's stills for
{{ n.noisy_camera.stills_at_a_time }} stills at a time, in {{ n.noisy_camera.share_of_time }} of all time: more than the
test assumes of any camera.</p>
<p>What windows say of prints is drawn from the normal distributions that the detector assumes: prints lie
{{ n.prints.separation }} standard deviations above the agent's own windows, most of them
{{ n.prints.plain.separations }} times as far; {{ n.prints.of_the_sitting }} of the variance belongs to the sitting, of
{{ n.prints.sitting_stills }} stills in the mean. Of real prints nothing was at hand.</p>
<h2>If rejections hang together more than assumed</h2>
<table>
<tr><th>evidence</th><th>correlation</th><th>false incidents, as set</th><th>false incidents, assumed so</th>
<th>then found in, median</th></tr>
{% for c in n.correlated %}
<tr><th>{{ c.evidence }}</th><td>{{ c.correlation }}</td><td>{{ c.as_set.false_incidents_per_agent_month }}</td>
<td>{{ c.assumed.false_incidents_per_agent_month }}</td><td>{{ c.assumed.seconds_median }} s</td></tr>
{% endfor %}
</table>
{{ pictures(plots) }}
"""


def write_report(file: Path, run: Simulation) -> None:
    """Write the report.

    Raises:
        WrongUse: the file cannot be written.
    """
    page = render_page("Incidents in simulation", _BODY, n=numbers(run), plots=_plots(run))
    write_page(file, page)


def _plots(run: Simulation) -> list[tuple[str, str]]:
    with drawing():
        return [
            (_times(run), "Share of swaps found, by the time since the swap."),
            (
                _trade(run),
                "What more correlation costs: false incidents as set, and time with it assumed.",
            ),
        ]


def _times(run: Simulation) -> str:
    figure, axes = new_figure()
    for detections, colour, label in (
        (run.swap, _COLOURS[run.world.kind], "somebody else"),
        (run.look_alike, NEUTRAL, "a look-alike"),
    ):
        seconds = np.sort(detections.seconds)
        axes.step(seconds, np.arange(1, len(seconds) + 1) / len(seconds), where="post", color=colour, label=label)
    axes.axvline(GOAL_SECONDS, color=NEUTRAL, linewidth=0.8, linestyle=":")
    axes.set_xlim(0, 240)
    axes.set_ylim(0, 1.02)
    axes.set_xlabel("seconds since the swap")
    axes.set_ylabel("share found")
    axes.legend(frameon=False, loc="lower right")
    return data_address(figure)


def _trade(run: Simulation) -> str:
    figure, (above, below) = new_figure(rows=2, sharex=True)
    for kind, colour in _COLOURS.items():
        own = [entry for entry in run.correlated if entry.kind is kind]
        correlations = [entry.correlation for entry in own]
        above.plot(correlations, [max(entry.as_set.per_agent_month, 0.01) for entry in own], "o-", color=colour)
        below.plot(correlations, [entry.found_assumed.percentile(50)[0] for entry in own], "o-", color=colour)
        below.plot([], [], "o-", color=colour, label=str(kind))
    above.set_yscale("log")
    above.axhline(1, color=NEUTRAL, linewidth=0.8, linestyle=":")
    above.set_ylabel("false a month, as set")
    below.axhline(GOAL_SECONDS, color=NEUTRAL, linewidth=0.8, linestyle=":")
    below.set_ylabel("seconds to find, assumed")
    below.set_xlabel("correlation of successive stills")
    below.legend(frameon=False)
    return data_address(figure)
