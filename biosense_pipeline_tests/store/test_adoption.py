"""Adoption: a site's own tables keep their rows, gain what is missing, or are refused with the remedy."""

from typing import Any

import pytest
from sqlalchemy import inspect, select

from biosense_pipeline.codes import StillResult
from biosense_pipeline.store.agents.employees import employee_ids
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.migrations.adoption import CannotAdopt
from biosense_pipeline.store.schema import require_schema, upgrade_schema
from biosense_pipeline.store.scope import Scope
from biosense_pipeline.store.stills.claims import Claims
from biosense_pipeline.store.stills.outcomes import write_outcomes
from biosense_pipeline.store.tables.pipeline import Employee, StreamImage, TrainingImage
from biosense_pipeline_tests.store.rows import AGENT, HOUR, MODEL, NOW, client_inserts, execute, fetch, outcome, still

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
INDEXES = {
    "stream_img": [
        ["status", "capture_time", "id"],
        ["capture_time", "lan_id", "result", "status"],
        ["lan_id", "capture_time", "result", "status"],
        ["open_result", "capture_time", "lan_id", "status"],
    ],
    "train_img": [["status", "lan_id", "id"], ["lan_id", "id"]],
}


@pytest.fixture(params=LEGACY)
def legacy(request: pytest.FixtureRequest, empty_mariadb: Database) -> Database:
    """A site's database with rows of every status."""
    execute(empty_mariadb, *LEGACY[request.param])
    for table in ("stream_img", "train_img"):
        for status in "NPYF":
            client_inserts(empty_mariadb, table, status=status, image=bytes(range(256)))
    return empty_mariadb


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
    execute(empty_mariadb, *LEGACY["complete"], "CREATE INDEX theirs ON train_img (lan_id, id)")
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
    client_inserts(legacy, "stream_img")
    client_inserts(legacy, "train_img")
    newest = fetch(legacy, "SELECT lan_id, capture_time, image, status, attempts FROM stream_img ORDER BY id DESC")[0]
    assert newest == (AGENT, HOUR, b"jpeg", "N", 0)


@pytest.mark.parametrize("scheme", ["mysql+pymysql", "mariadb+pymysql"])
@pytest.mark.parametrize("table", ["stream_img", "train_img"])
def test_table_without_transactions_is_refused(empty_mariadb: Database, scheme: str, table: str) -> None:
    """A MyISAM table is refused with the statement that converts it, and that statement helps."""
    execute(empty_mariadb, *LEGACY["complete"], f"ALTER TABLE {table} ENGINE=MyISAM")
    database = Database(empty_mariadb.url.set(drivername=scheme))
    with pytest.raises(CannotAdopt, match=f"run ALTER TABLE {table} ENGINE=InnoDB, then `biosense db upgrade` again"):
        upgrade_schema(database)
    execute(database, f"ALTER TABLE {table} ENGINE=InnoDB")
    upgrade_schema(database)
    require_schema(database)
    database.dispose()


def test_sites_agents_are_adopted(empty_mariadb: Database) -> None:
    """A site's own employee table keeps its rows and serves as the table of agents."""
    execute(
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
    execute(empty_mariadb, *LEGACY["complete"], "ALTER TABLE stream_img MODIFY result VARCHAR(20)")
    with pytest.raises(CannotAdopt, match=r"run ALTER TABLE stream_img MODIFY result VARCHAR\(64\)"):
        upgrade_schema(empty_mariadb)
    execute(empty_mariadb, "ALTER TABLE stream_img MODIFY result VARCHAR(64)")
    upgrade_schema(empty_mariadb)


@pytest.mark.parametrize("key", ["lan_id VARCHAR(50) PRIMARY KEY", "id INT"])
def test_table_without_id_key_is_refused(empty_mariadb: Database, key: str) -> None:
    """An existing table whose primary key is not the id is refused by name."""
    execute(empty_mariadb, f"CREATE TABLE stream_img ({key})")
    with pytest.raises(CannotAdopt, match=r"table stream_img has not the primary key \(id\).*then run `biosense db"):
        upgrade_schema(empty_mariadb)


def test_status_table_of_somebody_else_is_refused(empty_database: Database) -> None:
    """A table named status that is not ours is left alone and named."""
    execute(empty_database, "CREATE TABLE status (id INTEGER PRIMARY KEY, name VARCHAR(10))")
    with pytest.raises(CannotAdopt, match=r"table status has not the primary key \(scope, code\)"):
        upgrade_schema(empty_database)
    assert [column["name"] for column in inspect(empty_database.engine).get_columns("status")] == ["id", "name"]


def _contents(database: Database, table: str, columns: list[str] | None = None) -> tuple[list[str], list[Any]]:
    names = columns or [column["name"] for column in inspect(database.engine).get_columns(table)]
    return names, fetch(database, f"SELECT {', '.join(names)} FROM {table} ORDER BY id")
