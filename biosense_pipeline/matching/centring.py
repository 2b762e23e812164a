"""Cosine distance after centring by the mean of a cohort: what all faces share tells nobody apart.

A person who stands in the cohort has drawn its mean towards the own face, and a comparison with that
person then looks easier than it will be with strangers. So a cohort knows its people and refuses them.
"""

from collections.abc import Collection, Sequence

import numpy as np


class PersonInCohort(ValueError):
    """Somebody would be compared by means of a cohort that holds his or her own face."""


class Cohort:
    """The mean face of some people, each counting once however many pictures there are.

    Args:
        people: (n) names. encodings: (n, d), of one model.

    Raises:
        ValueError: there is nobody.
    """

    def __init__(self, people: Sequence[str], encodings: np.ndarray) -> None:
        if not people:
            raise ValueError("a cohort needs people")
        names, position, pictures = np.unique(people, return_inverse=True, return_counts=True)
        share = 1.0 / (pictures[position] * names.size)
        self.people: frozenset[str] = frozenset(people)
        self.mean = share @ np.asarray(encodings, dtype=np.float64)

    def distances(self, first: np.ndarray, second: np.ndarray, people: Collection[str]) -> np.ndarray:
        """1 less the cosine of the angle at the mean between each pair of faces: 0 to 2, smaller is closer.

        Args:
            first, second: (n, d) encodings, compared row by row.
            people: the names of everybody in them.

        Raises:
            PersonInCohort: one of them is in the cohort.
        """
        shared = sorted(self.people.intersection(people))
        if shared:
            raise PersonInCohort(f"{shared[0]} is compared and stands in the cohort ({len(shared)} such people)")
        left, right = (_unit(np.asarray(side, dtype=np.float64) - self.mean) for side in (first, second))
        return np.asarray(1.0 - np.sum(left * right, axis=1))


def _unit(vectors: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(lengths > 0, lengths, 1.0)
