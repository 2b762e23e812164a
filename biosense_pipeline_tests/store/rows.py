"""Rows for tests of the store: entered without faces, and read back as they stand."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from threading import Barrier
from typing import Any, TypeVar

from sqlalchemy import Row, event, insert, select, text, update

from biosense_pipeline.codes import Status, StillResult
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.stills.capture import CapturedImage, enter_stills, enter_training_images
from biosense_pipeline.store.stills.outcomes import Comparison, StillOutcome
from biosense_pipeline.store.tables.pipeline import ProcessStatus, StreamImage, TrainingImage

T = TypeVar("T")

AGENT = "NA\\vep5898"
OTHER = "EU\\abc1234"
HOUR = datetime(2026, 3, 2, 9)
NOW = datetime(2026, 3, 2, 12)
MODEL = "model-a"


def enter(
    database: Database,
    count: int = 1,
    lan_id: str = AGENT,
    start: datetime = HOUR,
    step: timedelta = timedelta(seconds=10),
) -> list[int]:
    """Enter pending stills, one each ``step`` from ``start`` on."""
    return enter_stills(database, [CapturedImage(lan_id, start + number * step, b"x") for number in range(count)])


def enter_training(database: Database, *lan_ids: str, status: Status = Status.PENDING) -> list[int]:
    """Enter training images of the agents, in order, with that status."""
    ids = enter_training_images(database, [CapturedImage(lan_id, HOUR, b"x") for lan_id in lan_ids])
    if status is not Status.PENDING:
        statement = update(TrainingImage).where(TrainingImage.id.in_(ids)).values(status=status)
        database.write(lambda connection: connection.execute(statement))
    return ids


def set_training(database: Database, ids: Sequence[int], **values: object) -> None:
    """Write these values into the training images."""
    statement = update(TrainingImage).where(TrainingImage.id.in_(ids)).values(**values)
    database.write(lambda connection: connection.execute(statement))


def enter_finished(
    database: Database,
    lan_id: str | None,
    capture_time: datetime,
    result: str | None = StillResult.SUCCESS,
    status: Status = Status.PROCESSED,
) -> int:
    """Enter a still that was processed already; returns its id."""
    values = {"lan_id": lan_id, "capture_time": capture_time, "result": result, "status": status}
    key = database.write(
        lambda connection: connection.execute(insert(StreamImage).values(**values)).inserted_primary_key
    )
    assert key is not None
    return int(key[0])


def change(database: Database, ids: Sequence[int], **values: object) -> None:
    """Write these values into the stills."""
    statement = update(StreamImage).where(StreamImage.id.in_(ids)).values(**values)
    database.write(lambda connection: connection.execute(statement))


def still(database: Database, still_id: int) -> Row[Any]:
    """A still's row."""
    with database.read() as connection:
        return connection.execute(select(StreamImage.__table__).where(StreamImage.id == still_id)).one()


def statuses(database: Database) -> list[str | None]:
    """The statuses of all stills, by id."""
    with database.read() as connection:
        return list(connection.execute(select(StreamImage.status).order_by(StreamImage.id)).scalars())


def attempts_at(database: Database, image_id: int) -> list[Row[Any]]:
    """The rows of process_status about an image, oldest first."""
    with database.read() as connection:
        return list(
            connection.execute(
                select(ProcessStatus.__table__).where(ProcessStatus.image_id == image_id).order_by(ProcessStatus.id)
            )
        )


def fetch(database: Database, sql: str, **parameters: object) -> list[tuple[Any, ...]]:
    """The rows of a query in plain SQL."""
    with database.read() as connection:
        return [tuple(row) for row in connection.execute(text(sql), parameters)]


def outcome(
    still_id: int,
    result: StillResult = StillResult.SUCCESS,
    *,
    status: Status | None = None,
    distance: float | None = 0.3,
    detail: str | None = None,
) -> StillOutcome:
    """An outcome; with a distance it has a comparison against training image 7."""
    comparison = None if distance is None else Comparison(7, distance, 0.5, [{"box": [1, 2, 3, 4]}], 12.5)
    return StillOutcome(
        still_id,
        status or result.status,
        result,
        NOW,
        NOW + timedelta(milliseconds=12),
        accuracy=None if distance is None else 80.0,
        num_faces=None if distance is None else 1,
        comparison=comparison,
        detail=detail,
    )


def at_once(count: int, work: Callable[[int], T]) -> list[T]:
    """What ``work`` returns in each of ``count`` threads that start together; raises what one of them raises."""
    barrier = Barrier(count)

    def run(number: int) -> T:
        barrier.wait(timeout=30)
        return work(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


@contextmanager
def statements(database: Database) -> Iterator[list[tuple[str, Any]]]:
    """The statements that the block sends to the server, with their parameters."""
    seen: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
        seen.append((statement, parameters))

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(database.engine, "before_cursor_execute", note)


#: How a capture client enters an image.
CAPTURE = "INSERT INTO {} (lan_id, capture_time, image, status) VALUES (:lan_id, :time, :image, :status)"


def execute(database: Database, *sql: str) -> None:
    """Run statements as a site would, past the pipeline."""

    def run(connection: Any) -> None:
        for statement in sql:
            connection.execute(text(statement))

    database.write(run)


def client_inserts(database: Database, table: str, status: str = "N", image: bytes = b"jpeg") -> None:
    values = {"lan_id": AGENT, "time": HOUR, "image": image, "status": status}
    database.write(lambda connection: connection.execute(text(CAPTURE.format(table)), values))
