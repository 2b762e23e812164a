"""Hours and the stills that belong to them, on the days the clock changes too."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biosense_pipeline.runs.partitions import covered, hour_of_key, hourly, key_of_time

NEW_YORK = hourly("America/New_York", datetime(2026, 1, 1))
UTC_HOURS = hourly("UTC", datetime(2026, 1, 1))
BERLIN = hourly("Europe/Berlin", datetime(2026, 1, 1))
PARTITIONS = {"New York": NEW_YORK, "UTC": UTC_HOURS, "Berlin": BERLIN}


def test_ordinary_hour() -> None:
    """An hour's key names it and holds the naive times of that hour."""
    hour = hour_of_key("2026-03-02-09:00", NEW_YORK)
    assert (hour.start, hour.end) == (datetime(2026, 3, 2, 9), datetime(2026, 3, 2, 10))
    assert key_of_time(datetime(2026, 3, 2, 9, 59, 59), NEW_YORK) == "2026-03-02-09:00"


def test_skipped_hour_belongs_to_the_hour_in_its_stead() -> None:
    """A still that claims a time the clock skipped belongs to the hour that began instead."""
    key = key_of_time(datetime(2026, 3, 8, 2, 30), NEW_YORK)
    assert key == "2026-03-08-03:00"
    hour = hour_of_key(key, NEW_YORK)
    assert (hour.start, hour.end) == (datetime(2026, 3, 8, 2), datetime(2026, 3, 8, 4))


def test_repeated_hour_belongs_to_its_first_occurrence() -> None:
    """Of two equal hours the first holds the stills and the second none."""
    assert key_of_time(datetime(2026, 11, 1, 1, 30), NEW_YORK) == "2026-11-01-01:00"
    first = hour_of_key("2026-11-01-01:00", NEW_YORK)
    second = hour_of_key("2026-11-01-01:00-0500", NEW_YORK)
    assert (first.start, first.end) == (datetime(2026, 11, 1, 1), datetime(2026, 11, 1, 2))
    assert second.start == second.end


def test_full_hours_of_a_partition() -> None:
    """One as a rule; where the clock skips an hour the partition in its stead has both, where it repeats one, one."""
    assert hour_of_key("2026-03-02-09:00", NEW_YORK).full_hours() == [datetime(2026, 3, 2, 9)]
    skipped = hour_of_key("2026-03-08-03:00", NEW_YORK).full_hours()
    assert skipped == [datetime(2026, 3, 8, 2), datetime(2026, 3, 8, 3)]
    assert hour_of_key("2026-11-01-01:00", NEW_YORK).full_hours() == [datetime(2026, 11, 1, 1)]
    assert hour_of_key("2026-11-01-01:00-0500", NEW_YORK).full_hours() == []


@given(
    zone=st.sampled_from(sorted(PARTITIONS)),
    moment=st.one_of(
        st.datetimes(datetime(2026, 1, 2), datetime(2026, 11, 15)),
        st.datetimes(datetime(2026, 3, 8), datetime(2026, 3, 9)),
        st.datetimes(datetime(2026, 3, 29), datetime(2026, 3, 30)),
        st.datetimes(datetime(2026, 10, 25), datetime(2026, 10, 26)),
        st.datetimes(datetime(2026, 11, 1), datetime(2026, 11, 2)),
    ),
)
def test_every_time_lies_in_its_partition(zone: str, moment: datetime) -> None:
    """No naive time falls between two partitions: the one that its key names holds it."""
    partitions = PARTITIONS[zone]
    hour = hour_of_key(key_of_time(moment, partitions), partitions)
    assert hour.start <= moment < hour.end


@pytest.mark.parametrize("name", PARTITIONS)
def test_partitions_adjoin(name: str) -> None:
    """Around both changes of the clock each partition begins where the one before ended."""
    partitions = PARTITIONS[name]
    zone = ZoneInfo(partitions.timezone)
    for day in (datetime(2026, 3, 7), datetime(2026, 3, 28), datetime(2026, 10, 24), datetime(2026, 10, 31)):
        keys = []
        for number in range(72):
            instant = day.replace(tzinfo=zone).timestamp() + 3600 * number
            keys.append(partitions.get_partition_key_for_timestamp(instant))
        hours = [hour_of_key(key, partitions) for key in keys]
        assert len(set(keys)) == 72
        assert all(before.end == after.start for before, after in pairwise(hours))


def test_covered_reaches_into_the_hour_under_way() -> None:
    """Stills of the hour under way have a partition."""
    start, end = covered(UTC_HOURS)
    now = datetime.now(UTC).replace(tzinfo=None)
    assert start == datetime(2026, 1, 1)
    assert now < end <= now + timedelta(hours=1)
