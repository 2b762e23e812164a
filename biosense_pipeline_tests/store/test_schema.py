"""The schema: made, adopted, upgraded twice and at once, and checked before use."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, select, text

from biosense_pipeline.codes import Status, StillResult, TrainingResult
from biosense_pipeline.errors import SchemaOutdated
from biosense_pipeline.settings import project_folder
from biosense_pipeline.store.claims import Claims
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.employees import employee_ids
from biosense_pipeline.store.migrations.adoption import CannotAdopt
from biosense_pipeline.store.outcomes import write_outcomes
from biosense_pipeline.store.schema import require_schema, schema_state, upgrade_schema
from biosense_pipeline.store.scope import Scope
from biosense_pipeline.store.tables import Base, Employee, StreamImage, TrainingImage
from biosense_pipeline_tests.store.rows import AGENT, HOUR, MODEL, NOW, at_once, fetch, outcome, still

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
CAPTURE = "INSERT INTO {} (lan_id, capture_time, image, status) VALUES (:lan_id, :time, :image, :status)"
INDEXES = {
    "stream_img": [["status", "capture_time", "id"], ["capture_time", "lan_id", "result", "status"]],
    "train_img": [["status", "lan_id", "id"], ["lan_id", "id"]],
}


@pytest.fixture
def empty_mariadb(make_url: Callable[[str], str]) -> Iterator[Database]:
    """A MariaDB database without tables."""
    database = Database(make_url("mariadb"))
    yield database
    database.dispose()


@pytest.fixture(params=LEGACY)
def legacy(request: pytest.FixtureRequest, empty_mariadb: Database) -> Database:
    """A site's database with rows of every status."""
    _execute(empty_mariadb, *LEGACY[request.param])
    for table in ("stream_img", "train_img"):
        for status in "NPYF":
            _capture(empty_mariadb, table, status=status, image=bytes(range(256)))
    return empty_mariadb


def test_upgrade_makes_every_table_of_an_empty_database(empty_database: Database) -> None:
    """An empty database gets every table of the models."""
    before, after = upgrade_schema(empty_database)
    assert before is None
    assert after == schema_state(empty_database).newest
    assert set(Base.metadata.tables) <= set(_tables(empty_database))
    require_schema(empty_database)


def test_second_upgrade_changes_nothing(database: Database) -> None:
    """An upgrade of an upgraded database reports the same revision twice and keeps the rows."""
    _capture(database, "stream_img")
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
    _execute(
        empty_database,
        "DROP TABLE alembic_version",
        "DROP TABLE agent_hour_summary",
        "DROP TABLE recognition_result",
        "DELETE FROM status WHERE code = 'F'",
    )
    upgrade_schema(empty_database)
    assert set(Base.metadata.tables) <= set(_tables(empty_database))
    assert _codes(empty_database) == _expected_codes()


def test_adoption_changes_no_row(legacy: Database) -> None:
    """Every value of a site's rows is the same after one upgrade and after two."""
    tables = ("stream_img", "train_img")
    before = {table: _contents(legacy, table) for table in tables}
    for _ in range(2):
        upgrade_schema(legacy)
        for table in tables:
            columns, rows = before[table]
            assert _contents(legacy, table, columns) == (columns, rows)


def test_adoption_adds_columns_and_indexes(legacy: Database) -> None:
    """Adopted tables have every column of the models and each index once."""
    upgrade_schema(legacy)
    upgrade_schema(legacy)
    inspector = inspect(legacy.engine)
    for model in (StreamImage, TrainingImage):
        name = model.__tablename__
        assert set(model.__table__.columns.keys()) <= {column["name"] for column in inspector.get_columns(name)}
        indexes = [index["column_names"] for index in inspector.get_indexes(name)]
        assert sorted(map(str, indexes)) == sorted(map(str, INDEXES[name]))
    assert set(fetch(legacy, "SELECT attempts FROM stream_img")) == {(0,)}


def test_adoption_keeps_an_index_of_the_site_on_the_same_columns(empty_mariadb: Database) -> None:
    """An index that the site made on the columns we need is not made a second time under our name."""
    _execute(empty_mariadb, *LEGACY["complete"], "CREATE INDEX theirs ON train_img (lan_id, id)")
    upgrade_schema(empty_mariadb)
    names = {index["name"] for index in inspect(empty_mariadb.engine).get_indexes("train_img")}
    assert names == {"theirs", "ix_train_img_benchmark"}


