"""Hourly partitions, and which stills belong to each."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import dagster as dg

from biosense_pipeline.local_time import first_local_time, floor_hour, instant_of
from biosense_pipeline.settings import load_settings
from biosense_pipeline.store.scope import Scope

# Backfill policies and partitions of asset checks may change between releases of Dagster. The release is
# pinned and the tests cover both, so that its warnings would only bury what a command has to say.
warnings.filterwarnings("ignore", category=dg.BetaWarning)
warnings.filterwarnings("ignore", category=dg.PreviewWarning)

#: A run of many hours pays its start once; past a day a failure would repeat too much.
BACKFILL = dg.BackfillPolicy.multi_run(max_partitions_per_run=24)


def hourly(timezone: str, start: datetime) -> dg.HourlyPartitionsDefinition:
    """Hourly partitions up to and including the hour that is under way."""
    return dg.HourlyPartitionsDefinition(start_date=start, timezone=timezone, end_offset=1)


def _hours() -> dg.HourlyPartitionsDefinition:
    settings = load_settings()
    first_day = settings.partitions_start
    return hourly(settings.timezone, datetime(first_day.year, first_day.month, first_day.day))


HOURS = _hours()


@dataclass(frozen=True)
class Hour:
    """A partition: its key and the naive local times in ``[start, end)`` that belong to it.

    On the day the clock goes forward one partition holds two naive hours; on the day it goes back
    the second of the two equal hours holds none (see ``local_time``).
    """

    key: str
    start: datetime
    end: datetime

    def scope(self, lan_ids: Sequence[str] | None = None) -> Scope:
        """The stills of the partition, of all agents or some."""
        return Scope(self.start, self.end, tuple(lan_ids) if lan_ids else None)

    def full_hours(self) -> list[datetime]:
        """The naive full hours that the partition's times lie in: one, save where the clock changes."""
        hours, hour = [], floor_hour(self.start)
        while self.start < self.end and hour < self.end:
            hours.append(hour)
            hour += timedelta(hours=1)
        return hours


def hour_of_key(key: str, partitions: dg.HourlyPartitionsDefinition = HOURS) -> Hour:
    """The partition of that key."""
    window = partitions.time_window_for_partition_key(key)
    zone = ZoneInfo(partitions.timezone)
    return Hour(key, first_local_time(window.start, zone), first_local_time(window.end, zone))


def key_of_time(local: datetime, partitions: dg.HourlyPartitionsDefinition = HOURS) -> str:
    """The key of the partition that a naive local time belongs to."""
    return partitions.get_partition_key_for_timestamp(instant_of(local, ZoneInfo(partitions.timezone)).timestamp())


def covered(partitions: dg.HourlyPartitionsDefinition = HOURS) -> tuple[datetime, datetime]:
    """The naive local times ``[start, end)`` that have partitions now."""
    first, last = partitions.get_first_partition_window(), partitions.get_last_partition_window()
    assert first is not None
    assert last is not None
    zone = ZoneInfo(partitions.timezone)
    return first_local_time(first.start, zone), first_local_time(last.end, zone)
