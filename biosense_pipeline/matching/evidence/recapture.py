"""How much a still looks like a recapture, a print or a screen: one linear score for each group of features."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from typing import Any

import numpy as np

from biosense_pipeline.errors import BiosenseError
from biosense_pipeline.matching.evidence.own_scores import OwnScore

MODEL_FILE = "recapture_model.json"
#: A feature that is exactly this could not be seen, and counts as a genuine still's mean.
UNSEEN = 0.0
#: Standardised features are held within so many spreads of genuine stills: no single one decides.
_MOST_SPREADS = 4.0
#: The groups that look at the face's surroundings, which alone count until an agent has a baseline.
CONTEXT_GROUPS = ("context_gradient", "ring")
#: The groups that look at colours, and the mean grey levels of a face at which they begin to count and wholly do,
#: which are chosen, not measured.
COLOUR_GROUPS = ("chroma",)
_DARK, _LIGHT = 45.0, 80.0


class RecaptureModelUnusable(BiosenseError):
    """The model file is missing, torn or made for other features."""


@dataclass(frozen=True)
class GroupScore:
    """A linear score of one group's features.

    Attributes:
        mean, spread: of each feature over genuine stills, (d,).
        weights: (d,), of the standardised features.
        offset, scale: mean and spread over genuine stills of the weighted sum.
    """

    mean: np.ndarray
    spread: np.ndarray
    weights: np.ndarray
    offset: float
    scale: float

    def standardised(self, values: np.ndarray) -> np.ndarray:
        """Features (n, d) in spreads of genuine stills, what was not seen as 0."""
        levels = np.clip((values - self.mean) / self.spread, -_MOST_SPREADS, _MOST_SPREADS)
        return np.where(values == UNSEEN, 0.0, levels)

    def scores(self, values: np.ndarray) -> np.ndarray:
        """Of features (n, d): (n,), in spreads of genuine stills; higher is more like a recapture."""
        scores: np.ndarray = (self.standardised(values) @ self.weights - self.offset) / self.scale
        return scores


@dataclass(frozen=True)
class RecaptureModel:
    """The scores of all groups that were kept.

    Attributes:
        features_id: of the features that it takes.
        slices: where each group's features stand.
        training: figures of its training, as the command that made it printed them.
        own: scores of the operator's own, which are judged beside these; no part of the text.
    """

    features_id: str
    groups: Mapping[str, GroupScore]
    slices: Mapping[str, slice]
    training: Mapping[str, object]
    credits: str = ""
    own: tuple[OwnScore, ...] = ()

    @cached_property
    def version(self) -> str:
        """All that its scores, and the operator's own, follow from."""
        return self.as_text() + "".join(score.rules for score in self.own)

    @property
    def names(self) -> tuple[str, ...]:
        """The groups in the order in which :meth:`scores` gives them."""
        return tuple(self.groups)

    def scores(self, features: np.ndarray) -> np.ndarray:
        """Of features (n, N): float64 (n, groups), in spreads of genuine stills."""
        rows = np.atleast_2d(np.asarray(features, dtype=np.float64))
        if rows.shape[1] < max(part.stop for part in self.slices.values()):
            raise ValueError(f"{rows.shape[1]} features are too few for {self.features_id}")
        return np.stack([score.scores(rows[:, self.slices[name]]) for name, score in self.groups.items()], axis=1)

    def fused(
        self, features: np.ndarray, brightness: np.ndarray | None = None, context_only: bool = False
    ) -> np.ndarray:
        """The sum of the groups' scores, (n,).

        Args:
            features: (n, N). brightness: mean grey level of each face, (n,); colours count only in enough light.
            context_only: leave out the groups that look into the face, as until there is a baseline.
        """
        scores = self.scores(features)
        weights = np.ones_like(scores)
        for position, name in enumerate(self.names):
            if context_only and name not in CONTEXT_GROUPS:
                weights[:, position] = 0.0
            elif brightness is not None and name in COLOUR_GROUPS:
                weights[:, position] = enough_light(brightness)
        fused: np.ndarray = (scores * weights).sum(axis=1)
        return fused

    def as_text(self) -> str:
        """JSON, rounded to six digits; :meth:`of_text` reads it."""
        value = {
            "features_id": self.features_id,
            "training": self.training,
            "credits": self.credits.splitlines(),
            "groups": self.groups_as_value(),
        }
        text = json.dumps(value, indent=1)
        return text + "\n"

    def groups_as_value(self) -> dict[str, Any]:
        """The groups fit for JSON, rounded to six digits; :func:`groups_of_value` reads them."""
        return {
            name: {
                "begin": self.slices[name].start,
                "mean": _rounded(score.mean),
                "spread": _rounded(score.spread),
                "weights": _rounded(score.weights),
                "offset": score.offset,
                "scale": score.scale,
            }
            for name, score in self.groups.items()
        }

    @classmethod
    def of_text(cls, text: str) -> "RecaptureModel":
        """The model that :meth:`as_text` wrote.

        Raises:
            RecaptureModelUnusable: it is no such text.
        """
        try:
            value = json.loads(text)
            groups, slices = groups_of_value(value["groups"])
            return cls(value["features_id"], groups, slices, value["training"], "\n".join(value["credits"]))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise RecaptureModelUnusable(
                f"The recapture model cannot be read ({error}): reinstall the package."
            ) from error


