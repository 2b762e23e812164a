"""How far the stills of an agent and hour were judged for impersonation, and what that rested on."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from biosense_pipeline.store.database import Database, upsert, utc_now
from biosense_pipeline.store.evidence_tables import ImpersonationFinding, ImpersonationProgress, PresentationEvidence


@dataclass(frozen=True)
class Progress:
    """The stills of an hour up to ``judged_until`` were judged; ``rests_on`` is a hash of all that decided it."""

    hour: datetime
    judged_until: datetime
    rests_on: bytes


#: A still as it was stored: capture time, id, and when its evidence was written.
StillVersion = tuple[datetime, int, datetime]


def read_progress(database: Database, employee_id: int, hour: datetime) -> Progress | None:
    """How far the hour was judged; None: not at all."""
    with database.read() as connection:
        row = connection.execute(
            select(ImpersonationProgress.judged_until, ImpersonationProgress.rests_on).where(
                ImpersonationProgress.employee_id == employee_id, ImpersonationProgress.hour == hour
            )
        ).first()
    return None if row is None else Progress(hour, row.judged_until, bytes(row.rests_on))


def write_progress(connection: Connection, employee_id: int, progress: Progress, run_id: str | None) -> None:
    """Note how far an hour was judged, in the transaction that writes what was found."""
    row = {
        "employee_id": employee_id,
        "hour": progress.hour,
        "judged_until": progress.judged_until,
        "rests_on": progress.rests_on,
        "run_id": run_id,
        "created": utc_now(connection),
    }
    upsert(connection, ImpersonationProgress.__table__, [row])


def still_versions(database: Database, employee_id: int, start: datetime, end: datetime) -> list[StillVersion]:
    """The agent's stills captured in ``[start, end)`` without their numbers, in order of capture time and id."""
    time, key = PresentationEvidence.capture_time, PresentationEvidence.stream_image_id
    with database.read() as connection:
        rows = connection.execute(
            select(time, key, PresentationEvidence.created)
            .where(PresentationEvidence.employee_id == employee_id, time >= start, time < end)
            .order_by(time, key)
        )
        return [(captured, still_id, created) for captured, still_id, created in rows if captured is not None]


def finding_keys(connection: Connection, employee_id: int, start: datetime, until: datetime) -> list[tuple[int, str]]:
    """Still and species of the findings at stills captured from ``start`` to ``until``."""
    rows = connection.execute(
        select(ImpersonationFinding.stream_image_id, ImpersonationFinding.species)
        .where(
            ImpersonationFinding.employee_id == employee_id,
            ImpersonationFinding.capture_time >= start,
            ImpersonationFinding.capture_time <= until,
        )
        .order_by(ImpersonationFinding.stream_image_id, ImpersonationFinding.species)
    )
    return [(still_id, species) for still_id, species in rows]
