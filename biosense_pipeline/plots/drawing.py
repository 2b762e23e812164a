"""What all plots share: a figure, labels of agents, and the picture as Markdown."""

import base64
import io
from collections.abc import Sequence
from typing import Any

#: Bytes of a plot in base64. Metadata is stored with every event and sent to the browser with it.
LARGEST = 40_000


def new_figure(width: float, height: float) -> tuple[Any, Any]:
    """A figure of so many inches and its axes."""
    figure, axes = new_figures(width, height, 1)
    return figure, axes[0]


def new_figures(width: float, height: float, rows: int) -> tuple[Any, Sequence[Any]]:
    """The same with several axes below each other that share the horizontal one."""
    # Figure without pyplot: no global state, no window system, and nothing to close.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=90, layout="constrained")
    every = list(figure.subplots(rows, 1, sharex=True, squeeze=False)[:, 0])
    for axes in every:
        axes.tick_params(labelsize=7)
        axes.xaxis.label.set_fontsize(8)
        axes.yaxis.label.set_fontsize(8)
    return figure, every


def short_label(text: str, longest: int = 24) -> str:
    """A name as a label: printable, and not too long."""
    # A dollar sign would switch matplotlib to formulas.
    shown = "".join(c if c.isprintable() else "?" for c in text).replace("$", r"\$")
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"


def as_markdown(figure: Any, title: str) -> str | None:
    """The figure as a picture in Markdown; None where it would be larger than ``LARGEST``."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    encoded = base64.b64encode(buffer.getvalue()).decode()
    return f"![{title}](data:image/png;base64,{encoded})" if len(encoded) <= LARGEST else None
