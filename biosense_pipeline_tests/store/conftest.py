"""Fixtures of the store: a database without tables, and reviewers."""

from collections.abc import Callable, Iterator

import pytest

from biosense_pipeline.store.database import Database
from biosense_pipeline_tests.store.review.rows import add_agent, add_user
from biosense_pipeline_tests.store.rows import AGENT, OTHER


@pytest.fixture
def empty_mariadb(make_url: Callable[[str], str]) -> Iterator[Database]:
    """A MariaDB database without tables."""
    database = Database(make_url("mariadb"))
    yield database
    database.dispose()


@pytest.fixture
def people(database: Database) -> tuple[int, int]:
    """Two reviewers; the agent is in Ann's team, the other one in Bob's."""
    return _people(database)


@pytest.fixture
def small(sqlite_database: Database) -> tuple[Database, int, int]:
    """The embedded database and the same in it, for rules that do not depend on the server."""
    return sqlite_database, *_people(sqlite_database)


def _people(database: Database) -> tuple[int, int]:
    add_agent(database, AGENT, "Ann")
    add_agent(database, OTHER, "Bob")
    return add_user(database, "first"), add_user(database, "second")
