"""Whether there are messages to send, without claiming any: asked every few seconds, so that work starts only then."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select

from biosense_pipeline.codes import AlertEvent
from biosense_pipeline.store.alertable_incidents import worth_telling
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.incident_tables import AlertDelivery, Incident
from biosense_pipeline.store.tables import Employee


def not_entered(
    database: Database, events: Collection[tuple[int, AlertEvent]], channels: Collection[str]
) -> set[tuple[int, AlertEvent, str]]:
    """The messages (incident id, what happened, channel) about these events that are not entered yet."""
    wanted = {(incident_id, event, channel) for incident_id, event in events for channel in channels}
    if not wanted:
        return set()
    with database.read() as connection:
        entered = connection.execute(
            select(AlertDelivery.incident_id, AlertDelivery.event, AlertDelivery.channel).where(
                AlertDelivery.incident_id.in_({incident_id for incident_id, _ in events})
            )
        )
        return wanted - {(row.incident_id, AlertEvent(row.event), row.channel) for row in entered}


def message_due(database: Database, channels: Collection[str], now: datetime) -> bool:
    """Whether a message to one of the channels would be claimed at ``now`` (naive UTC)."""
    statement = (
        select(AlertDelivery.id)
        .join(Incident, Incident.id == AlertDelivery.incident_id)
        .join(Employee, Employee.id == Incident.employee_id)
        .where(
            AlertDelivery.delivered.is_(None),
            AlertDelivery.next_attempt <= now,
            AlertDelivery.channel.in_(channels),
            *worth_telling(),
        )
        .limit(1)
    )
    with database.read() as connection:
        return connection.execute(statement).first() is not None
