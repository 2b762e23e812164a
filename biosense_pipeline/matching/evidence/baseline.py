"""What is normal for an agent: the level and the spread of scores over genuine stills of earlier sittings.

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

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from types import MappingProxyType
from typing import Any

import numpy as np

from biosense_pipeline.matching.evidence.recapture import in_light

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
#: Fewer genuine stills make no baseline of an agent's own.
FEWEST_STILLS = 12


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


@dataclass(frozen=True, eq=False)
class Sitting:
    """Genuine stills of one agent and one sitting as numbers.

    Attributes:
        groups: float64 (n, g), a still's recapture scores by group.
        rigidities: float64 (m,), of its pairs of stills that lie far enough apart (see ``rigidity.rigid``).
        brightness: mean grey level of each still's face, (n,); None where there was light enough.
        moving: by name of a cue float64 (m,), its values (see ``moving``).
    """

    groups: np.ndarray
    rigidities: np.ndarray
    brightness: np.ndarray | None = None
    moving: Mapping[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True)
class Site:
    """What is usual among the agents of a site.

    Attributes:
        groups: names of the groups that are summed up. group_centres: medians of each over agents.
        score: of the sum over ``groups``. context_score: of the sum over ``context``, those of them that carry
            from one person and camera to another.
        rigidity: of pairs. moving: by name of a cue, of its values.
    """

    groups: tuple[str, ...]
    group_centres: tuple[float, ...]
    context: tuple[str, ...]
    score: Usual
    context_score: Usual
    rigidity: Usual
    moving: Mapping[str, Usual] = field(default_factory=dict)

    def baseline(self) -> "Baseline":
        """The baseline of an agent who has none of his own: context groups alone."""
        centres = dict(zip(self.groups, self.group_centres, strict=True))
        return Baseline(
            self.context,
            tuple(centres[name] for name in self.context),
            self.context_score.level(),
            self.rigidity.level(),
            stills=0,
            sittings=0,
            moving={name: usual_values.level() for name, usual_values in self.moving.items()},
        )


@dataclass(frozen=True)
class Baseline:
    """What scores are judged by.

    Attributes:
        groups: names of the groups whose scores are summed up. group_centres: of each; a group that cannot be
            judged in a still is taken to lie there.
        score: of the sum. rigidity: of pairs of stills.
        stills, sittings: that it rests on; 0 where it is the site's and not the agent's own.
        moving: by name of a cue, of its values; a cue without a level does not count.
    """

    groups: tuple[str, ...]
    group_centres: tuple[float, ...]
    score: Level
    rigidity: Level
    stills: int
    sittings: int
    moving: Mapping[str, Level] = field(default_factory=dict)

    @property
    def personal(self) -> bool:
        """Whether it is the agent's own."""
        return self.stills > 0

    def parameters(self) -> dict[str, Any]:
        """What is stored of it, fit for JSON."""
        return asdict(self)

    @classmethod
    def from_parameters(cls, stored: Mapping[str, Any]) -> "Baseline":
        """Read what :meth:`parameters` gave."""
        return cls(
            tuple(stored["groups"]),
            tuple(stored["group_centres"]),
            Level(**stored["score"]),
            Level(**stored["rigidity"]),
            stored["stills"],
            stored["sittings"],
            # Baselines from before these cues were are read too.
            {name: Level(**own) for name, own in stored.get("moving", {}).items()},
        )


def site_of(
    agents: Sequence[Sequence[Sitting]],
    groups: Sequence[str],
    context: Sequence[str],
    before: Mapping[str, Usual],
    moving: Mapping[str, Usual] = MappingProxyType({}),
) -> Site:
    """What is usual among agents, each given by sittings.

    Args:
        groups: names of the columns of a sitting's group scores, all of which are summed up.
        context: those of them that an agent without a baseline is judged by.
        before: what development measured, as ``score``, ``context_score`` and ``rigidity``. moving: likewise, by
            name of a cue.
    """
    agents = [own for own in agents if any(len(sitting.groups) for sitting in own)]
    chosen = [list(groups).index(name) for name in context]
    counted = [_as_they_count(own, groups, _centres(own)) for own in agents]
    scores = [[values.sum(axis=1) for values in own] for own in counted]
    contexts = [[values[:, chosen].sum(axis=1) for values in own] for own in counted]
    rigidities = [[sitting.rigidities for sitting in own] for own in agents]
    medians = [np.median(np.concatenate([sitting.groups for sitting in own]), axis=0) for own in agents]
    centres = np.median(medians, axis=0) if medians else np.zeros(len(groups))
    return Site(
        tuple(groups),
        tuple(float(centre) for centre in centres),
        tuple(context),
        _own(usual(scores, before["score"])),
        _own(usual(contexts, before["context_score"])),
        usual(rigidities, before["rigidity"]),
        {name: usual([_of_cue(own, name) for own in agents], known) for name, known in moving.items()},
    )


def personal_baseline(
    sittings: Sequence[Sitting], usual_here: Site, fewest_stills: int = FEWEST_STILLS
) -> Baseline | None:
    """An agent's own baseline; None where there are too few stills for one.

    Args:
        sittings: genuine stills, earlier than those that will be judged.
    """
    sittings = [sitting for sitting in sittings if len(sitting.groups)]
    stills = sum(len(sitting.groups) for sitting in sittings)
    if stills < fewest_stills:
        return None
    centres = _centres(sittings)
    counted = _as_they_count(sittings, usual_here.groups, centres)
    return Baseline(
        usual_here.groups,
        tuple(float(centre) for centre in centres),
        level([values.sum(axis=1) for values in counted], usual_here.score),
        level([sitting.rigidities for sitting in sittings], usual_here.rigidity),
        stills,
        len(sittings),
        {name: level(_of_cue(sittings, name), known) for name, known in usual_here.moving.items()},
    )


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


def _centres(sittings: Sequence[Sitting]) -> np.ndarray:
    """Of each group: the mean of the sittings' medians, (g,)."""
    return np.asarray(
        np.mean([np.median(sitting.groups, axis=0) for sitting in sittings if len(sitting.groups)], axis=0)
    )


def _as_they_count(sittings: Sequence[Sitting], names: Sequence[str], centres: np.ndarray) -> list[np.ndarray]:
    """The group scores of each sitting as those of a still are judged: noise of colours in the dark is no spread."""
    return [
        sitting.groups if sitting.brightness is None else in_light(sitting.groups, names, centres, sitting.brightness)
        for sitting in sittings
    ]


def _of_cue(sittings: Sequence[Sitting], name: str) -> list[np.ndarray]:
    return [sitting.moving[name] for sitting in sittings if name in sitting.moving]


def _own(score: Usual) -> Usual:
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
