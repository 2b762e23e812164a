"""Plots of what windows of stills say: evidence over time. Numbers only, never a face."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np

from biosense_pipeline.plots.drawing import as_markdown, new_figures, short_label

#: Evidence is drawn between these: what is far from any decision would flatten the rest.
_LOWEST, _HIGHEST = -12.0, 30.0
_COLOURS = ("#b3432b", "#4f6d9c", "#3d7d5a", "#a07b2c", "#7a4f9c", "#555555")


def evidence_lines(
    agents: Mapping[str, Mapping[str, Sequence[tuple[datetime, float]]]],
    start: datetime,
    end: datetime,
    bounds: Mapping[str, float],
    title: str,
) -> str | None:
    """Evidence over the time from ``start`` to ``end``, a strip an agent and a line a name, as Markdown.

    Args:
        agents: by label, and by the name of the evidence, times and log-likelihood ratios.
        bounds: at which it counts, by name; each is a dashed line where its name is drawn.
    """
    if not agents:
        return None
    figure, strips = new_figures(5.6, 0.5 + 0.95 * len(agents), len(agents))
    names = sorted({name for lines in agents.values() for name in lines})
    colours = {name: _COLOURS[number % len(_COLOURS)] for number, name in enumerate(names)}
    for axes, (agent, lines) in zip(strips, agents.items(), strict=True):
        for name, line in sorted(lines.items()):
            times = [moment for moment, _ in line]
            values = np.clip([value for _, value in line], _LOWEST, _HIGHEST)
            axes.plot(times, values, color=colours[name], linewidth=1, marker=".", markersize=2.5, label=name)
        for bound in sorted({bounds[name] for name in lines if name in bounds}):
            axes.axhline(bound, color="#888888", linewidth=0.8, linestyle="--")
        axes.axhline(0, color="#dddddd", linewidth=0.8, zorder=0)
        axes.set_xlim(start, end)
        axes.set_title(short_label(agent, 40), fontsize=7, loc="left", pad=2)
        axes.legend(fontsize=6, frameon=False, loc="upper left", ncols=3)
    strips[-1].set_xticks(list(_quarters(start, end)))
    strips[-1].set_xticklabels([f"{moment:%H:%M}" for moment in _quarters(start, end)])
    figure.supylabel("log-likelihood ratio", fontsize=8)
    return as_markdown(figure, title)


def _quarters(start: datetime, end: datetime) -> list[datetime]:
    return [start + (end - start) * number / 4 for number in range(5)]
