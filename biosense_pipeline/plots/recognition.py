"""Plots of the stills of an hour: their distances, under one rule or two."""

from collections.abc import Sequence

import numpy as np

from biosense_pipeline.plots.drawing import as_markdown, new_figure


def distance_histogram(distances: Sequence[float], tolerance: float) -> str | None:
    """How far the nearest face of each still lies from the benchmark, as Markdown; None without stills."""
    if not distances:
        return None
    figure, axes = new_figure(5.2, 2.4)
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
    return as_markdown(figure, "Distances of the hour's stills")


def share_map(counts: np.ndarray, step: float) -> str | None:
    """Stills by their distances under two rules, as shares of the tolerance, as Markdown; None without stills.

    Args:
        counts: (n, n) stills: rows old, columns new, in steps of ``step`` from 0; the last holds all beyond.
    """
    if not counts.any():
        return None
    figure, axes = new_figure(3.6, 3.0)
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
    return as_markdown(figure, "Distances before and after; changed decisions lie upper left and lower right")
