"""Fixtures of the store."""

from collections.abc import Callable, Iterator

import pytest

from biosense_pipeline.store.database import Database


@pytest.fixture
def empty_mariadb(make_url: Callable[[str], str]) -> Iterator[Database]:
    """A MariaDB database without tables."""
    database = Database(make_url("mariadb"))
    yield database
    database.dispose()
