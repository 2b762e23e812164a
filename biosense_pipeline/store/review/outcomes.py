"""What reviewers said, counted per agent: how many findings there were, and how many of them were false alarms."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from biosense_pipeline.codes import ImageKind, Verdict
from biosense_pipeline.local_time import floor_hour
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.review.findings import FINDINGS, VIOLATIONS
from biosense_pipeline.store.tables.desk import Review
from biosense_pipeline.store.tables.pipeline import AgentHourSummary, Employee


@dataclass(frozen=True)
class ReviewOutcomes:
    """An agent's findings in some hours, and the verdicts on them.

    The last round decides: where a second reviewer was asked, that verdict counts.

    Attributes:
        findings: as the hourly summary has them.
        correct, false_alarm, not_sure: findings by verdict; they were reviewed.
        awaiting_second: those of ``correct`` that a second reviewer has not confirmed yet.
        disagreed: those whose second reviewer said the opposite of the first.
    """

    lan_id: str
    findings: int
    correct: int
    false_alarm: int
    not_sure: int
    awaiting_second: int
    disagreed: int

    @property
    def reviewed(self) -> int:
        """How many of the findings have a verdict."""
        return self.correct + self.false_alarm + self.not_sure

    @property
    def false_alarm_rate(self) -> float | None:
        """Share of false alarms among the findings that could be decided; None where none was."""
        decided = self.correct + self.false_alarm
        return self.false_alarm / decided if decided else None


def review_outcomes(database: Database, start: datetime, end: datetime) -> list[ReviewOutcomes]:
    """The outcomes of stills captured in ``[start, end)`` (full hours, naive local) per agent, by LAN id.

    Agents without findings and without verdicts are left out.
    """
    with database.read() as connection:
        findings = {
            row.employee_id: int(row.stills)
            for row in connection.execute(
                select(AgentHourSummary.employee_id, func.sum(AgentHourSummary.stills).label("stills"))
                .where(
                    AgentHourSummary.hour >= start, AgentHourSummary.hour < end, AgentHourSummary.result.in_(FINDINGS)
                )
                .group_by(AgentHourSummary.employee_id)
            )
        }
        rounds: dict[tuple[int, int, str], list[Verdict]] = defaultdict(list)
        for row in connection.execute(
            select(Review.employee_id, Review.subject_id, Review.verdict, Review.result)
            .where(Review.subject_kind == ImageKind.STREAM, Review.captured >= start, Review.captured < end)
            .order_by(Review.subject_id, Review.round)
        ):
            rounds[row.employee_id, row.subject_id, row.result].append(Verdict[row.verdict])
        employees = sorted({*findings, *(employee for employee, _, _ in rounds)})
        lan_ids = {row.id: row.lan_id for row in connection.execute(select(Employee.id, Employee.lan_id))}
    counts: dict[int, Counter[str]] = defaultdict(Counter)
    for (employee, _, result), verdicts in rounds.items():
        counts[employee].update(_counted(result, verdicts))
    return sorted(
        (
            ReviewOutcomes(
                lan_ids[employee],
                findings.get(employee, 0),
                *(
                    counts[employee][name]
                    for name in ("correct", "false_alarm", "not_sure", "awaiting_second", "disagreed")
                ),
            )
            for employee in employees
        ),
        key=lambda row: row.lan_id,
    )


def judged_hours(database: Database, since: datetime) -> dict[datetime, int]:
    """Full hours of capture (naive local) whose stills got a verdict since then (naive UTC), each with the newest one.

    Verdicts are told by their ids, and hours are in order.
    """
    with database.read() as connection:
        rows = connection.execute(
            select(Review.captured, func.max(Review.id).label("newest"))
            .where(Review.created >= since, Review.captured.is_not(None))
            .group_by(Review.captured)
        ).all()
    newest: dict[datetime, int] = {}
    for row in sorted(rows, key=lambda row: (row.captured, row.newest)):
        hour = floor_hour(row.captured)
        newest[hour] = max(row.newest, newest.get(hour, 0))
    return newest


def newest_verdict(database: Database, start: datetime, end: datetime) -> int | None:
    """The newest verdict, by its id, on stills captured in ``[start, end)`` (naive local); None where there is none."""
    with database.read() as connection:
        return connection.execute(
            select(func.max(Review.id)).where(Review.captured >= start, Review.captured < end)
        ).scalar()


def _counted(result: str, verdicts: list[Verdict]) -> list[str]:
    """Under which names of :class:`ReviewOutcomes` a finding counts, by its rounds' verdicts in order."""
    last = verdicts[-1]
    names = [last.lower()]
    if len(verdicts) == 1 and last is Verdict.CORRECT and result in VIOLATIONS:
        names.append("awaiting_second")
    if set(verdicts) == {Verdict.CORRECT, Verdict.FALSE_ALARM}:
        names.append("disagreed")
    return names
