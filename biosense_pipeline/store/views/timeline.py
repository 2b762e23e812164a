"""An agent's stills, newest first and a page at a time, and one still in full."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, select

from biosense_pipeline.codes import Status
from biosense_pipeline.store.agents.spellings import spellings, spelt
from biosense_pipeline.store.agents.visible import Agent
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.review.findings import FindingNumbers, numbers_of
from biosense_pipeline.store.stills.newest import Position, earlier_than, newest_first
from biosense_pipeline.store.tables.pipeline import StreamImage

#: Stills of an agent that one page looks through for a rare result: about three working days.
_LOOKED_THROUGH = 10_000


@dataclass(frozen=True)
class TimelineStill:
    """A still without its picture, and what the model that decided it found; None where nothing was compared."""

    id: int
    lan_id: str | None
    capture_time: datetime | None
    status: str
    result: str | None
    num_faces: int | None
    numbers: FindingNumbers | None


@dataclass(frozen=True)
class TimelinePage:
    """Some of an agent's stills.

    Attributes:
        older: where the next page begins; None: there is none.
        looked_back_to: the page is not full because only stills since then were looked through; None: all were.
    """

    stills: list[TimelineStill]
    older: Position | None
    looked_back_to: datetime | None


def timeline(
    database: Database,
    agent: Agent,
    *,
    result: str | None = None,
    day: date | None = None,
    before: Position | None = None,
    limit: int = 50,
) -> TimelinePage:
    """The agent's stills, newest first; those without a capture time are in no timeline.

    Args:
        result: only stills with this result.
        day: only stills captured on it.
        before: only stills that stand before this one in time.
    """
    conditions: list[ColumnElement[bool]] = []
    if day is not None:
        midnight = datetime.combine(day, time())
        conditions += [StreamImage.capture_time >= midnight, StreamImage.capture_time < midnight + timedelta(days=1)]
    with database.read() as connection:
        forms = spellings(connection, StreamImage, [agent.lan_id])[agent.key]
        floor = None
        if result is not None:
            floor = _floor(connection, forms, conditions, before)
            conditions.append(StreamImage.result == result)
        if floor is not None:
            conditions.append(StreamImage.capture_time >= floor)
        rows = newest_first(connection, _COLUMNS, agent.key, forms, conditions, before=before, limit=limit + 1)
        stills = _with_numbers(connection, rows[:limit])
    if len(rows) > limit:
        return TimelinePage(stills, Position(rows[limit - 1].capture_time, rows[limit - 1].id), None)
    # Ids are positive: this stands before every still of that moment, all of which were looked at.
    return TimelinePage(stills, Position(floor, 0) if floor else None, floor)


def one_still(database: Database, still_id: int) -> TimelineStill | None:
    """A still of any agent."""
    with database.read() as connection:
        rows: Any = connection.execute(select(*_COLUMNS).where(StreamImage.id == still_id)).all()
        return next(iter(_with_numbers(connection, rows)), None)


_COLUMNS = (
    StreamImage.id,
    StreamImage.lan_id,
    StreamImage.capture_time,
    StreamImage.status,
    StreamImage.result,
    StreamImage.num_faces,
)


def _floor(
    connection: Connection, forms: Sequence[str], conditions: Sequence[ColumnElement[bool]], before: Position | None
) -> datetime | None:
    """The time down to which a rare result is looked for, read off the index; None: down to the oldest still."""
    floors = [
        connection.execute(
            select(StreamImage.capture_time)
            .where(
                spelt(StreamImage.lan_id, [form]),
                StreamImage.capture_time.is_not(None),
                *conditions,
                *([earlier_than(before)] if before else []),
            )
            .order_by(StreamImage.capture_time.desc())
            .offset(_LOOKED_THROUGH)
            .limit(1)
        ).scalar()
        for form in forms
    ]
    return max((floor for floor in floors if floor is not None), default=None)


def _with_numbers(connection: Connection, rows: Sequence[Row[Any]]) -> list[TimelineStill]:
    # Where a still failed or waits, numbers of an earlier attempt say nothing of it.
    results = {row.id: row.result for row in rows if row.status == Status.PROCESSED and row.result}
    numbers = numbers_of(connection, results) if results else {}
    return [
        TimelineStill(
            row.id,
            row.lan_id,
            row.capture_time,
            row.status or "",
            row.result,
            row.num_faces,
            numbers.get(row.id),
        )
        for row in rows
    ]
