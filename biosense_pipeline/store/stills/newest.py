"""An agent's stills, newest first, a few at a time and exactly: the order of the index on agent and time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, or_, select

from biosense_pipeline.store.agents.spellings import own_key, spelt
from biosense_pipeline.store.tables.pipeline import StreamImage

#: Looks at a spelling for one page. Only where the collation takes another agent's name for it are more needed
#: than one, and only where that agent has thousands of stills between two of this one's would these not do.
_MOST_LOOKS = 20
_FEWEST_ROWS = 200


@dataclass(frozen=True, order=True)
class Position:
    """Where a still stands in an agent's timeline."""

    capture_time: datetime
    id: int


def newest_first(
    connection: Connection,
    columns: Sequence[Any],
    key: str,
    forms: Sequence[str],
    conditions: Sequence[ColumnElement[bool]],
    *,
    before: Position | None,
    limit: int,
) -> list[Row[Any]]:
    """The agent's newest stills under the conditions, at most ``limit``. Those without a capture time are left out.

    Args:
        columns: of ``stream_img``; id, lan_id and capture_time have to be among them.
        key, forms: the agent, and the spellings to look under.
        before: only stills that stand before this one in time.
    """
    # One spelling after the other: only within one is the index in the order of time.
    found = {
        row.id: row for form in forms for row in _of_spelling(connection, columns, key, form, conditions, before, limit)
    }
    return sorted(found.values(), key=lambda row: Position(row.capture_time, row.id), reverse=True)[:limit]


def earlier_than(before: Position) -> ColumnElement[bool]:
    """Condition on ``stream_img``, written so that the time alone bounds the range of the index."""
    return (StreamImage.capture_time <= before.capture_time) & or_(
        StreamImage.capture_time < before.capture_time, StreamImage.id < before.id
    )


def _of_spelling(
    connection: Connection,
    columns: Sequence[Any],
    key: str,
    form: str,
    conditions: Sequence[ColumnElement[bool]],
    before: Position | None,
    limit: int,
) -> list[Row[Any]]:
    own: list[Row[Any]] = []
    at_a_time = limit
    for _ in range(_MOST_LOOKS):
        rows = connection.execute(
            select(*columns)
            .where(
                spelt(StreamImage.lan_id, [form]),
                StreamImage.capture_time.is_not(None),
                *conditions,
                *([earlier_than(before)] if before else []),
            )
            .order_by(StreamImage.capture_time.desc(), StreamImage.id.desc())
            .limit(at_a_time)
        ).all()
        own += [row for row in rows if own_key(row.lan_id) == key]
        if len(own) >= limit or len(rows) < at_a_time:
            break
        before, at_a_time = Position(rows[-1].capture_time, rows[-1].id), max(limit, _FEWEST_ROWS)
    return own[:limit]
