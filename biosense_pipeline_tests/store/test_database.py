"""The connection: options as the server sees them, transactions, and retries after real conflicts."""

import sqlite3
import threading
from pathlib import Path

import pytest
from sqlalchemy import Connection, create_engine, insert, select, text, update
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError

from biosense_pipeline.errors import DatabaseUnavailable
from biosense_pipeline.store import database as module
from biosense_pipeline.store.database import Database, upsert, utc_now
from biosense_pipeline.store.schema import upgrade_schema
from biosense_pipeline.store.tables.pipeline import Employee, RecognitionResult, StreamImage
from biosense_pipeline_tests.store.rows import at_once, change, enter, fetch, still


def test_statement_faults_stay_what_they_are(database: Database) -> None:
    """A wrong statement or a breach of a constraint is not blamed on the connection."""
    with pytest.raises((OperationalError, ProgrammingError)):
        fetch(database, "SELECT * FROM no_such_table")
    employee = insert(Employee).values(lan_id=None)
    with pytest.raises(IntegrityError):
        database.write(lambda connection: connection.execute(employee))


def test_failed_work_is_rolled_back(database: Database) -> None:
    """An exception in the work undoes its transaction and reaches the caller."""
    (still_id,) = enter(database)

    def work(connection: Connection) -> None:
        connection.execute(update(StreamImage).values(result="SUCCESS"))
        raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        database.write(work)
    assert still(database, still_id).result is None


def test_deadlock_is_retried(mariadb_database: Database) -> None:
    """Of two transactions in a deadlock one is run again, and both take effect."""
    first, second = enter(mariadb_database, 2)
    meeting, runs = threading.Barrier(2), [0, 0]

    def work(number: int) -> None:
        order = (first, second) if number == 0 else (second, first)

        def add(connection: Connection) -> None:
            runs[number] += 1
            for position, still_id in enumerate(order):
                connection.execute(
                    update(StreamImage).where(StreamImage.id == still_id).values(attempts=StreamImage.attempts + 1)
                )
                if position == 0 and runs[number] == 1:
                    meeting.wait(timeout=30)

        mariadb_database.write(add)

    at_once(2, work)
    assert sorted(runs) == [1, 2]
    assert [still(mariadb_database, still_id).attempts for still_id in (first, second)] == [2, 2]


def test_lost_connection_is_retried(mariadb_database: Database) -> None:
    """A transaction whose connection is killed runs again on a new one."""
    (still_id,) = enter(mariadb_database)
    seen: list[int] = []

    def work(connection: Connection) -> None:
        number = int(connection.execute(text("SELECT CONNECTION_ID()")).scalar_one())
        seen.append(number)
        connection.execute(update(StreamImage).values(attempts=StreamImage.attempts + 1))
        if len(seen) == 1:
            with mariadb_database.engine.connect() as other:
                other.execute(text(f"KILL {number}"))
        connection.execute(update(StreamImage).values(attempts=StreamImage.attempts + 1))

    mariadb_database.write(work)
    assert len(set(seen)) == 2
    assert still(mariadb_database, still_id).attempts == 2


def test_stale_connection_is_replaced_unnoticed(mariadb_database: Database) -> None:
    """A pooled connection that the server has closed is replaced before it is used."""
    with mariadb_database.read() as connection:
        number = connection.execute(text("SELECT CONNECTION_ID()")).scalar_one()
    killer = create_engine(mariadb_database.url)
    with killer.connect() as other:
        other.execute(text(f"KILL {number}"))
    killer.dispose()
    ((later,),) = fetch(mariadb_database, "SELECT CONNECTION_ID()")
    assert later != number


def test_fault_that_stays_is_not_retried_for_ever(mariadb_database: Database) -> None:
    """A work that loses its connection every time ends as DatabaseUnavailable after five attempts."""
    runs: list[int] = []

    def work(connection: Connection) -> None:
        runs.append(1)
        connection.execute(text("KILL CONNECTION_ID()"))

    with pytest.raises(DatabaseUnavailable):
        mariadb_database.write(work)
    assert len(runs) == 5


def test_server_sees_the_options(mariadb_database: Database) -> None:
    """Sessions are READ COMMITTED and utf8mb4, connections are tested before use and replaced in time."""
    with mariadb_database.read() as connection:
        rows = connection.execute(
            text(
                "SHOW SESSION VARIABLES WHERE Variable_name IN ('tx_isolation', 'transaction_isolation',"
                " 'character_set_client', 'character_set_connection', 'character_set_results')"
            )
        ).all()
    assert {row.Value for row in rows} == {"READ-COMMITTED", "utf8mb4"}
    pool = mariadb_database.engine.pool
    assert pool._pre_ping
    assert pool._recycle == module.POOL_RECYCLE < 300


