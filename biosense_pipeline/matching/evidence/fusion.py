"""Cues in one: their spreads above normal, weighed by how far attacks lie and by what cues say twice.

With normal distributions of equal spread, attacks lying d spreads above genuine windows and R the correlations of
the cues among genuine ones, the log-likelihood ratio is w u - w d/2 with w = R⁻¹ d (Fisher's linear discriminant), u
being the cues' spreads. With D² = w d it is D F - D²/2, where F = w u / D again is in spreads. Cues that are
independent of one another have w = d; one that only says again what a stronger one says gets a weight of 0. None
gets a negative one: more suspicious must never be less.

A cue may show nothing of some attacks, as ring motion and frame do of a print that is cut close or fills the picture.
Of these it is distributed as usual, so that its log-likelihood ratio is ln(b + (1 - b) exp(d u - d²/2)), b being the
share of such attacks: it says little against one, however low it is. In spreads it counts as so much more of D F.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

#: No window's likelihood ratio lies outside. Chosen, not measured: development showed too few windows for more, and a
#: print unlike those that the scores were trained on must not pass for a proof of life.
LLR_BOUNDS = (-3.0, 10.0)
#: Share of a window's stills that is left out at either end before their mean is taken.
_TRIMMED = 0.1


@dataclass(frozen=True)
class Cue:
    """What one cue says of a window: its spreads above normal, and by how many of them attacks lie above normal."""

    spreads: float
    separation: float


def fused(
    cues: Sequence[Cue], alike: Sequence[bool] = (), correlation: float = 0.0, more: float = 0.0
) -> tuple[float, float]:
    """Spreads of all cues together, and their log-likelihood ratio, natural, within ``LLR_BOUNDS``.

    Args:
        alike: of each cue, whether it is one of those that look at the same, any two of which have this
            ``correlation`` (0 or more, below 1); the others are independent of all. Empty: none.
        more: what cues that show nothing of some attacks say beside (see :func:`where_it_shows`), summed up.
    """
    separations = np.array([cue.separation for cue in cues])
    related = np.outer(alike, alike) if len(alike) else np.zeros((len(cues), len(cues)))
    correlations = np.where(np.eye(len(cues), dtype=bool), 1.0, correlation * related)
    weights = _weights(separations, correlations)
    separation = float(np.sqrt(weights @ separations))
    spreads = float(weights @ np.array([cue.spreads for cue in cues])) / separation if separation else 0.0
    llr = separation * (spreads - separation / 2) + more
    return spreads + more / max(separation, 1.0), float(np.clip(llr, *LLR_BOUNDS))


def where_it_shows(cue: Cue, blind: float) -> float:
    """The log-likelihood ratio of a cue that shows nothing of the share ``blind`` of attacks."""
    shown = cue.separation * (cue.spreads - cue.separation / 2)
    return float(np.logaddexp(np.log(blind), np.log1p(-blind) + shown))


def trimmed_mean(values: np.ndarray) -> float:
    """The mean without the tenth at either end, rounded down."""
    ordered = np.sort(values)
    left_out = int(_TRIMMED * len(ordered))
    return float(ordered[left_out : len(ordered) - left_out].mean())


def _weights(separations: np.ndarray, correlations: np.ndarray) -> np.ndarray:
    """Of the cues; one that would count against an attack is left out, the one that would most first."""
    kept = np.flatnonzero(separations > 0)
    weights = np.zeros(len(separations))
    while len(kept):
        own = np.linalg.solve(correlations[np.ix_(kept, kept)], separations[kept])
        if (own >= 0).all():
            weights[kept] = own
            break
        kept = np.delete(kept, int(own.argmin()))
    return weights
