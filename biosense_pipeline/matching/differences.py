"""What changes where stills are decided in another way: by another model, another tolerance, another rule.

Distances of different models have different scales. As a share of the tolerance that each was held
against they compare: below 1 a face is the agent, above it is not, under either rule.
"""

import heapq
from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from biosense_pipeline.codes import VERIFIED_RESULTS
from biosense_pipeline.lan_ids import agent_key

#: Stills named in a report: as many as a person looks at.
MOST_TELLING = 20
#: Width of a cell of the share counts, and how many there are a side: up to twice the tolerance, then all beyond.
SHARE_STEP, SHARE_CELLS = 0.05, 41
#: A face that only one of the two found has no distances to compare: it weighs as much as a whole tolerance.
_SHIFT_OF_A_LOST_FACE = 1.0


@dataclass(frozen=True)
class Decided:
    """A still as one rule decided it.

    Attributes:
        result: a stream result.
        num_faces: faces found.
        distance: of the nearest face; None without a face, or where it is not known any more.
        tolerance: the largest distance at which a face was the agent; None where it is not known.
    """

    result: str
    num_faces: int | None
    distance: float | None = None
    tolerance: float | None = None

    def __str__(self) -> str:
        known = self.distance is not None and self.tolerance is not None
        return f"{self.result}, {self.distance:.3f} at {self.tolerance:g}" if known else self.result

    @property
    def verified(self) -> bool:
        """Whether the agent was recognised."""
        return self.result in VERIFIED_RESULTS

    @property
    def share(self) -> float | None:
        """The distance as a share of the tolerance, None where either is missing."""
        return self.distance / self.tolerance if self.distance is not None and self.tolerance else None


@dataclass
class Tally:
    """Stills counted: of one agent, or of all.

    ``changed`` counts other results; of these some match now and did not before, some the other way
    round, and the rest differ in what else was seen. Other face counts may go with any result.
    """

    stills: int = 0
    changed: int = 0
    newly_matched: int = 0
    newly_unmatched: int = 0
    face_counts_changed: int = 0

    @property
    def agreeing(self) -> int:
        """Stills whose result is the same."""
        return self.stills - self.changed

    def count(self, old: Decided, new: Decided) -> None:
        """Count one still."""
        self.stills += 1
        self.changed += old.result != new.result
        self.newly_matched += new.verified and not old.verified
        self.newly_unmatched += old.verified and not new.verified
        self.face_counts_changed += old.num_faces != new.num_faces


@dataclass(frozen=True, order=True)
class Telling:
    """A still worth a look; they order by how much they tell.

    Attributes:
        changed: its result changed.
        shift: how far its nearest face moved, in tolerances.
    """

    changed: bool
    shift: float
    still_id: int
    lan_id: str = field(compare=False)
    old: Decided = field(compare=False)
    new: Decided = field(compare=False)


@dataclass
class Differences:
    """Old decisions against new ones, counted still by still; the memory it takes does not grow with them.

    Attributes:
        total: all stills.
        agents: by LAN id as first met; spellings of one agent (see :func:`agent_key`) count as one.
        results: stills by (old result, new result).
        share_counts: int64 (SHARE_CELLS, SHARE_CELLS), stills with a distance under both rules, by their
            shares of the tolerance: rows old, columns new, in steps of SHARE_STEP.
    """

    total: Tally = field(default_factory=Tally)
    results: Counter[tuple[str, str]] = field(default_factory=Counter)
    share_counts: np.ndarray = field(default_factory=lambda: np.zeros((SHARE_CELLS, SHARE_CELLS), dtype=np.int64))
    _agents: dict[str, tuple[str, Tally]] = field(default_factory=dict)
    _telling: list[Telling] = field(default_factory=list)

    def add(self, still_id: int, lan_id: str | None, old: Decided, new: Decided) -> None:
        """Count one still."""
        shown, tally = self._agents.setdefault(agent_key(lan_id), (lan_id or "", Tally()))
        for counted in (self.total, tally):
            counted.count(old, new)
        self.results[old.result, new.result] += 1
        if old.share is not None and new.share is not None:
            self.share_counts[_cell(old.share), _cell(new.share)] += 1
        self._note(Telling(old.result != new.result, _shift(old, new), still_id, shown, old, new))

    @property
    def agents(self) -> dict[str, Tally]:
        """Tallies by LAN id: most changed decisions first, then by name."""
        ordered = sorted(self._agents.values(), key=lambda entry: (-entry[1].changed, entry[0]))
        return dict(ordered)

    @property
    def telling(self) -> list[Telling]:
        """The stills most worth a look, at most MOST_TELLING: changed results first, the largest shift first."""
        return sorted(self._telling, reverse=True)

    def _note(self, still: Telling) -> None:
        if not still.changed and not still.shift:
            return
        if len(self._telling) < MOST_TELLING:
            heapq.heappush(self._telling, still)
        else:
            heapq.heappushpop(self._telling, still)


def _shift(old: Decided, new: Decided) -> float:
    if old.share is not None and new.share is not None:
        return abs(new.share - old.share)
    return _SHIFT_OF_A_LOST_FACE if bool(old.num_faces) != bool(new.num_faces) else 0.0


def _cell(share: float) -> int:
    return min(int(share / SHARE_STEP), SHARE_CELLS - 1)
