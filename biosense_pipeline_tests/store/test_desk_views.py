"""What the desk's pages read: right whatever the spelling, whole from page to page, and bounded."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, insert, text, update

from biosense_pipeline.codes import Status, StillResult, TrainingResult
from biosense_pipeline.store.capture import enter_training_images
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.desk_views import timeline as timeline_module
from biosense_pipeline.store.desk_views.agents import Agent, agent_by_id, agent_by_lan_id, agents, matching, teams_of
from biosense_pipeline.store.desk_views.hours import (
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
from biosense_pipeline.store.desk_views.newest import Position
from biosense_pipeline.store.desk_views.strips import CELL, CELLS, Cell, default_moment, glances, window_end
from biosense_pipeline.store.desk_views.timeline import TimelinePage, faces_found, one_still, timeline
from biosense_pipeline.store.desk_views.training_images import (
    Enrolment,
    enrolments,
    reference,
    training_image,
    training_images,
)
from biosense_pipeline.store.employees import employee_ids
from biosense_pipeline.store.outcomes import write_outcomes
from biosense_pipeline.store.summaries import summarise
from biosense_pipeline.store.tables import Employee, TrainingImage
from biosense_pipeline_tests.store.rows import (
    AGENT,
    HOUR,
    MODEL,
    NOW,
    OTHER,
    change,
    enter,
    enter_finished,
    enter_training,
    outcome,
    statements,
)

UNKNOWN = StillResult.UNKNOWN_PERSON
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
END = HOUR + timedelta(hours=1)


def agent(database: Database, lan_id: str = AGENT, **values: Any) -> Agent:
    """The agent as registered, now if not before."""
    known = agent_by_lan_id(database, lan_id)
    if known is None:
        row = insert(Employee).values(lan_id=lan_id, **values)
        database.write(lambda connection: connection.execute(row))
        known = agent_by_lan_id(database, lan_id)
    assert known is not None
    return known


# Agents


def test_agents_of_a_team(database: Database) -> None:
    """A team's agents are exactly those whose team lead is written just so, by name."""
    for lan_id, name, team in (
        ("NA\\b", "Zoë", "east"),
        ("NA\\a", None, "east"),
        ("NA\\c", "Ann", "East"),
        ("NA\\d", "Bob", "éast"),
        ("NA\\e", "Cat", None),
    ):
        agent(database, lan_id, display_name=name, team_lead=team)
    assert [found.lan_id for found in agents(database, "east")] == ["NA\\a", "NA\\b"]
    everyone = agents(database, None)
    assert [found.name or found.lan_id for found in everyone] == ["Ann", "Bob", "Cat", "NA\\a", "Zoë"]
    assert teams_of(everyone) == ["East", "east", "éast"]
    stranger = agent(database, "NA\\c")
    assert agent_by_id(database, stranger.id, "east") is None
    assert agent_by_id(database, stranger.id, None) == stranger


def test_agent_is_found_under_any_spelling(database: Database) -> None:
    """Case and trailing blanks make no other agent, an accent does."""
    rene = agent(database, "NA\\rené")
    for spelling in ("na\\RENÉ", "NA\\rené ", "NA\\rené"):
        assert agent_by_lan_id(database, spelling) == rene
    assert agent_by_lan_id(database, "NA\\rene") is None
    assert agent_by_lan_id(database, None) is None


def test_search_looks_at_lan_ids_and_names(sqlite_database: Database) -> None:
    """All the words have to occur, whatever their case; what means something to SQL means nothing here."""
    agent(sqlite_database, "NA\\vep5898", display_name="Eileen Collins")
    agent(sqlite_database, "EU\\v_p%", display_name="Grace")
    everyone = agents(sqlite_database, None)
    assert [found.name for found in matching(everyone, "collins EILEEN")] == ["Eileen Collins"]
    assert [found.name for found in matching(everyone, "v_p%")] == ["Grace"]
    assert matching(everyone, "' or 1=1 --") == []
    assert matching(everyone, "") == everyone


# Strips


def test_cell_shows_the_worst_outcome(database: Database) -> None:
    """A cell counts the stills of its five minutes and shows the worst result; what waits has none."""
    own = agent(database)
    for offset, result in ((0, "SUCCESS"), (10, "NO_FACES_FOUND"), (299, "UNKNOWN_PERSON"), (300, "SUCCESS")):
        enter_finished(database, AGENT, HOUR + offset * SECOND, result)
    enter_finished(database, AGENT, HOUR + 10 * MINUTE, "UNREADABLE_IMAGE", Status.FAILED)
    enter(database, 2, start=HOUR + 20 * MINUTE)
    change(database, enter(database, start=HOUR + 25 * MINUTE), result=UNKNOWN)  # a result of an earlier attempt
    enter_finished(database, AGENT, HOUR - SECOND, UNKNOWN)
    enter_finished(database, AGENT, END, UNKNOWN)
    cells = glances(database, [own], END)[own.id].cells
    assert len(cells) == CELLS
    assert cells[0] == Cell(HOUR, 3, UNKNOWN)
    assert cells[1] == Cell(HOUR + CELL, 1, StillResult.SUCCESS)
    assert cells[2] == Cell(HOUR + 2 * CELL, 1, StillResult.UNREADABLE_IMAGE)
    assert [(cell.stills, cell.worst) for cell in cells[4:6]] == [(2, None), (1, None)]
    assert sum(cell.stills for cell in cells) == 8


