"""Levels: where scores lie over genuine stills of earlier sittings, and how far they spread.

An absolute threshold does not carry from one camera and room to another, so a score is judged by how many
spreads it lies above the agent's own level. Robust throughout, since a baseline may hold stills that are not
genuine: levels are medians, spreads 1.4826 times the median absolute deviation, which for normally distributed
numbers is the standard deviation.

Two spreads count. Within a sitting stills vary, and the mean of a window evens that out, less so as stills of
one sitting resemble each other. Between sittings light, place and clothes change, and no mean over a window
evens that out. What few stills or a single sitting cannot tell of an agent is taken from all agents of the
site, and what few agents cannot tell from measurements made in development: each counts as if it were some
observations more. The agent's own level, too, lies nearer to everybody's the more his sittings differ and the
less agents do (the posterior mean of a normal distribution within a normal distribution).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

#: Makes a median absolute deviation the standard deviation of a normal distribution.
_NORMAL = 1.4826
# What follows is assumed, as no command has agents' days to measure it on.
#: Correlation of two values of one sitting beyond what the sitting's own level explains.
CORRELATION = 0.3
#: As how many values of his own, and sittings beyond the first, what is known of all agents counts for one agent.
_VALUES_OF_ALL, _SITTINGS_OF_ALL = 20.0, 6.0
#: As how many sittings beyond the first of each agent, and agents beyond the first, development's figures count.
_SITTINGS_BEFORE, _AGENTS_BEFORE = 6.0, 3.0
#: No agent is steadier within a sitting than this share of what is usual.
_STEADIEST = 0.5


@dataclass(frozen=True)
class Level:
    """Where genuine values lie, and how far they spread.

    Attributes:
        centre: of the values.
        within: standard deviation within a sitting.
        between: standard deviation of a new sitting's own level around the centre, which itself is uncertain.
    """

    centre: float
    within: float
    between: float

    def deviation(self, values: int) -> float:
        """Standard deviation of the mean of so many values of one new sitting."""
        return float(np.hypot(self.between, self.within * np.sqrt(_not_evened_out(values))))

    def spreads(self, value: float, values: int = 1) -> float:
        """How many standard deviations a value, the mean of so many, lies above the centre."""
        return (value - self.centre) / self.deviation(values)


@dataclass(frozen=True)
class Usual:
    """How the values of all agents spread.

    Attributes:
        centre: over agents. agents: standard deviation of the agents' own centres around it.
        within, sittings: standard deviations within a sitting, and of an agent's sittings around the agent's centre.
    """

    centre: float
    within: float
    sittings: float
    agents: float

    def level(self) -> Level:
        """The level of an agent of whom nothing is known."""
        return Level(self.centre, self.within, float(np.hypot(self.sittings, self.agents)))


def level(sittings: Sequence[np.ndarray], usual_values: Usual) -> Level:
    """The level of one agent's values, each sitting an array of them; the usual one where there are none."""
    sittings = [values for values in sittings if len(values)]
    if not sittings:
        return usual_values.level()
    counts = np.array([len(values) for values in sittings], dtype=np.float64)
    medians = np.array([np.median(values) for values in sittings])
    variances = np.array([robust_deviation(values) ** 2 for values in sittings])
    # What is known of all agents counts as so many values more; of the own, resembling ones count for less.
    own = counts - 1.0
    within = _mean(variances, own, usual_values.within**2, _VALUES_OF_ALL)
    within = max(within, (_STEADIEST * usual_values.within) ** 2)
    between = _between(medians, within / counts, usual_values.sittings**2, _SITTINGS_OF_ALL)
    weights = 1.0 / (between + within * _not_evened_out(counts))
    # Were agents all alike, one agent's few sittings would tell less of the next than everybody's do.
    of_all = 1.0 / max(usual_values.agents, 1e-6) ** 2
    certain = float(weights.sum()) + of_all
    centre = (float(weights @ medians) + of_all * usual_values.centre) / certain
    return Level(centre, float(np.sqrt(within)), float(np.sqrt(between + 1.0 / certain)))


def usual(agents: Sequence[Sequence[np.ndarray]], before: Usual) -> Usual:
    """How values spread among agents, each given by sittings, each an array.

    Args:
        before: what was measured before; it counts as a few agents and sittings more.
    """
    kept = [[values for values in own if len(values)] for own in agents]
    kept = [own for own in kept if own]
    every = [values for own in kept for values in own]
    if not every:
        return before
    counts = np.array([len(values) for values in every], dtype=np.float64)
    within = _mean(
        np.array([robust_deviation(values) ** 2 for values in every]), counts - 1.0, before.within**2, _VALUES_OF_ALL
    )
    sittings, degrees = _SITTINGS_BEFORE * before.sittings**2, _SITTINGS_BEFORE
    for own in kept:
        medians = np.array([np.median(values) for values in own])
        sittings += _excess(medians, within / np.array([len(values) for values in own]))
        degrees += len(own) - 1
    centres = np.array([np.mean([np.median(values) for values in own]) for own in kept])
    # That agents' centres differ is in part that each has few sittings. Not robust: of a few agents one who is
    # unlike the others is what shows that they differ.
    uncertain = sittings / degrees * float(np.mean([1.0 / len(own) for own in kept]))
    differ = max(0.0, float(np.var(centres, ddof=1)) - uncertain) if len(centres) > 1 else 0.0
    degrees_of_agents = len(centres) - 1
    differ = (degrees_of_agents * differ + _AGENTS_BEFORE * before.agents**2) / (degrees_of_agents + _AGENTS_BEFORE)
    return Usual(
        float(np.median(centres)), float(np.sqrt(within)), float(np.sqrt(sittings / degrees)), float(np.sqrt(differ))
    )


def robust_deviation(values: np.ndarray) -> float:
    """1.4826 times the median absolute deviation from the median; 0 of a single value."""
    return _NORMAL * float(np.median(np.abs(values - np.median(values))))


def each_their_own(score: Usual) -> Usual:
    """Cameras, rooms and faces are the agents' own: a few agents who happen to be alike must not make all one."""
    return replace(score, agents=max(score.agents, score.sittings))


def _not_evened_out(values: Any) -> Any:
    """The share of the variance of single values that their mean, or median, over a sitting still has."""
    return CORRELATION + (1.0 - CORRELATION) / values


def _mean(variances: np.ndarray, degrees: np.ndarray, prior: float, prior_degrees: float) -> float:
    degrees = np.maximum(degrees, 0.0)
    return float((variances @ degrees + prior * prior_degrees) / (degrees.sum() + prior_degrees))


def _between(medians: np.ndarray, error: np.ndarray, prior: float, prior_degrees: float) -> float:
    """Variance of an agent's sittings, from their medians and from what is usual."""
    return (_excess(medians, error) + prior * prior_degrees) / (len(medians) - 1 + prior_degrees)


def _excess(medians: np.ndarray, error: np.ndarray) -> float:
    """The sum of squares of sittings' medians around their mean, less what each is uncertain by."""
    return max(0.0, float(np.sum((medians - medians.mean()) ** 2) - (len(medians) - 1) * error.mean()))
