"""Incidents as people look at them: those of some time, and what reviewers said of their stills."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, or_, select

from biosense_pipeline.codes import ImageKind, Species, Verdict
from biosense_pipeline.store.chunks import chunks
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.incidents.reviews import incident_reviews
from biosense_pipeline.store.review.findings import VIOLATIONS
from biosense_pipeline.store.tables.desk import Review
from biosense_pipeline.store.tables.incidents import LONGEST_INCIDENT, Incident
from biosense_pipeline.store.tables.pipeline import AgentHourSummary, Employee, StreamImage


@dataclass(frozen=True)
class IncidentRow:
    """An incident that stands, with whom it is about. Times are naive and local, as the stills' are."""

    id: int
    employee_id: int
    lan_id: str
    species: Species
    first_still_id: int
    last_still_id: int
    opened: datetime
    closed: datetime | None
    peak: float
    stills: int
    steps: Any


def incidents_opened(database: Database, start: datetime, end: datetime) -> list[IncidentRow]:
    """The incidents that opened in ``[start, end)``, by that time."""
    return _read(database, Incident.opened >= start, Incident.opened < end)


def incidents_during(
    database: Database, start: datetime, end: datetime, employee_id: int | None = None
) -> list[IncidentRow]:
    """The incidents that were open at some time in ``[start, end)``, by the time at which they opened.

    One that opened a month before and has no end, as of an agent who left, is left out.

    Args:
        employee_id: only this agent's; None: everybody's.
    """
    of_agent = [] if employee_id is None else [Incident.employee_id == employee_id]
    lasting = or_(Incident.closed.is_(None), Incident.closed >= start)
    return _read(database, Incident.opened >= start - LONGEST_INCIDENT, Incident.opened < end, lasting, *of_agent)


def stills_seen(database: Database, start: datetime, end: datetime) -> int:
    """How many stills of the hours in ``[start, end)`` are finished, as the hourly summaries have them."""
    with database.read() as connection:
        return int(
            connection.execute(
                select(func.coalesce(func.sum(AgentHourSummary.stills), 0)).where(
                    AgentHourSummary.hour >= start, AgentHourSummary.hour < end
                )
            ).scalar_one()
        )


def verdicts_on(database: Database, incidents: Sequence[IncidentRow]) -> dict[int, Verdict]:
    """What reviewers said of incidents or else of their stills, by incident id; of some nobody said anything.

    The last verdict on the incident itself counts, unless it was not sure. One of UNKNOWN_PERSON is by its stills
    CORRECT where a violation was confirmed, FALSE_ALARM where one was judged so and none was confirmed; the last round
    decides of a still's finding. What was said of stills tells nothing of the other species: that it was not the agent
    is no word on whether it was a print.
    """
    if not incidents:
        return {}
    spans = spans_of(database, incidents)
    by_agent: dict[int, dict[tuple[int, str], tuple[datetime, Verdict]]] = defaultdict(dict)
    first, last = min(begin for begin, _ in spans.values()), max(end for _, end in spans.values())
    with database.read() as connection:
        for review in connection.execute(
            select(Review.employee_id, Review.subject_id, Review.result, Review.captured, Review.verdict)
            .where(
                Review.subject_kind == ImageKind.STREAM,
                Review.result.in_(VIOLATIONS),
                Review.captured >= first,
                Review.captured <= last,
            )
            .order_by(Review.round)
        ):
            finding = review.subject_id, review.result
            by_agent[review.employee_id][finding] = review.captured, Verdict[review.verdict]
    of_incidents = incident_reviews(database, [row.id for row in incidents])
    told: dict[int, Verdict] = {
        incident_id: given[-1].verdict
        for incident_id, given in of_incidents.items()
        if given[-1].verdict is not Verdict.NOT_SURE
    }
    for row in incidents:
        if row.species != Species.UNKNOWN_PERSON:
            continue
        begin, end = spans[row.id]
        said = {verdict for moment, verdict in by_agent[row.employee_id].values() if begin <= moment <= end}
        decided = next((verdict for verdict in (Verdict.CORRECT, Verdict.FALSE_ALARM) if verdict in said), None)
        if decided is not None:
            told.setdefault(row.id, decided)
    return told


def spans_of(database: Database, incidents: Sequence[IncidentRow]) -> dict[int, tuple[datetime, datetime]]:
    """Capture times of the first and last still of each incident, by its id; where a still is gone, the incident's."""
    captured = _captured(
        database, sorted({id_ for row in incidents for id_ in (row.first_still_id, row.last_still_id)})
    )
    return {
        row.id: (
            captured.get(row.first_still_id, row.opened),
            captured.get(row.last_still_id, row.closed or row.opened),
        )
        for row in incidents
    }


def _captured(database: Database, ids: Sequence[int]) -> dict[int, datetime]:
    found: dict[int, datetime] = {}
    with database.read() as connection:
        for chunk in chunks(ids):
            rows = connection.execute(select(StreamImage.id, StreamImage.capture_time).where(StreamImage.id.in_(chunk)))
            found |= {row.id: row.capture_time for row in rows if row.capture_time is not None}
    return found


def _read(database: Database, *conditions: Any) -> list[IncidentRow]:
    statement = (
        select(
            Incident.id,
            Incident.employee_id,
            Employee.lan_id,
            Incident.species,
            Incident.first_still_id,
            Incident.last_still_id,
            Incident.opened,
            Incident.closed,
            Incident.peak,
            Incident.stills,
            Incident.steps,
        )
        .join(Employee, Employee.id == Incident.employee_id)
        .where(Incident.withdrawn.is_(None), *conditions)
        .order_by(Incident.opened, Incident.id)
    )
    with database.read() as connection:
        return [
            IncidentRow(**{**row._mapping, "species": Species[row.species]}) for row in connection.execute(statement)
        ]
