"""The connection: engine options per server, short transactions that survive a deadlock, clear errors."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    LargeBinary,
    cast,
    create_engine,
    event,
    func,
    insert,
    select,
    text,
)
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, DBAPIError, OperationalError
from sqlalchemy.exc import NoSuchModuleError as UnknownDialect
from tenacity import (
    Retrying,
    retry_if_exception,
    stop_after_attempt,
    stop_after_delay,
    wait_random,
    wait_random_exponential,
)

from biosense_pipeline.errors import DatabaseUnavailable, WrongUse

T = TypeVar("T")

#: Seconds. A server that is silent for longer than this is treated as gone.
CONNECT_TIMEOUT, READ_TIMEOUT, WRITE_TIMEOUT = 10, 120, 60
#: Seconds after which a pooled connection is replaced; below the eight hours of MySQL's wait_timeout,
#: and below the five minutes after which many firewalls forget a silent connection.
POOL_RECYCLE = 240
#: Seconds that a named lock is waited for.
_LOCK_WAIT = 60
#: Deadlock, lock wait timeout.
_MYSQL_CONFLICTS = {1213, 1205}
#: Faults of the file and not of a statement.
_SQLITE_UNUSABLE = {
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_READONLY,
}


class Database:
    """A database of stills: hands out connections for reading and runs write transactions.

    Args:
        url: SQLAlchemy URL of SQLite, MySQL or MariaDB.
        read_timeout: seconds after which a statement without an answer is given up; None: never.

    Raises:
        WrongUse: the URL cannot be read or names another kind of database.
    """

    def __init__(self, url: str | URL, read_timeout: int | None = READ_TIMEOUT) -> None:
        self.url, self._read_timeout = _checked_url(url), read_timeout
        self.engine = _sqlite_engine(self.url) if self.is_sqlite else _mysql_engine(self.url, read_timeout)

    def __str__(self) -> str:
        # Without the query: the driver takes a password from there too.
        return self.url.set(query={}).render_as_string(hide_password=True)

    def __reduce__(self) -> tuple[type["Database"], tuple[URL, int | None]]:
        # Connections belong to one process: another opens its own.
        return Database, (self.url, self._read_timeout)

    @property
    def is_sqlite(self) -> bool:
        """Whether this is the embedded database."""
        return self.url.get_backend_name() == "sqlite"

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection for reading.

        Raises:
            DatabaseUnavailable: the server cannot be reached or refuses the user.
        """
        with self._explained(), self.engine.connect() as connection:
            yield connection

    def write(self, work: Callable[[Connection], T]) -> T:
        """Run ``work`` in one transaction and return what it returns.

        After a deadlock or a lost connection the transaction is rolled back and ``work`` runs again,
        five times at most: it must have no effect outside the transaction.

        Raises:
            DatabaseUnavailable: the server cannot be reached or refuses the user.
        """
        attempts = Retrying(
            retry=retry_if_exception(_worth_retrying),
            stop=stop_after_attempt(5),
            wait=wait_random_exponential(multiplier=0.05, max=2),
            reraise=True,
        )
        with self._explained():
            result: T = attempts(self._transaction, work)
            return result

    def _transaction(self, work: Callable[[Connection], T]) -> T:
        with self.engine.connect().execution_options(biosense_write=True) as connection, connection.begin():
            return work(connection)

    @contextmanager
    def exclusive(self, name: str, busy: str) -> Iterator[None]:
        """Let one process at a time do what follows, by the server's lock of that name.

        On SQLite nothing is done: each writing transaction excludes every other anyway.

        Raises:
            DatabaseUnavailable: another process holds it for too long; ``busy`` names it in a few words.
        """
        if self.is_sqlite:
            yield
            return
        # Named per database: the server has one name space for all, and 64 characters a name.
        lock = {"name": f"{self.url.database}.{name}"[-64:], "wait": _LOCK_WAIT}
        with self.read() as connection:
            if not connection.execute(text("SELECT GET_LOCK(:name, :wait)"), lock).scalar_one():
                raise DatabaseUnavailable(f"{busy}: wait for it to end, then try again.")
            connection.commit()
            try:
                yield
            finally:
                connection.execute(text("SELECT RELEASE_LOCK(:name)"), lock)

    def dispose(self) -> None:
        """Close all pooled connections."""
        self.engine.dispose()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except DatabaseError as error:
            if error.connection_invalidated or _is_connection_fault(error):
                remedy = (
                    "names an SQLite file that this user may write, on a disk with room"
                    if self.is_sqlite
                    else "is right, and that the server runs and lets this user in"
                )
                raise DatabaseUnavailable(
                    f"The database {self} cannot be used ({_reason(error)}): check that BIOSENSE_DATABASE_URL {remedy}."
                ) from error
            raise


def utc_now(connection: Connection) -> datetime:
    """The database's clock: naive UTC. Leases use it, so that hosts need not agree on the time."""
    if connection.dialect.name == "sqlite":
        return datetime.fromisoformat(
            connection.execute(select(func.strftime("%Y-%m-%d %H:%M:%f", "now"))).scalar_one()
        )
    now: datetime = connection.execute(select(func.utc_timestamp(text("6")))).scalar_one()
    return now


def exactly(column: Any) -> tuple[Any, ColumnElement[bytes]]:
    """Grouping by these keeps apart whatever differs in a byte; a collation may take é for e and A for a."""
    return column, cast(column, LargeBinary)


