"""Small plots for metadata: numbers only, never a face, and below Dagster's comfortable size."""

import base64
import io
from collections.abc import Callable, Mapping, Sequence
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


def share_map(counts: np.ndarray, step: float) -> str | None:
    """Stills by their distances under two rules, as shares of the tolerance, as Markdown; None without stills.

    Args:
        counts: (n, n) stills: rows old, columns new, in steps of ``step`` from 0; the last holds all beyond.
    """
    if not counts.any():
        return None
    figure, axes = _figure(3.6, 3.0)
    edge = step * len(counts)
    # By powers of ten: a hundred stills on the line must not hide one that is not.
    shown = np.ma.masked_less_equal(np.log10(np.maximum(counts, 0.1)), -1)
    image = axes.imshow(
        shown.T, origin="lower", extent=(0, edge, 0, edge), vmin=0, cmap="viridis_r", interpolation="nearest"
    )
    for line in (axes.axvline, axes.axhline):
        line(1, color="#b3432b", linewidth=1.2)
    axes.set_xlabel("old distance / tolerance")
    axes.set_ylabel("new distance / tolerance")
    scale = figure.colorbar(image, ax=axes)
    scale.set_label("stills, power of ten", fontsize=8)
    scale.ax.tick_params(labelsize=7)
    return _markdown(figure, "Distances before and after; changed decisions lie upper left and lower right")


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


def verdict_bars(agents: Sequence[str], verdicts: Mapping[str, Sequence[int]]) -> str | None:
    """Findings by verdict, a bar an agent, as Markdown; None without agents.

    Args:
        agents: row labels.
        verdicts: findings per agent by the verdict's name: correct, false alarm, not sure.
    """
    if not len(agents):
        return None
    figure, axes = _figure(5.2, 0.9 + 0.22 * len(agents))
    left = np.zeros(len(agents))
    for (name, counts), color in zip(verdicts.items(), ("#3d7d5a", "#b3432b", "#bbbbbb"), strict=True):
        axes.barh(range(len(agents)), counts, left=left, height=0.7, color=color, label=name)
        left += np.asarray(counts)
    axes.set_yticks(range(len(agents)), [_label(agent) for agent in agents])
    axes.invert_yaxis()
    axes.set_xlabel("findings reviewed")
    axes.legend(fontsize=7, frameon=False)
    return _markdown(figure, "Verdicts per agent")


def calibration_densities(
    genuine: np.ndarray, impostor: np.ndarray, tolerance: float, llr: Callable[[np.ndarray], np.ndarray]
) -> str | None:
    """Distances of both kinds as shares, the tolerance, and the log-likelihood ratio over them, as Markdown.

    Args:
        genuine, impostor: distances, of each at least one.
    """
    figure, axes = _figure(5.2, 2.6)
    top = max(1.0, float(impostor.max()), float(genuine.max()))
    edges = np.linspace(0, top, 81)
    for distances, color, label in ((genuine, "#3d7d5a", "same person"), (impostor, "#4f6d9c", "two people")):
        shares, _ = np.histogram(distances, edges)
        axes.stairs(shares / max(1, len(distances)), edges, fill=True, alpha=0.55, color=color, label=label)
    axes.axvline(tolerance, color="#b3432b", linewidth=1.2, label=f"tolerance {tolerance:.3f}")
    axes.set_xlabel("distance")
    axes.set_ylabel("share of comparisons")
    axes.set_xlim(0, top)
    axes.legend(fontsize=7, frameon=False)
    ratio = axes.twinx()
    ratio.plot(edges, llr(edges), color="#444444", linewidth=1)
    ratio.set_ylabel("log-likelihood ratio", fontsize=8)
    ratio.tick_params(labelsize=7)
    return _markdown(figure, "Distances of the same person and of two people")


def reliability_diagram(predicted: np.ndarray, observed: np.ndarray, counts: np.ndarray) -> str | None:
    """Predicted probability of the same person against the observed share, as Markdown.

    Args:
        predicted, observed: (k,), 0-1. counts: (k,) comparisons behind each point.
    """
    figure, axes = _figure(3.2, 2.6)
    axes.plot([0, 1], [0, 1], color="#bbbbbb", linewidth=1)
    # Not joined by a line: where kinds hardly overlap, the bins in between hold a handful each.
    axes.scatter(predicted, observed, s=6 + 8 * np.log10(np.maximum(counts, 1)), color="#4f6d9c", zorder=3)
    axes.set_xlabel("predicted, at even odds")
    axes.set_ylabel("observed share of same person")
    axes.set_xlim(-0.03, 1.03)
    axes.set_ylim(-0.03, 1.03)
    return _markdown(figure, "Predicted and observed on people not fitted to")


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
