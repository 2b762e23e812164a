"""Incidents of which supervisors are told: of agents who work here, and not of the number that tests use."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, exists, or_, select

from biosense_pipeline.codes import AlertEvent
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.tables.incidents import LONGEST_INCIDENT, AlertDelivery, Incident
from biosense_pipeline.store.tables.pipeline import Employee

#: This employee number is for tests and never alerts.
TEST_EMPLOYEE_NUMBER = 99999999


@dataclass(frozen=True)
class AlertableIncident:
    """An incident as the alerts see it. ``opened`` and ``closed`` are naive and local.

    Attributes:
        closed: by its stills or by a reviewer who called it a false alarm; None: it is open.
        told: that it opened has been told, or is about to be.
        told_over: that it closed has arrived somewhere.
    """

    id: int
    employee_id: int
    species: str
    opened: datetime
    closed: datetime | None
    stills: int
    withdrawn: bool
    told: bool
    told_over: bool


def alertable_incidents(database: Database, since: datetime) -> list[AlertableIncident]:
    """Incidents that are open or closed at ``since`` (naive, local) or later, of agents that alerts are sent of.

    Withdrawn ones are among them: what was told of them is not to be told again of those that took their place.
    """
    # What was entered of an incident that is withdrawn now and had not arrived never will.
    told = _message(AlertEvent.OPENED, or_(AlertDelivery.delivered.is_not(None), Incident.withdrawn.is_(None)))
    told_over = _message(AlertEvent.CLOSED, AlertDelivery.delivered.is_not(None))
    statement = (
        select(
            Incident.id,
            Incident.employee_id,
            Incident.species,
            Incident.opened,
            Incident.over().label("closed"),
            Incident.stills,
            Incident.withdrawn,
            told.label("told"),
            told_over.label("told_over"),
        )
        .join(Employee, Employee.id == Incident.employee_id)
        .where(
            Incident.opened >= since - LONGEST_INCIDENT,
            or_(Incident.over().is_(None), Incident.over() >= since),
            *_of_alerted_agents(),
        )
        .order_by(Incident.opened, Incident.id)
    )
    with database.read() as connection:
        return [
            AlertableIncident(
                row.id,
                row.employee_id,
                row.species,
                row.opened,
                row.closed,
                row.stills,
                row.withdrawn is not None,
                bool(row.told),
                bool(row.told_over),
            )
            for row in connection.execute(statement)
        ]


def worth_telling() -> tuple[ColumnElement[bool], ...]:
    """Conditions on a message, its incident and its agent, which have to be joined.

    That an incident is over is not told of one that late stills have opened again.
    """
    over = or_(AlertDelivery.event != AlertEvent.CLOSED, Incident.over().is_not(None))
    return (Incident.withdrawn.is_(None), over, *_of_alerted_agents())


def _of_alerted_agents() -> tuple[ColumnElement[bool], ...]:
    number = Employee.employee_number
    return (Employee.active.is_(True), or_(number.is_(None), number != TEST_EMPLOYEE_NUMBER))


def _message(event: AlertEvent, condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether there is a message of this event of the incident under that condition."""
    return exists().where(AlertDelivery.incident_id == Incident.id, AlertDelivery.event == event, condition)
