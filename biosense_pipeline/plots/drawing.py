"""What all plots share: a figure, labels of agents, and the picture as Markdown."""

import base64
import io
from collections.abc import Sequence
from typing import Any

from PIL import Image

#: Bytes of a plot in base64. Metadata is stored with every event and sent to the browser with it.
LARGEST = 40_000
#: Tried one after the other. Five agents' evidence of an hour, 7,200 points, fits at the last, most plots at the first.
_DOTS_PER_INCH = (90, 72, 60, 50)
_COLOURS = 64


def new_figure(width: float, height: float) -> tuple[Any, Any]:
    """A figure of so many inches and its axes."""
    figure, axes = new_figures(width, height, 1)
    return figure, axes[0]


def new_figures(width: float, height: float, rows: int) -> tuple[Any, Sequence[Any]]:
    """The same with several axes below each other that share the horizontal one."""
    # Figure without pyplot: no global state, no window system, and nothing to close.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
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


def as_markdown(figure: Any, title: str) -> str:
    """The figure as a picture in Markdown, as fine as ``LARGEST`` allows; words where it would be larger still."""
    for dots_per_inch in _DOTS_PER_INCH:
        encoded = base64.b64encode(_png(figure, dots_per_inch)).decode()
        if len(encoded) <= LARGEST:
            return f"![{title}](data:image/png;base64,{encoded})"
    return "too large to show"


def _png(figure: Any, dots_per_inch: int) -> bytes:
    drawn, reduced = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png", dpi=dots_per_inch)
    # A plot is a few colours and their shades at the edges: a palette holds them in a third of the bytes.
    palette = Image.open(drawn).convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE)
    palette.save(reduced, format="PNG", optimize=True)
    return reduced.getvalue()
