"""The hourly summary, read three ways: per agent and hour, all agents per hour, shares per agent and day.

Each is read from ``agent_hour_summary`` alone, newest first and a page at a time; a page begins where the one
before ended, and looks through so many days at most as its agents allow. A download reads page after page.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Generic, TypeVar

from sqlalchemy import ColumnElement, Connection, case, func, select

from biosense_pipeline.codes import FAILED_RESULTS, VERIFIED_RESULTS
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.tables.pipeline import AgentHourSummary, Employee

R = TypeVar("R")

_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
#: Days times agents that one page looks through, and that are totalled unasked: 100,000 rows of the summary or so.
_AGENT_DAYS = 1500


@dataclass(frozen=True)
class HourFilter:
    """Which part of the summary is asked for.

    Attributes:
        start, end: the first hour, and the first one after the last; full hours, naive local.
        agents: how many agents it is about.
        employee_ids: only these; None: all.
        result: only stills with this result; of agents' days, those with such a still.
    """

    start: datetime
    end: datetime
    agents: int
    employee_ids: frozenset[int] | None = None
    result: str | None = None

    @property
    def quickly_totalled(self) -> bool:
        """Whether the totals cost little enough to be counted with every page."""
        return self.agents * (self.end - self.start) <= _AGENT_DAYS * _DAY

    @property
    def look(self) -> timedelta:
        """How far back one page looks."""
        return max(1, _AGENT_DAYS // max(1, self.agents)) * _DAY


@dataclass(frozen=True)
class Bookmark:
    """Where a page begins: before the hour ``until``, after so many rows of the hour (or day) that ends with it."""

    until: datetime
    skip: int = 0


@dataclass(frozen=True)
class HoursPage(Generic[R]):
    """Some rows of a view.

    Attributes:
        older: where the next page begins; None: there is none.
        looked_back_to: the page is not full because only hours since then were looked through; None: all were.
    """

    rows: list[R]
    older: Bookmark | None
    looked_back_to: datetime | None = None


@dataclass(frozen=True)
class AgentHour:
    """An agent's stills with one result in one hour."""

    hour: datetime
    employee_id: int
    lan_id: str
    name: str | None
    team: str | None
    result: str
    stills: int
    first_capture: datetime
    last_capture: datetime


@dataclass(frozen=True)
class FleetHour:
    """The stills with one result in one hour, of all agents asked for."""

    hour: datetime
    result: str
    agents: int
    stills: int


@dataclass(frozen=True)
class AgentDay:
    """An agent's stills of a day: how many failed, and how many were processed without verifying the agent."""

    day: date
    employee_id: int
    lan_id: str
    name: str | None
    team: str | None
    stills: int
    failed: int
    unverified: int

    @property
    def failed_share(self) -> float:
        """Share of the stills that could not be processed."""
        return self.failed / self.stills if self.stills else 0.0

    @property
    def unverified_share(self) -> float:
        """Share of the stills that were processed and did not verify the agent."""
        return self.unverified / self.stills if self.stills else 0.0


View = Callable[[Database, HourFilter, Bookmark | None, int], HoursPage[R]]


def newest_hour(database: Database) -> datetime | None:
    """The newest hour that was summed up."""
    with database.read() as connection:
        return connection.execute(select(func.max(AgentHourSummary.hour))).scalar_one()


def totals(database: Database, asked: HourFilter) -> Counter[str]:
    """Stills by result, over the whole of what is asked for."""
    with database.read() as connection:
        rows = connection.execute(
            select(AgentHourSummary.result, func.sum(AgentHourSummary.stills).label("stills"))
            .where(*_conditions(asked, asked.start, asked.end))
            .group_by(AgentHourSummary.result)
        )
        return Counter({row.result: int(row.stills) for row in rows})


def agent_hours(database: Database, asked: HourFilter, begin: Bookmark | None, limit: int) -> HoursPage[AgentHour]:
    """Stills per hour, agent and result; within an hour by LAN id."""
    with database.read() as connection:
        begin = begin or _newest(connection, asked, asked.end)
        earliest = max(asked.start, begin.until - asked.look)
        conditions = _conditions(asked, earliest, begin.until)
        # The hours of the page first, in the order of the index: only their rows are then put in order.
        last_hour = connection.execute(
            select(AgentHourSummary.hour)
            .where(*conditions)
            .order_by(AgentHourSummary.hour.desc())
            .offset(begin.skip + limit)
            .limit(1)
        ).scalar()
        rows = connection.execute(
            select(
                AgentHourSummary.hour,
                Employee.id,
                Employee.lan_id,
                Employee.display_name,
                Employee.team_lead,
                AgentHourSummary.result,
                AgentHourSummary.stills,
                AgentHourSummary.first_capture,
                AgentHourSummary.last_capture,
            )
            .join(Employee, Employee.id == AgentHourSummary.employee_id)
            .where(*conditions, *([AgentHourSummary.hour >= last_hour] if last_hour else []))
            .order_by(AgentHourSummary.hour.desc(), Employee.lan_id, Employee.id, AgentHourSummary.result)
            .offset(begin.skip)
            .limit(limit)
        ).all()
        found = [AgentHour(*row) for row in rows]
        if last_hour is None:
            return _end_of_page(connection, found, asked, earliest)
    until = found[-1].hour + _HOUR
    shown = sum(row.hour == found[-1].hour for row in found)
    return HoursPage(found, Bookmark(until, shown + (begin.skip if until == begin.until else 0)))


