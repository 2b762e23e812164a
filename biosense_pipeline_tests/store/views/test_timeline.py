"""The timeline: whole from page to page, the agent's own, and each still with the numbers of its decision."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from biosense_pipeline.codes import Status
from biosense_pipeline.store.agents.visible import Agent
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.stills.face_boxes import faces_in_still
from biosense_pipeline.store.stills.outcomes import write_outcomes
from biosense_pipeline.store.views import timeline as timeline_module
from biosense_pipeline.store.views.strips import glances
from biosense_pipeline.store.views.timeline import TimelinePage, one_still, timeline
from biosense_pipeline_tests.store.rows import AGENT, HOUR, MODEL, NOW, OTHER, change, enter, enter_finished, outcome
from biosense_pipeline_tests.store.views.rows import END, MINUTE, SECOND, UNKNOWN, agent


def pages_of(database: Database, own: Agent, limit: int, **chosen: Any) -> list[TimelinePage]:
    """All pages of a timeline."""
    pages = [timeline(database, own, limit=limit, **chosen)]
    while pages[-1].older:
        pages.append(timeline(database, own, before=pages[-1].older, limit=limit, **chosen))
    return pages


def ids_of(pages: Sequence[TimelinePage]) -> list[int]:
    """The stills of the pages, in their order."""
    return [still.id for page in pages for still in page.stills]


def test_timeline_has_every_still_once(database: Database) -> None:
    """From page to page each still of the agent comes once, newest first, whatever its spelling, also in one moment."""
    own = agent(database)
    entered = [
        (HOUR + number // 4 * SECOND, enter_finished(database, lan_id, HOUR + number // 4 * SECOND))
        for number, lan_id in enumerate((AGENT, AGENT.upper(), f"{AGENT} ", AGENT.lower()) * 6)
    ]
    enter_finished(database, OTHER, HOUR)
    enter_finished(database, None, HOUR)
    pages = pages_of(database, own, 5)
    assert ids_of(pages) == [still_id for _, still_id in sorted(entered, reverse=True)]
    assert [len(page.stills) for page in pages] == [5, 5, 5, 5, 4]
    assert {page.looked_back_to for page in pages} == {None}


def test_timeline_passes_over_another_agents_stills(database: Database) -> None:
    """Where a collation takes another's name for the agent's, pages are full of the agent's own nonetheless."""
    own = agent(database, "NA\\rené")
    theirs = [enter_finished(database, "NA\\rene", HOUR + number * SECOND) for number in range(300)]
    mine = [enter_finished(database, "NA\\René", HOUR - number * MINUTE) for number in range(5)]
    assert ids_of(pages_of(database, own, 2)) == mine
    last = glances(database, [own], END)[own.id].last
    assert last is not None
    assert last.id == mine[0]
    assert len(ids_of(pages_of(database, agent(database, "NA\\rene"), 50))) == len(theirs)


def test_timeline_by_result_and_day(database: Database) -> None:
    """Only stills with the result and of the day are shown; midnight begins a day."""
    own = agent(database)
    midnight = datetime(2026, 3, 2)
    unknown = [enter_finished(database, AGENT, moment, UNKNOWN) for moment in (midnight, midnight + 5 * MINUTE)]
    enter_finished(database, AGENT, midnight + SECOND)
    enter_finished(database, AGENT, midnight - SECOND, UNKNOWN)
    enter_finished(database, AGENT, midnight + timedelta(days=1), UNKNOWN)
    assert ids_of(pages_of(database, own, 50, result=UNKNOWN, day=date(2026, 3, 2))) == unknown[::-1]
    assert len(ids_of(pages_of(database, own, 50, result=UNKNOWN))) == 4
    assert len(ids_of(pages_of(database, own, 50, day=date(2026, 3, 2)))) == 3


def test_rare_result_is_looked_for_a_part_at_a_time(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page looks through so many stills, says how far, and goes on from there; none is left out or comes twice."""
    monkeypatch.setattr(timeline_module, "_LOOKED_THROUGH", 10)
    own = agent(database)
    rare = [
        enter_finished(database, AGENT, HOUR - number * SECOND, UNKNOWN if number % 23 == 0 else "SUCCESS")
        for number in range(60)
    ][::23]
    pages = pages_of(database, own, 50, result=UNKNOWN)
    assert ids_of(pages) == rare
    assert len(pages) == 6
    assert pages[0].looked_back_to == HOUR - 10 * SECOND
    assert pages[-1].looked_back_to is None


def test_still_has_the_numbers_of_its_decision(database: Database) -> None:
    """Distance, tolerance and faces are those of what decided it; a still that waits again shows none."""
    own = agent(database)
    still_id = enter(database)[0]
    change(database, [still_id], status=Status.CLAIMED, lease_token="t")
    write_outcomes(database, "t", [outcome(still_id)], model_id=MODEL, run_id=None, processed_time=NOW)
    still = one_still(database, still_id)
    assert still is not None
    assert still.numbers is not None
    assert (still.numbers.distance, still.numbers.tolerance, still.numbers.training_image_id) == (0.3, 0.5, 7)
    assert [(face.box, face.distance) for face in faces_in_still(database, still_id, MODEL)] == [((1, 2, 3, 4), None)]
    assert faces_in_still(database, still_id, "another") == []
    assert timeline(database, own).stills == [still]
    change(database, [still_id], status=Status.PENDING, result=None)
    again = one_still(database, still_id)
    assert again is not None
    assert again.numbers is None
    assert one_still(database, still_id + 1) is None
