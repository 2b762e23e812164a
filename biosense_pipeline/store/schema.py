"""The state of the schema: which migration a database is at, and bringing it to this release's."""

from dataclasses import dataclass
from threading import Lock

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from biosense_pipeline.errors import SchemaOutdated
from biosense_pipeline.store.database import Database

#: Alembic keeps the migration under way in module globals: one at a time in a process.
_ONE_AT_A_TIME = Lock()


@dataclass(frozen=True)
class SchemaState:
    """Revisions: the database's own (None: never migrated) and the newest one of this release."""

    current: str | None
    newest: str
    known: bool

    @property
    def up_to_date(self) -> bool:
        return self.current == self.newest


def schema_state(database: Database) -> SchemaState:
    """Where the database stands."""
    scripts = ScriptDirectory.from_config(_config())
    newest = scripts.get_current_head()
    assert newest is not None
    with database.read() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    known = current is None or current in {script.revision for script in scripts.walk_revisions()}
    return SchemaState(current, newest, known)


def require_schema(database: Database) -> None:
    """Check that the database has every migration of this release.

    Raises:
        SchemaOutdated: it has not, or it was migrated by a newer release.
    """
    state = schema_state(database)
    if not state.known:
        raise SchemaOutdated(
            f"The database {database} is at schema {state.current}, which this release does not know: "
            "install the release that migrated it."
        )
    if not state.up_to_date:
        raise SchemaOutdated(
            f"The database {database} is at schema {state.current or 'none'} and this release needs "
            f"{state.newest}: run `biosense db upgrade`."
        )


def upgrade_schema(database: Database) -> tuple[str | None, str]:
    """Bring the database to the newest schema, adopting tables that exist; returns (before, after).

    Existing rows stay as they are. May be run again at any time, also by two processes at once.
    """
    _require_version(database)
    before = schema_state(database)
    if not before.known:
        require_schema(database)
    # Adding an index to a table of millions of stills may keep the server silent for an hour.
    patient = Database(database.url, read_timeout=None)
    try:
        with _ONE_AT_A_TIME, database.exclusive("upgrade", "Another upgrade of this database is under way"):
            patient.write(_migrate)
    finally:
        patient.dispose()
    return before.current, before.newest


def _require_version(database: Database) -> None:
    """Claims skip rows that others hold, which older servers cannot."""
    with database.read() as connection:
        dialect = connection.dialect
        version = tuple(number for number in dialect.server_version_info or () if isinstance(number, int))
    if dialect.name == "sqlite":
        return
    name, oldest = ("MariaDB", (10, 6)) if getattr(dialect, "is_mariadb", False) else ("MySQL", (8, 0))
    if version < oldest:
        raise SchemaOutdated(
            f"The server of {database} is {name} {'.'.join(map(str, version))}: "
            f"{name} {'.'.join(map(str, oldest))} or newer is needed for SKIP LOCKED."
        )


def _migrate(connection: Connection) -> None:
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "biosense_pipeline.store:migrations")
    return config
