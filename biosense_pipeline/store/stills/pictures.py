"""Reads stored pictures, a few at a time, so that memory does not grow with the work to do."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import case, func, select

from biosense_pipeline.lan_ids import agent_key
from biosense_pipeline.store.chunks import chunks
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.tables.pipeline import StreamImage, TrainingImage

#: Pictures read in one query: at 8 MiB each, the default cap, 128 MiB at most.
_AT_A_TIME = 16
#: Rows of all agents looked through at once for one agent's.
_ROWS_AT_A_TIME = 1000


@dataclass(frozen=True)
class StoredPicture:
    """A picture's bytes; None where it is empty or, its size tells, too large to be read."""

    id: int
    data: bytes | None
    size: int


def pictures(
    database: Database, table: type[StreamImage] | type[TrainingImage], ids: Sequence[int], max_bytes: int
) -> Iterator[StoredPicture]:
    """The pictures of the rows, in the order of ``ids``; a row that has gone meanwhile counts as empty."""
    size = func.coalesce(func.length(table.image), 0)
    for chunk in chunks(ids, _AT_A_TIME):
        with database.read() as connection:
            rows = {
                row.id: row
                for row in connection.execute(
                    select(table.id, case((size <= max_bytes, table.image)).label("data"), size.label("size")).where(
                        table.id.in_(chunk)
                    )
                )
            }
        for picture_id in chunk:
            row = rows.get(picture_id)
            yield StoredPicture(picture_id, row.data if row else None, row.size if row else 0)


def newest_id(database: Database) -> int:
    """The highest id of a still so far; 0 where there is none."""
    with database.read() as connection:
        return connection.execute(select(func.max(StreamImage.id))).scalar() or 0


def arrived_since(database: Database, lan_id: str, after: int) -> tuple[list[int], int]:
    """An agent's stills of higher id than ``after``, in order, and the highest id that was looked through."""
    key, found = agent_key(lan_id), []
    with database.read() as connection:
        while True:
            rows = connection.execute(
                select(StreamImage.id, StreamImage.lan_id)
                .where(StreamImage.id > after)
                .order_by(StreamImage.id)
                .limit(_ROWS_AT_A_TIME)
            ).all()
            found += [row.id for row in rows if agent_key(row.lan_id) == key]
            after = rows[-1].id if rows else after
            if len(rows) < _ROWS_AT_A_TIME:
                return found, after