def test_adopted_stills_are_claimed_and_written(legacy: Database) -> None:
    """The main job's writes fit a site's own columns."""
    upgrade_schema(legacy)
    claim = Claims(legacy, 60, 3).claim(Scope(), 10)
    assert len(claim.stills) == 1
    longest = max(StillResult, key=len)
    done = [outcome(claim.stills[0].id, longest)]
    assert write_outcomes(legacy, claim.token, done, model_id=MODEL, run_id=None, processed_time=NOW) == done
    row = still(legacy, claim.stills[0].id)
    assert (row.status, row.result, row.num_faces) == (longest.status, longest, 1)


def test_clients_insert_still_works(legacy: Database) -> None:
    """The capture client's INSERT, which names four columns, makes a pending still after adoption."""
    upgrade_schema(legacy)
    _capture(legacy, "stream_img")
    _capture(legacy, "train_img")
    newest = fetch(legacy, "SELECT lan_id, capture_time, image, status, attempts FROM stream_img ORDER BY id DESC")[0]
    assert newest == (AGENT, HOUR, b"jpeg", "N", 0)


def test_clients_insert_without_status_is_pending(database: Database) -> None:
    """A still entered without a status is pending."""
    _execute(database, "INSERT INTO stream_img (lan_id) VALUES ('a')")
    assert fetch(database, "SELECT status, attempts FROM stream_img") == [("N", 0)]


def test_still_of_the_full_hour_belongs_to_that_hour(database: Database) -> None:
    """A client's literal time on the full hour is in the hour that it begins, and not in the one before."""
    _execute(
        database,
        "INSERT INTO stream_img (lan_id, capture_time, status) VALUES ('a', '2026-03-02 09:00:00', 'N')",
        "INSERT INTO stream_img (lan_id, capture_time, status) VALUES ('b', '2026-03-02 09:59:59.900000', 'N')",
    )
    claims = Claims(database, 60, 3)
    assert not claims.claim(Scope(HOUR.replace(hour=8), HOUR), 10).stills
    assert not claims.claim(Scope(HOUR.replace(hour=10), HOUR.replace(hour=11)), 10).stills
    assert len(claims.claim(Scope(HOUR, HOUR.replace(hour=10)), 10).stills) == 2


@pytest.mark.parametrize("scheme", ["mysql+pymysql", "mariadb+pymysql"])
@pytest.mark.parametrize("table", ["stream_img", "train_img"])
def test_table_without_transactions_is_refused(empty_mariadb: Database, scheme: str, table: str) -> None:
    """A MyISAM table is refused with the statement that converts it, and that statement helps."""
    _execute(empty_mariadb, *LEGACY["complete"], f"ALTER TABLE {table} ENGINE=MyISAM")
    database = Database(empty_mariadb.url.set(drivername=scheme))
    with pytest.raises(CannotAdopt, match=f"run ALTER TABLE {table} ENGINE=InnoDB, then `biosense db upgrade` again"):
        upgrade_schema(database)
    _execute(database, f"ALTER TABLE {table} ENGINE=InnoDB")
    upgrade_schema(database)
    require_schema(database)
    database.dispose()


def test_sites_agents_are_adopted(empty_mariadb: Database) -> None:
    """A site's own employee table keeps its rows and serves as the table of agents."""
    _execute(
        empty_mariadb,
        "CREATE TABLE employee (id INT AUTO_INCREMENT PRIMARY KEY, lan_id VARCHAR(50) UNIQUE, team_lead VARCHAR(50))",
        r"INSERT INTO employee (lan_id, team_lead) VALUES ('NA\\vep5898', 'kho')",
    )
    upgrade_schema(empty_mariadb)
    assert employee_ids(empty_mariadb, ["na\\VEP5898"]) == {"na\\vep5898": 1}
    assert employee_ids(empty_mariadb, ["NA\\new"]) == {"na\\new": 2}
    with empty_mariadb.read() as connection:
        assert connection.execute(select(Employee.team_lead).where(Employee.id == 1)).scalar_one() == "kho"


