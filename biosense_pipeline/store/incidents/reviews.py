"""Reviewers' verdicts on incidents: recorded once per incident and round, and never overwritten."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from biosense_pipeline.codes import Verdict
from biosense_pipeline.errors import BiosenseError, WrongUse
from biosense_pipeline.store.database import Database, utc_now
from biosense_pipeline.store.review.verdicts import LONGEST_NOTE
from biosense_pipeline.store.tables.desk import DeskUser
from biosense_pipeline.store.tables.incidents import Incident, IncidentReview
from biosense_pipeline.store.users.audit import AuditRecord, add_audit

#: Incidents named in one query.
_CHUNK = 500


@dataclass(frozen=True)
class IncidentVerdict:
    """What a reviewer said of an incident; ``created`` is UTC."""

    round: int
    verdict: Verdict
    note: str | None
    reviewer_id: int
    reviewer: str
    created: datetime


class IncidentReviewed(BiosenseError):
    """Somebody else was first. Nothing was recorded."""

    def __init__(self, there: IncidentVerdict) -> None:
        said = there.verdict.lower().replace("_", " ")
        super().__init__(
            f"Somebody reviewed this incident meanwhile: {there.reviewer} said {said}. Your verdict was not recorded "
            "and nothing was overwritten."
        )


class NoReviewDue(BiosenseError):
    """The incident is withdrawn or gone, or no such round is due by this reviewer. Nothing was recorded."""


def due_round(given: Sequence[IncidentVerdict], reviewer_id: int) -> int | None:
    """Which verdict on an incident waits for this reviewer: the first, or the second look at one that was confirmed.

    Args:
        given: the verdicts so far, in order of the rounds.
    """
    if not given:
        return 1
    first = given[0]
    second = len(given) == 1 and first.verdict is Verdict.CORRECT and first.reviewer_id != reviewer_id
    return 2 if second else None


def record_incident_review(
    database: Database,
    *,
    incident_id: int,
    round_: int,
    verdict: Verdict,
    note: str | None,
    reviewer_id: int,
    now: datetime,
    audit: AuditRecord | None = None,
) -> None:
    """Record a verdict on an incident, in one transaction; a false alarm is open no more.

    The same verdict of the same reviewer once more changes nothing and is no error: a browser may repeat a request.
    Whether the reviewer may see this agent is for the caller to find out.

    Args:
        round_: 1, or 2 for the second reviewer of an incident that the first found correct.
        now: naive local, when a false alarm ends.
        audit: written in the same transaction.

    Raises:
        IncidentReviewed: another verdict stands there.
        NoReviewDue: the incident is withdrawn or gone, or a second review is not due by this reviewer.
        WrongUse: the note is too long.
    """
    note = (note or "").strip() or None
    if note is not None and len(note) > LONGEST_NOTE:
        raise WrongUse(f"The note has {len(note)} characters and {LONGEST_NOTE} are the most: shorten it.")

    def record(connection: Connection) -> None:
        # Locked: of two reviewers one waits for the other.
        row = connection.execute(
            select(Incident.withdrawn, Incident.dismissed).where(Incident.id == incident_id).with_for_update()
        ).one_or_none()
        given = _reviews(connection, [incident_id]).get(incident_id, [])
        there = next((review for review in given if review.round == round_), None)
        if there is not None:
            if (there.reviewer_id, there.verdict, there.note) == (reviewer_id, verdict, note):
                return
            raise IncidentReviewed(there)
        if row is None or row.withdrawn is not None:
            raise NoReviewDue(
                "A later analysis of the same stills no longer finds this incident: your verdict was not recorded."
            )
        if due_round(given, reviewer_id) != round_:
            raise NoReviewDue("No such review of this incident waits for you: your verdict was not recorded.")
        connection.execute(
            insert(IncidentReview).values(
                incident_id=incident_id,
                round=round_,
                verdict=verdict,
                note=note,
                reviewer_id=reviewer_id,
                created=utc_now(connection),
            )
        )
        if verdict is Verdict.FALSE_ALARM and row.dismissed is None:
            connection.execute(update(Incident).where(Incident.id == incident_id).values(dismissed=now))
        add_audit(connection, audit)

    try:
        database.write(record)
    except IntegrityError:
        # The unique index is the last word.
        given = incident_reviews(database, [incident_id]).get(incident_id, [])
        there = next((review for review in given if review.round == round_), None)
        if there is None:
            raise
        raise IncidentReviewed(there) from None


def incident_reviews(database: Database, incident_ids: Collection[int]) -> dict[int, list[IncidentVerdict]]:
    """The verdicts on these incidents, by incident id and round; incidents without any are absent."""
    with database.read() as connection:
        return _reviews(connection, incident_ids)


def _reviews(connection: Connection, incident_ids: Collection[int]) -> dict[int, list[IncidentVerdict]]:
    ids, found = sorted(incident_ids), dict[int, list[IncidentVerdict]]()
    for start in range(0, len(ids), _CHUNK):
        rows = connection.execute(
            select(IncidentReview.__table__, DeskUser.name)
            .join(DeskUser, DeskUser.id == IncidentReview.reviewer_id)
            .where(IncidentReview.incident_id.in_(ids[start : start + _CHUNK]))
            .order_by(IncidentReview.incident_id, IncidentReview.round)
        )
        for row in rows:
            verdict = IncidentVerdict(row.round, Verdict[row.verdict], row.note, row.reviewer_id, row.name, row.created)
            found.setdefault(row.incident_id, []).append(verdict)
    return found
