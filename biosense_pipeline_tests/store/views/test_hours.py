"""The hourly summary: totals, its three views from page to page, and how far one look goes."""

from collections import Counter
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from biosense_pipeline.codes import Status
from biosense_pipeline.store.agents.visible import agent_by_lan_id
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.stills.summaries import summarise
from biosense_pipeline.store.views.hours import (
    AgentDay,
    FleetHour,
    HourFilter,
    agent_days,
    agent_hours,
    every_row,
    fleet_hours,
    newest_hour,
    totals,
)
from biosense_pipeline_tests.store.rows import AGENT, HOUR, OTHER, enter_finished
from biosense_pipeline_tests.store.views.rows import END, MINUTE, UNKNOWN


@pytest.fixture
def summed_up(database: Database) -> Database:
    """Three days of two agents, an hour a day each, summed up; the other agent's are worse."""
    for day in range(3):
        start = HOUR + timedelta(days=day)
        for number in range(4):
            enter_finished(database, AGENT, start + number * MINUTE)
            enter_finished(database, OTHER, start + number * MINUTE, UNKNOWN if number < 2 else "SUCCESS")
        enter_finished(database, OTHER, start + timedelta(hours=1), "PROCESSING_ERROR", Status.FAILED)
        summarise(database, start, start + timedelta(hours=2))
    return database


def everything(agents_asked: int = 2, **chosen: Any) -> HourFilter:
    """The three days."""
    return HourFilter(datetime(2026, 3, 2), datetime(2026, 3, 5), agents_asked, **chosen)


def test_totals_are_of_all_that_is_asked_for(summed_up: Database) -> None:
    """Totals count the stills by result over the days, the agents and the result asked for."""
    assert totals(summed_up, everything()) == Counter(SUCCESS=18, UNKNOWN_PERSON=6, PROCESSING_ERROR=3)
    other = agent_by_lan_id(summed_up, OTHER)
    assert other is not None
    own = frozenset([other.id])
    assert totals(summed_up, everything(employee_ids=own)) == Counter(SUCCESS=6, UNKNOWN_PERSON=6, PROCESSING_ERROR=3)
    assert totals(summed_up, everything(employee_ids=own, result=UNKNOWN)) == Counter(UNKNOWN_PERSON=6)
    assert totals(summed_up, everything(employee_ids=frozenset())) == Counter()
    assert newest_hour(summed_up) == HOUR + timedelta(days=2, hours=1)


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5, 100])
@pytest.mark.parametrize("agents_asked", [2, 1_000_000], ids=["few agents", "a day a look"])
def test_pages_of_hours_have_each_row_once(summed_up: Database, limit: int, agents_asked: int) -> None:
    """However long its pages are and however far one looks, a view has every row once, newest hour first."""
    asked = everything(agents_asked)
    rows = list(every_row(agent_hours, summed_up, asked, limit))
    assert sum(row.stills for row in rows) == 27
    assert [(row.hour, row.lan_id, row.result) for row in rows] == sorted(
        {(row.hour, row.lan_id, row.result) for row in rows}, key=lambda key: (-key[0].timestamp(), *key[1:])
    )
    assert len(rows) == 12
    days = list(every_row(agent_days, summed_up, asked, limit))
    assert [(row.day.day, row.lan_id) for row in days] == [
        (day, lan_id) for day in (4, 3, 2) for lan_id in (OTHER, AGENT)
    ]
    fleet = list(every_row(fleet_hours, summed_up, asked, limit))
    assert [row.hour for row in fleet] == sorted((row.hour for row in fleet), reverse=True)
    assert sum(row.stills for row in fleet) == 27
    assert len(fleet) == 9


def test_views_of_hours(summed_up: Database) -> None:
    """All agents per hour, and an agent's shares of failed and of unverified stills per day."""
    fleet = fleet_hours(summed_up, everything(), None, 100).rows
    late, early = HOUR + timedelta(days=2, hours=1), HOUR + timedelta(days=2)
    assert fleet[:3] == [
        FleetHour(late, "PROCESSING_ERROR", 1, 1),
        FleetHour(early, "SUCCESS", 2, 6),
        FleetHour(early, "UNKNOWN_PERSON", 1, 2),
    ]
    worst = agent_days(summed_up, everything(), None, 100).rows[0]
    other = agent_by_lan_id(summed_up, OTHER)
    assert other is not None
    assert worst == AgentDay(date(2026, 3, 4), other.id, OTHER, None, None, 5, 1, 2)
    assert (worst.failed_share, worst.unverified_share) == (0.2, 0.4)


def test_views_of_hours_by_result(summed_up: Database) -> None:
    """A result limits the rows; of agents' days it chooses those that have it, and their shares are of all results."""
    asked = everything(result=UNKNOWN)
    assert {row.result for row in every_row(agent_hours, summed_up, asked)} == {UNKNOWN}
    assert {row.result for row in every_row(fleet_hours, summed_up, asked)} == {UNKNOWN}
    days = list(every_row(agent_days, summed_up, asked))
    assert [(row.lan_id, row.stills) for row in days] == [(OTHER, 5)] * 3


def test_look_at_hours_is_bounded(database: Database) -> None:
    """Of many agents one page looks through a day and says so; days without any stills are not looked through."""
    for day in (0, 1, 40):
        enter_finished(database, AGENT, HOUR - timedelta(days=day), UNKNOWN if day == 40 else "SUCCESS")
        summarise(database, HOUR - timedelta(days=day), END - timedelta(days=day))
    asked = HourFilter(datetime(2026, 1, 1), datetime(2026, 3, 5), 1000, result=UNKNOWN)
    for view in (agent_hours, agent_days, fleet_hours):
        looks = [view(database, asked, None, 100)]
        while looks[-1].older:
            looks.append(view(database, asked, looks[-1].older, 100))
        assert [len(look.rows) for look in looks] == [0, 0, 1]
        assert [look.looked_back_to is None for look in looks] == [False, False, True]
