"""Hours that have to be summed up again, so that no summary stays behind when a run dies before it."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, delete, select

from biosense_pipeline.local_time import floor_hour
from biosense_pipeline.store.database import Database, insert_missing
from biosense_pipeline.store.tables.pipeline import SummaryDue


def mark_due(connection: Connection, captures: Iterable[datetime | None]) -> None:
    """Mark the hours of these capture times, in the transaction that changes their rows."""
    hours = sorted({floor_hour(capture) for capture in captures if capture is not None})
    insert_missing(connection, SummaryDue.__table__, [{"hour": hour} for hour in hours])


def clear_due(connection: Connection, start: datetime, end: datetime) -> None:
    """Unmark the hours of ``[start, end)``, before they are counted in the same transaction.

    Whoever marks one of them meanwhile waits for this transaction, so that the mark outlives it.
    """
    connection.execute(delete(SummaryDue).where(SummaryDue.hour >= start, SummaryDue.hour < end))


def due_hours(
    database: Database, start: datetime | None = None, end: datetime | None = None, limit: int | None = None
) -> list[datetime]:
    """The marked hours of ``[start, end)``, newest first, at most ``limit``."""
    statement = select(SummaryDue.hour).order_by(SummaryDue.hour.desc()).limit(limit)
    if start is not None:
        statement = statement.where(SummaryDue.hour >= start)
    if end is not None:
        statement = statement.where(SummaryDue.hour < end)
    with database.read() as connection:
        return list(connection.execute(statement).scalars())
