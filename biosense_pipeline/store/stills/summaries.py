"""The hourly summary: counted from the rows anew each time, so that a late still mends its hour."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, DateTime, delete, func, insert, select, type_coerce

from biosense_pipeline.codes import Status
from biosense_pipeline.lan_ids import agent_key
from biosense_pipeline.store.agents.employees import employee_ids
from biosense_pipeline.store.database import Database, exactly, utc_now
from biosense_pipeline.store.runs.due import clear_due
from biosense_pipeline.store.scope import Scope
from biosense_pipeline.store.tables.pipeline import AgentHourSummary, Employee, StreamImage


@dataclass(frozen=True)
class SummaryRow:
    """An agent's stills with one result in one hour."""

    hour: datetime
    lan_id: str
    result: str
    stills: int
    first_capture: datetime
    last_capture: datetime


def summarise(database: Database, start: datetime, end: datetime) -> int:
    """Count the processed stills of ``[start, end)`` (full hours, naive local) anew; returns rows written.

    The old rows of these hours are replaced in the same transaction.
    """
    scope = Scope(start, end)
    with database.read() as connection:
        lan_ids = (
            connection.execute(
                select(StreamImage.lan_id).where(*scope.conditions()).group_by(*exactly(StreamImage.lan_id))
            )
            .scalars()
            .all()
        )
    ids = employee_ids(database, lan_ids)

    def replace(connection: Connection) -> int:
        clear_due(connection, start, end)
        connection.execute(delete(AgentHourSummary).where(AgentHourSummary.hour >= start, AgentHourSummary.hour < end))
        rows = _count(connection, scope, ids)
        if rows:
            connection.execute(insert(AgentHourSummary), rows)
        return len(rows)

    # Of two runs that sum up one hour, the second has to count after the first has written.
    with database.exclusive("summary", "Another run is writing the hourly summary"):
        return database.write(replace)


def read_summary(database: Database, start: datetime | None = None, end: datetime | None = None) -> list[SummaryRow]:
    """The summary of the hours in ``[start, end)``, by hour, agent and result."""
    conditions = []
    if start is not None:
        conditions.append(AgentHourSummary.hour >= start)
    if end is not None:
        conditions.append(AgentHourSummary.hour < end)
    with database.read() as connection:
        rows = connection.execute(
            select(AgentHourSummary.__table__, Employee.lan_id)
            .join(Employee, Employee.id == AgentHourSummary.employee_id)
            .where(*conditions)
            .order_by(AgentHourSummary.hour, Employee.lan_id, AgentHourSummary.result)
        ).all()
    return [
        SummaryRow(row.hour, row.lan_id, row.result, row.stills, row.first_capture, row.last_capture) for row in rows
    ]


def last_summed_up(database: Database, start: datetime, end: datetime) -> datetime | None:
    """When (naive UTC) the hours in ``[start, end)`` were last summed up; None where they hold no stills or never."""
    with database.read() as connection:
        return connection.execute(
            select(func.max(AgentHourSummary.summed_up)).where(
                AgentHourSummary.hour >= start, AgentHourSummary.hour < end
            )
        ).scalar()


def _count(connection: Connection, scope: Scope, ids: dict[str, int]) -> list[dict[str, Any]]:
    hour = _hour_of(connection)
    counted = connection.execute(
        select(
            hour.label("hour"),
            StreamImage.lan_id,
            StreamImage.result,
            func.count().label("stills"),
            func.min(StreamImage.capture_time).label("first"),
            func.max(StreamImage.capture_time).label("last"),
        )
        .where(StreamImage.status.in_([Status.PROCESSED, Status.FAILED]), *scope.conditions())
        .group_by(hour, *exactly(StreamImage.lan_id), StreamImage.result)
    ).all()
    # Several spellings of one agent, which the database may keep apart, are one row of the summary.
    groups: dict[tuple[datetime, int, str], list[Any]] = defaultdict(list)
    for row in counted:
        employee = ids.get(agent_key(row.lan_id))
        if employee is not None:  # An agent whose first still came after the look above: the next run counts it.
            groups[row.hour, employee, row.result or ""].append(row)
    now = utc_now(connection)
    return [
        {
            "hour": hour_start,
            "employee_id": employee,
            "result": result,
            "stills": sum(row.stills for row in rows),
            "first_capture": min(row.first for row in rows),
            "last_capture": max(row.last for row in rows),
            "summed_up": now,
        }
        for (hour_start, employee, result), rows in groups.items()
    ]


def _hour_of(connection: Connection) -> ColumnElement[datetime]:
    """The full hour of ``capture_time`` in the database's own words."""
    if connection.dialect.name == "sqlite":
        text = func.strftime("%Y-%m-%d %H:00:00.000000", StreamImage.capture_time)
    else:
        text = func.timestamp(func.date_format(StreamImage.capture_time, "%Y-%m-%d %H:00:00"))
    return type_coerce(text, DateTime())
