"""What is to be told: of incidents that follow each other closely, that the first opened and that the last closed."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from biosense_pipeline.codes import AlertEvent
from biosense_pipeline.store.alerts.alertable import AlertableIncident


@dataclass(frozen=True)
class DueEvent:
    """Something to tell, under the id of an incident.

    Attributes:
        since, until: when it began and ended, naive and local; ``until`` is None while it goes on.
        stills: of all incidents that are told as this one.
    """

    incident_id: int
    event: AlertEvent
    since: datetime
    until: datetime | None
    stills: int


def due_events(
    incidents: Iterable[AlertableIncident], now: datetime, *, quiet: timedelta, longest: timedelta
) -> list[DueEvent]:
    """What is to be told by ``now``, whether it was told already or not; the same incidents give the same events.

    Incidents of one agent and species with pauses no longer than ``quiet`` are told as one. That it is over is told
    when ``quiet`` has passed without another: of an agent who comes and goes there are two messages and no more.
    What a withdrawn incident was told of is not told again under the id of another that took its place. Where the
    analysis lags behind, that an incident is over may be told too early; another one after it is then news.

    Args:
        now: naive and local, as the incidents' times.
        quiet: longest pause within one matter.
        longest: what happened longer ago is not told.
    """
    found: list[DueEvent] = []
    ordered = sorted(incidents, key=lambda incident: (incident.employee_id, incident.species, incident.opened))
    for _, own in groupby(ordered, key=lambda incident: (incident.employee_id, incident.species)):
        for matter in _matters(own, quiet):
            found += _events(matter, now, quiet, now - longest)
    return sorted(found, key=lambda event: (event.until or event.since, event.incident_id))


def _matters(own: Iterable[AlertableIncident], quiet: timedelta) -> Iterator[list[AlertableIncident]]:
    """The incidents of one agent and species, in order of time, cut at long pauses and at told ends."""
    matter: list[AlertableIncident] = []
    end = datetime.min
    for incident in own:
        if incident.withdrawn and not incident.told:
            continue
        if matter and (incident.opened - end > quiet or matter[-1].told_over):
            yield matter
            matter = []
        end = max(end, _end(incident)) if matter else _end(incident)
        matter.append(incident)
    if matter:
        yield matter


def _end(incident: AlertableIncident) -> datetime:
    if incident.closed is not None:
        return max(incident.opened, incident.closed)
    # A withdrawn incident that was open goes on in no other way than by one that took its place.
    return incident.opened if incident.withdrawn else datetime.max


def _events(
    matter: Sequence[AlertableIncident], now: datetime, quiet: timedelta, oldest: datetime
) -> Iterator[DueEvent]:
    valid = [incident for incident in matter if not incident.withdrawn]
    if not valid:
        return
    told = next((incident for incident in matter if incident.told), valid[0])
    if not told.withdrawn and told.opened >= oldest:
        yield DueEvent(told.id, AlertEvent.OPENED, told.opened, None, told.stills)
    last = max(valid, key=_end)
    over = _end(last)
    if last.closed is not None and oldest <= over and over + quiet <= now:
        stills = sum(incident.stills for incident in valid)
        yield DueEvent(last.id, AlertEvent.CLOSED, valid[0].opened, over, stills)
