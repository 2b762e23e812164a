"""Shifts that are in order, and shifts in which something happens at a known time."""

from dataclasses import dataclass

import numpy as np

from biosense_pipeline.codes import Species
from biosense_pipeline.evaluation.incidents.folding import Openings, openings
from biosense_pipeline.evaluation.incidents.prints import PrintWorld, print_openings, window_llrs
from biosense_pipeline.evaluation.incidents.shifts import (
    Shifts,
    World,
    faces_at_work,
    faces_of_nobody,
    in_episodes,
    person_scores,
    shifts,
)
from biosense_pipeline.matching.incidents.assumptions import DAYS_A_MONTH, Assumptions
from biosense_pipeline.matching.incidents.detect import limits_of

#: Agent-days at a time: 60 MB.
_AT_ONCE = 600
#: Stills of a shift before something happens, and after it in which it may be found: an hour, and two.
BEFORE, AFTER = 360, 720

#: A noisy camera: once an hour in the mean, for five minutes, so many of the agent's stills are rejected.
NOISY_SHARE, NOISY_STILLS, NOISY_REJECTED = 1 / 12, 30.0, 0.4
#: Somebody who looks like the agent: so many of his stills are accepted.
LOOK_ALIKE_ACCEPTED = 0.3


@dataclass(frozen=True)
class FalseIncidents:
    """Incidents of agents about whom nothing is wrong."""

    agent_months: float
    by_species: dict[Species, int]

    @property
    def count(self) -> int:
        """Of all species."""
        return sum(self.by_species.values())

    @property
    def per_agent_month(self) -> float:
        """The rate observed."""
        return self.count / self.agent_months

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the rate: Garwood's, exact for counts of independent events."""
        from scipy.stats import chi2

        low = chi2.ppf(0.025, 2 * self.count) / 2 if self.count else 0.0
        return float(low / self.agent_months), float(chi2.ppf(0.975, 2 * self.count + 2) / 2 / self.agent_months)


@dataclass(frozen=True)
class Detections:
    """How soon something that happened was found.

    Attributes:
        seconds: from its beginning, which lies anywhere between two stills; infinite: not within two hours.
        stills: from the first that shows it, that one counted.
        open_before: of how many more an incident was open already, by mistake.
    """

    seconds: np.ndarray
    stills: np.ndarray
    open_before: int

    @property
    def missed(self) -> float:
        """Share not found within two hours."""
        return float(np.mean(~np.isfinite(self.seconds)))

    def percentile(self, q: float) -> tuple[float, float]:
        """Seconds and stills; infinite where it was not found in so many cases."""
        return tuple(float(np.percentile(values, q, method="higher")) for values in (self.seconds, self.stills))  # type: ignore[return-value]


def ordinary(
    rng: np.random.Generator, agent_months: int, world: World, assumptions: Assumptions, *, noisy: bool = False
) -> FalseIncidents:
    """Shifts of agents who are there, with pauses; each shift begins anew."""
    left = agent_months * DAYS_A_MONTH
    counts = dict.fromkeys((Species.UNKNOWN_PERSON, Species.ABSENT), 0)
    while left > 0:
        n = min(left, _AT_ONCE)
        size = n, assumptions.stills_per_day
        scores = person_scores(rng, *size, world.correlation)
        if noisy:
            scores = scores + _worse(world) * in_episodes(rng, *size, NOISY_SHARE, NOISY_STILLS)
        faces = faces_at_work(rng, *size, world)
        drawn = shifts(faces, scores, np.zeros(size, dtype=bool), world, assumptions)
        for species in counts:
            counts[species] += int(_openings(drawn, species, assumptions).count.sum())
        left -= n
    return FalseIncidents(agent_months, counts)


def swap(rng: np.random.Generator, swaps: int, world: World, assumptions: Assumptions) -> Detections:
    """An hour into the shift somebody else takes the agent's place, before the camera all the time."""
    return _after(rng, swaps, world, assumptions, Species.UNKNOWN_PERSON)


def absence(rng: np.random.Generator, absences: int, world: World, assumptions: Assumptions) -> Detections:
    """An hour into the shift the agent leaves."""
    return _after(rng, absences, world, assumptions, Species.ABSENT)


def ordinary_prints(rng: np.random.Generator, agent_months: int, world: PrintWorld, assumptions: Assumptions) -> int:
    """How many incidents of a print there are over shifts of agents before whom there is none."""
    shifts_left, count = agent_months * DAYS_A_MONTH, 0
    while shifts_left > 0:
        n = min(shifts_left, _AT_ONCE)
        llrs, found = window_llrs(rng, n, assumptions.stills_per_day, world)
        limits = limits_of(assumptions)[Species.PRINT]
        count += int(print_openings(llrs, found, limits, assumptions.still_seconds).count.sum())
        shifts_left -= n
    return count


def shown_print(
    rng: np.random.Generator, n: int, world: PrintWorld, assumptions: Assumptions, strength: float
) -> Detections:
    """An hour into the shift a print takes the agent's place, so many separations above the agent."""
    llrs, found = window_llrs(rng, n, BEFORE + AFTER, world, BEFORE, strength)
    limits = limits_of(assumptions)[Species.PRINT]
    outcome = print_openings(llrs, found, limits, assumptions.still_seconds, BEFORE)
    return _detections(rng, outcome, assumptions)


def _detections(rng: np.random.Generator, outcome: Openings, assumptions: Assumptions) -> Detections:
    counted = ~outcome.open_before
    found = outcome.first[counted] >= 0
    taken = np.where(found, outcome.first[counted] - BEFORE + 1, np.inf)
    until_first = rng.random(len(taken)) * assumptions.still_seconds
    return Detections(until_first + (taken - 1) * assumptions.still_seconds, taken, int(outcome.open_before.sum()))


def _after(rng: np.random.Generator, n: int, world: World, assumptions: Assumptions, species: Species) -> Detections:
    seconds, stills, open_before = [], [], 0
    for start in range(0, n, 4 * _AT_ONCE):
        some = min(n - start, 4 * _AT_ONCE)
        scores = np.concatenate(
            [person_scores(rng, some, length, world.correlation) for length in (BEFORE, AFTER)], axis=1
        )
        nobody = species is Species.ABSENT
        later = faces_of_nobody(rng, some, AFTER) if nobody else np.ones((some, AFTER), dtype=bool)
        faces = np.concatenate([faces_at_work(rng, some, BEFORE, world), later], axis=1)
        somebody_else = np.broadcast_to(np.arange(BEFORE + AFTER) >= BEFORE, scores.shape)
        drawn = shifts(faces, scores, somebody_else, world, assumptions)
        part = _detections(rng, _openings(drawn, species, assumptions, BEFORE), assumptions)
        seconds.append(part.seconds)
        stills.append(part.stills)
        open_before += part.open_before
    return Detections(np.concatenate(seconds), np.concatenate(stills), open_before)


def _openings(drawn: Shifts, species: Species, assumptions: Assumptions, since: int = 0) -> Openings:
    limits = limits_of(assumptions)[species]
    if species is Species.ABSENT:
        return openings(drawn.presence, np.ones_like(drawn.faces), limits, assumptions.still_seconds, since)
    return openings(drawn.identity, drawn.faces, limits, assumptions.still_seconds, since)


def _worse(world: World) -> float:
    """How far scores move towards somebody else's where NOISY_REJECTED of the agent's stills are rejected."""
    from statistics import NormalDist

    normal = NormalDist()
    return normal.inv_cdf(1 - world.fnmr) - normal.inv_cdf(1 - NOISY_REJECTED)