def test_last_still_may_be_older_than_the_strip(database: Database) -> None:
    """The last still is the newest before the end, of one moment the one with the highest id."""
    own, silent = agent(database), agent(database, OTHER)
    enter_finished(database, AGENT, HOUR - timedelta(days=2))
    last = [enter_finished(database, AGENT, HOUR - timedelta(days=1), UNKNOWN) for _ in range(2)][-1]
    enter_finished(database, AGENT, END)
    seen = glances(database, [own, silent], END)
    found = seen[own.id].last
    assert found is not None
    assert (found.id, found.result) == (last, UNKNOWN)
    assert {cell.stills for cell in seen[own.id].cells} == {0}
    assert seen[silent.id].last is None


def test_strips_know_spellings_and_accents_apart(database: Database) -> None:
    """Stills under other capitals are the agent's, those under another accent another's, on each server."""
    rene, other = agent(database, "NA\\rené"), agent(database, "NA\\Rene")
    nameless = agent(database, "")
    for number, lan_id in enumerate(("NA\\RENÉ", "na\\rené ", "NA\\rene", None, "")):
        enter_finished(database, lan_id, HOUR + number * SECOND, UNKNOWN if lan_id == "NA\\rene" else "SUCCESS")
    seen = glances(database, [rene, other, nameless], END)
    assert seen[rene.id].cells[0] == Cell(HOUR, 2, StillResult.SUCCESS)
    assert seen[other.id].cells[0] == Cell(HOUR, 1, UNKNOWN)
    assert seen[nameless.id].cells[0].stills == 2
    last = seen[rene.id].last
    assert last is not None
    assert last.capture_time == HOUR + SECOND


def test_moment_shown_unasked(database: Database) -> None:
    """It is now while stills come, else the newest capture before it; a clock that is ahead moves nothing."""
    assert default_moment(database, NOW) == NOW
    enter(database, start=NOW + timedelta(days=1))
    assert default_moment(database, NOW) == NOW + timedelta(days=1)
    enter(database, start=HOUR)
    assert default_moment(database, NOW) == HOUR
    enter(database, start=NOW - 59 * MINUTE)
    assert default_moment(database, NOW) == NOW
    assert window_end(datetime(2026, 3, 2, 9, 59, 59, 999)) == datetime(2026, 3, 2, 10)
    assert window_end(datetime(2026, 3, 2, 10)) == datetime(2026, 3, 2, 10, 5)


# Timeline


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
    assert [face.box for face in faces_found(database, still_id, MODEL)] == [(1, 2, 3, 4)]
    assert faces_found(database, still_id, "another") == []
    assert timeline(database, own).stills == [still]
    change(database, [still_id], status=Status.PENDING, result=None)
    again = one_still(database, still_id)
    assert again is not None
    assert again.numbers is None
    assert one_still(database, still_id + 1) is None


# Training images


def set_training(database: Database, image_id: int, status: Status, result: str | None, minute: int) -> None:
    """Decide a training image as of that minute."""
    values = {"status": status, "result": result, "processed_time": NOW + minute * MINUTE}
    statement = update(TrainingImage).where(TrainingImage.id == image_id).values(**values)
    database.write(lambda connection: connection.execute(statement))


def test_benchmark_is_the_newest_approved_image(database: Database) -> None:
    """An agent's images come newest first, under any spelling; the newest approved one is the benchmark."""
    own = agent(database)
    first, second, third, _ = enter_training(database, AGENT, AGENT.upper(), AGENT, OTHER)
    for image_id in (first, second):
        set_training(database, image_id, Status.PROCESSED, TrainingResult.ONE_FACE, image_id)
    set_training(database, third, Status.CLAIMED, TrainingResult.AWAITING_APPROVAL, 9)
    cards = training_images(database, own)
    assert [(card.id, card.benchmark, card.waits) for card in cards] == [
        (third, False, True),
        (second, True, False),
        (first, False, False),
    ]
    assert enrolments(database, [own])[own.id].waiting == 1
    card = training_image(database, third)
    assert card is not None
    assert card.approvable
    assert training_image(database, third + 10) is None


