"""What is usual among the agents of a site, from their own baselines: no still is read again.

Medians over agents, so that one whose baseline holds an attack moves nothing; each spread as if development's figures
were those of a few agents more. With fewer agents than make a median sure development's figures count alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from biosense_pipeline.matching.evidence.baseline import Baseline, Site
from biosense_pipeline.matching.evidence.levels import Level, Usual, robust_deviation

#: Agents with a baseline of their own, from which on the site's figures count.
FEWEST_AGENTS = 10
#: As how many agents development's figures count.
_AGENTS_BEFORE = 3.0


def site_of_baselines(baselines: Sequence[Baseline], development: Site) -> Site | None:
    """What is usual among agents with these baselines; None where they are too few.

    Args:
        development: what was measured before there was a site; baselines of other groups do not count.
    """
    kept = [baseline for baseline in baselines if baseline.personal and baseline.groups == development.groups]
    if len(kept) < FEWEST_AGENTS:
        return None
    centres = np.array([baseline.group_centres for baseline in kept])
    score = _usual([baseline.score for baseline in kept], development.score)
    rigidity = _usual([baseline.rigidity for baseline in kept], development.rigidity)
    columns = [development.groups.index(name) for name in development.context]
    return replace(
        development,
        group_centres=tuple(float(centre) for centre in np.median(centres, axis=0)),
        score=score,
        context_score=_of_context(centres[:, columns].sum(axis=1), score, development),
        rigidity=rigidity,
        moving=_of_cues([baseline.moving for baseline in kept], development.moving),
        own=_of_cues([baseline.own for baseline in kept], development.own),
    )


def parameters_of(site: Site) -> dict[str, Any]:
    """What is stored of it, fit for JSON."""
    return asdict(site)


def site_from(stored: Mapping[str, Any]) -> Site:
    """Read what :func:`parameters_of` gave."""
    values: dict[str, Any] = {
        name: Usual(**value) if isinstance(value, Mapping) else tuple(value)
        for name, value in stored.items()
        if name not in ("moving", "own")
    }
    moving, own = ({name: Usual(**value) for name, value in stored[of_cues].items()} for of_cues in ("moving", "own"))
    return Site(**values, moving=moving, own=own)


def _usual(levels: Sequence[Level], before: Usual) -> Usual:
    centres = np.array([level.centre for level in levels])
    found = Usual(
        float(np.median(centres)),
        _completed(float(np.median([level.within for level in levels])), before.within, len(levels)),
        _completed(float(np.median([level.between for level in levels])), before.sittings, len(levels)),
        _completed(robust_deviation(centres), before.agents, len(levels)),
    )
    return _not_alike(found)


def _of_context(centres: np.ndarray, score: Usual, development: Site) -> Usual:
    """Of the groups that carry from one agent to another, whose spreads no baseline has: they go with the sum's."""
    before = development.context_score
    return _not_alike(
        Usual(
            float(np.median(centres)),
            before.within * score.within / development.score.within,
            before.sittings * score.sittings / development.score.sittings,
            _completed(robust_deviation(centres), before.agents, len(centres)),
        )
    )


def _of_cues(baselines: Sequence[Mapping[str, Level]], before: Mapping[str, Usual]) -> dict[str, Usual]:
    """Of the agents' levels of each cue by name; as before where too few have any."""
    found = {}
    for name, known in before.items():
        levels = [cues[name] for cues in baselines if name in cues]
        found[name] = known if len(levels) < FEWEST_AGENTS else _usual(levels, known)
    return found


def _completed(deviation: float, before: float, agents: int) -> float:
    return float(np.sqrt((agents * deviation**2 + _AGENTS_BEFORE * before**2) / (agents + _AGENTS_BEFORE)))


def _not_alike(found: Usual) -> Usual:
    """Agents differ at least as much as one agent's sittings: their own centres lie nearer together than they are."""
    return replace(found, agents=max(found.agents, found.sittings))
