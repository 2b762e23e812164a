"""How far the stills of an agent and hour were judged for impersonation, and what that rested on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, case, func, select

from biosense_pipeline.store.database import Database, upsert, utc_now
from biosense_pipeline.store.evidence.findings import LAST_CAPTURE
from biosense_pipeline.store.tables.evidence import (
    ImpersonationFinding,
    ImpersonationProgress,
    ImpersonationWindow,
    PresentationEvidence,
)

#: A finding that was made longer ago is not looked for: nothing lasts so long.
_LONGEST = timedelta(days=7)


@dataclass(frozen=True)
class Progress:
    """The stills of an hour up to ``judged_until`` were judged; ``rests_on`` is a hash of all that decided it."""

    hour: datetime
    judged_until: datetime
    rests_on: bytes


@dataclass(frozen=True)
class StillsSeen:
    """An agent's stills of some time, without their numbers: how many, the sum of their ids, the evidence written last.

    Where stills come late, go, or are processed again, it is another, as long as the server's clock does not go back.
    """

    stills: int
    ids: int
    written: datetime | None


@dataclass(frozen=True)
class HourSeen:
    """An agent's stills of an hour and of the time before it that they are judged by.

    Attributes:
        until: those up to the moment that was asked for. all: all of them.
        following: capture time of the hour's first still after that moment. last: of its last. None without one.
    """

    until: StillsSeen
    all: StillsSeen
    following: datetime | None
    last: datetime | None


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


def hour_seen(
    database: Database, employee_id: int, since: datetime, start: datetime, end: datetime, moment: datetime
) -> HourSeen:
    """The agent's stills captured in ``[start, end)`` and from ``since`` on before them, up to a moment and in all."""
    time, key, created = (
        PresentationEvidence.capture_time,
        PresentationEvidence.stream_image_id,
        PresentationEvidence.created,
    )
    until = time <= moment
    with database.read() as connection:
        row = connection.execute(
            select(
                func.count(case((until, key))).label("stills_until"),
                func.coalesce(func.sum(case((until, key))), 0).label("ids_until"),
                func.max(case((until, created))).label("written_until"),
                func.count(key).label("stills"),
                func.coalesce(func.sum(key), 0).label("ids"),
                func.max(created).label("written"),
                func.min(case(((time > moment) & (time >= start), time))).label("following"),
                func.max(case((time >= start, time))).label("last"),
            ).where(PresentationEvidence.employee_id == employee_id, time >= since, time < end)
        ).one()
    return HourSeen(
        StillsSeen(row.stills_until, int(row.ids_until), row.written_until),
        StillsSeen(row.stills, int(row.ids), row.written),
        row.following,
        row.last,
    )


def finding_keys(connection: Connection, employee_id: int, start: datetime, until: datetime) -> list[tuple[int, str]]:
    """Still and species of the findings that were made or lasted at stills captured from ``start`` to ``until``.

    With them those whose windows are told one by one: they go with the finding.
    """
    made = _rows(connection, ImpersonationFinding, employee_id, start - _LONGEST, until)
    windows = _rows(connection, ImpersonationWindow, employee_id, start, until)
    lasting = [row for row in made if row.capture_time >= start or _lasts_until(row.numbers) >= start]
    return [(row.stream_image_id, row.species) for row in [*lasting, *windows]]


def _rows(connection: Connection, table: Any, employee_id: int, start: datetime, until: datetime) -> Sequence[Row[Any]]:
    return connection.execute(
        select(table.__table__)
        .where(table.employee_id == employee_id, table.capture_time >= start, table.capture_time <= until)
        .order_by(table.stream_image_id, table.species)
    ).all()


def _lasts_until(numbers: dict[str, Any]) -> datetime:
    told = numbers.get(LAST_CAPTURE)
    return datetime.min if told is None else datetime.fromisoformat(told)
