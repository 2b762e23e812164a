"""Synthetic shifts: what each still of many agent-days says of who is there and whether anybody is.

Evidence is drawn so that a share FNMR of the agent's own stills is rejected and a share FMR of anybody else's is
accepted. Scores of both are normal with one variance; a still repeats what the one before it said with the
probability ``correlation`` and is drawn anew otherwise, so that rejections come in runs.
"""

from dataclasses import dataclass
from enum import StrEnum
from statistics import NormalDist

import numpy as np

from biosense_pipeline.codes import StillResult
from biosense_pipeline.matching.incidents.assumptions import Assumptions
from biosense_pipeline.matching.incidents.observations import NO_FACE_WHEN_ABSENT, identity_llr, presence_llr
from biosense_pipeline.matching.incidents.run_length import llr_separation


class Kind(StrEnum):
    """What is known of a still's face."""

    RESULTS = "results"
    LLRS = "llrs"


@dataclass(frozen=True)
class World:
    """How stills really are, whatever the test assumes of them.

    Attributes:
        fnmr, fmr: shares of errors in stills with a face.
        correlation: of successive stills of one person.
        no_face_share, pause_stills: how much of a shift an agent at work shows no face, and for how long at a time.
        kind: whether stills carry a calibrated LLR.
    """

    fnmr: float = 0.05
    fmr: float = 0.01
    correlation: float = 0.1
    no_face_share: float = 0.1
    pause_stills: float = 30.0
    kind: Kind = Kind.RESULTS

    @classmethod
    def as_assumed(cls, assumptions: Assumptions, kind: Kind) -> "World":
        """The world that the test takes for granted."""
        return cls(
            assumptions.fnmr,
            assumptions.fmr,
            assumptions.correlation,
            assumptions.no_face_share,
            1 / (1 - assumptions.pause_correlation),
            kind,
        )


@dataclass(frozen=True)
class Shifts:
    """Evidence of some agent-days, each a row of stills in order of time.

    Attributes:
        faces: bool (n, stills), whether there is a face.
        identity: float64 (n, stills), LLR for somebody else; of no meaning without a face.
        presence: float64 (n, stills), LLR for an empty place.
    """

    faces: np.ndarray
    identity: np.ndarray
    presence: np.ndarray


def shifts(
    faces: np.ndarray, scores: np.ndarray, somebody_else: np.ndarray, world: World, assumptions: Assumptions
) -> Shifts:
    """What stills say, from their scores.

    Args:
        faces: bool (n, stills). scores: (n, stills) standard normal; larger ones are less like the agent.
        somebody_else: bool (n, stills), who is there.
    """
    normal = NormalDist()
    rejected = np.where(somebody_else, scores >= normal.inv_cdf(world.fmr), scores > normal.inv_cdf(1 - world.fnmr))
    if world.kind is Kind.LLRS:
        # Calibrated on what is assumed, while the scores lie where the world has them beside the same threshold: a
        # look-alike's LLR does not know that it is one's.
        separation, limit = llr_separation(assumptions), assumptions.largest_llr
        threshold = normal.inv_cdf(1 - assumptions.fnmr)
        level = np.where(
            somebody_else, threshold - normal.inv_cdf(world.fmr), threshold - normal.inv_cdf(1 - world.fnmr)
        )
        identity = np.clip(separation * (scores + level) - separation**2 / 2, -limit, limit)
    else:
        says = {
            result: identity_llr(result, None, 1, assumptions) or 0.0
            for result in (StillResult.UNKNOWN_PERSON, StillResult.SUCCESS)
        }
        identity = np.where(rejected, says[StillResult.UNKNOWN_PERSON], says[StillResult.SUCCESS])
    present, absent = (
        presence_llr(result, assumptions) for result in (StillResult.SUCCESS, StillResult.NO_FACES_FOUND)
    )
    return Shifts(faces, identity, np.where(faces, present, absent))


def faces_at_work(rng: np.random.Generator, n: int, stills: int, world: World) -> np.ndarray:
    """Bool (n, stills): an agent at work, who pauses."""
    anew = _anew(rng, n, stills, 1 - 1 / world.pause_stills)
    return np.asarray(rng.random((n, stills))[np.arange(n)[:, None], anew] >= world.no_face_share)


def faces_of_nobody(rng: np.random.Generator, n: int, stills: int) -> np.ndarray:
    """Bool (n, stills): an empty place, in which now and then something is taken for a face."""
    return np.asarray(rng.random((n, stills)) >= NO_FACE_WHEN_ABSENT)


def person_scores(rng: np.random.Generator, n: int, stills: int, correlation: float) -> np.ndarray:
    """Standard normal (n, stills) of one person a row, with runs."""
    anew = _anew(rng, n, stills, correlation)
    return np.asarray(rng.standard_normal((n, stills))[np.arange(n)[:, None], anew])


def in_episodes(rng: np.random.Generator, n: int, stills: int, share: float, length: float) -> np.ndarray:
    """Bool (n, stills): whether a still falls into an episode; those are ``length`` stills long in the mean."""
    anew = _anew(rng, n, stills, 1 - 1 / length)
    return np.asarray(rng.random((n, stills))[np.arange(n)[:, None], anew] < share)


def _anew(rng: np.random.Generator, n: int, stills: int, correlation: float) -> np.ndarray:
    """For each still, the number of the one at which was drawn what it repeats."""
    drawn = rng.random((n, stills)) >= correlation
    drawn[:, 0] = True
    return np.maximum.accumulate(np.where(drawn, np.arange(stills), 0), axis=1)
