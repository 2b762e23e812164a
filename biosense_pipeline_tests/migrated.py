"""Migrated databases for tests: made once, emptied after each test, and used again by the next.

A migration takes longer than most tests. A database whose schema a test changed is dropped, not used again.
"""

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection, create_engine, text
from sqlalchemy.exc import OperationalError

from biosense_pipeline.store.database import Database
from biosense_pipeline.store.schema import upgrade_schema

#: What the migrations fill.
_FILLED = {"alembic_version", "status"}
_SCHEMA = (
    "SELECT table_name, column_name, ordinal_position, column_type, is_nullable, column_default, extra,"
    " generation_expression FROM information_schema.columns WHERE table_schema = DATABASE() ORDER BY 1, 3",
    "SELECT table_name, index_name, seq_in_index, column_name, non_unique FROM information_schema.statistics"
    " WHERE table_schema = DATABASE() ORDER BY 1, 2, 3",
    "SELECT table_name, table_type, engine, table_collation FROM information_schema.tables"
    " WHERE table_schema = DATABASE() ORDER BY 1",
    "SELECT trigger_name, event_object_table FROM information_schema.triggers WHERE trigger_schema = DATABASE()",
)


class MigratedDatabases:
    """Lends migrated databases; ``folder`` holds the embedded one that is copied."""

    def __init__(self, folder: Path) -> None:
        self._template = folder / "migrated.sqlite"
        self._idle: list[URL] = []
        self._untouched: tuple[object, ...] = ()

    def copy_embedded(self, target: Path) -> str:
        """The URL of a new embedded database in that file."""
        if not self._template.exists():
            database = Database(f"sqlite:///{self._template}")
            upgrade_schema(database)
            database.dispose()
        shutil.copy(self._template, target)
        return f"sqlite:///{target}"

    @contextmanager
    def on_server(self, server: URL) -> Iterator[str]:
        """The URL of an empty database on the server, for the length of the block."""
        url = self._idle.pop() if self._idle else self._made(server)
        yield url.render_as_string(hide_password=False)
        if self._emptied(url):
            self._idle.append(url)
        else:
            _run(server, f"DROP DATABASE {url.database}")

    def close(self, server: URL) -> None:
        """Drop all of the server's."""
        while self._idle:
            _run(server, f"DROP DATABASE {self._idle.pop().database}")

    def _made(self, server: URL) -> URL:
        name = f"biosense_test_{uuid.uuid4().hex[:12]}"
        _run(server, f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        url = server.set(database=name)
        database = Database(url)
        upgrade_schema(database)
        if not self._untouched:
            with database.read() as connection:
                self._untouched = _state(connection)
        database.dispose()
        return url

    def _emptied(self, url: URL) -> bool:
        """Delete all rows; False where the schema is another one, or where somebody still holds a lock."""
        engine = create_engine(url, isolation_level="AUTOCOMMIT")
        try:
            with engine.connect() as connection:
                connection.execute(text("SET lock_wait_timeout = 3, innodb_lock_wait_timeout = 3"))
                if _state(connection) != self._untouched:
                    return False
                connection.execute(text("SET foreign_key_checks = 0"))
                for table in _used(connection):
                    connection.execute(text(f"DELETE FROM `{table}`"))
                    connection.execute(text(f"ALTER TABLE `{table}` AUTO_INCREMENT = 1"))
            return True
        except OperationalError:
            return False
        finally:
            engine.dispose()


def _state(connection: Connection) -> tuple[object, ...]:
    """The schema, and what the migrations filled."""
    schema = [tuple(map(tuple, connection.execute(text(question)))) for question in _SCHEMA]
    filled = [tuple(sorted(map(tuple, connection.execute(text(f"SELECT * FROM {name}"))))) for name in sorted(_FILLED)]
    return (*schema, *filled)


def _used(connection: Connection) -> list[str]:
    """Tables that have rows, or had some."""
    tables = connection.execute(
        text(
            "SELECT table_name, auto_increment FROM information_schema.tables"
            " WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE'"
        )
    ).all()
    names = [name for name, _ in tables if name not in _FILLED]
    looks = " UNION ALL ".join(f"(SELECT '{name}' FROM `{name}` LIMIT 1)" for name in names)
    with_rows = set(connection.execute(text(looks)).scalars())
    counted = {name for name, following in tables if following is not None and following > 1}
    return [name for name in names if name in with_rows | counted]


def _run(server: URL, statement: str) -> None:
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()
