"""IMPERSONATION as it is stored: one row for each excursion of the evidence, at the still where it began."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from biosense_pipeline.codes import Species
from biosense_pipeline.store.database import Database, utc_now
from biosense_pipeline.store.evidence.windows import WindowRow, replace_windows
from biosense_pipeline.store.tables.evidence import ImpersonationFinding

#: Names in ``numbers`` of the last still of the excursion and of its capture time (ISO, naive local).
LAST_STILL, LAST_CAPTURE = "last_still_id", "last_capture"


@dataclass(frozen=True)
class FindingRow:
    """A species found with an agent.

    Attributes:
        still_id, captured: the still at whose window the evidence passed its bound.
        numbers: those that it follows from, and the ids of what gave them.
        evidence_stills: ids of the stills that it rests on.
        last_still_id, last_captured: the last still until which the evidence stayed there.
    """

    species: Species
    still_id: int
    captured: datetime
    llr: float
    last_still_id: int
    last_captured: datetime
    numbers: dict[str, float | str] = field(default_factory=dict)
    evidence_stills: tuple[int, ...] = ()


@dataclass(frozen=True)
class Continued:
    """A finding made before the time that was analysed goes on in it, up to this still.

    Attributes:
        since: where it was analysed up to there, it lasted until then at least.
    """

    species: Species
    since: datetime
    last_still_id: int
    last_captured: datetime


@dataclass(frozen=True)
class Replaced:
    """What replacing findings came to.

    Attributes:
        changed: rows.
        beginnings_unknown: something goes on from before the time analysed of which no finding tells: that time was
            never analysed.
    """

    changed: int
    beginnings_unknown: bool


def replace_findings(
    database: Database,
    employee_id: int,
    start: datetime,
    end: datetime,
    found: Sequence[FindingRow],
    continued: Sequence[Continued],
    windows: Sequence[WindowRow],
    run_id: str | None,
    also: Callable[[Connection], None] = lambda connection: None,
) -> Replaced:
    """Let the agent's findings at stills captured in ``[start, end)`` be these.

    What was found there before and no longer is goes. A finding from before ``start`` lasts until the still that
    ``continued`` names; what is known to last beyond ``end`` is not shortened. Rows that stay as they are keep the
    time at which they were first found.

    Args:
        windows: what those of these stills say that pass.
        also: done last in the same transaction.
    """

    def write(connection: Connection) -> Replaced:
        known = {(row.species, row.stream_image_id): row for row in _rows(connection, employee_id, start, end)}
        wanted = {(str(row.species), row.still_id): row for row in found}
        gone = [row.id for key, row in known.items() if key not in wanted]
        if gone:
            connection.execute(delete(ImpersonationFinding).where(ImpersonationFinding.id.in_(gone)))
        changed = len(gone)
        for key, row in wanted.items():
            changed += _write(connection, employee_id, row, known.get(key), end, run_id)
        changed += replace_windows(connection, employee_id, start, end, windows)
        known_before = [_extend(connection, employee_id, start, end, further) for further in continued]
        also(connection)
        return Replaced(changed + sum(filter(None, known_before)), None in known_before)

    return database.write(write)


def agents_with_findings(database: Database, start: datetime, end: datetime) -> list[int]:
    """Employee ids of the agents with findings at stills captured in ``[start, end)``."""
    with database.read() as connection:
        return list(
            connection.execute(
                select(ImpersonationFinding.employee_id)
                .where(ImpersonationFinding.capture_time >= start, ImpersonationFinding.capture_time < end)
                .distinct()
                .order_by(ImpersonationFinding.employee_id)
            ).scalars()
        )


def read_findings(
    database: Database, start: datetime, end: datetime, employee_id: int | None = None
) -> list[tuple[int, FindingRow]]:
    """Employee id and finding, for findings at stills captured in ``[start, end)``, by agent, time and species."""
    with database.read() as connection:
        return [(row.employee_id, _finding(row)) for row in _rows(connection, employee_id, start, end)]


def _write(
    connection: Connection,
    employee_id: int,
    row: FindingRow,
    known: Row[Any] | None,
    end: datetime,
    run_id: str | None,
) -> int:
    if known is None:
        values = {"employee_id": employee_id, "created": utc_now(connection), "run_id": run_id}
        connection.execute(insert(ImpersonationFinding).values(**values, **_values(row)))
        return 1
    before = _finding(known)
    if before.last_captured >= end:
        row = replace(row, last_still_id=before.last_still_id, last_captured=before.last_captured)
    if before == row:
        return 0
    connection.execute(
        update(ImpersonationFinding).where(ImpersonationFinding.id == known.id).values(run_id=run_id, **_values(row))
    )
    return 1


def _extend(connection: Connection, employee_id: int, start: datetime, end: datetime, further: Continued) -> int | None:
    """Write down how long a finding from before ``start`` lasts: rows changed, or None where there is none such."""
    latest = connection.execute(
        select(ImpersonationFinding.__table__)
        .where(
            ImpersonationFinding.employee_id == employee_id,
            ImpersonationFinding.species == further.species,
            ImpersonationFinding.capture_time < start,
        )
        .order_by(ImpersonationFinding.capture_time.desc(), ImpersonationFinding.stream_image_id.desc())
        .limit(1)
    ).first()
    before = None if latest is None else _finding(latest)
    if latest is None or before is None or before.last_captured < further.since:
        return None
    if before.last_captured >= end or before.last_still_id == further.last_still_id:
        return 0
    row = replace(before, last_still_id=further.last_still_id, last_captured=further.last_captured)
    connection.execute(update(ImpersonationFinding).where(ImpersonationFinding.id == latest.id).values(**_values(row)))
    return 1


def _rows(connection: Connection, employee_id: int | None, start: datetime, end: datetime) -> Sequence[Row[Any]]:
    statement = (
        select(ImpersonationFinding.__table__)
        .where(ImpersonationFinding.capture_time >= start, ImpersonationFinding.capture_time < end)
        .order_by(
            ImpersonationFinding.employee_id,
            ImpersonationFinding.capture_time,
            ImpersonationFinding.stream_image_id,
            ImpersonationFinding.species,
        )
    )
    if employee_id is not None:
        statement = statement.where(ImpersonationFinding.employee_id == employee_id)
    return connection.execute(statement).all()


def _values(row: FindingRow) -> dict[str, Any]:
    return {
        "species": row.species,
        "stream_image_id": row.still_id,
        "capture_time": row.captured,
        "llr": row.llr,
        "numbers": {**row.numbers, LAST_STILL: row.last_still_id, LAST_CAPTURE: row.last_captured.isoformat()},
        "evidence_stills": list(row.evidence_stills),
    }


def _finding(row: Row[Any]) -> FindingRow:
    numbers = dict(row.numbers)
    last_still, last_captured = numbers.pop(LAST_STILL), datetime.fromisoformat(numbers.pop(LAST_CAPTURE))
    return FindingRow(
        Species[row.species],
        row.stream_image_id,
        row.capture_time,
        row.llr,
        last_still,
        last_captured,
        numbers,
        tuple(row.evidence_stills),
    )
