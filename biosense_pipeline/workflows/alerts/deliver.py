"""Tells supervisors of incidents: enters what is to be told, and sends what is due.

Delivery is at least once: a process that dies between sending and recording sends again later, under the same
message id. Each failure pushes the next attempt further away; one that lasts for an hour shows on the desk.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from biosense_pipeline.codes import AlertEvent
from biosense_pipeline.local_time import local_now
from biosense_pipeline.settings import Settings
from biosense_pipeline.store.alerts.alertable import alertable_incidents
from biosense_pipeline.store.alerts.deliveries import (
    ClaimedDelivery,
    claim_delivery,
    enter_deliveries,
    give_up,
    record_delivered,
    record_failure,
)
from biosense_pipeline.store.database import Database
from biosense_pipeline.workflows.alerts.channels import channels
from biosense_pipeline.workflows.alerts.events import DueEvent, due_events
from biosense_pipeline.workflows.alerts.message import Alert, load_template
from biosense_pipeline.workflows.alerts.sender import Sender

#: A run takes no further message after this; what is left is due in the next one.
_LONGEST_RUN_SECONDS = 60.0
#: A claim outlasts the sending by this.
_LEASE_MARGIN = timedelta(seconds=60)


@dataclass(frozen=True)
class FailedDelivery:
    """An attempt that failed; ``reason`` holds no secret, ``next_attempt`` is naive UTC."""

    channel: str
    message_id: str
    attempt: int
    reason: str
    next_attempt: datetime


@dataclass
class AlertReport:
    """What became of the alerts in one run."""

    channels: int = 0
    entered: int = 0
    delivered: int = 0
    given_up: int = 0
    failures: list[FailedDelivery] = field(default_factory=list)


def deliver_alerts(
    database: Database,
    settings: Settings,
    now: datetime,
    sender: Sender,
    *,
    monotonic: Callable[[], float] = time.monotonic,
) -> AlertReport:
    """Enter what is to be told and send what is due, each message once.

    Processes may do this at once; their clocks should agree to less than a minute.

    Args:
        now: this moment, aware.
        sender: made for the channels of the settings.
        monotonic: seconds that tell how the time goes on after ``now``.

    Raises:
        WrongUse: the channels or the template of the settings cannot be used; nothing was sent.
    """
    to = {channel.name: channel for channel in channels(settings)}
    report = AlertReport(channels=len(to))
    if not to:
        return report
    template, started = load_template(settings), monotonic()

    def moment() -> datetime:
        return now.astimezone(UTC).replace(tzinfo=None) + timedelta(seconds=monotonic() - started)

    longest = timedelta(hours=settings.alert_hours)
    events = events_to_tell(database, settings, now)
    report.entered = enter_deliveries(database, events, to, moment())
    report.given_up = give_up(database, moment() - longest)
    lease = timedelta(seconds=settings.alert_timeout_seconds) + _LEASE_MARGIN
    answering = set(to)
    while answering and monotonic() - started < _LONGEST_RUN_SECONDS:
        claimed = claim_delivery(database, answering, moment(), lease)
        if claimed is None:
            break
        alert = _alert(claimed, events.get((claimed.incident_id, claimed.event)), settings)
        reason = sender.send(to[claimed.channel], template.compose(alert))
        if reason is None:
            record_delivered(database, claimed, moment())
            report.delivered += 1
            continue
        following = moment() + back_off(settings, claimed.attempt)
        record_failure(database, claimed, reason, following)
        report.failures.append(FailedDelivery(claimed.channel, alert.message_id, claimed.attempt, reason, following))
        # Where one message failed the next one would, after as long a wait, while other channels wait too.
        answering.discard(claimed.channel)
    return report


def back_off(settings: Settings, attempt: int) -> timedelta:
    """The wait after the attempt of that number, from 1: doubled each time, up to the longest."""
    longest = settings.alert_retry_longest_minutes * 60
    return timedelta(seconds=min(longest, settings.alert_retry_seconds * 2.0 ** min(attempt - 1, 60)))


def events_to_tell(database: Database, settings: Settings, now: datetime) -> dict[tuple[int, AlertEvent], DueEvent]:
    """What is to be told by now (aware), told already or not, by incident id and what happened."""
    longest = timedelta(hours=settings.alert_hours)
    local, quiet = local_now(settings.zone, now), timedelta(minutes=settings.alert_quiet_minutes)
    incidents = alertable_incidents(database, local - longest - quiet)
    found = due_events(incidents, local, quiet=quiet, longest=longest)
    return {(event.incident_id, event.event): event for event in found}


def _alert(claimed: ClaimedDelivery, event: DueEvent | None, settings: Settings) -> Alert:
    """What to tell: of all that belongs to the matter, or of the incident alone where it was entered long ago."""
    over = claimed.closed if claimed.event is AlertEvent.CLOSED else None
    link = f"{settings.desk_url}/agents/{claimed.employee_id}?still={claimed.first_still_id}"
    return Alert(
        claimed.incident_id,
        claimed.event,
        claimed.species,
        claimed.lan_id,
        claimed.team,
        event.since if event else claimed.opened,
        event.until if event else over,
        settings.timezone,
        event.stills if event else claimed.stills,
        link if settings.desk_url else None,
    )
