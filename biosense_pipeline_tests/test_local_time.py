"""Naive local times: every one belongs to exactly one hour, also when the clock changes."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from biosense_pipeline.local_time import first_local_time, floor_hour, instant_of, local_now

HOUR = timedelta(hours=1)
NEW_YORK = "America/New_York"
BERLIN = "Europe/Berlin"
LORD_HOWE = "Australia/Lord_Howe"
#: By zone, a day on which the clock goes forward and one on which it goes back.
CHANGES = {
    NEW_YORK: (datetime(2026, 3, 8), datetime(2026, 11, 1)),
    BERLIN: (datetime(2026, 3, 29), datetime(2026, 10, 25)),
    LORD_HOWE: (datetime(2026, 10, 4), datetime(2026, 4, 5)),
    "UTC": (datetime(2026, 3, 8), datetime(2026, 11, 1)),
    "Antarctica/Troll": (datetime(2026, 3, 29), datetime(2026, 10, 25)),
}
#: Zones that change their clock by more than an hour.
JUMPS = {"Antarctica/Troll"}


@st.composite
def naive_times(draw: st.DrawFn) -> tuple[str, datetime]:
    """A zone and a naive time, mostly around a change of its clock."""
    zone = draw(st.sampled_from(sorted(CHANGES)))
    around = st.sampled_from(CHANGES[zone]).flatmap(
        lambda day: st.datetimes(day - timedelta(hours=4), day + timedelta(hours=8))
    )
    return zone, draw(st.one_of(around, st.datetimes(datetime(2024, 1, 1), datetime(2037, 12, 31))))


@given(naive_times())
@example((NEW_YORK, datetime(2026, 3, 8, 2)))
@example((NEW_YORK, datetime(2026, 3, 8, 2, 59, 59, 999999)))
@example((NEW_YORK, datetime(2026, 3, 8, 3)))
@example((NEW_YORK, datetime(2026, 11, 1, 1)))
@example((LORD_HOWE, datetime(2026, 4, 5, 1, 45)))
@example((LORD_HOWE, datetime(2026, 10, 4, 2, 15)))
def test_every_time_belongs_to_exactly_one_hour(time: tuple[str, datetime]) -> None:
    """Of all hours, exactly one has the naive time in its interval."""
    zone, local = ZoneInfo(time[0]), time[1]
    own = instant_of(local, zone).replace(minute=0, second=0, microsecond=0)
    hours = [own + number * HOUR for number in range(-5, 6)]
    starts = [first_local_time(hour, zone) for hour in [*hours, hours[-1] + HOUR]]
    holders = [hour for hour, start, end in zip(hours, starts, starts[1:], strict=False) if start <= local < end]
    assert len(holders) == 1
    if time[0] not in JUMPS:
        # It is the hour that has the instant the time stands for.
        assert holders == [own]


@given(naive_times())
def test_intervals_follow_each_other(time: tuple[str, datetime]) -> None:
    """A later instant never has an earlier first local time, so that intervals neither overlap nor turn round."""
    zone = ZoneInfo(time[0])
    own = instant_of(time[1], zone).replace(minute=0, second=0, microsecond=0)
    starts = [first_local_time(own + number * timedelta(minutes=15), zone) for number in range(-20, 20)]
    assert starts == sorted(starts)


@given(naive_times())
def test_no_earlier_time_would_do(time: tuple[str, datetime]) -> None:
    """The first local time stands for the instant or a later one, and no earlier time of that day does."""
    zone = ZoneInfo(time[0])
    instant = instant_of(time[1], zone).replace(minute=0, second=0, microsecond=0)
    first = first_local_time(instant, zone)
    assert instant_of(first, zone) >= instant
    minutes = [first - number * timedelta(minutes=1) for number in range(1, 300)]
    assert all(instant_of(earlier, zone) < instant for earlier in minutes)


@pytest.mark.parametrize(
    ("zone", "instant", "start", "end"),
    [
        # Forward: the hour that begins at 3 has the times of the skipped one.
        (NEW_YORK, "2026-03-08 06:00", "2026-03-08 01:00", "2026-03-08 02:00"),
        (NEW_YORK, "2026-03-08 07:00", "2026-03-08 02:00", "2026-03-08 04:00"),
        (NEW_YORK, "2026-03-08 08:00", "2026-03-08 04:00", "2026-03-08 05:00"),
        # Back: the first of the two hours has all of them, the second none.
        (NEW_YORK, "2026-11-01 04:00", "2026-11-01 00:00", "2026-11-01 01:00"),
        (NEW_YORK, "2026-11-01 05:00", "2026-11-01 01:00", "2026-11-01 02:00"),
        (NEW_YORK, "2026-11-01 06:00", "2026-11-01 02:00", "2026-11-01 02:00"),
        (NEW_YORK, "2026-11-01 07:00", "2026-11-01 02:00", "2026-11-01 03:00"),
        (BERLIN, "2026-03-29 01:00", "2026-03-29 02:00", "2026-03-29 04:00"),
        (BERLIN, "2026-10-25 00:00", "2026-10-25 02:00", "2026-10-25 03:00"),
        (BERLIN, "2026-10-25 01:00", "2026-10-25 03:00", "2026-10-25 03:00"),
        # Half an hour forward at 2, and back at 2.
        (LORD_HOWE, "2026-10-03 15:00", "2026-10-04 01:30", "2026-10-04 03:00"),
        (LORD_HOWE, "2026-04-04 14:00", "2026-04-05 01:00", "2026-04-05 02:00"),
        (LORD_HOWE, "2026-04-04 15:00", "2026-04-05 02:00", "2026-04-05 02:30"),
        ("UTC", "2026-03-08 02:00", "2026-03-08 02:00", "2026-03-08 03:00"),
    ],
)
def test_hours_around_a_change(zone: str, instant: str, start: str, end: str) -> None:
    """The interval of the hour that begins at an instant (UTC), worked out by hand."""
    begins = datetime.fromisoformat(instant).replace(tzinfo=UTC)
    assert first_local_time(begins, ZoneInfo(zone)) == datetime.fromisoformat(start)
    assert first_local_time(begins + HOUR, ZoneInfo(zone)) == datetime.fromisoformat(end)


def test_skipped_time_belongs_to_the_hour_in_its_stead() -> None:
    """Half past two on the day New York skips that hour is in the hour that begins at three."""
    zone = ZoneInfo(NEW_YORK)
    three = instant_of(datetime(2026, 3, 8, 3), zone)
    skipped = datetime(2026, 3, 8, 2, 30)
    assert first_local_time(three, zone) <= skipped < first_local_time(three + HOUR, zone)


def test_repeated_time_stands_for_its_first_instant() -> None:
    """Half past one on the day New York repeats that hour is in daylight saving time."""
    assert instant_of(datetime(2026, 11, 1, 1, 30), ZoneInfo(NEW_YORK)) == datetime(2026, 11, 1, 5, 30, tzinfo=UTC)


def test_local_now_has_no_zone() -> None:
    """The present moment is written as the capture clients write it: local and naive."""
    now = datetime(2026, 7, 1, 12, tzinfo=UTC)
    assert local_now(ZoneInfo(NEW_YORK), now) == datetime(2026, 7, 1, 8)
    assert local_now(ZoneInfo("UTC")).tzinfo is None


@given(st.datetimes())
def test_full_hour_is_at_or_before(moment: datetime) -> None:
    """The full hour of a moment is at most an hour before it."""
    hour = floor_hour(moment)
    assert hour <= moment
    assert moment - hour < HOUR
    assert floor_hour(hour) == hour