def upsert(connection: Connection, table: Any, rows: list[dict[str, Any]]) -> None:
    """Insert ``rows``; where the primary key exists already, write over the other columns."""
    if not rows:
        return
    keys = {column.name for column in table.primary_key}
    changed = [name for name in rows[0] if name not in keys]
    if connection.dialect.name == "sqlite":
        from sqlalchemy.dialects.sqlite import insert as sqlite_insert

        statement = sqlite_insert(table)
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=sorted(keys), set_={name: statement.excluded[name] for name in changed}
            ),
            rows,
        )
    else:
        from sqlalchemy.dialects.mysql import insert as mysql_insert

        insert = mysql_insert(table)
        connection.execute(insert.on_duplicate_key_update({name: insert.inserted[name] for name in changed}), rows)


def insert_missing(connection: Connection, table: Any, rows: list[dict[str, Any]]) -> None:
    """Insert those of the rows whose primary key the table lacks."""
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        from sqlalchemy.dialects.sqlite import insert as sqlite_insert

        connection.execute(sqlite_insert(table).on_conflict_do_nothing(), rows)
    else:
        connection.execute(insert(table).prefix_with("IGNORE"), rows)


def _checked_url(url: str | URL) -> URL:
    try:
        parsed = make_url(url)
        backend, driver = parsed.get_backend_name(), parsed.get_driver_name()
    except (ArgumentError, UnknownDialect, ValueError):
        raise WrongUse(
            "BIOSENSE_DATABASE_URL cannot be read: write mysql+pymysql://user:password@host/database "
            "or sqlite:///path/to/file, with special characters of the password percent-encoded."
        ) from None
    if (backend, driver) not in {("sqlite", "pysqlite"), ("mysql", "pymysql"), ("mariadb", "pymysql")}:
        raise WrongUse(
            f"BIOSENSE_DATABASE_URL names {backend}+{driver}: use mysql+pymysql://, mariadb+pymysql:// or sqlite:///."
        )
    if backend == "sqlite" and parsed.database in (None, "", ":memory:"):
        raise WrongUse("BIOSENSE_DATABASE_URL names an SQLite database in memory: name a file, sqlite:///path/to/file.")
    if backend != "sqlite" and not parsed.database:
        raise WrongUse("BIOSENSE_DATABASE_URL names no database: add its name after the host, as in //host/biosense.")
    return parsed


def _mysql_engine(url: URL, read_timeout: int | None) -> Engine:
    return create_engine(
        url.update_query_dict({"charset": "utf8mb4"}),
        isolation_level="READ COMMITTED",
        # Errors reach logs and Dagster's events; bound values are LAN ids and encodings of faces.
        hide_parameters=True,
        pool_pre_ping=True,
        pool_recycle=POOL_RECYCLE,
        connect_args={
            "connect_timeout": CONNECT_TIMEOUT,
            "read_timeout": read_timeout,
            "write_timeout": WRITE_TIMEOUT,
        },
    )


def _sqlite_engine(url: URL) -> Engine:
    try:
        Path(str(url.database)).parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatabaseUnavailable(
            f"The folder of the database {url.database} cannot be made ({error.strerror}): "
            "correct BIOSENSE_DATABASE_URL."
        ) from error
    engine = create_engine(url, connect_args={"timeout": 30}, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:
        # The driver's own transactions start late and cannot be immediate: begin them ourselves.
        connection.isolation_level = None
        _use_write_ahead_log(connection)
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A transaction that will write takes the lock at once: taking it later fails where another wrote meanwhile.
        immediate = connection.get_execution_options().get("biosense_write")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    return engine


def _use_write_ahead_log(connection: sqlite3.Connection) -> None:
    # While another process switches the new file, this is refused at once, whatever the timeout.
    attempts = Retrying(
        retry=retry_if_exception(
            lambda error: (
                isinstance(error, sqlite3.OperationalError) and error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
            )
        ),
        stop=stop_after_delay(30),
        wait=wait_random(0.01, 0.1),
        reraise=True,
    )
    attempts(connection.execute, "PRAGMA journal_mode = WAL")


def _mysql_code(error: DBAPIError) -> int | None:
    arguments = getattr(error.orig, "args", ())
    return arguments[0] if arguments and isinstance(arguments[0], int) else None


def _worth_retrying(error: BaseException) -> bool:
    if not isinstance(error, OperationalError):
        return False
    return (
        error.connection_invalidated
        or _mysql_code(error) in _MYSQL_CONFLICTS
        or "database is locked" in str(error.orig)
    )


def _is_connection_fault(error: DatabaseError) -> bool:
    """Whether the connection or the file failed, not the statement: no missing table, no deadlock."""
    if isinstance(error.orig, sqlite3.Error):
        # The low byte is the kind of fault, the rest its circumstances.
        return getattr(error.orig, "sqlite_errorcode", 0) & 0xFF in _SQLITE_UNUSABLE
    code = _mysql_code(error)
    # 2002-2055 come from the client library, 1040-1049 and 1130 from a server that refuses the connection.
    return (
        isinstance(error, OperationalError)
        and code is not None
        and (2000 <= code < 2100 or 1040 <= code <= 1049 or code in (1130, 1203, 1698))
    )


def _reason(error: DBAPIError) -> str:
    arguments = getattr(error.orig, "args", ())
    return str(arguments[-1] if arguments else error.orig).split("\n")[0]
