"""Signs of life of Dagster runs: a run whose process died looks as if it went on for ever."""

import time
from collections.abc import Callable, Collection
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, select

from biosense_pipeline.store.database import Database, upsert, utc_now
from biosense_pipeline.store.tables.pipeline import RunHeartbeat

#: Beats of runs older than this are forgotten.
_KEPT = timedelta(days=2)


class Heartbeat:
    """Writes that a run is alive, at most once in ``seconds``."""

    def __init__(
        self, database: Database, run_id: str, seconds: float, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._database = database
        self._run_id = run_id
        self._seconds = seconds
        self._monotonic = monotonic
        self._last: float | None = None

    def beat(self) -> None:
        """Give a sign of life, unless the last one is recent."""
        now = self._monotonic()
        if self._last is not None and now - self._last < self._seconds:
            return
        self._database.write(self._write)
        self._last = now

    def _write(self, connection: Connection) -> None:
        now = utc_now(connection)
        upsert(connection, RunHeartbeat.__table__, [{"run_id": self._run_id, "beat": now}])
        if self._last is None:
            connection.execute(delete(RunHeartbeat).where(RunHeartbeat.beat < now - _KEPT))


def silent_for(database: Database, run_ids: Collection[str]) -> dict[str, timedelta]:
    """How long each of the runs has been silent, by the database's clock; without those that never beat."""
    with database.read() as connection:
        now: datetime = utc_now(connection)
        rows = connection.execute(
            select(RunHeartbeat.run_id, RunHeartbeat.beat).where(RunHeartbeat.run_id.in_(run_ids))
        )
        return {row.run_id: now - row.beat for row in rows}
