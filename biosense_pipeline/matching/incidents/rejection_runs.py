"""Whether an agent's rejections come in runs: the correlation of successive stills, with an interval over agents."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from biosense_pipeline.matching.resampling import percentile_interval

#: Below so many agents with a rejection the bootstrap's interval means nothing.
FEWEST_AGENTS = 5
_RESAMPLES = 2000


@dataclass(frozen=True, eq=False)
class Rejections:
    """An agent's stills with a face, in order of capture.

    Attributes:
        seconds: float64 (n,), from any origin. rejected: bool (n,).
    """

    seconds: np.ndarray
    rejected: np.ndarray


@dataclass(frozen=True)
class RejectionRuns:
    """The correlation of whether two successive stills are rejected, and what it rests on.

    Attributes:
        correlation: for stills ``still_seconds`` apart; None: there were too few rejections to tell.
        interval: 95 %, by a bootstrap over agents.
        stills, rejected, agents, pairs: that were looked at; ``seconds`` between the stills of a pair, median.
    """

    correlation: float | None
    interval: tuple[float, float] | None
    stills: int
    rejected: int
    agents: int
    pairs: int
    seconds: float


def rejection_runs(
    agents: Sequence[Rejections], still_seconds: float, most_seconds: float, seed: int = 0
) -> RejectionRuns:
    """Measure it; an agent's own rate of rejections is no correlation.

    Correlation falls exponentially with time, as the test for incidents takes it: of pairs that lie further apart or
    nearer together than ``still_seconds`` it is converted.

    Args:
        most_seconds: stills further apart are no pair.
    """
    together, alone, gaps = [], [], [np.empty(0)]
    for agent in agents:
        gap = np.diff(agent.seconds)
        near = (gap > 0) & (gap <= most_seconds)
        off = agent.rejected - agent.rejected.mean() if len(agent.rejected) else agent.rejected.astype(float)
        together.append(float((off[:-1] * off[1:])[near].sum()))
        # The variance of the pairs' stills, each of which is in two pairs but for the ends of a run.
        alone.append(float(((off[:-1] ** 2 + off[1:] ** 2) / 2)[near].sum()))
        gaps.append(gap[near])
    every = np.concatenate(gaps)
    seconds = float(np.median(every)) if len(every) else 0.0
    numerators, denominators = np.array(together), np.array(alone)
    told = int((denominators > 0).sum())
    correlation = interval = None
    if told >= FEWEST_AGENTS:
        correlation = float(_converted(numerators.sum() / denominators.sum(), seconds, still_seconds))
        drawn = np.random.default_rng(seed).multinomial(
            len(agents), np.full(len(agents), 1.0 / len(agents)), size=_RESAMPLES
        )
        below = drawn @ denominators
        resampled = np.where(below > 0, drawn @ numerators / np.where(below > 0, below, 1.0), np.nan)
        interval = percentile_interval(_converted(resampled, seconds, still_seconds))
    return RejectionRuns(
        correlation,
        interval,
        sum(len(agent.rejected) for agent in agents),
        int(sum(agent.rejected.sum() for agent in agents)),
        len(agents),
        len(every),
        seconds,
    )


def _converted(correlation: np.ndarray | float, seconds: float, still_seconds: float) -> np.ndarray:
    """From stills so many seconds apart to others; what is not positive stays."""
    values = np.asarray(correlation, dtype=np.float64)
    return np.where(values > 0, np.maximum(values, 1e-12) ** (still_seconds / seconds), values)