def test_what_a_still_was_compared_with(database: Database) -> None:
    """Beside a still stands what it was compared with, however old; the benchmark where that is gone or another's."""
    own = agent(database)
    ids = enter_training(database, *[AGENT] * 30, OTHER, status=Status.PROCESSED)
    images = training_images(database, own)
    assert len(images) == 24
    oldest, compared = reference(database, own, images, ids[0])
    assert (oldest and oldest.id, compared) == (ids[0], True)
    for missing in (None, ids[-1], ids[-1] + 1):
        benchmark, compared = reference(database, own, images, missing)
        assert (benchmark and benchmark.id, compared) == (ids[29], False)
    assert reference(database, own, [], None) == (None, False)


def test_failed_newest_image_is_flagged_until_one_is_approved(database: Database) -> None:
    """A newest image that failed its check hides the benchmark until an approval after it; a rejected one does not."""
    own = agent(database)
    first, second, third = enter_training(database, AGENT, AGENT, AGENT)
    set_training(database, first, Status.PROCESSED, TrainingResult.ONE_FACE, 1)
    set_training(database, second, Status.FAILED, TrainingResult.POOR, 2)
    set_training(database, third, Status.FAILED, TrainingResult.REJECTED, 3)
    assert enrolments(database, [own])[own.id].newest_failed
    assert [card.approvable for card in training_images(database, own)] == [False, True, False]
    set_training(database, first, Status.PROCESSED, TrainingResult.ONE_FACE, 4)
    assert not enrolments(database, [own])[own.id].newest_failed
    set_training(database, second, Status.FAILED, TrainingResult.REJECTED, 5)
    set_training(database, first, Status.PENDING, None, 6)
    assert enrolments(database, [own])[own.id] == Enrolment()


# Hours


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


# What a site's size would cost


def test_views_are_driven_by_indexes(mariadb_database: Database) -> None:
    """Of 30,000 stills and their summary, no page's query reads a whole table or sorts one."""
    _fill(mariadb_database)
    page = agents(mariadb_database, None)[:10]
    day = HourFilter(datetime(2026, 3, 2), datetime(2026, 3, 3), 50)
    looks: list[Callable[[], object]] = [
        lambda: default_moment(mariadb_database, NOW),
        lambda: glances(mariadb_database, page, END),
        lambda: timeline(mariadb_database, page[0], limit=20),
        lambda: timeline(mariadb_database, page[0], before=Position(HOUR, 5), limit=20),
        lambda: timeline(mariadb_database, page[0], result=UNKNOWN, limit=20),
        lambda: agent_hours(mariadb_database, day, None, 20),
    ]
    for look in looks:
        with statements(mariadb_database) as sent:
            look()
        for sql, parameters in sent:
            for step in _explain(mariadb_database, sql, parameters):
                if step["table"] in ("stream_img", "agent_hour_summary"):
                    assert step["type"] not in ("ALL", "index"), sql
                    assert int(step["rows"]) < 5_000, sql


def _explain(database: Database, sql: str, parameters: Any) -> list[Any]:
    if not sql.startswith("SELECT"):
        return []
    with database.read() as connection:
        return list(connection.exec_driver_sql(f"EXPLAIN {sql}", parameters).mappings())


def _fill(database: Database) -> None:
    """Fifty agents, a still a minute each for ten hours, one in thirty unknown; the summary of twenty days."""
    employee_ids(database, [f"NA\\agent{number:03}" for number in range(50)])
    filling = (
        "INSERT INTO stream_img (lan_id, capture_time, status, result)"
        " SELECT CONCAT(:prefix, LPAD(seq % 50, 3, '0')), :first + INTERVAL seq DIV 50 MINUTE, 'Y',"
        " IF(seq % 31 = 0, 'UNKNOWN_PERSON', 'SUCCESS') FROM seq_0_to_29999",
        "INSERT INTO agent_hour_summary (hour, employee_id, result, stills, first_capture, last_capture, summed_up)"
        " SELECT :first - INTERVAL seq DIV 50 HOUR, e.id, 'SUCCESS', 60, :first, :first, :first"
        " FROM seq_0_to_23999 s JOIN employee e ON e.lan_id = CONCAT(:prefix, LPAD(s.seq % 50, 3, '0'))",
    )
    values = {"prefix": "NA\\agent", "first": HOUR - timedelta(hours=9)}

    def fill(connection: Connection) -> None:
        for sql in filling:
            connection.execute(text(sql), values)

    database.write(fill)
    with database.read() as connection:
        connection.execute(text("ANALYZE TABLE stream_img, agent_hour_summary")).all()


def test_page_of_agents_without_images(database: Database) -> None:
    """Agents who have neither stills nor training images have empty strips; no agents need no query."""
    own = agent(database)
    assert {cell.stills for cell in glances(database, [own], END)[own.id].cells} == {0}
    assert enrolments(database, [own])[own.id].approved == 0
    assert training_images(database, own) == []
    assert timeline(database, own) == TimelinePage([], None, None)
    enter_training_images(database, [])
    with statements(database) as sent:
        assert glances(database, [], END) == {}
        assert enrolments(database, []) == {}
    assert sent == []