def fleet_hours(database: Database, asked: HourFilter, begin: Bookmark | None, limit: int) -> HoursPage[FleetHour]:
    """Stills per hour and result over all agents asked for: whole days, at least one, until the page is full."""

    def of_day(connection: Connection, start: datetime, end: datetime, _skip: int, _limit: int) -> list[FleetHour]:
        rows = connection.execute(
            select(
                AgentHourSummary.hour,
                AgentHourSummary.result,
                func.count().label("agents"),
                func.sum(AgentHourSummary.stills).label("stills"),
            )
            .where(*_conditions(asked, start, end))
            .group_by(AgentHourSummary.hour, AgentHourSummary.result)
            .order_by(AgentHourSummary.hour.desc(), AgentHourSummary.result)
        )
        return [FleetHour(row.hour, row.result, row.agents, int(row.stills)) for row in rows]

    return _by_day(database, asked, begin, limit, of_day, whole_days=True)


def agent_days(database: Database, asked: HourFilter, begin: Bookmark | None, limit: int) -> HoursPage[AgentDay]:
    """Shares of failed and of unverified stills per day and agent; within a day the largest first."""
    stills = func.sum(AgentHourSummary.stills)
    failed = _sum_of(AgentHourSummary.result.in_(FAILED_RESULTS))
    verified = _sum_of(AgentHourSummary.result.in_(VERIFIED_RESULTS))

    def of_day(connection: Connection, start: datetime, end: datetime, skip: int, most: int) -> list[AgentDay]:
        per_agent = (
            select(
                AgentHourSummary.employee_id,
                stills.label("stills"),
                failed.label("failed"),
                verified.label("verified"),
            )
            .where(*_conditions(asked, start, end, every_result=True))
            .group_by(AgentHourSummary.employee_id)
        )
        if asked.result is not None:
            per_agent = per_agent.having(_sum_of(AgentHourSummary.result == asked.result) > 0)
        sums = per_agent.subquery()
        rows = connection.execute(
            select(Employee.id, Employee.lan_id, Employee.display_name, Employee.team_lead, *sums.c)
            .join(sums, sums.c.employee_id == Employee.id)
            .order_by((sums.c.verified * 1.0 / sums.c.stills), Employee.lan_id, Employee.id)
            .offset(skip)
            .limit(most)
        )
        return [
            AgentDay(
                start.date(),
                row.id,
                row.lan_id,
                row.display_name,
                row.team_lead,
                int(row.stills),
                int(row.failed),
                int(row.stills) - int(row.failed) - int(row.verified),
            )
            for row in rows
        ]

    return _by_day(database, asked, begin, limit, of_day, whole_days=False)


def every_row(view: View[R], database: Database, asked: HourFilter, at_a_time: int = 2000) -> Iterator[R]:
    """All rows of a view, read page after page."""
    begin: Bookmark | None = None
    while True:
        page = view(database, asked, begin, at_a_time)
        yield from page.rows
        if page.older is None:
            return
        begin = page.older


def _by_day(
    database: Database,
    asked: HourFilter,
    begin: Bookmark | None,
    limit: int,
    of_day: Callable[[Connection, datetime, datetime, int, int], list[R]],
    *,
    whole_days: bool,
) -> HoursPage[R]:
    """A page of a view that is made day by day, the newest first.

    Args:
        of_day: the rows of ``[start, end)``, a day or a part of one, from so many on, at most so many.
        whole_days: ``of_day`` gives all rows of the day, and a page ends with a day.
    """
    found: list[R] = []
    with database.read() as connection:
        begin = begin or _newest(connection, asked, asked.end)
        earliest = max(asked.start, _day_before(begin.until) + _DAY - asked.look)
        until, skip = begin.until, begin.skip
        while until > earliest:
            start = max(asked.start, _day_before(until))
            # One more than fits tells whether the day goes on.
            rows = of_day(connection, start, until, skip, limit - len(found) + 1)
            if not whole_days and len(found) + len(rows) > limit:
                taken = limit - len(found)
                return HoursPage(found + rows[:taken], Bookmark(until, skip + taken))
            found += rows
            until, skip = start, 0
            if len(found) >= limit:
                break
        return _end_of_page(connection, found, asked, until, full=len(found) >= limit)


def _end_of_page(
    connection: Connection, rows: list[R], asked: HourFilter, until: datetime, *, full: bool = False
) -> HoursPage[R]:
    """The page, whose rows end before ``until``, and where the next one begins."""
    older = _newest(connection, asked, until)
    if older.until <= asked.start:
        return HoursPage(rows, None)
    return HoursPage(rows, older, None if full else until)


def _newest(connection: Connection, asked: HourFilter, until: datetime) -> Bookmark:
    """Where the rows before ``until`` begin, whatever their result: days without any need not be looked through."""
    newest: datetime | None = connection.execute(
        select(AgentHourSummary.hour)
        .where(*_conditions(asked, asked.start, until, every_result=True))
        .order_by(AgentHourSummary.hour.desc())
        .limit(1)
    ).scalar()
    return Bookmark(asked.start if newest is None else newest + _HOUR)


def _day_before(until: datetime) -> datetime:
    """The beginning of the day whose last hour, or an earlier one, ends with ``until``."""
    return datetime.combine((until - _HOUR).date(), time())


def _conditions(
    asked: HourFilter, start: datetime, end: datetime, *, every_result: bool = False
) -> list[ColumnElement[bool]]:
    found = [AgentHourSummary.hour >= start, AgentHourSummary.hour < end]
    if asked.employee_ids is not None:
        found.append(AgentHourSummary.employee_id.in_(sorted(asked.employee_ids)))
    if asked.result is not None and not every_result:
        found.append(AgentHourSummary.result == asked.result)
    return found


def _sum_of(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((condition, AgentHourSummary.stills), else_=0))
