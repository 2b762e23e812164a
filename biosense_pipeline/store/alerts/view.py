"""Messages about incidents as people look at them: the last ones, and those that do not arrive."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, select

from biosense_pipeline.store.alerts.alertable import worth_telling
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.tables.incidents import AlertDelivery, Incident
from biosense_pipeline.store.tables.pipeline import Employee

#: A message that has not arrived for this long is shown to people.
FAILING_AFTER = timedelta(hours=1)
#: And no longer than this, given up or not: by then the incident is history.
_SHOWN_FOR = timedelta(days=7)


@dataclass(frozen=True)
class Delivery:
    """A row of ``alert_delivery`` with whom it is about; ``next_attempt`` None: no further one."""

    id: int
    incident_id: int
    channel: str
    event: str
    attempts: int
    next_attempt: datetime | None
    delivered: datetime | None
    last_error: str | None
    created: datetime
    species: str
    employee_id: int
    lan_id: str
    team: str | None


def failing_deliveries(
    database: Database, now: datetime, *, team: str | None = None, channels: Collection[str] | None = None
) -> list[Delivery]:
    """Messages that should have arrived an hour ago and have not, tried or not, oldest first.

    Args:
        now: naive UTC.
        team: about agents of this ``team_lead`` only; None: about all.
        channels: to these only, such as those in the settings; None: to all that ever were.
    """
    statement = _DELIVERIES.where(
        AlertDelivery.delivered.is_(None),
        AlertDelivery.created <= now - FAILING_AFTER,
        AlertDelivery.created > now - _SHOWN_FOR,
        *worth_telling(),
    ).order_by(AlertDelivery.created, AlertDelivery.id)
    if team is not None:
        statement = statement.where(Employee.team_lead == team)
    if channels is not None:
        statement = statement.where(AlertDelivery.channel.in_(channels))
    # Compared here too: a collation takes a team for another that differs in case or in an accent.
    return [delivery for delivery in _read(database, statement) if team is None or delivery.team == team]


def recent_deliveries(database: Database, limit: int) -> list[Delivery]:
    """The messages entered last, newest first."""
    return _read(database, _DELIVERIES.order_by(AlertDelivery.id.desc()).limit(limit))


_DELIVERIES: Any = (
    select(
        AlertDelivery.id,
        AlertDelivery.incident_id,
        AlertDelivery.channel,
        AlertDelivery.event,
        AlertDelivery.attempts,
        AlertDelivery.next_attempt,
        AlertDelivery.delivered,
        AlertDelivery.last_error,
        AlertDelivery.created,
        Incident.species,
        Incident.employee_id,
        Employee.lan_id,
        Employee.team_lead,
    )
    .join(Incident, Incident.id == AlertDelivery.incident_id)
    .join(Employee, Employee.id == Incident.employee_id)
)


def _read(database: Database, statement: Select[Any]) -> list[Delivery]:
    with database.read() as connection:
        return [Delivery(*row) for row in connection.execute(statement)]
