"""Prints in simulation: what the windows of agents at work and of prints say, and when that makes an incident.

Windows are drawn as ``matching/evidence/presentation.py`` takes them to be: the cues together lie above an agent's own
level by so many standard deviations, normally distributed; prints lie higher by the separation D. The LLR of F is
D F - D²/2, within its limits. Of the variance a share belongs to the sitting (light, place, clothes: it stays as long
as the sitting does), the rest is evened out over a window, and the next window has all but one still in common.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from biosense_pipeline.codes import Species
from biosense_pipeline.evaluation.incidents.folding import Openings
from biosense_pipeline.matching.evidence.baseline import Baseline
from biosense_pipeline.matching.evidence.fusion import LLR_BOUNDS
from biosense_pipeline.matching.evidence.levels import CORRELATION, Level
from biosense_pipeline.matching.evidence.presentation import ALARM_SPREADS, WINDOW, judge_window, site
from biosense_pipeline.matching.evidence.recapture import shipped_model
from biosense_pipeline.matching.evidence.rigidity import Rigidity, far_apart
from biosense_pipeline.matching.incidents.observations import NOT_FOUND
from biosense_pipeline.matching.incidents.tracks import Limits

#: How far prints lie above the agent, in separations: those that these are set for, the faintest of the ones made for
#: development, and most others, which lie twice as far in the recapture scores.
FAINT, PLAIN = 1.0, 1.5
#: A baseline of an agent who has been there for some days rests on so many sittings.
_SITTINGS = 6


@dataclass(frozen=True)
class PrintWorld:
    """How windows of stills really are.

    Attributes:
        separation: by so many standard deviations prints lie above the agent's own windows.
        lasting: share of the variance of an agent's windows that belongs to the sitting.
        sitting_stills: length of a sitting, in the mean.
    """

    separation: float
    lasting: float
    sitting_stills: float = 360.0


@cache
def usual_world(still_seconds: float = 10.0) -> PrintWorld:
    """That of an agent as usual as development knows them, with a baseline of some days."""
    known = site([], shipped_model())
    new_sitting = float(np.sqrt(1.0 + 1.0 / _SITTINGS))
    score = Level(known.score.centre, known.score.within, known.score.sittings * new_sitting)
    rigidity = Level(known.rigidity.centre, known.rigidity.within, known.rigidity.sittings * new_sitting)
    pairs = len(far_apart(np.arange(WINDOW) * still_seconds))
    baseline = Baseline(known.groups, known.group_centres, score, rigidity, _SITTINGS * WINDOW, _SITTINGS)
    told = judge_window(np.zeros(WINDOW), Rigidity(rigidity.centre, 0.0, pairs), baseline)
    assert told.rigidity is not None
    separation = float(np.hypot(told.recapture.separation, told.rigidity.separation))
    lasting = (score.between**2 + CORRELATION * score.within**2) / score.deviation(WINDOW) ** 2
    return PrintWorld(separation, lasting)


def window_llrs(
    rng: np.random.Generator, n: int, stills: int, world: PrintWorld, since: int | None = None, strength: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """LLR of the window that ends with each still, and whether it is a finding, each (n, stills).

    Args:
        since: from that still on a print is shown, which lies ``strength`` separations above the agent.
    """
    begins = rng.random((n, stills)) < 1.0 / world.sitting_stills
    begins[:, 0] = True
    place = np.maximum.accumulate(np.where(begins, np.arange(stills), 0), axis=1)
    level = rng.standard_normal((n, stills))[np.arange(n)[:, None], place]
    noise = np.cumsum(np.pad(rng.standard_normal((n, stills + WINDOW - 1)), ((0, 0), (1, 0))), axis=1)
    even = (noise[:, WINDOW:] - noise[:, :-WINDOW]) / np.sqrt(WINDOW)
    spreads = np.sqrt(world.lasting) * level + np.sqrt(1.0 - world.lasting) * even
    if since is not None:
        shown = np.clip(np.arange(stills) - since + 1, 0, WINDOW) / WINDOW
        spreads = spreads + strength * world.separation * shown
    llrs = np.clip(world.separation * (spreads - world.separation / 2), *LLR_BOUNDS)
    return llrs, (spreads >= ALARM_SPREADS) & (llrs > 0)


def print_openings(llrs: np.ndarray, found: np.ndarray, limits: Limits, seconds: float, since: int = 0) -> Openings:
    """Run the test for prints over rows of stills ``seconds`` apart, as ``tracks`` does still by still.

    Args:
        llrs: (n, stills). found: bool (n, stills), whether the window is a finding.
        since: incidents are counted from this still on.
    """
    n, stills = llrs.shape
    again, not_found = limits.discount(seconds), NOT_FOUND[Species.PRINT]
    statistic, said = np.zeros(n), np.zeros(n)
    is_open, open_before = np.zeros(n, dtype=bool), np.zeros(n, dtype=bool)
    count, first = np.zeros(n, dtype=int), np.full(n, -1)
    for still in range(stills):
        if still == since:
            open_before = is_open.copy()
        llr, finds = llrs[:, still], found[:, still]
        moved = np.where(finds, np.maximum(llr * again, llr - said), not_found)
        statistic = np.clip(statistic + moved, 0.0, limits.bound)
        said = np.where(statistic > 0, np.maximum(0.0, said + moved), 0.0)
        is_open &= statistic > 0
        opens = ~is_open & (statistic >= limits.bound)
        is_open |= opens
        if still >= since:
            count += opens
            first = np.where(opens & (first < 0), still, first)
    return Openings(count, first, open_before)
