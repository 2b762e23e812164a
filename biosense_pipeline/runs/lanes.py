"""The lanes of runs: live ones must not wait behind old hours. ``dagster.yaml`` limits the backfill lane."""

from datetime import datetime, timedelta

from biosense_pipeline.local_time import floor_hour

LANE_TAG, LIVE, BACKFILL = "biosense/lane", "live", "backfill"


def lane(hour: datetime, now: datetime) -> str:
    """The lane of an hour: live for the one under way and the one before, whose last stills still come in."""
    return LIVE if hour >= floor_hour(now) - timedelta(hours=1) else BACKFILL


def lane_tags(hour: datetime, now: datetime) -> dict[str, str]:
    """Lane and priority of a run of that hour, as tags."""
    chosen = lane(hour, now)
    return {LANE_TAG: chosen, "dagster/priority": "10" if chosen == LIVE else "-10"}
