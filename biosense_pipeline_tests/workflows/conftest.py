"""Fixtures of the workflows."""

import pytest

from biosense_pipeline.store.database import Database
from biosense_pipeline_tests.workflows.fakes import enter_legacy_benchmark


@pytest.fixture
def enrolled(database: Database) -> Database:
    """A database in which the agent has a benchmark."""
    enter_legacy_benchmark(database)
    return database
