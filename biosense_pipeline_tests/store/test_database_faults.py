"""Databases that cannot be used: what is wrong and what to do, in one sentence without the password."""

from pathlib import Path

import pytest
from sqlalchemy import Connection, insert, text
from sqlalchemy.engine import URL

from biosense_pipeline.errors import BiosenseError, DatabaseUnavailable, WrongUse
from biosense_pipeline.store.database import Database, utc_now
from biosense_pipeline.store.schema import upgrade_schema
from biosense_pipeline.store.tables.pipeline import StreamImage
from biosense_pipeline_tests.store.rows import enter

SECRET = "s3cr3t/p@ss"
ENCODED = "s3cr3t%2Fp%40ss"


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("", "cannot be read: write mysql"),
        ("not a url", "cannot be read: write mysql"),
        ("foo://user:s3cr3t@host/db", "cannot be read: write mysql"),
        ("mysql+nodriver://user:s3cr3t@host/db", r"names mysql\+nodriver: use mysql\+pymysql://"),
        ("mysql+pymysql://user:s3cr3t@host:port/db", "percent-encoded"),
        ("postgresql+psycopg2://user:s3cr3t@host/db", "names postgresql.*use mysql"),
        ("mysql://user:s3cr3t@host/db", r"names mysql\+mysqldb: use mysql\+pymysql://"),
        ("sqlite+aiosqlite:///file", "use mysql"),
        ("sqlite://", "in memory: name a file"),
        ("sqlite:///:memory:", "in memory: name a file"),
        ("mysql+pymysql://user:s3cr3t@host", "names no database: add its name"),
        ("mysql+pymysql://user:s3cr3t@host/", "names no database: add its name"),
    ],
)
def test_unusable_url_is_explained(url: str, told: str) -> None:
    """A URL that cannot be meant is refused with what to write instead, and without its password."""
    with pytest.raises(WrongUse, match=told) as refused:
        Database(url)
    _is_one_sentence(refused.value)


def test_password_is_not_shown() -> None:
    """The database's name for people has neither the password of the URL nor one of its query."""
    for url in (
        f"mysql+pymysql://user:{ENCODED}@host/db",
        f"mysql+pymysql://user@host/db?password={ENCODED}",
        f"mysql+pymysql://user@host/db?passwd={ENCODED}",
    ):
        database = Database(url)
        for shown in (str(database), f"{database}", repr(database)):
            assert "s3cr3t" not in shown
        assert "host/db" in str(database)


def test_unreachable_server_is_explained() -> None:
    """A server that does not answer is named in one sentence that says what to check."""
    database = Database(f"mysql+pymysql://user:{ENCODED}@127.0.0.1:1/db")
    for use in (lambda: database.write(utc_now), lambda: _ask(database)):
        with pytest.raises(DatabaseUnavailable, match=r"127\.0\.0\.1:1/db.*check that BIOSENSE_DATABASE_URL") as raised:
            use()
        _is_one_sentence(raised.value)


def test_unknown_host_is_explained() -> None:
    """A host name that does not exist is named in the sentence."""
    with pytest.raises(DatabaseUnavailable, match=r"no-such-host\.invalid") as raised:
        _ask(Database(f"mysql+pymysql://user:{ENCODED}@no-such-host.invalid/db"))
    _is_one_sentence(raised.value)


def test_wrong_password_is_explained(mariadb_server: URL) -> None:
    """A refused user is told so, without the password that was tried."""
    database = Database(mariadb_server.set(username="biosense_nobody", password=SECRET, database="mysql"))
    with pytest.raises(DatabaseUnavailable, match="Access denied for user 'biosense_nobody'") as raised:
        _ask(database)
    _is_one_sentence(raised.value)


def test_unknown_database_is_explained(mariadb_server: URL) -> None:
    """A database that the server does not have is named."""
    database = Database(mariadb_server.set(database="biosense_never_made"))
    with pytest.raises(DatabaseUnavailable, match="Unknown database 'biosense_never_made'") as raised:
        _ask(database)
    _is_one_sentence(raised.value)


def test_file_of_another_kind_is_explained(tmp_path: Path) -> None:
    """A file that is not an SQLite database is refused and left as it was."""
    path = tmp_path / "notes.txt"
    path.write_text("not a database, " * 100)
    database = Database(f"sqlite:///{path}")
    for use in (lambda: upgrade_schema(database), lambda: database.write(utc_now), lambda: _ask(database)):
        with pytest.raises(DatabaseUnavailable, match=r"file is not a database.*names an SQLite file") as raised:
            use()
        _is_one_sentence(raised.value)
    assert path.read_text() == "not a database, " * 100


def test_damaged_file_is_explained(tmp_path: Path) -> None:
    """A file with a broken page is reported as one, and not as a fault of the program."""
    database = Database(f"sqlite:///{tmp_path / 'broken.sqlite'}")
    upgrade_schema(database)
    database.dispose()
    path = tmp_path / "broken.sqlite"
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
    with pytest.raises(DatabaseUnavailable, match="malformed") as raised:
        enter(database)
    _is_one_sentence(raised.value)


def test_folder_in_the_way_is_explained(tmp_path: Path) -> None:
    """A URL that names a folder is refused."""
    with pytest.raises(DatabaseUnavailable, match="unable to open database file") as raised:
        _ask(Database(f"sqlite:///{tmp_path}"))
    _is_one_sentence(raised.value)


def test_folder_that_cannot_be_made_is_explained(tmp_path: Path) -> None:
    """Where the file's folder cannot be made, the sentence says which and why."""
    (tmp_path / "file").write_text("")
    with pytest.raises(
        DatabaseUnavailable, match=r"folder of the database .*file/below/db cannot be made \("
    ) as raised:
        Database(f"sqlite:///{tmp_path / 'file' / 'below' / 'db'}")
    _is_one_sentence(raised.value)


def test_missing_folder_is_made(tmp_path: Path) -> None:
    """The folder of the embedded database is made."""
    database = Database(f"sqlite:///{tmp_path / 'a' / 'b' / 'db.sqlite'}")
    upgrade_schema(database)
    assert (tmp_path / "a" / "b" / "db.sqlite").exists()


def test_file_that_may_only_be_read_is_explained(tmp_path: Path) -> None:
    """Writing into a read-only file says that it cannot be written."""
    database = Database(f"sqlite:///{tmp_path / 'db.sqlite'}")
    upgrade_schema(database)
    with pytest.raises(DatabaseUnavailable, match="readonly database") as raised:
        database.write(_write_as_reader)
    _is_one_sentence(raised.value)


def _ask(database: Database) -> None:
    with database.read() as connection:
        connection.execute(text("SELECT 1"))


def _write_as_reader(connection: Connection) -> None:
    # As root, tests may write any file: the pragma refuses with the same error as a file without write permission.
    connection.execute(text("PRAGMA query_only = ON"))
    try:
        connection.execute(insert(StreamImage).values(lan_id="a"))
    finally:
        connection.execute(text("PRAGMA query_only = OFF"))


def _is_one_sentence(error: BiosenseError) -> None:
    told = str(error)
    assert "s3cr3t" not in told
    assert "\n" not in told
    assert "Traceback" not in told
    assert told[0].isupper()
    assert told.endswith(".")
