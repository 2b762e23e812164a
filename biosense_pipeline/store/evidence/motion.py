"""MOTION_DETECTION as it is stored: one row for each agent and ten minutes in which there were stills."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, select

from biosense_pipeline.codes import MotionOutcome
from biosense_pipeline.store.database import Database, upsert, utc_now
from biosense_pipeline.store.tables.evidence import MotionWindow


@dataclass(frozen=True)
class MotionRow:
    """What an agent's stills of ``[start, end)``, naive local, show; ``numbers`` are those that it follows from."""

    start: datetime
    end: datetime
    outcome: MotionOutcome
    stills: int
    usable_stills: int
    numbers: dict[str, Any] = field(default_factory=dict)


def replace_motion(
    database: Database, employee_id: int, start: datetime, end: datetime, rows: Sequence[MotionRow], run_id: str | None
) -> int:
    """Let the agent's windows that begin in ``[start, end)`` be these; returns how many rows changed.

    A row that is the same as before is left as it is, with the time at which it was first found.
    """

    def replace(connection: Connection) -> int:
        stored = _read(connection, start, end, employee_id)
        known = {row.start: row for _, row in stored}
        wanted = {row.start: row for row in rows}
        gone = [moment for moment in known if moment not in wanted]
        if gone:
            connection.execute(
                delete(MotionWindow).where(MotionWindow.employee_id == employee_id, MotionWindow.window_start.in_(gone))
            )
        changed = [row for row in rows if known.get(row.start) != row]
        if changed:
            now = utc_now(connection)
            written = [_values(employee_id, row, run_id, now) for row in changed]
            upsert(connection, MotionWindow.__table__, written)
        return len(gone) + len(changed)

    return database.write(replace)


def agents_with_motion(database: Database, start: datetime, end: datetime) -> list[int]:
    """Employee ids of the agents with windows that begin in ``[start, end)``."""
    with database.read() as connection:
        return list(
            connection.execute(
                select(MotionWindow.employee_id)
                .where(MotionWindow.window_start >= start, MotionWindow.window_start < end)
                .distinct()
                .order_by(MotionWindow.employee_id)
            ).scalars()
        )


def read_motion(
    database: Database, start: datetime, end: datetime, employee_id: int | None = None
) -> list[tuple[int, MotionRow]]:
    """Employee id and row of the windows that begin in ``[start, end)``, by agent and time."""
    with database.read() as connection:
        return _read(connection, start, end, employee_id)


def _read(
    connection: Connection, start: datetime, end: datetime, employee_id: int | None
) -> list[tuple[int, MotionRow]]:
    statement = (
        select(MotionWindow.__table__)
        .where(MotionWindow.window_start >= start, MotionWindow.window_start < end)
        .order_by(MotionWindow.employee_id, MotionWindow.window_start)
    )
    if employee_id is not None:
        statement = statement.where(MotionWindow.employee_id == employee_id)
    return [
        (
            row.employee_id,
            MotionRow(
                row.window_start,
                row.window_end,
                MotionOutcome[row.outcome],
                row.stills,
                row.usable_stills,
                row.numbers,
            ),
        )
        for row in connection.execute(statement)
    ]


def _values(employee_id: int, row: MotionRow, run_id: str | None, now: datetime) -> dict[str, Any]:
    return {
        "employee_id": employee_id,
        "window_start": row.start,
        "window_end": row.end,
        "outcome": row.outcome,
        "stills": row.stills,
        "usable_stills": row.usable_stills,
        "numbers": row.numbers,
        "run_id": run_id,
        "created": now,
    }
