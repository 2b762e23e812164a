"""Incidents as the desk shows them: those that are open, an agent's own with their steps, and where the test stands."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import aliased

from biosense_pipeline.store.database import Database
from biosense_pipeline.store.tables.incidents import LONGEST_INCIDENT, AgentIdentityState, Incident
from biosense_pipeline.store.tables.pipeline import Employee, StreamImage


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
class IncidentAtAGlance:
    """A row of ``incident``, not withdrawn, and whose it is. Times are naive local.

    Attributes:
        last_captured: when its last still was captured; None where that still is gone.
    """

    id: int
    employee_id: int
    species: str
    opened: datetime
    first_still_id: int
    last_still_id: int
    last_captured: datetime | None
    stills: int


@dataclass(frozen=True)
class ShownIncident(IncidentAtAGlance):
    """All of it.

    Attributes:
        dismissed: when a reviewer called it a false alarm; None: nobody did.
        bound: the evidence at which it opened; None where no steps are kept.
        steps: the first and the last; ``left_out`` between them.
    """

    closed: datetime | None
    dismissed: datetime | None
    peak: float
    bound: float | None
    steps: tuple[Step, ...]
    left_out: int


@dataclass(frozen=True)
class Standing:
    """The agent's state at the end of an hour: the evidence for each species that has any."""

    hour: datetime
    evidence: Mapping[str, float]


def open_incidents(database: Database, end: datetime, *, team: str | None) -> list[IncidentAtAGlance]:
    """Open incidents of the active agents of the team, None: of every team; the newest first.

    Args:
        end: naive local; incidents that opened then or later, or a month before it, are left out.
    """
    statement = (
        _of(*_GLANCE, Employee.team_lead)
        .join(Employee, Employee.id == Incident.employee_id)
        .where(
            Incident.over().is_(None),
            Incident.opened >= end - LONGEST_INCIDENT,
            Incident.opened < end,
            Employee.active.is_(True),
        )
    )
    if team is not None:
        statement = statement.where(Employee.team_lead == team)
    with database.read() as connection:
        # Compared here too: a collation takes a team for another that differs in case or in an accent.
        return [
            IncidentAtAGlance(**_glance(row))
            for row in connection.execute(statement)
            if team is None or row.team_lead == team
        ]


def incidents_of(database: Database, employee_id: int, limit: int) -> list[ShownIncident]:
    """An agent's incidents, the newest first."""
    further = Incident.closed, Incident.dismissed, Incident.peak, Incident.steps
    with database.read() as connection:
        return [
            _shown(row)
            for row in connection.execute(
                _of(*_GLANCE, *further).where(Incident.employee_id == employee_id).limit(limit)
            )
        ]


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
_GLANCE = (
    Incident.id,
    Incident.employee_id,
    Incident.species,
    Incident.opened,
    Incident.first_still_id,
    Incident.last_still_id,
    _LAST.capture_time.label("last_captured"),
    Incident.stills,
)


def _of(*columns: Any) -> Select[Any]:
    return (
        select(*columns)
        .select_from(Incident)
        .outerjoin(_LAST, _LAST.id == Incident.last_still_id)
        .where(Incident.withdrawn.is_(None))
        .order_by(Incident.opened.desc(), Incident.id.desc())
    )


def _glance(row: Any) -> dict[str, Any]:
    return {field.name: getattr(row, field.name) for field in fields(IncidentAtAGlance)}


def _shown(row: Any) -> ShownIncident:
    told = row.steps if isinstance(row.steps, dict) else {}
    steps = [Step(**{**step, "captured": datetime.fromisoformat(step["captured"])}) for step in told.get("steps", ())]
    return ShownIncident(
        **_glance(row),
        closed=row.closed,
        dismissed=row.dismissed,
        peak=row.peak,
        bound=told.get("bound"),
        steps=tuple(steps),
        left_out=told.get("left_out", 0),
    )
