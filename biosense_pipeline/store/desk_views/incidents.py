"""Incidents as the desk shows them: those that are open, an agent's own with their steps, and where the test stands."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import aliased

from biosense_pipeline.store.database import Database
from biosense_pipeline.store.incident_tables import AgentIdentityState, Incident
from biosense_pipeline.store.tables import Employee, StreamImage

#: An incident that opened before this is not looked for on the page of today; it bounds the range of the index.
LOOKED_BACK = timedelta(days=30)


@dataclass(frozen=True)
class Step:
    """What one still added to an incident's evidence."""

    still_id: int
    captured: datetime
    rests_on: str
    llr: float
    discount: float
    statistic: float


@dataclass(frozen=True)
class ShownIncident:
    """A row of ``incident``, not withdrawn, and whose it is. Times are naive local.

    Attributes:
        last_captured: when its last still was captured; None where that still is gone.
        dismissed: when a reviewer called it a false alarm; None: nobody did.
        bound: the evidence at which it opened; None where no steps are kept.
        steps: the first and the last; ``left_out`` between them.
    """

    id: int
    employee_id: int
    species: str
    opened: datetime
    closed: datetime | None
    first_still_id: int
    last_still_id: int
    last_captured: datetime | None
    dismissed: datetime | None
    stills: int
    peak: float
    bound: float | None
    steps: tuple[Step, ...]
    left_out: int


@dataclass(frozen=True)
class Standing:
    """The agent's state at the end of an hour: the evidence for each species that has any."""

    hour: datetime
    evidence: Mapping[str, float]


def open_incidents(database: Database, now: datetime, *, team: str | None) -> list[ShownIncident]:
    """Open incidents of the active agents of the team, None: of every team; the newest first.

    Args:
        now: naive local; incidents that opened a month before it are left out.
    """
    statement = (
        _INCIDENTS.add_columns(Employee.team_lead)
        .join(Employee, Employee.id == Incident.employee_id)
        .where(Incident.over().is_(None), Incident.opened >= now - LOOKED_BACK, Employee.active.is_(True))
    )
    if team is not None:
        statement = statement.where(Employee.team_lead == team)
    # Compared here too: a collation takes a team for another that differs in case or in an accent.
    return _read(database, statement, lambda row: team is None or row.team_lead == team)


def incidents_of(database: Database, employee_id: int, limit: int) -> list[ShownIncident]:
    """An agent's incidents, the newest first."""
    return _read(database, _INCIDENTS.where(Incident.employee_id == employee_id).limit(limit))


def employee_of_incident(database: Database, incident_id: int) -> int | None:
    """Whose incident it is; None where there is none of that id."""
    with database.read() as connection:
        return connection.execute(select(Incident.employee_id).where(Incident.id == incident_id)).scalar()


def standing_of(database: Database, employee_id: int) -> Standing | None:
    """Where the test stands after the last hour of the agent that was analysed; None: none was."""
    with database.read() as connection:
        row = connection.execute(
            select(AgentIdentityState.hour, AgentIdentityState.statistics)
            .where(AgentIdentityState.employee_id == employee_id)
            .order_by(AgentIdentityState.hour.desc())
            .limit(1)
        ).first()
    if row is None:
        return None
    evidence = {species: track["statistic"] for species, track in row.statistics["tracks"].items()}
    return Standing(row.hour, {species: value for species, value in evidence.items() if value > 0})


_LAST = aliased(StreamImage)
_INCIDENTS: Any = (
    select(Incident.__table__, _LAST.capture_time.label("last_captured"))
    .outerjoin(_LAST, _LAST.id == Incident.last_still_id)
    .where(Incident.withdrawn.is_(None))
    .order_by(Incident.opened.desc(), Incident.id.desc())
)


def _read(database: Database, statement: Select[Any], wanted: Any = lambda row: True) -> list[ShownIncident]:
    with database.read() as connection:
        return [_shown(row) for row in connection.execute(statement) if wanted(row)]


def _shown(row: Any) -> ShownIncident:
    told = row.steps if isinstance(row.steps, dict) else {}
    steps = [Step(**{**step, "captured": datetime.fromisoformat(step["captured"])}) for step in told.get("steps", ())]
    return ShownIncident(
        row.id,
        row.employee_id,
        row.species,
        row.opened,
        row.closed,
        row.first_still_id,
        row.last_still_id,
        row.last_captured,
        row.dismissed,
        row.stills,
        row.peak,
        told.get("bound"),
        tuple(steps),
        told.get("left_out", 0),
    )