def test_narrow_result_column_is_refused(empty_mariadb: Database) -> None:
    """A result column too narrow for our words is refused with the statement that widens it, and that helps."""
    _execute(empty_mariadb, *LEGACY["complete"], "ALTER TABLE stream_img MODIFY result VARCHAR(20)")
    with pytest.raises(CannotAdopt, match=r"run ALTER TABLE stream_img MODIFY result VARCHAR\(64\)"):
        upgrade_schema(empty_mariadb)
    _execute(empty_mariadb, "ALTER TABLE stream_img MODIFY result VARCHAR(64)")
    upgrade_schema(empty_mariadb)


def test_server_without_skip_locked_is_refused(empty_mariadb: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server too old for claims is refused by name and version."""
    with empty_mariadb.read():
        monkeypatch.setattr(empty_mariadb.engine.dialect, "server_version_info", (10, 3, 39))
    with pytest.raises(SchemaOutdated, match=r"is MariaDB 10\.3\.39: MariaDB 10\.6 or newer is needed"):
        upgrade_schema(empty_mariadb)


@pytest.mark.parametrize("key", ["lan_id VARCHAR(50) PRIMARY KEY", "id INT"])
def test_table_without_id_key_is_refused(empty_mariadb: Database, key: str) -> None:
    """An existing table whose primary key is not the id is refused by name."""
    _execute(empty_mariadb, f"CREATE TABLE stream_img ({key})")
    with pytest.raises(CannotAdopt, match=r"table stream_img has not the primary key \(id\).*then run `biosense db"):
        upgrade_schema(empty_mariadb)


def test_status_table_of_somebody_else_is_refused(empty_database: Database) -> None:
    """A table named status that is not ours is left alone and named."""
    _execute(empty_database, "CREATE TABLE status (id INTEGER PRIMARY KEY, name VARCHAR(10))")
    with pytest.raises(CannotAdopt, match=r"table status has not the primary key \(scope, code\)"):
        upgrade_schema(empty_database)
    assert [column["name"] for column in inspect(empty_database.engine).get_columns("status")] == ["id", "name"]


def test_migrations_equal_the_models(database: Database) -> None:
    """The migrations make what the models describe: types, comments, indexes and keys."""
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_status_table_equals_the_codes(database: Database) -> None:
    """The master table has the words of biosense_pipeline.codes with their meanings, and no others."""
    assert _codes(database) == _expected_codes()


def test_require_schema_sends_an_unmigrated_database_to_the_upgrade(empty_database: Database) -> None:
    """A database that was never migrated is refused with the command to run."""
    with pytest.raises(SchemaOutdated, match=r"at schema none and this release needs .*: run `biosense db upgrade`"):
        require_schema(empty_database)


def test_newer_database_is_left_alone(database: Database) -> None:
    """A database migrated by a newer release is neither used nor upgraded, and the text says what to install."""
    _execute(database, "UPDATE alembic_version SET version_num = '9999'")
    for refused in (require_schema, upgrade_schema):
        with pytest.raises(SchemaOutdated, match="at schema 9999, which this release does not know: install"):
            refused(database)
    assert fetch(database, "SELECT version_num FROM alembic_version") == [("9999",)]


@pytest.mark.slow
def test_upgrade_outlasts_the_read_timeout(empty_mariadb: Database) -> None:
    """An upgrade waits for a server that is busy with a large table for longer than other statements wait."""
    _execute(empty_mariadb, *LEGACY["complete"])
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


def _execute(database: Database, *sql: str) -> None:
    def run(connection: Any) -> None:
        for statement in sql:
            connection.execute(text(statement))

    database.write(run)


def _capture(database: Database, table: str, status: str = "N", image: bytes = b"jpeg") -> None:
    values = {"lan_id": AGENT, "time": HOUR, "image": image, "status": status}
    database.write(lambda connection: connection.execute(text(CAPTURE.format(table)), values))


def _tables(database: Database) -> list[str]:
    return inspect(database.engine).get_table_names()


def _contents(database: Database, table: str, columns: list[str] | None = None) -> tuple[list[str], list[Any]]:
    names = columns or [column["name"] for column in inspect(database.engine).get_columns(table)]
    return names, fetch(database, f"SELECT {', '.join(names)} FROM {table} ORDER BY id")


def _codes(database: Database) -> set[tuple[Any, ...]]:
    return set(fetch(database, "SELECT scope, code, meaning FROM status"))


def _expected_codes() -> set[tuple[Any, ...]]:
    scopes = {"STATUS": Status, "STREAM": StillResult, "TRAINING": TrainingResult}
    return {(scope, code.value, code.meaning) for scope, codes in scopes.items() for code in codes}
