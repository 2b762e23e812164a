"""Opens what commands work with, in the order in which things can be wrong."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from biosense_pipeline.errors import BiosenseError
from biosense_pipeline.settings import Settings
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.schema import require_schema
from biosense_pipeline.workflows.workbench import Workbench, workbench


def open_database(settings: Settings, *, migrated: bool = True) -> Database:
    """The database of the settings; with ``migrated``, only if it has this release's schema."""
    database = Database(settings.database_url.get_secret_value())
    if migrated:
        require_schema(database)
    return database


@contextmanager
def open_workbench(settings: Settings, database: Database) -> Iterator[Workbench]:
    """A workbench that Ctrl-C and SIGTERM stop between two pictures; a second one stops it where it is.

    An interrupt that is raised at once may come while a lock is being taken, which then stays locked, and
    the threads that wait for it never end.
    """
    asked = False

    def ask(number: int, frame: object) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True

    def heed() -> None:
        if asked:
            raise KeyboardInterrupt

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with workbench(settings, database) as bench:
            yield replace(bench, heartbeat=heed)
            heed()
    except BiosenseError:
        heed()  # what fails while all are asked to end has ended
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
