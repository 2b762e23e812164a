"""Incidents and the agents' states at the ends of hours, as an analysis leaves them.

The same analysis twice writes nothing the second time. Incidents that opened in an hour and that a later analysis of
that hour does not find are withdrawn and not deleted: somebody may have been told of them. What is found again is
withdrawn no more.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import Connection, func, or_, select, tuple_, update

from biosense_pipeline.local_time import floor_hour
from biosense_pipeline.store.chunks import chunks
from biosense_pipeline.store.database import Database, insert_missing, upsert, utc_now
from biosense_pipeline.store.tables.incidents import AgentIdentityState, Incident

_AT_A_TIME = 500


@dataclass(frozen=True)
class FoundIncident:
    """An incident as an analysis found it; the fields are columns of ``incident``."""

    species: str
    first_still_id: int
    last_still_id: int
    opened: datetime
    closed: datetime | None
    peak: float
    stills: int
    steps: Any


@dataclass(frozen=True)
class HourState:
    """An agent's state at the end of an hour.

    Attributes:
        statistics: fit for JSON; all that the next hour needs.
        open_incidents: fit for JSON; None: none is open.
        changed: False: it stands there already.
    """

    statistics: dict[str, Any]
    open_incidents: list[dict[str, Any]] | None
    changed: bool = True


@dataclass
class AgentAnalysis:
    """What the analysis of some hours of an agent led to.

    Attributes:
        states: by the hour's beginning.
        incidents: every one that opened in these hours, and those that were open at the beginning of one.
    """

    employee_id: int
    states: dict[datetime, HourState] = field(default_factory=dict)
    incidents: dict[tuple[str, int], FoundIncident] = field(default_factory=dict)


@dataclass(frozen=True)
class Written:
    """How many rows of ``incident`` an analysis changed."""

    entered: int = 0
    changed: int = 0
    withdrawn: int = 0

    def __add__(self, other: "Written") -> "Written":
        return Written(self.entered + other.entered, self.changed + other.changed, self.withdrawn + other.withdrawn)


def states_before(database: Database, employee_ids: Collection[int], hour: datetime) -> dict[int, dict[str, Any]]:
    """The statistics at the end of the last hour before ``hour`` that was analysed, by employee."""
    last = (
        select(AgentIdentityState.employee_id, func.max(AgentIdentityState.hour).label("hour"))
        .where(AgentIdentityState.hour < hour)
        .group_by(AgentIdentityState.employee_id)
    )
    found: dict[int, dict[str, Any]] = {}
    with database.read() as connection:
        for ids in chunks(sorted(employee_ids)):
            newest = last.where(AgentIdentityState.employee_id.in_(ids)).subquery()
            for row in connection.execute(
                select(AgentIdentityState.employee_id, AgentIdentityState.statistics).join(
                    newest,
                    (AgentIdentityState.employee_id == newest.c.employee_id)
                    & (AgentIdentityState.hour == newest.c.hour),
                )
            ):
                found[row.employee_id] = row.statistics
    return found


def states_at(database: Database, employee_ids: Collection[int], hour: datetime) -> dict[int, dict[str, Any]]:
    """The statistics at the end of that hour, by employee; those for whom it was not analysed are missing."""
    found: dict[int, dict[str, Any]] = {}
    with database.read() as connection:
        for ids in chunks(sorted(employee_ids)):
            for row in connection.execute(
                select(AgentIdentityState.employee_id, AgentIdentityState.statistics).where(
                    AgentIdentityState.employee_id.in_(ids), AgentIdentityState.hour == hour
                )
            ):
                found[row.employee_id] = row.statistics
    return found


def next_analysed_hours(database: Database, employee_ids: Collection[int], hour: datetime) -> dict[int, datetime]:
    """The first hour after ``hour`` that was analysed, by employee."""
    found: dict[int, datetime] = {}
    with database.read() as connection:
        for ids in chunks(sorted(employee_ids)):
            for row in connection.execute(
                select(AgentIdentityState.employee_id, func.min(AgentIdentityState.hour).label("hour"))
                .where(AgentIdentityState.employee_id.in_(ids), AgentIdentityState.hour > hour)
                .group_by(AgentIdentityState.employee_id)
            ):
                found[row.employee_id] = row.hour
    return found


def store_analyses(database: Database, analyses: Sequence[AgentAnalysis], run_id: str | None) -> Written:
    """Write states and incidents, some agents at a time; each agent's in one transaction."""
    written = [database.write(partial(_store, analyses=some, run_id=run_id)) for some in chunks(analyses, _AT_A_TIME)]
    return sum(written, Written())


def _store(connection: Connection, analyses: Sequence[AgentAnalysis], run_id: str | None) -> Written:
    now = utc_now(connection)
    _store_states(connection, analyses, now)
    present = _present(connection, analyses)
    entered, changed, withdrawn = [], 0, 0
    for analysis in analyses:
        own = present.get(analysis.employee_id, {})
        for key, incident in analysis.incidents.items():
            row = own.pop(key, None)
            values = vars(incident)
            if row is None:
                entered.append(
                    {
                        "employee_id": analysis.employee_id,
                        **values,
                        "run_id": run_id,
                        "created": now,
                        "updated": now,
                    }
                )
            elif row.withdrawn is not None or any(getattr(row, name) != value for name, value in values.items()):
                changed += _change(connection, row.id, {**values, "withdrawn": None, "run_id": run_id, "updated": now})
        for row in own.values():
            if row.withdrawn is None and floor_hour(row.opened) in analysis.states:
                withdrawn += _change(connection, row.id, {"withdrawn": now, "run_id": run_id, "updated": now})
    # On SQLite nothing keeps two analyses apart; what both found stands once.
    insert_missing(connection, Incident.__table__, entered)
    return Written(len(entered), changed, withdrawn)


def _store_states(connection: Connection, analyses: Iterable[AgentAnalysis], now: datetime) -> None:
    rows = [
        {
            "employee_id": analysis.employee_id,
            "hour": hour,
            "statistics": state.statistics,
            "open_incident": state.open_incidents,
            "created": now,
        }
        for analysis in analyses
        for hour, state in analysis.states.items()
        if state.changed
    ]
    upsert(connection, AgentIdentityState.__table__, rows)


def _present(connection: Connection, analyses: Sequence[AgentAnalysis]) -> dict[int, dict[tuple[str, int], Any]]:
    """The rows that these analyses may be about, by employee, species and first still."""
    hours = [hour for analysis in analyses for hour in analysis.states]
    if not hours:
        return {}
    found: dict[int, dict[tuple[str, int], Any]] = {}
    ids = [analysis.employee_id for analysis in analyses]
    keys = [(analysis.employee_id, *key) for analysis in analyses for key in analysis.incidents]
    of_agents = Incident.employee_id.in_(ids)
    # All from the first of these hours on; those that opened earlier only where they were still open.
    since = Incident.opened >= min(hours)
    exactly = tuple_(Incident.employee_id, Incident.species, Incident.first_still_id).in_(keys)
    statement = select(Incident.__table__).where(of_agents, or_(since, exactly) if keys else since)
    for row in connection.execute(statement.with_for_update()):
        found.setdefault(row.employee_id, {})[row.species, row.first_still_id] = row
    return found


def _change(connection: Connection, incident_id: int, values: dict[str, Any]) -> int:
    connection.execute(update(Incident).where(Incident.id == incident_id).values(**values))
    return 1
