"""Does the agent move at all? MOTION_DETECTION over the stills of every ten minutes by the clock.

A pure function of the stored stills: run while they come and run over the day afterwards, it leaves the same rows. A
window in which nothing moves asks for a look at it and accuses nobody.
"""

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from types import MappingProxyType

from biosense_pipeline.codes import MotionOutcome
from biosense_pipeline.local_time import floor_hour
from biosense_pipeline.matching.evidence.life import ENOUGH, FEWEST, LEAST_CHANGE, life
from biosense_pipeline.matching.evidence.still import EvidenceStill
from biosense_pipeline.store.agents.employees import of_these
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.evidence.motion import MotionRow, agents_with_motion, read_motion, replace_motion
from biosense_pipeline.store.evidence.stills import agents_with_evidence
from biosense_pipeline.workflows.evidence_windows import evidence_window

#: Name among the numbers of a hash of all that the outcome follows from.
_RESTS_ON = "rests_on"
_NOTHING: Mapping[datetime, MotionRow] = MappingProxyType({})
#: Length of a window. Windows begin at the full hour and every ten minutes after it.
MOTION_WINDOW = timedelta(minutes=10)


@dataclass
class MotionReport:
    """What the analysis of some time found.

    Attributes:
        start, end: the windows that were analysed, from the first one's start to the last one's end.
        agents: with stills in that time.
        outcomes: windows by outcome.
        rows_changed: windows that had another outcome or other numbers before, or none.
    """

    start: datetime
    end: datetime
    agents: int = 0
    outcomes: Counter[MotionOutcome] = field(default_factory=Counter)
    rows_changed: int = 0
    seconds: float = 0.0

    @property
    def windows(self) -> int:
        return self.outcomes.total()


Progress = Callable[[MotionReport], None]


def detect_motion(
    database: Database,
    start: datetime,
    end: datetime,
    *,
    lan_ids: Collection[str] | None = None,
    run_id: str | None = None,
    on_progress: Progress = lambda report: None,
    monotonic: Callable[[], float] = time.monotonic,
) -> MotionReport:
    """Analyse every window that overlaps ``[start, end)`` (naive local), of each agent with stills in it.

    Rows of windows that have no stills any more are removed. Stopped at any point and run again, it changes what is
    left to change.

    Args:
        lan_ids: only these agents; None: all.
        on_progress: called after each agent with the report so far.
    """
    begin = monotonic()
    report = MotionReport(window_start(start), window_start(end - timedelta(microseconds=1)) + MOTION_WINDOW)
    if end <= start:
        return MotionReport(start, start)
    agents = of_these(database, agents_with_evidence(database, report.start, report.end), lan_ids)
    report.agents = len(agents)
    known_agents = of_these(database, agents_with_motion(database, report.start, report.end), lan_ids)
    gone = set(known_agents) - set(agents)
    for employee_id in [*agents, *sorted(gone)]:
        known = {row.start: row for _, row in read_motion(database, report.start, report.end, employee_id)}
        rows = motion_rows(evidence_window(database, employee_id, report.start, report.end, report.end), known)
        report.rows_changed += replace_motion(database, employee_id, report.start, report.end, rows, run_id)
        report.outcomes.update(row.outcome for row in rows)
        report.seconds = monotonic() - begin
        on_progress(report)
    return report


def motion_rows(stills: list[EvidenceStill], known: Mapping[datetime, MotionRow] = _NOTHING) -> list[MotionRow]:
    """What one agent's stills, in order, show in each of the windows that they lie in.

    Args:
        known: what was found before, by start. Where it rests on the same stills it is not found out again.
    """
    windows = groupby(stills, lambda still: window_start(still.captured))
    return [_row(moment, list(window), known.get(moment)) for moment, window in windows]


def window_start(moment: datetime) -> datetime:
    """The start of the window that a naive local time lies in."""
    hour = floor_hour(moment)
    return hour + (moment - hour) // MOTION_WINDOW * MOTION_WINDOW


def _row(start: datetime, window: list[EvidenceStill], known: MotionRow | None) -> MotionRow:
    rests_on = _rests_on(window)
    if known is not None and known.numbers.get(_RESTS_ON) == rests_on:
        return known
    found = life(window)
    numbers: dict[str, float | str | list[int]] = {**found.numbers, _RESTS_ON: rests_on}
    if found.still_ids:
        numbers["still_ids"] = list(found.still_ids)
    outcome = MotionOutcome[found.outcome.value]
    return MotionRow(start, start + MOTION_WINDOW, outcome, len(window), found.usable, numbers)


def _rests_on(window: list[EvidenceStill]) -> str:
    """A hash of the stills and of the rules."""
    digest = hashlib.blake2b(repr((FEWEST, ENOUGH, LEAST_CHANGE)).encode(), digest_size=8)
    for still in window:
        digest.update(repr((still.still_id, still.captured, still.num_faces, still.sha256)).encode())
        if still.chip is not None and still.landmarks is not None:
            digest.update(still.chip.tobytes() + still.landmarks.tobytes())
    return digest.hexdigest()
