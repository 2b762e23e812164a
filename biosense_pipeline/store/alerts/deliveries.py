"""Messages about incidents, one row per incident, event and channel: entered once, claimed, tried until they arrive.

A claim pushes ``next_attempt`` into the future and counts an attempt, in one statement that holds only for who read
the row as it stands; so two processes do not send the same message. A process that dies between sending and
recording leaves a claim that runs out, and the message is sent again: delivery is at least once, and each message
carries an id by which receivers may drop a repetition.

Times are naive UTC as the caller gives them, except an incident's own, which are local like its stills'.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, select, update

from biosense_pipeline.codes import AlertEvent
from biosense_pipeline.store.alerts.alertable import worth_telling
from biosense_pipeline.store.database import Database, insert_missing
from biosense_pipeline.store.tables.incidents import AlertDelivery, Incident
from biosense_pipeline.store.tables.pipeline import Employee

#: Rows that a claim looks at, in case other processes take the first ones.
_CANDIDATES = 20


@dataclass(frozen=True)
class ClaimedDelivery:
    """A message that is ours to send until the claim runs out. ``attempt`` counts from 1."""

    id: int
    channel: str
    event: AlertEvent
    attempt: int
    incident_id: int
    species: str
    opened: datetime
    closed: datetime | None
    stills: int
    first_still_id: int
    employee_id: int
    lan_id: str
    team: str | None


def not_entered(
    connection: Connection, events: Iterable[tuple[int, AlertEvent]], channels: Collection[str]
) -> list[tuple[int, AlertEvent, str]]:
    """The messages (incident id, what happened, channel) about these events that are not entered yet, in order."""
    wanted = [(incident_id, event, channel) for incident_id, event in events for channel in channels]
    if not wanted:
        return []
    entered = connection.execute(
        select(AlertDelivery.incident_id, AlertDelivery.event, AlertDelivery.channel).where(
            AlertDelivery.incident_id.in_({incident_id for incident_id, _, _ in wanted})
        )
    )
    known = {tuple(row) for row in entered}
    return [message for message in wanted if message not in known]


def enter_deliveries(
    database: Database, events: Iterable[tuple[int, AlertEvent]], channels: Collection[str], now: datetime
) -> int:
    """Enter a message per event (incident id and what happened) and channel, where there is none; returns how many."""
    told = list(events)

    def enter(connection: Connection) -> int:
        lacking = [
            {"incident_id": incident_id, "channel": channel, "event": event, "next_attempt": now, "created": now}
            for incident_id, event, channel in not_entered(connection, told, channels)
        ]
        # Another process may enter the same in this moment; the unique key lets one of both through.
        insert_missing(connection, AlertDelivery.__table__, lacking)
        return len(lacking)

    return database.write(enter) if told and channels else 0


def give_up(database: Database, before: datetime) -> int:
    """Try no more what was entered before then and has not arrived; returns how many messages that were."""
    statement = (
        update(AlertDelivery)
        .where(
            AlertDelivery.delivered.is_(None),
            AlertDelivery.next_attempt.is_not(None),
            AlertDelivery.created < before,
        )
        .values(next_attempt=None)
    )
    return database.write(lambda connection: int(connection.execute(statement).rowcount))


def message_due(database: Database, channels: Collection[str], now: datetime) -> bool:
    """Whether :func:`claim_delivery` would take a message to one of the channels."""
    with database.read() as connection:
        return connection.execute(_due(channels, now).limit(1)).first() is not None


def claim_delivery(
    database: Database, channels: Collection[str], now: datetime, lease: timedelta
) -> ClaimedDelivery | None:
    """Take the message to one of the channels that has been due longest, for as long as ``lease``; None: none is due.

    Messages about incidents that were withdrawn meanwhile, and about agents that no longer work here, stay.
    """
    candidates = (
        _due(channels, now)
        .add_columns(
            AlertDelivery.channel,
            AlertDelivery.event,
            AlertDelivery.attempts,
            AlertDelivery.incident_id,
            Incident.species,
            Incident.opened,
            Incident.over().label("closed"),
            Incident.stills,
            Incident.first_still_id,
            Incident.employee_id,
            Employee.lan_id,
            Employee.team_lead,
        )
        .order_by(AlertDelivery.next_attempt, AlertDelivery.id)
        .limit(_CANDIDATES)
    )

    def take(connection: Connection) -> ClaimedDelivery | None:
        for row in connection.execute(candidates).all():
            ours = connection.execute(
                update(AlertDelivery)
                .where(
                    AlertDelivery.id == row.id,
                    AlertDelivery.attempts == row.attempts,
                    AlertDelivery.delivered.is_(None),
                    AlertDelivery.next_attempt <= now,
                )
                .values(attempts=AlertDelivery.attempts + 1, next_attempt=now + lease)
            )
            if ours.rowcount == 1:
                return ClaimedDelivery(
                    row.id,
                    row.channel,
                    AlertEvent(row.event),
                    row.attempts + 1,
                    row.incident_id,
                    row.species,
                    row.opened,
                    row.closed,
                    row.stills,
                    row.first_still_id,
                    row.employee_id,
                    row.lan_id,
                    row.team_lead,
                )
        return None

    return database.write(take)


def record_delivered(database: Database, claimed: ClaimedDelivery, now: datetime) -> None:
    """The message arrived. This holds even where the claim ran out meanwhile: it need not be sent again."""
    statement = (
        update(AlertDelivery)
        .where(AlertDelivery.id == claimed.id, AlertDelivery.delivered.is_(None))
        .values(delivered=now, next_attempt=None, last_error=None)
    )
    database.write(lambda connection: connection.execute(statement))


def record_failure(database: Database, claimed: ClaimedDelivery, reason: str, next_attempt: datetime) -> None:
    """The attempt failed; ``reason`` holds no secret. Nothing changes where another process has claimed it since."""
    statement = (
        update(AlertDelivery)
        .where(
            AlertDelivery.id == claimed.id,
            AlertDelivery.attempts == claimed.attempt,
            AlertDelivery.delivered.is_(None),
        )
        .values(next_attempt=next_attempt, last_error=reason)
    )
    database.write(lambda connection: connection.execute(statement))


def _due(channels: Collection[str], now: datetime) -> Select[Any]:
    return (
        select(AlertDelivery.id)
        .join(Incident, Incident.id == AlertDelivery.incident_id)
        .join(Employee, Employee.id == Incident.employee_id)
        .where(
            AlertDelivery.delivered.is_(None),
            AlertDelivery.next_attempt <= now,
            AlertDelivery.channel.in_(channels),
            *worth_telling(),
        )
    )
