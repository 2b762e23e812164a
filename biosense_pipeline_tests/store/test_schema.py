"""The schema: made, adopted, upgraded twice and at once, and checked before use."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text

from biosense_pipeline.codes import MotionOutcome, Species, Status, StillResult, TrainingResult, Verdict
from biosense_pipeline.errors import SchemaOutdated
from biosense_pipeline.settings import project_folder
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.schema import require_schema, schema_state, upgrade_schema
from biosense_pipeline.store.scope import Scope
from biosense_pipeline.store.stills.claims import Claims
from biosense_pipeline.store.tables.desk import DeskUser
from biosense_pipeline_tests.store.rows import HOUR, at_once, client_inserts, execute, fetch

#: Tables as a site makes them by hand; the second has columns missing that only the pipeline writes.
LEGACY = {
    "complete": (
        "CREATE TABLE stream_img (id INT AUTO_INCREMENT PRIMARY KEY, lan_id VARCHAR(50), capture_time DATETIME,"
        " image LONGBLOB, status CHAR(1), result VARCHAR(50), accuracy FLOAT, num_faces INT, processed_time DATETIME)",
        "CREATE TABLE train_img (id INT AUTO_INCREMENT PRIMARY KEY, lan_id VARCHAR(50), capture_time DATETIME,"
        " image LONGBLOB, status CHAR(1), result VARCHAR(50), processed_time DATETIME)",
    ),
    "columns missing": (
        "CREATE TABLE stream_img (id INT AUTO_INCREMENT PRIMARY KEY, lan_id VARCHAR(50) NOT NULL,"
        " capture_time DATETIME NOT NULL, image LONGBLOB, status VARCHAR(1) NOT NULL DEFAULT 'N')",
        "CREATE TABLE train_img (id INT AUTO_INCREMENT PRIMARY KEY, lan_id VARCHAR(50) NOT NULL,"
        " capture_time DATETIME NOT NULL, image LONGBLOB, status VARCHAR(1) NOT NULL DEFAULT 'N')",
    ),
}


def test_upgrade_makes_every_table_of_an_empty_database(empty_database: Database) -> None:
    """An empty database gets every table of the models."""
    before, after = upgrade_schema(empty_database)
    assert before is None
    assert after == schema_state(empty_database).newest
    assert set(DeskUser.metadata.tables) <= set(_tables(empty_database))
    require_schema(empty_database)


def test_second_upgrade_changes_nothing(database: Database) -> None:
    """An upgrade of an upgraded database reports the same revision twice and keeps the rows."""
    client_inserts(database, "stream_img")
    before, after = upgrade_schema(database)
    assert before == after
    assert fetch(database, "SELECT count(*) FROM stream_img") == [(1,)]


def test_threads_upgrade_at_once(empty_database: Database) -> None:
    """Threads that upgrade one database at the same moment all succeed."""
    at_once(4, lambda _: upgrade_schema(empty_database))
    require_schema(empty_database)
    assert len(_codes(empty_database)) == len(_expected_codes())


@pytest.mark.slow
def test_processes_upgrade_at_once(empty_database: Database) -> None:
    """Processes that upgrade one database at the same moment all succeed."""
    program = (
        "from biosense_pipeline.store.database import Database;"
        "from biosense_pipeline.store.schema import upgrade_schema; upgrade_schema(Database(input()))"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", program],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=project_folder(),
        )
        for _ in range(3)
    ]
    url = empty_database.url.render_as_string(hide_password=False)
    for process in started:
        assert process.stdin is not None
        process.stdin.write(f"{url}\n")
        process.stdin.flush()
    ends = [process.communicate(timeout=120) for process in started]
    assert [process.returncode for process in started] == [0, 0, 0], ends
    require_schema(empty_database)
    assert len(_codes(empty_database)) == len(_expected_codes())


def test_interrupted_upgrade_is_finished_by_the_next(empty_database: Database) -> None:
    """Where the server had committed tables before the process died, the next upgrade goes on from there."""
    upgrade_schema(empty_database)
    execute(
        empty_database,
        "DROP TABLE alembic_version",
        "DROP TABLE agent_hour_summary",
        "DROP TABLE recognition_result",
        "DELETE FROM status WHERE code = 'F'",
    )
    upgrade_schema(empty_database)
    assert set(DeskUser.metadata.tables) <= set(_tables(empty_database))
    assert _codes(empty_database) == _expected_codes()


def test_clients_insert_without_status_is_pending(database: Database) -> None:
    """A still entered without a status is pending."""
    execute(database, "INSERT INTO stream_img (lan_id) VALUES ('a')")
    assert fetch(database, "SELECT status, attempts FROM stream_img") == [("N", 0)]


def test_still_of_the_full_hour_belongs_to_that_hour(database: Database) -> None:
    """A client's literal time on the full hour is in the hour that it begins, and not in the one before."""
    execute(
        database,
        "INSERT INTO stream_img (lan_id, capture_time, status) VALUES ('a', '2026-03-02 09:00:00', 'N')",
        "INSERT INTO stream_img (lan_id, capture_time, status) VALUES ('b', '2026-03-02 09:59:59.900000', 'N')",
    )
    claims = Claims(database, 60, 3)
    assert not claims.claim(Scope(HOUR.replace(hour=8), HOUR), 10).stills
    assert not claims.claim(Scope(HOUR.replace(hour=10), HOUR.replace(hour=11)), 10).stills
    assert len(claims.claim(Scope(HOUR, HOUR.replace(hour=10)), 10).stills) == 2


