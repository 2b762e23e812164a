"""Fixtures of the workflows."""

import pytest

from biosense_pipeline.store.database import Database
from biosense_pipeline_tests.workflows.fake_site import FakeSite
from biosense_pipeline_tests.workflows.fakes import enter_legacy_benchmark


@pytest.fixture
def enrolled(database: Database) -> Database:
    """A database in which the agent has a benchmark."""
    enter_legacy_benchmark(database)
    return database


@pytest.fixture
def site(mariadb_database: Database) -> FakeSite:
    """60 people who have worked for two hours."""
    made = FakeSite(mariadb_database, people=60)
    made.fill()
    return made


@pytest.fixture
def small_site(sqlite_database: Database) -> FakeSite:
    """12 people who have worked for two hours."""
    made = FakeSite(sqlite_database, people=12)
    made.fill()
    return made