def test_reader_sees_what_others_commit(mariadb_database: Database) -> None:
    """Within one connection, a second look sees rows that were committed after the first."""
    with mariadb_database.read() as connection:
        look = select(StreamImage.id)
        assert connection.execute(look).all() == []
        enter(mariadb_database)
        assert len(connection.execute(look).all()) == 1


def test_silent_server_is_given_up(mariadb_database: Database) -> None:
    """A statement that is answered later than the read timeout ends as DatabaseUnavailable."""
    impatient = Database(mariadb_database.url, read_timeout=1)
    with pytest.raises(DatabaseUnavailable, match="timed out"):
        fetch(impatient, "SELECT SLEEP(2)")
    impatient.dispose()


def test_embedded_database_is_configured(sqlite_database: Database) -> None:
    """The embedded database writes ahead, checks foreign keys and waits for other writers."""
    assert fetch(sqlite_database, "PRAGMA journal_mode") == [("wal",)]
    assert fetch(sqlite_database, "PRAGMA foreign_keys") == [(1,)]
    assert fetch(sqlite_database, "PRAGMA busy_timeout") == [(30_000,)]


def test_new_file_opened_by_many_at_once(tmp_path: Path) -> None:
    """Threads that open a new embedded database at the same moment all get in."""
    for number in range(10):
        url = f"sqlite:///{tmp_path / f'{number}.sqlite'}"
        assert at_once(4, lambda _, url=url: fetch(Database(url), "SELECT 1")) == [[(1,)]] * 4  # type: ignore[misc]


def test_writers_add_up(database: Database) -> None:
    """Transactions that read, then write what they read plus one, lose no count, however many run at once."""
    (still_id,) = enter(database)

    def add(connection: Connection) -> None:
        row = select(StreamImage.attempts).where(StreamImage.id == still_id).with_for_update()
        attempts = connection.execute(row).scalar_one()
        connection.execute(update(StreamImage).values(attempts=attempts + 1))

    at_once(6, lambda _: [database.write(add) for _ in range(10)])
    assert still(database, still_id).attempts == 60


def test_clock_is_utc_to_the_millisecond(database: Database) -> None:
    """The database's clock is naive, UTC and goes on between two looks."""
    with database.read() as connection:
        first, second = utc_now(connection), utc_now(connection)
    assert first.tzinfo is None
    assert first <= second
    (still_id,) = enter(database)
    change(database, [still_id], lease_expires=first)
    assert still(database, still_id).lease_expires == first


def test_upsert_replaces_the_other_columns(database: Database) -> None:
    """Rows with a known key are written over, others are inserted, none are no work."""
    row = {"stream_image_id": 1, "model_id": "a", "result": "SUCCESS", "num_faces": 1, "tolerance": 0.5}
    row |= {"faces": [], "milliseconds": 1.0}
    with database.read() as connection:
        row["created"] = utc_now(connection)
    table = RecognitionResult.__table__
    database.write(lambda connection: upsert(connection, table, [row]))
    database.write(lambda connection: upsert(connection, table, [row | {"num_faces": 2}, row | {"model_id": "b"}]))
    database.write(lambda connection: upsert(connection, table, []))
    sql = "SELECT model_id, num_faces FROM recognition_result ORDER BY 1"
    assert fetch(database, sql) == [("a", 2), ("b", 1)]


def test_exclusive_work_is_done_by_one_at_a_time(mariadb_database: Database) -> None:
    """What two would do under one name they do one after the other, and a fault frees the name."""
    inside, most = [0], [0]

    def work(number: int) -> None:
        with mariadb_database.exclusive("work", "Busy"):
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            fetch(mariadb_database, "SELECT SLEEP(0.05)")
            inside[0] -= 1
            if number == 0:
                raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        at_once(4, work)
    assert most == [1]


def test_exclusive_work_says_who_is_in_the_way(mariadb_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where another holds the name for too long, the sentence names what it does."""
    monkeypatch.setattr(module, "_LOCK_WAIT", 0)
    with (
        mariadb_database.exclusive("work", "Nobody"),
        pytest.raises(DatabaseUnavailable, match="Another counts: wait for it to end, then try again"),
        mariadb_database.exclusive("work", "Another counts"),
    ):
        pass


def test_embedded_database_is_an_ordinary_file(tmp_path: Path) -> None:
    """Other programs open the embedded database as any SQLite file."""
    database = Database(f"sqlite:///{tmp_path / 'db.sqlite'}")
    upgrade_schema(database)
    with sqlite3.connect(tmp_path / "db.sqlite") as plain:
        assert plain.execute("SELECT count(*) FROM stream_img").fetchone() == (0,)