def test_server_without_skip_locked_is_refused(empty_mariadb: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server too old for claims is refused by name and version."""
    with empty_mariadb.read():
        monkeypatch.setattr(empty_mariadb.engine.dialect, "server_version_info", (10, 3, 39))
    with pytest.raises(SchemaOutdated, match=r"is MariaDB 10\.3\.39: MariaDB 10\.6 or newer is needed"):
        upgrade_schema(empty_mariadb)


def test_migrations_equal_the_models(database: Database) -> None:
    """The migrations make what the models describe: types, comments, indexes and keys."""
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, DeskUser.metadata) == []


def test_status_table_equals_the_codes(database: Database) -> None:
    """The master table has the words of biosense_pipeline.codes with their meanings, and no others."""
    assert _codes(database) == _expected_codes()


def test_require_schema_sends_an_unmigrated_database_to_the_upgrade(empty_database: Database) -> None:
    """A database that was never migrated is refused with the command to run."""
    with pytest.raises(SchemaOutdated, match=r"at schema none and this release needs .*: run `biosense db upgrade`"):
        require_schema(empty_database)


def test_tables_that_an_earlier_first_migration_lacked(database: Database) -> None:
    """A database whose first migration made no table of due hours and heartbeats gets them from the second."""
    execute(database, "DROP TABLE summary_due", "DROP TABLE run_heartbeat")
    execute(database, "UPDATE alembic_version SET version_num = '0001'")
    upgrade_schema(database)
    assert {"summary_due", "run_heartbeat"} <= set(_tables(database))


def test_indexes_of_the_release_before_are_replaced(database: Database) -> None:
    """A database of the release before gets the newer indexes and loses those that they replace."""
    execute(
        database,
        "CREATE UNIQUE INDEX ix_review_round ON review (subject_kind, subject_id, round)",
        "CREATE INDEX ix_stream_img_agent ON stream_img (lan_id, capture_time)",
        "UPDATE alembic_version SET version_num = '0003'",
    )
    upgrade_schema(database)
    with database.read() as connection:
        names = {
            index["name"] for table in ("review", "stream_img") for index in inspect(connection).get_indexes(table)
        }
    assert {"ix_review_finding", "ix_stream_img_timeline"} <= names
    assert not names & {"ix_review_round", "ix_stream_img_agent"}


def test_newer_database_is_left_alone(database: Database) -> None:
    """A database migrated by a newer release is neither used nor upgraded, and the text says what to install."""
    execute(database, "UPDATE alembic_version SET version_num = '9999'")
    for refused in (require_schema, upgrade_schema):
        with pytest.raises(SchemaOutdated, match="at schema 9999, which this release does not know: install"):
            refused(database)
    assert fetch(database, "SELECT version_num FROM alembic_version") == [("9999",)]


@pytest.mark.slow
def test_upgrade_outlasts_the_read_timeout(empty_mariadb: Database) -> None:
    """An upgrade waits for a server that is busy with a large table for longer than other statements wait."""
    execute(empty_mariadb, *LEGACY["complete"])
    impatient = Database(empty_mariadb.url, read_timeout=1)
    with empty_mariadb.read() as holder:
        # An open transaction that has read the table keeps ALTER TABLE waiting.
        holder.execute(text("SELECT count(*) FROM stream_img")).all()

        def work(number: int) -> None:
            if number:
                upgrade_schema(impatient)
            else:
                # Longer than the five attempts that a lost connection is given.
                holder.execute(text("SELECT SLEEP(8)"))
                holder.rollback()

        at_once(2, work)
    require_schema(impatient)
    impatient.dispose()


def test_schema_names_its_database_without_the_password(tmp_path: Path) -> None:
    """The sentence about an outdated schema names the database."""
    database = Database(f"sqlite:///{tmp_path / 'some.sqlite'}")
    with pytest.raises(SchemaOutdated, match=r"some\.sqlite"):
        require_schema(database)


def _tables(database: Database) -> list[str]:
    return inspect(database.engine).get_table_names()


def _codes(database: Database) -> set[tuple[Any, ...]]:
    return set(fetch(database, "SELECT scope, code, meaning FROM status"))


def _expected_codes() -> set[tuple[Any, ...]]:
    scopes = {
        "STATUS": Status,
        "STREAM": StillResult,
        "TRAINING": TrainingResult,
        "VERDICT": Verdict,
        "MOTION": MotionOutcome,
        "SPECIES": Species,
    }
    return {(scope, code.value, code.meaning) for scope, codes in scopes.items() for code in codes}
