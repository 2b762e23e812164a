"""Sums up hours per agent from the stills' rows."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from biosense_pipeline.store.database import Database
from biosense_pipeline.store.stills.summaries import summarise


def summarise_hours(database: Database, hours: Iterable[datetime]) -> int:
    """Sum up each of these full hours (naive local) anew; returns the rows written."""
    return sum(summarise(database, hour, hour + timedelta(hours=1)) for hour in sorted(hours))
