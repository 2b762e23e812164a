"""Small plots for metadata: numbers only, never a face, and below Dagster's comfortable size."""

import base64
import io
from collections.abc import Sequence
from typing import Any

import numpy as np

#: Bytes of a plot in base64. Metadata is stored with every event and sent to the browser with it.
LARGEST = 40_000


def distance_histogram(distances: Sequence[float], tolerance: float) -> str | None:
    """How far the nearest face of each still lies from the benchmark, as Markdown; None without stills."""
    if not distances:
        return None
    figure, axes = _figure(5.2, 2.4)
    axes.hist(distances, bins=np.arange(0, 1.21, 0.03), color="#4f6d9c")
    axes.axvline(tolerance, color="#b3432b", linewidth=1.2)
    axes.text(
        tolerance + 0.01,
        0.97,
        f"tolerance {tolerance:g}",
        color="#b3432b",
        fontsize=7,
        va="top",
        transform=axes.get_xaxis_transform(),
    )
    axes.set_xlabel("distance of the nearest face")
    axes.set_ylabel("stills")
    axes.set_xlim(0, 1.2)
    return _markdown(figure, "Distances of the hour's stills")


def agent_hour_heat_map(agents: Sequence[str], hours: Sequence[str], shares: np.ndarray) -> str | None:
    """Share of verified stills by agent and hour, as Markdown; None where there is nothing to show.

    Args:
        agents: row labels. hours: column labels.
        shares: (agents, hours), 0-1; NaN where the agent had no still.
    """
    if not len(agents) or not len(hours):
        return None
    figure, axes = _figure(2.4 + 0.32 * len(hours), 0.9 + 0.22 * len(agents))
    image = axes.imshow(shares, aspect="auto", vmin=0, vmax=1, cmap="RdYlGn", interpolation="nearest")
    axes.set_yticks(range(len(agents)), [_label(agent) for agent in agents])
    axes.set_xticks(range(len(hours)), hours, rotation=90)
    scale = figure.colorbar(image, ax=axes)
    scale.set_label("share verified", fontsize=8)
    scale.ax.tick_params(labelsize=7)
    return _markdown(figure, "Share of stills in which the agent was verified")


def _figure(width: float, height: float) -> tuple[Any, Any]:
    # Figure without pyplot: no global state, no window system, and nothing to close.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=90, layout="constrained")
    axes = figure.subplots()
    axes.tick_params(labelsize=7)
    axes.xaxis.label.set_fontsize(8)
    axes.yaxis.label.set_fontsize(8)
    return figure, axes


def _label(text: str, longest: int = 24) -> str:
    # A dollar sign would switch matplotlib to formulas.
    shown = "".join(c if c.isprintable() else "?" for c in text).replace("$", r"\$")
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"


def _markdown(figure: Any, title: str) -> str | None:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    encoded = base64.b64encode(buffer.getvalue()).decode()
    return f"![{title}](data:image/png;base64,{encoded})" if len(encoded) <= LARGEST else None
