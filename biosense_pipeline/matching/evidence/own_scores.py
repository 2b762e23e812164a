"""Scores of the operator's own: trained on his attacks, or given by his model.

They are added and replace nothing: trained together with what was synthesised, real attacks made the scores that ship
worse. Each goes through the agent's own baseline, and counts nothing until an agent has one: what few people before
one camera showed does not carry to cameras of which nothing is known.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Protocol

import numpy as np

from biosense_pipeline.codes import Species
from biosense_pipeline.matching.evidence.levels import Usual

#: Scores of one face are alike at least so much: what the groups that ship have in common. Few people cannot show it
#: to be less.
LEAST_CORRELATION = 0.5


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


class Trained(Protocol):
    """What computes a score: a ``recapture.RecaptureModel``."""

    def fused(self, features: np.ndarray, brightness: np.ndarray) -> np.ndarray:
        """The score of n stills, (n,), from features, (n, N), and the brightness of each face, (n,)."""


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
    trained: Trained | None = None

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


def model_score(model_id: str, measured: Measurement) -> OwnScore:
    """The operator's own model as a cue: its scores are stored with the stills, under its id."""
    return OwnScore("model", model_id, measured)
