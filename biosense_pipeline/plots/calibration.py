"""Plots of a calibration: the distances it is made of, and whether its probabilities hold."""

from collections.abc import Callable

import numpy as np

from biosense_pipeline.plots.drawing import as_markdown, new_figure


def calibration_densities(
    genuine: np.ndarray, impostor: np.ndarray, tolerance: float, llr: Callable[[np.ndarray], np.ndarray]
) -> str | None:
    """Distances of both kinds as shares, the tolerance, and the log-likelihood ratio over them, as Markdown.

    Args:
        genuine, impostor: distances, of each at least one.
    """
    figure, axes = new_figure(5.2, 2.6)
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
    return as_markdown(figure, "Distances of the same person and of two people")


def reliability_diagram(predicted: np.ndarray, observed: np.ndarray, counts: np.ndarray) -> str | None:
    """Predicted probability of the same person against the observed share, as Markdown.

    Args:
        predicted, observed: (k,), 0-1. counts: (k,) comparisons behind each point.
    """
    figure, axes = new_figure(3.2, 2.6)
    axes.plot([0, 1], [0, 1], color="#bbbbbb", linewidth=1)
    # Not joined by a line: where kinds hardly overlap, the bins in between hold a handful each.
    axes.scatter(predicted, observed, s=6 + 8 * np.log10(np.maximum(counts, 1)), color="#4f6d9c", zorder=3)
    axes.set_xlabel("predicted, at even odds")
    axes.set_ylabel("observed share of same person")
    axes.set_xlim(-0.03, 1.03)
    axes.set_ylim(-0.03, 1.03)
    return as_markdown(figure, "Predicted and observed on people not fitted to")
