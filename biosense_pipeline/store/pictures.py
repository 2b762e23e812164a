"""Reads stored pictures, a few at a time, so that memory does not grow with the work to do."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import case, func, select

from biosense_pipeline.store.chunks import chunks
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.tables import StreamImage, TrainingImage

#: Pictures read in one query: at 8 MiB each, the default cap, 128 MiB at most.
_AT_A_TIME = 16


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
