"""What moves with the face: ring motion and frame of a window, and what is usual for either.

Each takes pairs of stills between which the face moved (see ``ring_motion`` and ``frame``). Where it moved nowhere,
where the camera did, or where no small picture was kept with the stills, a cue is not there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from biosense_pipeline.matching.evidence.baseline import Baseline
from biosense_pipeline.matching.evidence.frame import Edges, edges, pair_frame, still_frames
from biosense_pipeline.matching.evidence.fusion import Cue, where_it_shows
from biosense_pipeline.matching.evidence.levels import Usual
from biosense_pipeline.matching.evidence.ring_motion import Regions, pair_ring_motion, regions
from biosense_pipeline.matching.evidence.surroundings import Surroundings

RING_MOTION, FRAME = "ring_motion", "frame"
#: Fewer pairs of a window, or stills, of which something is told make no cue.
_FEWEST = 3
#: Spreads that either cue counts at most: nothing beyond was seen in development.
_FARTHEST = 8.0


@dataclass(frozen=True)
class Calibration:
    """What one cue is judged by.

    Attributes:
        usual: over genuine windows. of_prints: where those of prints lie.
        most_separation: in spreads; it is not trusted further, whatever the baseline says.
        blind: share of prints that look as usual to it.
    """

    usual: Usual
    of_prints: float
    most_separation: float
    blind: float


#: Levels of sittings synthesised in development, as `biosense evaluate held-prints` makes them, from portraits, with
#: genuine clips besides; of prints below their median, since the faintest are what matters. The shares that are blind
#: are set so high that either cue is a weak one.
CALIBRATIONS: dict[str, Calibration] = {
    RING_MOTION: Calibration(Usual(centre=-0.07, within=0.16, sittings=0.15, agents=0.15), 0.2, 1.0, 0.8),
    FRAME: Calibration(Usual(centre=-1.95, within=0.22, sittings=0.35, agents=0.4), -0.8, 1.5, 0.7),
}


@dataclass(frozen=True)
class Told:
    """What a cue says of a window: the mean of so many values, of pairs or of stills."""

    value: float
    values: int


def moving_cues(told: Mapping[str, Told], baseline: Baseline) -> dict[str, Cue]:
    """Of those for which the baseline has a level, what they say of the agent."""
    cues = {}
    for name, found in told.items():
        if name in baseline.moving:
            normal, calibration = baseline.moving[name], CALIBRATIONS[name]
            separation = (calibration.of_prints - normal.centre) / normal.deviation(found.values)
            cues[name] = Cue(
                float(np.clip(normal.spreads(found.value, found.values), -_FARTHEST, _FARTHEST)),
                float(np.clip(separation, 0.0, calibration.most_separation)),
            )
    return cues


def moving_evidence(cues: Mapping[str, Cue]) -> float:
    """The log-likelihood ratio of the cues together."""
    return sum(where_it_shows(cue, CALIBRATIONS[name].blind) for name, cue in cues.items())


class Moving:
    """The cues of pairs among some stills of one agent, each pair looked at once.

    Args:
        around: of each still, in order; None where it was not kept.
    """

    def __init__(self, around: Sequence[Surroundings | None]) -> None:
        self._around = around
        self._regions: dict[int, Regions | None] = {}
        self._edges: dict[int, Edges | None] = {}
        self._found: dict[tuple[int, int], tuple[float, float]] = {}

    def values(self, pairs: np.ndarray) -> dict[str, np.ndarray]:
        """The values of pairs, int (m, 2), that make up each cue: of as many pairs, or stills, as tell anything."""
        if not any(self._around):
            return {}
        found = np.array([self._pair(int(one), int(other)) for one, other in pairs]).reshape(-1, 2)
        return {
            RING_MOTION: found[np.isfinite(found[:, 0]), 0],
            FRAME: still_frames(found[:, 1], np.asarray(pairs)),
        }

    def told(self, pairs: np.ndarray) -> dict[str, Told]:
        """What each cue says of a window with those pairs; without those that say nothing."""
        return {
            name: Told(float(np.median(values)), len(values))
            for name, values in self.values(pairs).items()
            if len(values) >= _FEWEST
        }

    def _pair(self, one: int, other: int) -> tuple[float, float]:
        if (one, other) not in self._found:
            ring = pair_ring_motion(self._prepared_regions(one), self._prepared_regions(other))
            frame = pair_frame(self._prepared_edges(one), self._prepared_edges(other))
            self._found[one, other] = (np.nan if ring is None else ring, np.nan if frame is None else frame)
        return self._found[one, other]

    def _prepared_regions(self, place: int) -> Regions | None:
        if place not in self._regions:
            seen = self._around[place]
            self._regions[place] = None if seen is None else regions(seen)
        return self._regions[place]

    def _prepared_edges(self, place: int) -> Edges | None:
        if place not in self._edges:
            seen = self._around[place]
            self._edges[place] = None if seen is None else edges(seen)
        return self._edges[place]
