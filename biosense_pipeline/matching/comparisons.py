"""Comparisons of known people: whom each picture shows, and how far it lies from everybody's benchmark."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property

import numpy as np


class Kind(StrEnum):
    """What a picture is, and how it is known whom it shows."""

    #: A still of which a supervisor said that it shows its agent.
    CONFIRMED = "confirmed"
    #: A still of an hour in which the agent was recognised far below the tolerance.
    PRESUMED = "presumed"
    #: Another approved training image of the agent.
    TRAINING = "training"
    #: A benchmark, to be compared with the colleagues' benchmarks.
    BENCHMARK = "benchmark"


#: Impostor comparisons of these are like those that decide: a still against a benchmark.
STILLS = (Kind.CONFIRMED, Kind.PRESUMED)
#: Those whose distance from the own benchmark is a genuine comparison.
GENUINE = (*STILLS, Kind.TRAINING)


@dataclass(frozen=True)
class AgentPair:
    """Two agents, by their places among the people, and the median distance of their pictures."""

    first: int
    second: int
    distance: float


@dataclass(frozen=True)
class Comparisons:
    """n pictures of known people against the benchmarks of all m people.

    Attributes:
        people: (m,) LAN ids of those who have a benchmark.
        shows: int (n,), whom each picture shows.
        kinds: str (n,), see :class:`Kind`.
        distances: (n, m).
        groups: int (m,); people of one group are suspected to be one person and never impostors of each other.
    """

    people: tuple[str, ...]
    shows: np.ndarray
    kinds: np.ndarray
    distances: np.ndarray
    groups: np.ndarray

    @classmethod
    def between(
        cls, people: Sequence[str], shows: Sequence[int], kinds: Sequence[Kind], distances: np.ndarray
    ) -> "Comparisons":
        """Comparisons in which each of the people is a person of the own."""
        return cls(
            tuple(people),
            np.asarray(shows, dtype=np.int64),
            np.asarray(kinds, dtype=str),
            np.asarray(distances, dtype=np.float64).reshape(len(shows), len(people)),
            np.arange(len(people)),
        )

    def are(self, kinds: Collection[Kind]) -> np.ndarray:
        """Which pictures are of these kinds: bool (n,)."""
        return np.isin(self.kinds, [str(kind) for kind in kinds])

    @cached_property
    def own(self) -> np.ndarray:
        """The distance of each picture from the benchmark of whom it shows: (n,)."""
        return np.asarray(self.distances[np.arange(len(self.shows)), self.shows])

    @cached_property
    def of_others(self) -> np.ndarray:
        """Where picture and benchmark are of two persons: bool (n, m)."""
        return np.asarray(self.groups[self.shows][:, np.newaxis] != self.groups)

    @cached_property
    def impostors(self) -> np.ndarray:
        """Where a still is compared with somebody else's benchmark: bool (n, m)."""
        return np.asarray(self.of_others & self.are(STILLS)[:, np.newaxis])

    @cached_property
    def labelled(self) -> tuple[np.ndarray, np.ndarray]:
        """All genuine and then all impostor distances, and whether they are genuine."""
        genuine, impostors = self.own[self.are(GENUINE)], self.distances[self.impostors]
        both = np.concatenate([genuine, impostors])
        return both, np.arange(len(both)) < len(genuine)

    @cached_property
    def medians(self) -> np.ndarray:
        """Median distance of each person's pictures from each benchmark: (m, m), NaN for people without pictures.

        Single pictures come near somebody else now and then; who comes near with most of them is alike.
        """
        medians = np.full((len(self.people), len(self.people)), np.nan)
        for person in np.unique(self.shows):
            medians[person] = np.median(self.distances[self.shows == person], axis=0)
        return medians

    @property
    def shown(self) -> np.ndarray:
        """Which groups have stills, by their numbers: (k,)."""
        return np.unique(self.groups[self.shows[self.are(STILLS)]])

    @property
    def pairs_of_people(self) -> int:
        """How many pairs of two persons were compared by at least one still."""
        everybody = len(np.unique(self.groups))
        unseen = everybody - len(self.shown)
        return everybody * (everybody - 1) // 2 - unseen * (unseen - 1) // 2

    @cached_property
    def pair_weights(self) -> np.ndarray:
        """What each impostor comparison counts so that every pair of people counts 1: (n, m)."""
        stills = np.bincount(self.groups[self.shows[self.are(STILLS)]], minlength=self.groups.max(initial=0) + 1)
        sizes = np.bincount(self.groups)
        own, other = self.groups[self.shows][:, np.newaxis], self.groups
        compared = stills[own] * sizes[other] + stills[other] * sizes[own]
        return np.asarray(np.where(self.impostors, 1.0 / np.maximum(compared, 1), 0.0))

    def of_people(self, chosen: np.ndarray) -> "Comparisons":
        """The comparisons in which only these people take part.

        Args:
            chosen: bool (m,).
        """
        rows = chosen[self.shows]
        position = np.cumsum(chosen) - 1
        return Comparisons(
            tuple(person for person, taken in zip(self.people, chosen, strict=True) if taken),
            position[self.shows[rows]],
            self.kinds[rows],
            self.distances[np.ix_(rows, chosen)],
            np.unique(self.groups[chosen], return_inverse=True)[1],
        )

    def nearest_pairs(self, most: int) -> list[AgentPair]:
        """The pairs of persons whose pictures lie nearest to each other in the median, nearest first."""
        both = np.stack([self.medians, self.medians.T])
        known = ~np.isnan(both)
        mean = np.where(known, both, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
        first, second = np.nonzero(np.triu(known.any(axis=0) & (self.groups[:, np.newaxis] != self.groups), k=1))
        order = np.argsort(mean[first, second], kind="stable")[:most]
        return [AgentPair(int(i), int(j), float(mean[i, j])) for i, j in zip(first[order], second[order], strict=True)]

    def suspected(self) -> list[AgentPair]:
        """Pairs of agents who may be one person under two LAN ids, nearest first.

        Suspected is a pair whose median distance is not above the median genuine distance: half of all
        pictures are not nearer to their own agent. The bar is meant to be high. Whom it misses counts as
        an impostor and makes tolerances stricter; a mere look-alike that it left out would loosen them.
        """
        genuine = self.own[self.are(GENUINE)]
        bar = float(np.median(genuine)) if len(genuine) else -np.inf
        return [pair for pair in self.nearest_pairs(len(self.people)) if pair.distance <= bar]

    def joined(self, pairs: Sequence[AgentPair]) -> "Comparisons":
        """The same comparisons with these pairs, and whom they share, as one person each."""
        groups = self.groups.copy()
        for pair in pairs:
            groups[groups == groups[pair.second]] = groups[pair.first]
        return replace(self, groups=np.unique(groups, return_inverse=True)[1])
