"""Scores of the operator's own: trained on his attacks, or given by his model. Cues beside those that ship.

They are added and replace nothing: trained together with what was synthesised, real attacks made the scores that ship
worse. Each goes through the agent's own baseline, and counts nothing until an agent has one: what few people before
one camera showed does not carry to cameras of which nothing is known.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from biosense_pipeline.codes import Species
from biosense_pipeline.matching.evidence.baseline import Baseline
from biosense_pipeline.matching.evidence.fusion import Cue, fused, trimmed_mean
from biosense_pipeline.matching.evidence.levels import Usual
from biosense_pipeline.matching.evidence.recapture import RecaptureModel

#: Scores of one face are alike at least so much: what the groups that ship have in common. Few people cannot show it
#: to be less.
LEAST_CORRELATION = 0.5
_MOST_CORRELATION = 0.95
#: Spreads that such a score counts at most, and separations that it is trusted with. It knows few people and attacks:
#: what it is not used to is no proof of life, and it never weighs most.
_FARTHEST, _FARTHEST_BELOW, _MOST_SEPARATION = 8.0, -1.5, 2.5


@dataclass(frozen=True)
class Measurement:
    """What was measured of a score, on people that it was not trained on.

    Attributes:
        usual: over genuine stills.
        distances: by how much attacks lie above genuine stills, by species; of others it says nothing.
        correlation: with the scores that ship, over genuine stills.
    """

    usual: Usual
    distances: Mapping[Species, float]
    correlation: float

    @property
    def value(self) -> dict[str, Any]:
        """Fit for JSON; :meth:`of_value` reads it."""
        return asdict(self)

    @classmethod
    def of_value(cls, value: Mapping[str, Any]) -> "Measurement":
        """Read what :attr:`value` gave."""
        distances = {Species[name]: float(distance) for name, distance in value["distances"].items()}
        usual = Usual(**{name: float(number) for name, number in value["usual"].items()})
        found = cls(usual, distances, float(value["correlation"]))
        if (
            not np.isfinite([*asdict(usual).values(), *distances.values(), found.correlation]).all()
            or usual.within <= 0
        ):
            raise ValueError("its figures are no numbers")
        return found


@dataclass(frozen=True)
class OwnScore:
    """A score, higher for an attack, and what was measured of it.

    Attributes:
        name: what it is called among the numbers.
        score_id: of model or file; numbers of different ids never meet.
        recapture_distances: by how much attacks lie above genuine stills in the sum of the scores that ship, for
            species of which these know nothing.
        trained: computes it; None: it is stored with the still.
    """

    name: str
    score_id: str
    measured: Measurement
    recapture_distances: Mapping[Species, float] = field(default_factory=dict)
    trained: RecaptureModel | None = None

    @property
    def rules(self) -> str:
        """All that a decision by it follows from, beside the stills."""
        return repr(replace(self, trained=None))

    def values(self, features: np.ndarray, brightness: np.ndarray, stored: np.ndarray) -> np.ndarray:
        """Of n stills, NaN where there is none.

        Args:
            features: (n, N). brightness: (n,), of each face. stored: (n,), the model's of this id, NaN: none.
        """
        return stored if self.trained is None else self.trained.fused(features, brightness)


#: A score of the operator's own, and its values of a window's stills, NaN where there is none.
OwnValues = tuple[OwnScore, np.ndarray]


def model_score(model_id: str, measured: Measurement) -> OwnScore:
    """The operator's own model as a cue: its scores are stored with the stills, under its id."""
    return OwnScore("model", model_id, measured)


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
