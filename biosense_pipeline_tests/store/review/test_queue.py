"""The review queue: what waits for whom, newest first, whole from page to page."""

from datetime import datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, update

from biosense_pipeline.codes import Process, Status, StillResult, Verdict
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.review import queue as review_queue_module
from biosense_pipeline.store.review.verdicts import FINDINGS, QueueItem, open_findings, reviews_of
from biosense_pipeline.store.stills.capture import empty_tables
from biosense_pipeline.store.tables.desk import DeskUser, Review
from biosense_pipeline.store.tables.pipeline import Employee
from biosense_pipeline_tests.store.review.rows import (
    COMPANY,
    CORRECT,
    FALSE_ALARM,
    NOT_SURE,
    SECOND,
    UNKNOWN,
    add_agent,
    add_attempt,
    add_result,
    add_user,
    queue,
    record,
)
from biosense_pipeline_tests.store.rows import AGENT, HOUR, NOW, OTHER, change, enter_finished, fetch


def test_queue_holds_findings_newest_first(database: Database, people: tuple[int, int]) -> None:
    """The three results that need a person are in the queue, newest first, and no other still."""
    ids = [enter_finished(database, AGENT, HOUR + n * SECOND, result) for n, result in enumerate(FINDINGS)]
    for result in set(StillResult) - set(FINDINGS):
        enter_finished(database, AGENT, HOUR, result, result.status)
    items = queue(database, people[0])
    assert [item.still_id for item in items] == ids[::-1]
    assert [item.result for item in items] == [*reversed(FINDINGS)]
    assert {(item.lan_id, item.team, item.round) for item in items} == {(AGENT, "Ann", 1)}


def test_stills_that_are_not_finished_do_not_wait(small: tuple[Database, int, int]) -> None:
    """A still that is to be processed again is no finding, even where its former result still stands."""
    database, *people = small
    change(database, [enter_finished(database, AGENT, HOUR, UNKNOWN)], status=Status.PENDING)
    assert queue(database, people[0]) == []
    assert open_findings(database, team=None).of_agents == {}


def test_item_has_the_numbers_of_the_deciding_model(database: Database, people: tuple[int, int]) -> None:
    """Distance, tolerance and probability come from the model that decided, not from a candidate beside it."""
    still_id = enter_finished(database, AGENT, HOUR, UNKNOWN)
    change(database, [still_id], num_faces=1)
    add_result(database, still_id, "decides", 0.61, 0.45, created=NOW)
    add_result(database, still_id, "candidate", 0.4, 0.5, created=NOW + SECOND)
    add_attempt(database, still_id, "decides", Process.RECOGNITION)
    add_attempt(database, still_id, "candidate", Process.CANDIDATE)
    (item,) = queue(database, people[0])
    assert (item.distance, item.tolerance, item.p_genuine) == (0.61, 0.45, 0.02)
    assert (item.training_image_id, item.num_faces) == (7, 1)
    record(database, still_id, people[0], NOT_SURE)
    assert fetch(database, "SELECT model_id FROM review") == [("decides",)]


def test_numbers_without_an_attempt_on_record(small: tuple[Database, int, int]) -> None:
    """Where attempts were deleted, the numbers are those of a model that came to the still's result."""
    database, *people = small
    still_id = enter_finished(database, AGENT, HOUR, UNKNOWN)
    add_result(database, still_id, "same result", 0.61, 0.45, created=NOW)
    add_result(database, still_id, "another", 0.4, 0.5, created=NOW + SECOND, result=StillResult.SUCCESS)
    (item,) = queue(database, people[0])
    assert item.distance == 0.61


def test_team_sees_its_own_agents(database: Database, people: tuple[int, int]) -> None:
    """A team's queue and counts have its agents' findings only; a team without agents has none."""
    own, others = (enter_finished(database, lan_id, HOUR, UNKNOWN) for lan_id in (AGENT, OTHER))
    assert [item.still_id for item in queue(database, people[0], team="Ann")] == [own]
    assert [item.still_id for item in queue(database, people[0], team="Bob")] == [others]
    ids = dict(fetch(database, "SELECT team_lead, id FROM employee"))
    assert open_findings(database, team="Ann").of_agents == {ids["Ann"]: 1}
    assert open_findings(database, team=None).of_agents == {ids["Ann"]: 1, ids["Bob"]: 1}
    for team in ("", "Án", "nobody"):
        assert queue(database, people[0], team=team) == []
        assert open_findings(database, team=team).of_agents == {}


