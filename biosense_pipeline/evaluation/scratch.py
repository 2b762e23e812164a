"""A database for a measurement: made on a server, migrated, and dropped in the end."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import OperationalError

from biosense_pipeline.errors import DatabaseUnavailable
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.schema import upgrade_schema


@contextmanager
def scratch_database(server: str) -> Iterator[Database]:
    """A new, migrated database on the server of that URL; dropped with the block.

    Raises:
        DatabaseUnavailable: the server does not answer, or lets nobody make a database.
    """
    name = f"biosense_scratch_{uuid.uuid4().hex[:8]}"
    engine = create_engine(make_url(server), isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name} CHARACTER SET utf8mb4"))
    except OperationalError as error:
        raise DatabaseUnavailable("No database can be made on the server: name one that runs with --server.") from error
    try:
        database = Database(make_url(server).set(database=name).render_as_string(hide_password=False))
        upgrade_schema(database)
        try:
            yield database
        finally:
            database.dispose()
    finally:
        with engine.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name}"))
        engine.dispose()
