"""Stills that may not show the agent at work: those of findings, incidents and violations that nobody called false.

What a baseline is made of must not hold an attack, or the next one would be normal.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from biosense_pipeline.codes import ImageKind, Species, Verdict
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.evidence.findings import read_findings
from biosense_pipeline.store.incidents.rows import incidents_during, spans_of, verdicts_on
from biosense_pipeline.store.review.findings import VIOLATIONS
from biosense_pipeline.store.tables.desk import Review

#: A finding that was made longer ago is not looked for: nothing lasts so long.
_LONGEST = timedelta(days=7)


@dataclass(frozen=True)
class SuspectedStills:
    """An agent's stills of some time that are suspected.

    Attributes:
        spans: first and last capture time of stretches of them.
        still_ids: others.
    """

    spans: tuple[tuple[datetime, datetime], ...] = ()
    still_ids: frozenset[int] = frozenset()

    def at(self, captured: datetime) -> bool:
        """Whether a still that was captured then lies in such a stretch."""
        return any(begin <= captured <= end for begin, end in self.spans)

    def holds(self, still_id: int, captured: datetime) -> bool:
        """Whether the still is one of them."""
        return still_id in self.still_ids or self.at(captured)


def suspected_stills(database: Database, employee_id: int, start: datetime, end: datetime) -> SuspectedStills:
    """Those of the agent captured in ``[start, end)`` (naive local).

    * From the first to the last still of an incident, of whatever but an empty place, unless reviewers called it a
      false alarm.
    * The stills that a finding rests on, and those until which it lasts, unless it lies within such a false alarm of
      its species.
    * Stills that the last reviewer confirmed to show somebody else, whatever their result is by now.
    """
    incidents = [
        row for row in incidents_during(database, start, end, employee_id) if row.species is not Species.ABSENT
    ]
    spans, verdicts = spans_of(database, incidents), verdicts_on(database, incidents)
    cleared = [(row.species, *spans[row.id]) for row in incidents if verdicts.get(row.id) is Verdict.FALSE_ALARM]
    suspected = [spans[row.id] for row in incidents if verdicts.get(row.id) is not Verdict.FALSE_ALARM]
    still_ids: set[int] = set()
    for _, finding in read_findings(database, start - _LONGEST, end, employee_id):
        clear = any(
            species is finding.species and begin <= finding.captured <= last for species, begin, last in cleared
        )
        if finding.last_captured >= start and not clear:
            suspected.append((finding.captured, finding.last_captured))
            still_ids.update(finding.evidence_stills)
    still_ids |= _confirmed_violations(database, employee_id, start, end)
    return SuspectedStills(_merged(suspected), frozenset(still_ids))


def _confirmed_violations(database: Database, employee_id: int, start: datetime, end: datetime) -> set[int]:
    with database.read() as connection:
        rows = connection.execute(
            select(Review.subject_id, Review.verdict)
            .where(
                Review.employee_id == employee_id,
                Review.subject_kind == ImageKind.STREAM,
                Review.captured >= start,
                Review.captured < end,
                Review.result.in_(VIOLATIONS),
            )
            .order_by(Review.id)
        )
        last = {row.subject_id: row.verdict for row in rows}
    return {still_id for still_id, verdict in last.items() if verdict == Verdict.CORRECT}


def _merged(spans: Iterable[tuple[datetime, datetime]]) -> tuple[tuple[datetime, datetime], ...]:
    """The same time in as few spans as there can be: a long attack makes many incidents."""
    merged: list[tuple[datetime, datetime]] = []
    for begin, end in sorted(spans):
        if merged and begin <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((begin, end))
    return tuple(merged)
