"""What moves with the face: ring motion and frame of a window, and what is usual for either.

Each takes pairs of stills between which the face moved (see ``ring_motion`` and ``frame``). Where it moved nowhere,
where the camera did, or where no small picture was kept with the stills, a cue is not there.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from biosense_pipeline.matching.evidence import frame, ring_motion
from biosense_pipeline.matching.evidence.baseline import Baseline
from biosense_pipeline.matching.evidence.fusion import Cue, where_it_shows
from biosense_pipeline.matching.evidence.levels import Usual
from biosense_pipeline.matching.evidence.surroundings import Surroundings, comparable

Prepared = TypeVar("Prepared")

RING_MOTION, FRAME = "ring_motion", "frame"
#: Fewer pairs of a window, or stills, of which something is told make no cue.
_FEWEST = 3
#: More pairs are thinned to those of every so many-th lag: on prints synthesised in development as much was found so.
_MANY, _EVERY_LAG = 18, 3
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
        self._rings = _Pairs(around, ring_motion.AROUND, ring_motion.regions, ring_motion.pair_ring_motion)
        self._frames = _Pairs(around, frame.AROUND, frame.edges, frame.pair_frame)

    def values(self, pairs: np.ndarray) -> dict[str, np.ndarray]:
        """The values of pairs, int (m, 2), that make up each cue: of as many pairs, or stills, as tell anything."""
        if not any(self._around):
            return {}
        pairs = _enough(np.asarray(pairs, dtype=np.intp).reshape(-1, 2))
        rings = self._rings.values(pairs)
        return {
            RING_MOTION: rings[np.isfinite(rings)],
            FRAME: frame.still_frames(self._frames.values(pairs), pairs),
        }

    def told(self, pairs: np.ndarray) -> dict[str, Told]:
        """What each cue says of a window with those pairs; without those that say nothing."""
        return {
            name: Told(float(np.median(values)), len(values))
            for name, values in self.values(pairs).items()
            if len(values) >= _FEWEST
        }


def _enough(pairs: np.ndarray) -> np.ndarray:
    """Of many pairs those of every third lag, so that each still is in as many: the rest tells nearly the same again.

    A lag and no count, so that windows that overlap look at the same pairs.
    """
    if len(pairs) <= _MANY:
        return pairs
    lags = pairs[:, 1] - pairs[:, 0]
    return np.asarray(pairs[(lags - lags.min()) % _EVERY_LAG == 0])


class _Pairs(Generic[Prepared]):
    """One cue's values of pairs of stills.

    Args:
        places: that have to have moved between two stills for the cue to tell anything.
        prepare: makes a still ready to be compared. compare: two of these; None: nothing is told.
    """

    def __init__(
        self,
        around: Sequence[Surroundings | None],
        places: np.ndarray,
        prepare: Callable[[Surroundings], Prepared],
        compare: Callable[[Prepared, Prepared], float | None],
    ) -> None:
        self._around, self._places = around, places
        self._prepare, self._compare = prepare, compare
        self._prepared: dict[int, Prepared] = {}
        self._found: dict[tuple[int, int], float] = {}

    def values(self, pairs: np.ndarray) -> np.ndarray:
        """Of each pair, int (m, 2): float64 (m,), NaN where nothing is told."""
        values = np.full(len(pairs), np.nan)
        told = comparable(self._around, pairs, self._places)
        values[told] = [self._value(one, other) for one, other in pairs[told].tolist()]
        return values

    def _value(self, one: int, other: int) -> float:
        if (one, other) not in self._found:
            found = self._compare(self._ready(one), self._ready(other))
            self._found[one, other] = np.nan if found is None else found
        return self._found[one, other]

    def _ready(self, place: int) -> Prepared:
        if place not in self._prepared:
            seen = self._around[place]
            assert seen is not None  # or it would be comparable with none
            self._prepared[place] = self._prepare(seen)
        return self._prepared[place]
