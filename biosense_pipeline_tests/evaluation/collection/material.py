"""Collected stills without pictures: features, chips and a model's scores drawn from seeds."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from biosense_pipeline.evaluation.attacks.acquisition import AcquiredFolder, StillSequence
from biosense_pipeline.evaluation.attacks.folders import StillFile, StillFolder
from biosense_pipeline.evaluation.collection.plan import GENUINE, REFERENCE
from biosense_pipeline.evaluation.collection.stills import Collected
from biosense_pipeline.matching.evidence.presentation import Measured
from biosense_pipeline.matching.evidence.recapture import shipped_model
from biosense_pipeline.vision.presentation.features import GROUPS, LENGTH

#: Numbers of the features that the attacks of each kind move, and by how many of a person's own deviations.
Shift = tuple[slice, float]
PRINTS: Shift = (slice(GROUPS["ring"].start, GROUPS["ring"].start + 8), 2.0)
SCREENS: Shift = (slice(GROUPS["sharpness"].start, GROUPS["sharpness"].start + 8), 2.0)
NOTHING: Shift = (slice(0, 0), 0.0)


def collected(
    attacks: Mapping[str, Shift], people: int = 6, model: Mapping[str, float] | None = None, seed: int = 0
) -> Collected:
    """Ten stills each of people who differ from one another, as do their sittings; genuine ones and attacks.

    Args:
        model: by how many deviations attacks of a kind lie higher in a model of the operator's; None: there is none.
    """
    rng = np.random.default_rng(seed)
    shipped = shipped_model()
    means = np.concatenate([score.mean for score in shipped.groups.values()])
    spreads = np.concatenate([score.spread for score in shipped.groups.values()])
    assert len(means) == LENGTH
    levels = {f"person{number}": rng.normal(0, 0.5, LENGTH) for number in range(1, people + 1)}
    found: dict[str, list[StillSequence]] = {name: [] for name in (REFERENCE, GENUINE, *attacks)}
    for person, level in levels.items():
        for sitting in ("1", "2"):
            day = level + rng.normal(0, 0.3, LENGTH)
            genuine = REFERENCE if sitting == "1" else GENUINE
            for kind in (genuine, *attacks):
                columns, by = attacks.get(kind, NOTHING)
                values = day + rng.normal(0, 0.5, (15 if kind == REFERENCE else 10, LENGTH))
                values[:, columns] += by
                scores = np.full(len(values), np.nan)
                if model is not None:
                    scores = model.get(kind, 0.0) + rng.normal(0, 1, len(values))
                features = (means + spreads * values).astype(np.float32)
                found[kind].append(_sequence(rng, person, sitting, features, scores))
    folders = [_folder(name, own) for name, own in found.items()]
    return Collected(folders[0], folders[1], tuple(folders[2:]))


def _sequence(
    rng: np.random.Generator, person: str, sitting: str, features: np.ndarray, scores: np.ndarray
) -> StillSequence:
    count = len(features)
    chips = rng.integers(0, 256, (count, 32, 32)).astype(np.uint8)
    numbers = Measured(shipped_model().scores(features), np.full(count, 120.0), chips, 10.0 * np.arange(count))
    return StillSequence(
        person, sitting, np.arange(count), numbers, np.zeros((count, 2)), np.zeros(count), features, scores
    )


def _folder(name: str, sequences: list[StillSequence]) -> AcquiredFolder:
    stills = [
        StillFile(Path(name) / own.subject / f"{own.name}_{place:02}.jpg", own.subject, own.name, int(place))
        for own in sequences
        for place in own.places
    ]
    return AcquiredFolder(StillFolder(Path(name), name, tuple(stills), ()), sequences, {}, {})
