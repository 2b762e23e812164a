"""Fixtures: empty and migrated databases on both servers, settings, the demo's faces."""

import os
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from datetime import datetime
from pathlib import Path

import dagster as dg
import hypothesis
import pytest
from sqlalchemy import URL, create_engine, text

from biosense_pipeline.settings import ENV_PREFIX, Settings, load_settings
from biosense_pipeline.store.database import Database
from biosense_pipeline_tests.detector import keep_detector
from biosense_pipeline_tests.migrated import MigratedDatabases
from biosense_pipeline_tests.servers import SERVER_VARIABLE, NoServer, mariadb

# A test that fails fails again: examples are drawn the same way every time.
hypothesis.settings.register_profile("repeatable", derandomize=True)
hypothesis.settings.load_profile("repeatable")

SERVERS = ("sqlite", "mariadb")
HOUR = datetime(2026, 3, 2, 9)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Several workers use one MariaDB: where none answers, the process that starts them starts a private one."""
    config = session.config
    if not config.getoption("numprocesses", None) or hasattr(config, "workerinput"):
        return
    lasting = ExitStack()
    config.add_cleanup(lasting.close)
    folder = Path(lasting.enter_context(tempfile.TemporaryDirectory(prefix="biosense-mariadb-")))
    with suppress(NoServer):  # each worker then finds so for itself, and says it where a test needs one
        os.environ[SERVER_VARIABLE] = lasting.enter_context(mariadb(folder)).render_as_string(hide_password=False)


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Tests see neither this shell's settings nor a .env, and never the project's own database."""
    for name in list(os.environ):
        if name.startswith(ENV_PREFIX) and name != SERVER_VARIABLE:
            monkeypatch.delenv(name)
    monkeypatch.setitem(Settings.model_config, "env_file", None)
    monkeypatch.setenv("BIOSENSE_DATABASE_URL", f"sqlite:///{tmp_path / 'default.sqlite'}")
    load_settings.cache_clear()
    yield
    load_settings.cache_clear()


@pytest.fixture(scope="session", autouse=True)
def kept_detector() -> None:
    """Engines that tests make in this process share their detector."""
    keep_detector()


@pytest.fixture(scope="session")
def mariadb_server(tmp_path_factory: pytest.TempPathFactory, migrated: MigratedDatabases) -> Iterator[URL]:
    """A real MariaDB. Where there is none, tests that need it are skipped, except in CI, where they fail."""
    try:
        with mariadb(tmp_path_factory.mktemp("mariadb")) as url:
            yield url
            migrated.close(url)
    except NoServer as reason:
        if os.environ.get("CI"):
            pytest.fail(f"CI needs a MariaDB: {reason}")
        pytest.skip(str(reason))


@pytest.fixture
def make_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """Makes empty databases, by the name of their server; they are dropped after the test."""
    dropped: list[tuple[URL, str]] = []

    def make(server: str) -> str:
        name = f"biosense_test_{uuid.uuid4().hex[:12]}"
        if server == "sqlite":
            return f"sqlite:///{tmp_path / name}.sqlite"
        url: URL = request.getfixturevalue("mariadb_server")
        _run(url, f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        dropped.append((url, name))
        return url.set(database=name).render_as_string(hide_password=False)

    yield make
    for url, name in dropped:
        _run(url, f"DROP DATABASE {name}")


@pytest.fixture(params=SERVERS)
def empty_database(request: pytest.FixtureRequest, make_url: Callable[[str], str]) -> Iterator[Database]:
    """A database without tables, on each server."""
    database = Database(make_url(request.param))
    yield database
    database.dispose()


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> MigratedDatabases:
    """Lends migrated databases."""
    return MigratedDatabases(tmp_path_factory.mktemp("migrated"))


@pytest.fixture(params=SERVERS)
def database(request: pytest.FixtureRequest) -> Database:
    """A migrated database, on each server."""
    found: Database = request.getfixturevalue(f"{request.param}_database")
    return found


@pytest.fixture
def sqlite_database(migrated: MigratedDatabases, tmp_path: Path) -> Iterator[Database]:
    """A migrated embedded database, for tests of what does not depend on the server."""
    database = Database(migrated.copy_embedded(tmp_path / f"biosense_test_{uuid.uuid4().hex[:12]}.sqlite"))
    yield database
    database.dispose()


@pytest.fixture
def mariadb_database(migrated: MigratedDatabases, mariadb_server: URL) -> Iterator[Database]:
    """A migrated database on MariaDB."""
    with migrated.on_server(mariadb_server) as url:
        database = Database(url)
        yield database
        database.dispose()


@pytest.fixture
def settings_database(migrated: MigratedDatabases) -> Iterator[Database]:
    """The embedded database that the settings name, migrated."""
    database = Database(load_settings().database_url.get_secret_value())
    migrated.copy_embedded(Path(str(database.url.database)))
    yield database
    database.dispose()


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """An instance without a past."""
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


@pytest.fixture
def local_instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """An instance on disk without a past: a schedule reaches no other kind."""
    with dg.DagsterInstance.local_temp(str(tmp_path)) as local:
        yield local


@pytest.fixture
def use_settings(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Settings]:
    """Sets BIOSENSE_ variables by field name and returns the settings they give."""

    def use(**values: object) -> Settings:
        for name, value in values.items():
            monkeypatch.setenv(f"{ENV_PREFIX}{name.upper()}", str(value))
        load_settings.cache_clear()
        return load_settings()

    return use


def _run(server: URL, statement: str) -> None:
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()