def groups_of_value(value: Mapping[str, Any]) -> tuple[dict[str, GroupScore], dict[str, slice]]:
    """The groups that :meth:`RecaptureModel.groups_as_value` gave, and where their features stand.

    Raises:
        ValueError, KeyError, TypeError, AttributeError: they are none.
    """
    groups, slices = {}, {}
    for name, parts in value.items():
        columns = [np.array(parts[column], dtype=np.float64) for column in ("mean", "spread", "weights")]
        fit = len({len(column) for column in columns}) == 1 and all(np.isfinite(column).all() for column in columns)
        if not fit or not (columns[1] > 0).all():
            raise ValueError(f"the columns of {name} do not fit together")
        groups[name] = GroupScore(columns[0], columns[1], columns[2], float(parts["offset"]), float(parts["scale"]))
        slices[name] = slice(int(parts["begin"]), int(parts["begin"]) + len(columns[0]))
    if not groups:
        raise ValueError("it has no groups")
    return groups, slices


def enough_light(brightness: np.ndarray) -> np.ndarray:
    """How far colours count in faces of that mean grey level: 0 in the dark, 1 in the light."""
    weight: np.ndarray = np.clip((np.asarray(brightness, dtype=np.float64) - _DARK) / (_LIGHT - _DARK), 0.0, 1.0)
    return weight


def in_light(
    groups: np.ndarray, names: Sequence[str], centres: Sequence[float] | np.ndarray, brightness: np.ndarray
) -> np.ndarray:
    """Scores by group as they count: the less light, the more is a group of colours taken to lie where it usually does.

    Args:
        groups: (n, g). names, centres: (g,) of the groups. brightness: mean grey level of each face, (n,).

    Returns:
        float64 (n, g).
    """
    light, counted = enough_light(brightness), np.array(groups, dtype=np.float64)
    for column, name in enumerate(names):
        if name in COLOUR_GROUPS:
            counted[:, column] = light * counted[:, column] + (1.0 - light) * centres[column]
    return counted


@cache
def shipped_model() -> RecaptureModel:
    """The model that comes with the package.

    Raises:
        RecaptureModelUnusable: it is missing or torn.
    """
    try:
        text = (files("biosense_pipeline.matching.evidence") / MODEL_FILE).read_text()
    except OSError as error:
        raise RecaptureModelUnusable(f"The file {MODEL_FILE} is missing: reinstall the package.") from error
    return RecaptureModel.of_text(text)


def _rounded(values: np.ndarray) -> list[float]:
    return [float(f"{value:.6g}") for value in values]
