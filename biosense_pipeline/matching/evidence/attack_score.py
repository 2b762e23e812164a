"""The file of a score that was trained on an operator's own attacks: weights and figures, no pictures."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from biosense_pipeline.codes import Species
from biosense_pipeline.errors import WrongUse
from biosense_pipeline.matching.evidence.own_scores import Measurement, OwnScore
from biosense_pipeline.matching.evidence.recapture import RecaptureModel, groups_of_value

_KIND, _VERSION = "biosense attack score", 1


class AttackScoreUnusable(WrongUse):
    """The file of a trained score cannot be used: it is torn, or made for other features."""


@dataclass(frozen=True)
class AttackScore:
    """One score for each species that was collected, and what was measured.

    Attributes:
        features_id: of the features that the scores take.
        scores: by species; measured: of each, that species' distance alone.
        recapture_distances: by how much the attacks lie above genuine stills in the scores that ship.
        models: what was measured on the same stills of the operator's own model, by its id; at most one.
        figures: as the command that made it printed them, and when it was made.
    """

    features_id: str
    scores: Mapping[Species, RecaptureModel]
    measured: Mapping[Species, Measurement]
    recapture_distances: Mapping[Species, float]
    models: Mapping[str, Measurement] = field(default_factory=dict)
    figures: Mapping[str, Any] = field(default_factory=dict)

    @property
    def score_id(self) -> str:
        """A hash of all that it says."""
        return "own-" + hashlib.blake2b(self.as_text().encode(), digest_size=8).hexdigest()

    @property
    def own_scores(self) -> tuple[OwnScore, ...]:
        """The trained scores as cues, one for each species."""
        score_id = self.score_id
        return tuple(
            OwnScore(
                f"trained_{species.lower()}",
                score_id,
                found,
                self.recapture_distances,
                self.scores[species],
            )
            for species, found in self.measured.items()
        )

    def as_text(self) -> str:
        """JSON; :func:`read_attack_score` reads it."""
        value = {
            "kind": _KIND,
            "version": _VERSION,
            "features_id": self.features_id,
            "figures": self.figures,
            "recapture_distances": self.recapture_distances,
            "models": {model_id: found.value for model_id, found in self.models.items()},
            "species": {
                species: {"measured": found.value, "groups": self.scores[species].groups_as_value()}
                for species, found in self.measured.items()
            },
        }
        return json.dumps(value, indent=1) + "\n"


def read_attack_score(text: str, features_id: str) -> AttackScore:
    """The score that :meth:`AttackScore.as_text` wrote.

    Args:
        features_id: of this release's features.

    Raises:
        AttackScoreUnusable: it is no such text, or was made for other features.
    """
    try:
        value = json.loads(text)
        if (value["kind"], value["version"]) != (_KIND, _VERSION):
            raise ValueError("it is something else, or of another release")
        made_for = str(value["features_id"])
        if made_for != features_id:
            raise AttackScoreUnusable(
                f"it was trained on the features {made_for} and this release has {features_id}: train it again on the "
                "stills that were collected, with `biosense attacks train`"
            )
        species = {Species[name]: parts for name, parts in value["species"].items()}
        return AttackScore(
            made_for,
            {each: RecaptureModel(made_for, *groups_of_value(parts["groups"]), {}) for each, parts in species.items()},
            {each: Measurement.of_value(parts["measured"]) for each, parts in species.items()},
            {Species[name]: float(distance) for name, distance in value["recapture_distances"].items()},
            {model_id: Measurement.of_value(found) for model_id, found in value["models"].items()},
            value["figures"],
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise AttackScoreUnusable(f"it is no score that `biosense attacks train` wrote ({error})") from error
