"""Distances of a protocol's pairs, so made that nothing about a pair's people enters its own normalisation."""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum

import numpy as np

from biosense_pipeline.errors import BiosenseError
from biosense_pipeline.evaluation.verification.folds import people_of
from biosense_pipeline.evaluation.verification.lfw import Pair, PersonImage
from biosense_pipeline.matching.centring import Cohort

#: People in a cohort at least: the mean of n people misses the true one by 1/sqrt(n) of their spread.
SMALLEST_COHORT = 10

#: Gives the distances, (n,), of all pairs as they are to be used while a fold is held out; NaN where an
#: image could not be acquired.
DistancesHoldingOut = Callable[[int], np.ndarray]


class Normalisation(StrEnum):
    """How two encodings become a distance."""

    PLAIN = "plain"
    CENTRED = "centred"


class CohortTooSmall(BiosenseError):
    """Too few people are left to centre by."""


def plain_distances(pairs: Sequence[Pair], encodings: Mapping[PersonImage, np.ndarray]) -> DistancesHoldingOut:
    """Euclidean distances, the same whichever fold is held out."""
    comparable, first, second = _sides(pairs, encodings)
    distances = np.full(len(pairs), np.nan)
    distances[comparable] = np.linalg.norm(first - second, axis=1)
    return lambda held_out: distances


def centred_distances(
    pairs: Sequence[Pair], folds: np.ndarray, encodings: Mapping[PersonImage, np.ndarray]
) -> DistancesHoldingOut:
    """Cosine distances after centring by the mean of people who are strangers to the pair.

    The cohort of a held-out fold are the people of no pair in it. The other folds, from which a threshold
    is learned, are centred by people who are in no pair of the held-out fold nor of their own: so neither
    does the threshold know the people that it is tried on, nor does it come from comparisons that were
    made easier than those will be.

    Args:
        folds: (n,) the fold of each pair.

    Raises:
        CohortTooSmall: when called, where fewer than SMALLEST_COHORT people are left.
    """
    comparable, first, second = _sides(pairs, encodings)
    pictured = list(encodings)
    everybody = np.array([image.person for image in pictured])
    faces = np.stack([encodings[image] for image in pictured]) if pictured else np.empty((0, 0))
    people = {int(fold): people_of(pairs, folds == fold) for fold in np.unique(folds)}

    def holding_out(held_out: int) -> np.ndarray:
        distances = np.full(len(pairs), np.nan)
        for fold in people:
            strangers = ~np.isin(everybody, list(people[fold] | people[held_out]))
            if len(set(everybody[strangers])) < SMALLEST_COHORT:
                raise CohortTooSmall(
                    f"Fewer than {SMALLEST_COHORT} people are strangers to a fold, too few to centre by: use "
                    "--normalise plain, or pairs of more people."
                )
            cohort = Cohort(list(everybody[strangers]), faces[strangers])
            chosen = folds[comparable] == fold
            distances[np.flatnonzero(comparable)[chosen]] = cohort.distances(
                first[chosen], second[chosen], people[fold]
            )
        return distances

    return holding_out


def _sides(
    pairs: Sequence[Pair], encodings: Mapping[PersonImage, np.ndarray]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which pairs can be compared, bool (n,), and the two sides of those, (m, d) each."""
    comparable = np.array([pair.first in encodings and pair.second in encodings for pair in pairs], dtype=bool)
    compared = [pair for pair, possible in zip(pairs, comparable, strict=True) if possible]
    sides = [
        np.stack([encodings[image] for image in images]).astype(np.float64) if compared else np.empty((0, 1))
        for images in ([pair.first for pair in compared], [pair.second for pair in compared])
    ]
    return comparable, sides[0], sides[1]
