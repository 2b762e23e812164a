"""What is normal for an agent: sittings of genuine stills, what is usual at a site, and the baseline made of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np

from biosense_pipeline.matching.evidence.levels import Level, Usual, each_their_own, level, usual
from biosense_pipeline.matching.evidence.recapture import in_light

#: Fewer genuine stills make no baseline of an agent's own.
FEWEST_STILLS = 12


@dataclass(frozen=True, eq=False)
class Sitting:
    """Genuine stills of one agent and one sitting as numbers.

    Attributes:
        groups: float64 (n, g), a still's recapture scores by group.
        rigidities: float64 (m,), of its pairs of stills that lie far enough apart (see ``rigidity.rigid``).
        brightness: mean grey level of each still's face, (n,); None where there was light enough.
        moving: by name of a cue float64 (m,), its values (see ``moving``).
        own: of the operator's own scores by name, (k,) each, of the stills that have one.
    """

    groups: np.ndarray
    rigidities: np.ndarray
    brightness: np.ndarray | None = None
    moving: Mapping[str, np.ndarray] = field(default_factory=dict)
    own: Mapping[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True)
class Site:
    """What is usual among the agents of a site.

    Attributes:
        groups: names of the groups that are summed up. group_centres: medians of each over agents.
        score: of the sum over ``groups``. context_score: of the sum over ``context``, those of them that carry
            from one person and camera to another.
        rigidity: of pairs. moving: by name of a cue, of its values.
        own: of the operator's own scores, by name.
    """

    groups: tuple[str, ...]
    group_centres: tuple[float, ...]
    context: tuple[str, ...]
    score: Usual
    context_score: Usual
    rigidity: Usual
    moving: Mapping[str, Usual] = field(default_factory=dict)
    own: Mapping[str, Usual] = field(default_factory=dict)

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
        own: of the operator's own scores by name; one that is not here does not count.
    """

    groups: tuple[str, ...]
    group_centres: tuple[float, ...]
    score: Level
    rigidity: Level
    stills: int
    sittings: int
    moving: Mapping[str, Level] = field(default_factory=dict)
    own: Mapping[str, Level] = field(default_factory=dict)

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
            {name: Level(**level) for name, level in stored.get("moving", {}).items()},
            {name: Level(**level) for name, level in stored.get("own", {}).items()},
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
        each_their_own(usual(scores, before["score"])),
        each_their_own(usual(contexts, before["context_score"])),
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
        {
            name: level(values, usual_here.own[name])
            for name, values in own_values(sittings, usual_here.own).items()
            if sum(map(len, values)) >= fewest_stills
        },
    )


def own_values(sittings: Sequence[Sitting], names: Iterable[str]) -> dict[str, list[np.ndarray]]:
    """The operator's own scores of an agent, an array a sitting that has any, by name."""
    return {name: [sitting.own[name] for sitting in sittings if len(sitting.own.get(name, ()))] for name in names}


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