def test_team_names_that_differ_in_an_accent_are_two(database: Database, people: tuple[int, int]) -> None:
    """Team Änn does not see team Ann's findings, also where the collation takes the names for equal."""
    enter_finished(database, AGENT, HOUR, UNKNOWN)
    add_agent(database, "NA\\third", "Änn")
    assert queue(database, people[0], team="Änn") == []


def test_inactive_agents_are_left_out(small: tuple[Database, int, int]) -> None:
    """Findings of agents who have left are neither shown nor counted."""
    database, *people = small
    enter_finished(database, AGENT, HOUR, UNKNOWN)
    enter_finished(database, "NA\\never seen before", HOUR, UNKNOWN)
    database.write(lambda connection: connection.execute(update(Employee).values(active=False)))
    assert queue(database, people[0]) == []
    assert open_findings(database, team=None).of_agents == {}


@pytest.mark.parametrize("team", [None, "Ann"])
def test_spellings_of_an_agent_are_one(database: Database, people: tuple[int, int], team: str | None) -> None:
    """Stills under the agent's name in capitals, or with a space behind it, are the agent's."""
    for second, lan_id in enumerate((AGENT, AGENT.upper(), f"{AGENT} ")):
        enter_finished(database, lan_id, HOUR + second * SECOND, UNKNOWN)
    assert [item.lan_id for item in queue(database, people[0], team=team)] == [AGENT] * 3
    assert list(open_findings(database, team=team).of_agents.values()) == [3]


def test_names_that_differ_in_an_accent_are_two_agents(database: Database, people: tuple[int, int]) -> None:
    """René's lead does not see Rene's still, also where the column's collation takes the names for equal."""
    add_agent(database, "NA\\rené", "Ann")
    add_agent(database, "NA\\rene", "Bob")
    rene = enter_finished(database, "NA\\rene", HOUR, UNKNOWN)
    accented = enter_finished(database, "NA\\rené", HOUR, UNKNOWN)
    assert [item.still_id for item in queue(database, people[0], team="Ann")] == [accented]
    assert [item.still_id for item in queue(database, people[0], team="Bob")] == [rene]
    assert list(open_findings(database, team="Ann").of_agents.values()) == [1]


