"""Stills of an evaluation without pictures: scores, chips and encodings drawn from seeds."""

from pathlib import Path

import numpy as np

from biosense_pipeline.evaluation.attacks.acquisition import AcquiredFolder, StillSequence
from biosense_pipeline.evaluation.attacks.folders import StillFile, StillFolder
from biosense_pipeline.matching.evidence.presentation import Measured
from biosense_pipeline.matching.evidence.recapture import GroupScore, RecaptureModel

ONE = GroupScore(np.zeros(1), np.ones(1), np.ones(1), 0.0, 1.0)
#: The features are the scores.
MODEL = RecaptureModel("two-1", {"ring": ONE, "sharpness": ONE}, {"ring": slice(0, 1), "sharpness": slice(1, 2)}, {})


def person_encoding(subject: str) -> np.ndarray:
    """Where the encodings of a subject lie."""
    values = np.random.default_rng(list(subject.encode())).normal(size=32)
    return np.asarray(values / np.linalg.norm(values))


def sequence(
    subject: str, name: str, stills: int, score: float, *, moving: bool, seed: int = 0, stranger: bool = False
) -> StillSequence:
    """A sequence whose stills score about so much in each group, of a changing face or of a rigid one."""
    rng = np.random.default_rng([seed, *subject.encode(), *name.encode()])
    face = rng.integers(0, 256, (32, 32))
    chips = np.stack([rng.integers(0, 256, (32, 32)) if moving else face for _ in range(stills)]).astype(np.uint8)
    groups = score + rng.normal(0, 0.3, (stills, 2))
    measured = Measured(groups, np.full(stills, 120.0), chips, 10.0 * np.arange(stills))
    whom = person_encoding("a stranger" if stranger else subject)
    encodings = whom + rng.normal(0, 0.01, (stills, 32))
    return StillSequence(subject, name, np.arange(stills), measured, encodings, np.zeros(stills))


def acquired(name: str, sequences: list[StillSequence], without_face: dict[str, int] | None = None) -> AcquiredFolder:
    """A folder in which these sequences were found, and so many stills without a face, by subject."""
    stills = [
        StillFile(Path(name) / own.subject / f"{own.name}_{place}.jpg", own.subject, own.name, place)
        for own in sequences
        for place in range(len(own.places))
    ] + [
        StillFile(Path(name) / subject / f"none_{place}.jpg", subject, "none", place)
        for subject, count in (without_face or {}).items()
        for place in range(count)
    ]
    return AcquiredFolder(StillFolder(Path(name), name, tuple(stills), ()), sequences, without_face or {}, {})
