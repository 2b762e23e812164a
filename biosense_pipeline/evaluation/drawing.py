"""What the plots of all evaluation reports share: SVG pictures as data addresses, numbers only, never a face."""

import base64
import io
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import NormalDist
from typing import Any

import numpy as np

from biosense_pipeline.matching.error_rates import ErrorRates

GENUINE, IMPOSTOR, NEUTRAL = "#4f6d9c", "#b3432b", "#6b6b6b"
#: Ticks of axes of normal deviates.
PERCENTAGES = (0.0001, 0.001, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8)
#: Where axes of normal deviates end.
_MOST = 0.6


@contextmanager
def drawing() -> Iterator[None]:
    """How plots look while they are drawn; a fixed salt, so that the same numbers give the same bytes."""
    import matplotlib

    with matplotlib.rc_context(
        {"svg.hashsalt": "biosense", "font.size": 8.5, "axes.spines.top": False, "axes.spines.right": False}
    ):
        yield


def corners(rates: ErrorRates) -> tuple[np.ndarray, np.ndarray]:
    """FMR and FNMR without the points along a straight piece, which make a picture heavy and show nothing."""
    rises, falls = np.diff(rates.fmr) != 0, np.diff(rates.fnmr) != 0
    along = (rises[:-1] == rises[1:]) & (falls[:-1] == falls[1:]) & (rises[:-1] != falls[:-1])
    kept = np.concatenate([[True], ~along, [True]])
    return rates.fmr[kept], rates.fnmr[kept]


def normal_deviates(shares: np.ndarray) -> np.ndarray:
    """The normal deviate of each share, which lies between 0 and 1."""
    normal = NormalDist()
    return np.array([normal.inv_cdf(float(share)) for share in shares])


def draw_roc(axes: Any, rates: ErrorRates, least: float, **line: Any) -> None:
    """A line of what is found, 1 - FNMR, over the FMR; ``least`` is where the FMR's logarithm ends."""
    fmr, fnmr = corners(rates)
    axes.step(np.maximum(fmr, least), 1 - fnmr, where="post", **line)


def roc_axes(axes: Any, least: float) -> None:
    """Scales, ticks and grid of an ROC from a least FMR on."""
    axes.set_xscale("log")
    axes.set_xlim(least, 1)
    axes.xaxis.set_major_formatter(percent_formatter())
    axes.yaxis.set_major_formatter(percent_formatter())
    axes.grid(alpha=0.25)


def draw_det(axes: Any, rates: ErrorRates, least: tuple[float, float], **line: Any) -> None:
    """A line of FNMR over FMR as normal deviates, which end at the least of either."""
    fmr, fnmr = corners(rates)
    seen = (fmr < 1) & (fnmr < 1)
    least_fmr, least_fnmr = least
    axes.step(
        normal_deviates(np.maximum(fmr[seen], least_fmr)),
        normal_deviates(np.maximum(fnmr[seen], least_fnmr)),
        where="post",
        **line,
    )


def det_axes(axes: Any, least: tuple[float, float]) -> None:
    """Ticks, ends and grid of a DET from the least FMR and FNMR on."""
    for axis, ends, lowest in ((axes.xaxis, axes.set_xlim, least[0]), (axes.yaxis, axes.set_ylim, least[1])):
        ticks = [share for share in PERCENTAGES if lowest <= share <= 0.5]
        axis.set_ticks(normal_deviates(np.array(ticks)), [percent(share) for share in ticks])
        ends(*normal_deviates(np.array([lowest, _MOST])))
    axes.grid(alpha=0.25)


def half_an_error(impostors: int, genuine: int) -> tuple[float, float]:
    """Half an error among so many of either kind, as FMR and FNMR: where logarithms have to end."""
    return 0.5 / impostors, 0.5 / genuine


def percent(share: float) -> str:
    """A share as people read it."""
    return f"{100 * share:g} %"


def percent_formatter() -> Any:
    """Writes shares along an axis."""
    from matplotlib.ticker import FuncFormatter

    return FuncFormatter(lambda share, position: percent(round(share, 6)))


def new_figure(rows: int = 1, **layout: Any) -> tuple[Any, Any]:
    """A figure and its axes, stacked where there are several."""
    # Figure without pyplot: no global state, no window system, and nothing to close.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.0, 3.7), layout="constrained")
    sharex = layout.pop("sharex", False)
    return figure, figure.subplots(rows, sharex=sharex, gridspec_kw=layout or None)


def data_address(figure: Any) -> str:
    """The figure as an SVG in a data address."""
    buffer = io.BytesIO()
    # Nothing of when and with what: the page says so once.
    figure.savefig(buffer, format="svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
    return f"data:image/svg+xml;base64,{base64.b64encode(buffer.getvalue()).decode()}"
