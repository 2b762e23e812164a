"""Cues of the operator's own scores, and all cues of a window with them."""

from collections.abc import Mapping, Sequence

import numpy as np

from biosense_pipeline.codes import Species
from biosense_pipeline.matching.evidence.baseline import Baseline
from biosense_pipeline.matching.evidence.fusion import Cue, fused, trimmed_mean
from biosense_pipeline.matching.evidence.own_scores import LEAST_CORRELATION, OwnScore

_MOST_CORRELATION = 0.95
#: Spreads that such a score counts at most, and separations that it is trusted with. It knows few people and attacks:
#: what it is not used to is no proof of life, and it never weighs most.
_FARTHEST, _FARTHEST_BELOW, _MOST_SEPARATION = 8.0, -1.5, 2.5

#: A score of the operator's own, and its values of a window's stills, NaN where there is none.
OwnValues = tuple[OwnScore, np.ndarray]


def own_cues(own: Sequence[OwnValues], baseline: Baseline, species: Species) -> dict[str, Cue]:
    """Those that say something of the species, and of which the agent's own level is known."""
    cues = {}
    for score, values in own:
        seen = values[np.isfinite(values)]
        normal = baseline.own.get(score.name)
        if species in score.measured.distances and normal is not None and len(seen):
            spreads = normal.spreads(trimmed_mean(seen), len(seen))
            cues[score.name] = _limited(spreads, score.measured.distances[species] / normal.deviation(len(seen)))
    return cues


def with_own(
    shipped: Sequence[Cue], own: Sequence[OwnValues], cues: Mapping[str, Cue], more: float = 0.0
) -> tuple[tuple[float, float], float]:
    """Spreads and likelihood ratio of all cues, and the correlation of the operator's own with ``shipped``'s first.

    Args:
        more: see ``fusion.fused``.
    """
    correlation = _correlation([score for score, _ in own if score.name in cues])
    alike = [True, *[False] * (len(shipped) - 1), *[True] * len(cues)]
    return fused([*shipped, *cues.values()], alike, correlation, more), correlation


def _correlation(scores: Sequence[OwnScore]) -> float:
    """Of any two of these, or of one and the scores that ship: the largest that was measured."""
    most = max(score.measured.correlation for score in scores)
    return float(np.clip(most, LEAST_CORRELATION, _MOST_CORRELATION))


def _limited(spreads: float, separation: float) -> Cue:
    return Cue(float(np.clip(spreads, _FARTHEST_BELOW, _FARTHEST)), float(np.clip(separation, 0.0, _MOST_SEPARATION)))
