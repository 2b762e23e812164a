"""What is to be told of incidents: once that something began, once that it is over."""

from datetime import datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from biosense_pipeline.codes import AlertEvent
from biosense_pipeline.store.alerts.alertable import AlertableIncident
from biosense_pipeline.workflows.alerts.events import due_events

NINE = datetime(2026, 3, 2, 9)
QUIET, LONGEST = timedelta(minutes=30), timedelta(hours=24)
OPENED, CLOSED = AlertEvent.OPENED, AlertEvent.CLOSED


def incident(number: int, opened: float, closed: float | None = None, **values: Any) -> AlertableIncident:
    """An incident; times are minutes after nine."""
    given: dict[str, Any] = {"employee_id": 1, "species": "PRINT", "stills": 10}
    given |= {"withdrawn": False, "told": False, "told_over": False, **values}
    end = None if closed is None else NINE + timedelta(minutes=closed)
    return AlertableIncident(number, opened=NINE + timedelta(minutes=opened), closed=end, **given)


def due(*incidents: AlertableIncident, at: float = 60, quiet: timedelta = QUIET) -> list[tuple[int, AlertEvent]]:
    """What is due so many minutes after nine."""
    events = due_events(incidents, NINE + timedelta(minutes=at), quiet=quiet, longest=LONGEST)
    return [(event.incident_id, event.event) for event in events]


def test_open_incident_is_told_at_once() -> None:
    """That something began does not wait."""
    assert due(incident(1, 0), at=0) == [(1, OPENED)]


def test_end_is_told_when_it_lasts() -> None:
    """That it is over is told once the quiet time has passed, from the very minute on."""
    assert due(incident(1, 0, 10), at=39) == [(1, OPENED)]
    assert due(incident(1, 0, 10), at=40) == [(1, OPENED), (1, CLOSED)]


def test_flapping_is_one_matter() -> None:
    """Of incidents with short pauses the first tells the beginning, and the last the end with all their stills."""
    flapping = [incident(1, 0, 5), incident(2, 20, 25), incident(3, 55, 60)]
    assert due(*flapping[:1], at=10) == due(*flapping[:2], at=30) == due(*flapping, at=89) == [(1, OPENED)]
    events = due_events(flapping, NINE + timedelta(minutes=90), quiet=QUIET, longest=LONGEST)
    assert [(event.incident_id, event.event) for event in events] == [(1, OPENED), (3, CLOSED)]
    assert (events[1].since, events[1].until, events[1].stills) == (NINE, NINE + timedelta(minutes=60), 30)


def test_long_pause_makes_two_matters() -> None:
    """After more than the quiet time another incident is news; so it is with another species or agent."""
    assert due(incident(1, 0, 5), incident(2, 36), at=40) == [(1, OPENED), (1, CLOSED), (2, OPENED)]
    assert due(incident(1, 0, 5), incident(2, 35), at=40) == [(1, OPENED)]
    for other in ({"species": "ABSENT"}, {"employee_id": 2}):
        assert due(incident(1, 0), incident(2, 5, **other)) == [(1, OPENED), (2, OPENED)]


def test_no_quiet_time() -> None:
    """With a quiet time of nothing every incident is told by itself."""
    own = [incident(1, 0, 5), incident(2, 6, 7)]
    assert len(due(*own, quiet=timedelta(0))) == 4


def test_withdrawn_incident_is_not_told() -> None:
    """An incident that was withdrawn is told neither as begun nor as over, be it told already or not."""
    assert due(incident(1, 0, 5, withdrawn=True)) == []
    assert due(incident(1, 0, 5, withdrawn=True, told=True)) == []


def test_successor_of_a_withdrawn_incident_is_no_news() -> None:
    """Where an incident that was told is found again from another still on, only its end is told."""
    for opened in (-3.0, 4.0):
        told = incident(1, 0, withdrawn=True, told=True)
        assert due(told, incident(2, opened), at=10) == []
        assert due(told, incident(2, opened, 9)) == [(2, CLOSED)]
        untold = incident(1, 0, withdrawn=True)
        assert due(untold, incident(2, opened), at=10) == [(2, OPENED)]


def test_late_stills_do_not_repeat_the_beginning() -> None:
    """An earlier incident that is found later belongs to the one that was told."""
    assert due(incident(2, -10, -5), incident(1, 0, told=True)) == [(1, OPENED)]


def test_incident_after_a_told_end_is_news() -> None:
    """When the analysis lags and the end was told too early, what follows is told again."""
    assert due(incident(1, 0, 5, told=True, told_over=True), incident(2, 10)) == [(1, OPENED), (1, CLOSED), (2, OPENED)]


def test_past_is_not_told() -> None:
    """What happened longer ago than the limit is not told; the end of something long is."""
    day = 24 * 60.0
    assert due(incident(1, 0, 5), at=day + 6) == []
    assert due(incident(1, 0, 5), at=day + 1) == [(1, CLOSED)]
    assert due(incident(1, 0, day), at=day + 60) == [(1, CLOSED)]


spans = st.lists(
    st.tuples(st.integers(0, 600), st.integers(0, 120), st.booleans(), st.booleans()),
    max_size=8,
    unique_by=lambda s: s[0],
)


@given(spans, st.integers(0, 900), st.randoms())
def test_any_incidents(found: list[tuple[int, int, bool, bool]], at: int, shuffle: Any) -> None:
    """Whatever the incidents and their order: no event twice, none of a withdrawn one."""
    incidents = [
        incident(number, opened, opened + length, withdrawn=withdrawn, told=told)
        for number, (opened, length, withdrawn, told) in enumerate(found)
    ]
    events = due(*incidents, at=at)
    assert len(set(events)) == len(events)
    assert not {number for number, _ in events} & {one.id for one in incidents if one.withdrawn}
    mixed = list(incidents)
    shuffle.shuffle(mixed)
    assert due(*mixed, at=at) == events


@given(spans)
def test_one_beginning_and_one_end_per_matter(found: list[tuple[int, int, bool, bool]]) -> None:
    """What is told, in the end, is the union of the incidents, each stretched by the quiet time."""
    events = due(*(incident(number, span[0], span[0] + span[1]) for number, span in enumerate(found)), at=1000)
    # In half minutes, so that what ends and what begins a minute later do not touch.
    busy = {half for opened, length, *_ in found for half in range(2 * opened, 2 * (opened + length + 30) + 1)}
    begins = sorted(half // 2 for half in busy if half - 1 not in busy)
    ends = sorted(half // 2 - 30 for half in busy if half + 1 not in busy)
    assert [found[number][0] for number, event in events if event is OPENED] == begins
    assert [sum(found[number][:2]) for number, event in events if event is CLOSED] == ends
