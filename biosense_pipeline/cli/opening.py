"""Opens what commands work with, in the order in which things can be wrong."""

from biosense_pipeline.settings import Settings
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.schema import require_schema


def open_database(settings: Settings, *, migrated: bool = True) -> Database:
    """The database of the settings; with ``migrated``, only if it has this release's schema."""
    database = Database(settings.database_url.get_secret_value())
    if migrated:
        require_schema(database)
    return database
