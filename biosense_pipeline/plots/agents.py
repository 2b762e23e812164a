"""Plots by agent: who was verified how often, what reviewers said, and other counts."""

from collections.abc import Mapping, Sequence

import numpy as np

from biosense_pipeline.plots.drawing import as_markdown, new_figure, short_label

#: Colours of what is good, bad, and neither.
GOOD, BAD, NEITHER = "#3d7d5a", "#b3432b", "#bbbbbb"


def agent_hour_heat_map(agents: Sequence[str], hours: Sequence[str], shares: np.ndarray) -> str | None:
    """Share of verified stills by agent and hour, as Markdown; None where there is nothing to show.

    Args:
        agents: row labels. hours: column labels.
        shares: (agents, hours), 0-1; NaN where the agent had no still.
    """
    if not len(agents) or not len(hours):
        return None
    figure, axes = new_figure(2.4 + 0.32 * len(hours), 0.9 + 0.22 * len(agents))
    image = axes.imshow(shares, aspect="auto", vmin=0, vmax=1, cmap="RdYlGn", interpolation="nearest")
    axes.set_yticks(range(len(agents)), [short_label(agent) for agent in agents])
    axes.set_xticks(range(len(hours)), hours, rotation=90)
    scale = figure.colorbar(image, ax=axes)
    scale.set_label("share verified", fontsize=8)
    scale.ax.tick_params(labelsize=7)
    return as_markdown(figure, "Share of stills in which the agent was verified")


def agent_bars(
    agents: Sequence[str], counts: Mapping[str, Sequence[int]], colours: Sequence[str], what: str, title: str
) -> str | None:
    """Counts by their name, a bar an agent, as Markdown; None without agents.

    Args:
        agents: row labels. counts: per agent, by name. colours: of the names. what: is counted.
    """
    if not len(agents):
        return None
    figure, axes = new_figure(5.2, 0.9 + 0.22 * len(agents))
    left = np.zeros(len(agents))
    for (name, values), colour in zip(counts.items(), colours, strict=True):
        axes.barh(range(len(agents)), values, left=left, height=0.7, color=colour, label=name)
        left += np.asarray(values)
    axes.set_yticks(range(len(agents)), [short_label(agent) for agent in agents])
    axes.invert_yaxis()
    axes.set_xlabel(what)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend(fontsize=7, frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return as_markdown(figure, title)


def verdict_bars(agents: Sequence[str], verdicts: Mapping[str, Sequence[int]]) -> str | None:
    """Findings by verdict, a bar an agent, as Markdown; None without agents.

    Args:
        agents: row labels.
        verdicts: findings per agent by the verdict's name: correct, false alarm, not sure.
    """
    return agent_bars(agents, verdicts, (GOOD, BAD, NEITHER), "findings reviewed", "Verdicts per agent")