def test_count_is_limited_to_the_newest(
    database: Database, people: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of each kind the newest open ones are counted, past those that were reviewed; fewer than that exactly."""
    monkeypatch.setattr(review_queue_module, "MOST_COUNTED", 2)
    for second in range(3):
        enter_finished(database, AGENT, HOUR + second * SECOND, UNKNOWN)
    enter_finished(database, OTHER, HOUR, UNKNOWN)
    record(database, enter_finished(database, OTHER, HOUR + 9 * SECOND, UNKNOWN), people[0], NOT_SURE)
    enter_finished(database, OTHER, HOUR, COMPANY)
    ids = dict(fetch(database, "SELECT lan_id, id FROM employee"))
    found = open_findings(database, team=None)
    assert (found.of_agents, found.total, found.complete) == ({ids[AGENT]: 2, ids[OTHER]: 1}, 3, False)
    bobs = open_findings(database, team="Bob")
    assert (bobs.of_agents, bobs.complete) == ({ids[OTHER]: 2}, True)


def test_findings_of_who_has_left_hide_no_others(
    database: Database, people: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many newer findings an agent left behind who works here no more, those of others are counted."""
    monkeypatch.setattr(review_queue_module, "MOST_COUNTED", 2)
    add_agent(database, "NA\\gone", "Ann", active=False)
    for second in range(9):
        enter_finished(database, "NA\\gone", HOUR + second * SECOND, UNKNOWN)
        enter_finished(database, OTHER, HOUR - second * SECOND, UNKNOWN)
    ids = dict(fetch(database, "SELECT lan_id, id FROM employee"))
    found = open_findings(database, team=None)
    assert set(found.of_agents) == {ids[OTHER]}
    assert found.of_agents[ids[OTHER]] >= 2


def test_own_confirmation_does_not_wait_for_oneself(database: Database, people: tuple[int, int]) -> None:
    """A violation that a reviewer confirmed is counted for a second reviewer, not for the first, as in the queue."""
    record(database, enter_finished(database, AGENT, HOUR, UNKNOWN), people[0], CORRECT)
    counted = [open_findings(database, team=None, reviewer_id=user).total for user in (*people, None)]
    assert counted == [0, 1, 1]


def test_name_with_quotes_and_markup_is_data(database: Database, people: tuple[int, int]) -> None:
    """A LAN id of quotes, backslashes, wildcards and tags finds its own stills and no other's."""
    nasty = "NA\\o'b%\"; DROP TABLE review; --<b>_"
    add_agent(database, nasty, "Ann's <team> % \\")
    still_id = enter_finished(database, nasty, HOUR, UNKNOWN)
    enter_finished(database, AGENT, HOUR, UNKNOWN)
    items = queue(database, people[0], team="Ann's <team> % \\")
    assert [(item.still_id, item.lan_id) for item in items] == [(still_id, nasty)]


def test_verdict_takes_a_finding_out_of_the_queue(small: tuple[Database, int, int]) -> None:
    """A finding that was judged waits for nobody any more, whichever the verdict."""
    database, *people = small
    for verdict in (FALSE_ALARM, NOT_SURE):
        record(database, enter_finished(database, AGENT, HOUR, UNKNOWN), people[0], verdict)
    record(database, enter_finished(database, AGENT, HOUR, COMPANY), people[0], CORRECT, result=COMPANY)
    for user in people:
        assert queue(database, user) == []
    assert open_findings(database, team=None).of_agents == {}


def test_stills_that_a_client_deleted_do_not_wait(small: tuple[Database, int, int]) -> None:
    """A purged still leaves the queue, and what was said of it stays on record."""
    database, *people = small
    still_id = enter_finished(database, AGENT, HOUR, UNKNOWN)
    record(database, still_id, people[0], CORRECT)
    database.write(lambda connection: connection.exec_driver_sql("DELETE FROM stream_img"))
    assert queue(database, people[1]) == []
    assert open_findings(database, team=None).of_agents == {}
    assert len(reviews_of(database, [still_id, still_id + 1])[still_id]) == 1


STILL = st.tuples(
    st.sampled_from([AGENT, AGENT.upper(), OTHER, "NA\\left", "é", "e"]),
    st.one_of(st.none(), st.integers(0, 3).map(lambda seconds: HOUR + seconds * SECOND)),
    st.sampled_from([*FINDINGS, StillResult.SUCCESS]),
    st.sampled_from([None, FALSE_ALARM, CORRECT]),
)


@given(st.lists(STILL, max_size=16), st.integers(1, 4), st.sampled_from([None, "Ann"]))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_pages_join_to_the_whole_queue(
    database: Database,
    stills: list[tuple[str, datetime | None, StillResult, Verdict | None]],
    limit: int,
    team: str | None,
) -> None:
    """For any stills and page size, the pages have each waiting one once, newest first, those without a time last."""
    database.write(lambda connection: (connection.execute(delete(Review)), connection.execute(delete(DeskUser))))
    empty_tables(database)
    user, other = add_user(database, "first"), add_user(database, "second")
    for lan_id, lead in ((AGENT, "Ann"), (OTHER, "Bob"), ("é", "Ann"), ("e", "Bob")):
        add_agent(database, lan_id, lead)
    add_agent(database, "NA\\left", "Ann", active=False)
    expected = []
    for lan_id, moment, result, verdict in stills:
        still_id = _enter(database, lan_id, moment, result)
        if result is StillResult.SUCCESS:
            continue
        if verdict:
            record(database, still_id, other, verdict, result=result)
        open_ = verdict is None or (verdict is CORRECT and result is not COMPANY)
        seen_by_ann = lan_id in (AGENT, AGENT.upper(), "é")
        if open_ and lan_id != "NA\\left" and (team is None or seen_by_ann):
            expected.append((moment is not None, moment or HOUR, still_id))
    found: list[QueueItem] = []
    while page := queue(database, user, team=team, limit=limit, after=found[-1].position if found else None):
        assert len(page) <= limit
        found += page
    assert [item.still_id for item in found] == [still_id for *_, still_id in sorted(expected, reverse=True)]
    assert open_findings(database, team=team).total == len(expected)


def _enter(database: Database, lan_id: str, moment: datetime | None, result: StillResult) -> int:
    still_id = enter_finished(database, lan_id, moment or HOUR, result)
    if moment is None:
        change(database, [still_id], capture_time=None)
    return still_id
