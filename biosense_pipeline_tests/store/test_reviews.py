"""Reviews: what waits for whom, and that a verdict is recorded once and never overwritten."""

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import count
from threading import Barrier
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select, update

from biosense_pipeline.codes import Process, Status, StillResult, Verdict
from biosense_pipeline.errors import BiosenseError, WrongUse
from biosense_pipeline.store import review_queue as review_queue_module
from biosense_pipeline.store import reviews
from biosense_pipeline.store.capture import empty_tables
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.desk_tables import DeskUser, Review
from biosense_pipeline.store.reviews import (
    FINDINGS,
    LONGEST_NOTE,
    AlreadyReviewed,
    FindingChanged,
    QueueItem,
    SecondReviewRefused,
    open_findings,
    record_review,
    review_queue,
    reviews_of,
)
from biosense_pipeline.store.tables import Employee, ProcessStatus, RecognitionResult
from biosense_pipeline_tests.store.rows import AGENT, HOUR, NOW, OTHER, at_once, change, enter_finished, fetch

UNKNOWN, STRANGERS, COMPANY = FINDINGS
SECOND = timedelta(seconds=1)
CORRECT, FALSE_ALARM, NOT_SURE = Verdict.CORRECT, Verdict.FALSE_ALARM, Verdict.NOT_SURE


@pytest.fixture
def people(database: Database) -> tuple[int, int]:
    """Two reviewers; the agent is in Ann's team, the other one in Bob's."""
    return _people(database)


@pytest.fixture
def small(sqlite_database: Database) -> tuple[Database, int, int]:
    """The same on the embedded database, for rules that do not depend on the server."""
    return sqlite_database, *_people(sqlite_database)


def test_queue_holds_findings_newest_first(database: Database, people: tuple[int, int]) -> None:
    """The three results that need a person are in the queue, newest first, and no other still."""
    ids = [enter_finished(database, AGENT, HOUR + n * SECOND, result) for n, result in enumerate(FINDINGS)]
    for result in set(StillResult) - set(FINDINGS):
        enter_finished(database, AGENT, HOUR, result, result.status)
    items = _queue(database, people[0])
    assert [item.still_id for item in items] == ids[::-1]
    assert [item.result for item in items] == [*reversed(FINDINGS)]
    assert {(item.lan_id, item.team, item.round, item.first_verdict) for item in items} == {(AGENT, "Ann", 1, None)}


def test_stills_that_are_not_finished_do_not_wait(small: tuple[Database, int, int]) -> None:
    """A still that is to be processed again is no finding, even where its former result still stands."""
    database, *people = small
    change(database, [enter_finished(database, AGENT, HOUR, UNKNOWN)], status=Status.PENDING)
    assert _queue(database, people[0]) == []
    assert open_findings(database, team=None) == {}


def test_item_has_the_numbers_of_the_deciding_model(database: Database, people: tuple[int, int]) -> None:
    """Distance, tolerance and probability come from the model that decided, not from a candidate beside it."""
    still_id = enter_finished(database, AGENT, HOUR, UNKNOWN)
    change(database, [still_id], num_faces=1)
    add_result(database, still_id, "decides", 0.61, 0.45, created=NOW)
    add_result(database, still_id, "candidate", 0.4, 0.5, created=NOW + SECOND)
    add_attempt(database, still_id, "decides", Process.RECOGNITION)
    add_attempt(database, still_id, "candidate", Process.CANDIDATE)
    (item,) = _queue(database, people[0])
    assert (item.distance, item.tolerance, item.p_genuine) == (0.61, 0.45, 0.02)
    assert (item.training_image_id, item.num_faces) == (7, 1)
    _record(database, still_id, people[0], NOT_SURE)
    assert fetch(database, "SELECT model_id FROM review") == [("decides",)]


def test_numbers_without_an_attempt_on_record(small: tuple[Database, int, int]) -> None:
    """Where attempts were deleted, the numbers are those of a model that came to the still's result."""
    database, *people = small
    still_id = enter_finished(database, AGENT, HOUR, UNKNOWN)
    add_result(database, still_id, "same result", 0.61, 0.45, created=NOW)
    add_result(database, still_id, "another", 0.4, 0.5, created=NOW + SECOND, result=StillResult.SUCCESS)
    (item,) = _queue(database, people[0])
    assert item.distance == 0.61


def test_team_sees_its_own_agents(database: Database, people: tuple[int, int]) -> None:
    """A team's queue and counts have its agents' findings only; a team without agents has none."""
    own, others = (enter_finished(database, lan_id, HOUR, UNKNOWN) for lan_id in (AGENT, OTHER))
    assert [item.still_id for item in _queue(database, people[0], team="Ann")] == [own]
    assert [item.still_id for item in _queue(database, people[0], team="Bob")] == [others]
    ids = dict(fetch(database, "SELECT team_lead, id FROM employee"))
    assert open_findings(database, team="Ann") == {ids["Ann"]: 1}
    assert open_findings(database, team=None) == {ids["Ann"]: 1, ids["Bob"]: 1}
    for team in ("", "Án", "nobody"):
        assert _queue(database, people[0], team=team) == []
        assert open_findings(database, team=team) == {}


def test_team_names_that_differ_in_an_accent_are_two(database: Database, people: tuple[int, int]) -> None:
    """Team Änn does not see team Ann's findings, also where the collation takes the names for equal."""
    enter_finished(database, AGENT, HOUR, UNKNOWN)
    add_agent(database, "NA\\third", "Änn")
    assert _queue(database, people[0], team="Änn") == []


def test_inactive_agents_are_left_out(small: tuple[Database, int, int]) -> None:
    """Findings of agents who have left are neither shown nor counted."""
    database, *people = small
    enter_finished(database, AGENT, HOUR, UNKNOWN)
    enter_finished(database, "NA\\never seen before", HOUR, UNKNOWN)
    database.write(lambda connection: connection.execute(update(Employee).values(active=False)))
    assert _queue(database, people[0]) == []
    assert open_findings(database, team=None) == {}


@pytest.mark.parametrize("team", [None, "Ann"])
def test_spellings_of_an_agent_are_one(database: Database, people: tuple[int, int], team: str | None) -> None:
    """Stills under the agent's name in capitals, or with a space behind it, are the agent's."""
    for second, lan_id in enumerate((AGENT, AGENT.upper(), f"{AGENT} ")):
        enter_finished(database, lan_id, HOUR + second * SECOND, UNKNOWN)
    assert [item.lan_id for item in _queue(database, people[0], team=team)] == [AGENT] * 3
    assert list(open_findings(database, team=team).values()) == [3]


def test_names_that_differ_in_an_accent_are_two_agents(database: Database, people: tuple[int, int]) -> None:
    """René's lead does not see Rene's still, also where the column's collation takes the names for equal."""
    add_agent(database, "NA\\rené", "Ann")
    add_agent(database, "NA\\rene", "Bob")
    rene = enter_finished(database, "NA\\rene", HOUR, UNKNOWN)
    accented = enter_finished(database, "NA\\rené", HOUR, UNKNOWN)
    assert [item.still_id for item in _queue(database, people[0], team="Ann")] == [accented]
    assert [item.still_id for item in _queue(database, people[0], team="Bob")] == [rene]
    assert list(open_findings(database, team="Ann").values()) == [1]


def test_count_is_limited_to_the_newest(
    database: Database, people: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of each kind the newest open ones are counted, past those that were reviewed; fewer than that exactly."""
    monkeypatch.setattr(review_queue_module, "MOST_COUNTED", 2)
    for second in range(3):
        enter_finished(database, AGENT, HOUR + second * SECOND, UNKNOWN)
    enter_finished(database, OTHER, HOUR, UNKNOWN)
    _record(database, enter_finished(database, OTHER, HOUR + 9 * SECOND, UNKNOWN), people[0], NOT_SURE)
    enter_finished(database, OTHER, HOUR, COMPANY)
    ids = dict(fetch(database, "SELECT lan_id, id FROM employee"))
    assert open_findings(database, team=None) == {ids[AGENT]: 2, ids[OTHER]: 1}
    assert open_findings(database, team="Bob") == {ids[OTHER]: 2}


def test_name_with_quotes_and_markup_is_data(database: Database, people: tuple[int, int]) -> None:
    """A LAN id of quotes, backslashes, wildcards and tags finds its own stills and no other's."""
    nasty = "NA\\o'b%\"; DROP TABLE review; --<b>_"
    add_agent(database, nasty, "Ann's <team> % \\")
    still_id = enter_finished(database, nasty, HOUR, UNKNOWN)
    enter_finished(database, AGENT, HOUR, UNKNOWN)
    items = _queue(database, people[0], team="Ann's <team> % \\")
    assert [(item.still_id, item.lan_id) for item in items] == [(still_id, nasty)]


def test_verdict_takes_a_finding_out_of_the_queue(small: tuple[Database, int, int]) -> None:
    """A finding that was judged waits for nobody any more, whichever the verdict."""
    database, *people = small
    for verdict in (FALSE_ALARM, NOT_SURE):
        _record(database, enter_finished(database, AGENT, HOUR, UNKNOWN), people[0], verdict)
    _record(database, enter_finished(database, AGENT, HOUR, COMPANY), people[0], CORRECT, result=COMPANY)
    for user in people:
        assert _queue(database, user) == []
    assert open_findings(database, team=None) == {}


@pytest.mark.parametrize("result", [UNKNOWN, STRANGERS])
def test_confirmed_violation_waits_for_another_reviewer(
    database: Database, people: tuple[int, int], result: StillResult
) -> None:
    """A violation found correct waits for a second reviewer, who is told the first verdict; then it is closed."""
    first, second = people
    still_id = enter_finished(database, AGENT, HOUR, result)
    _record(database, still_id, first, CORRECT, result=result, note=" not him ")
    assert _queue(database, first) == []
    (item,) = _queue(database, second)
    assert (item.round, item.first_verdict) == (2, CORRECT)
    assert list(open_findings(database, team=None).values()) == [1]
    _record(database, still_id, second, FALSE_ALARM, result=result, round_=2)
    for user in people:
        assert _queue(database, user) == []
    assert open_findings(database, team=None) == {}
    assert [(r.round, r.reviewer, r.verdict, r.note) for r in reviews_of(database, [still_id])[still_id]] == [
        (1, "first", CORRECT, "not him"),
        (2, "second", FALSE_ALARM, None),
    ]


def test_first_reviewer_is_not_the_second(small: tuple[Database, int, int]) -> None:
    """Nobody confirms the own verdict."""
    database, *people = small
    still_id = enter_finished(database, AGENT, HOUR, UNKNOWN)
    _record(database, still_id, people[0], CORRECT)
    with pytest.raises(SecondReviewRefused, match="You were this finding's first reviewer"):
        _record(database, still_id, people[0], CORRECT, round_=2)
    assert len(reviews_of(database, [still_id])[still_id]) == 1


@pytest.mark.parametrize("first", [None, FALSE_ALARM, NOT_SURE])
def test_second_review_without_a_confirmed_violation_is_refused(
    small: tuple[Database, int, int], first: Verdict | None
) -> None:
    """There is no second review where no first one found a violation."""
    database, *people = small
    still_id = enter_finished(database, AGENT, HOUR, UNKNOWN)
    if first:
        _record(database, still_id, people[0], first)
    with pytest.raises(SecondReviewRefused, match="No second review"):
        _record(database, still_id, people[1], CORRECT, round_=2)


def test_second_of_two_reviewers_is_told(database: Database, people: tuple[int, int]) -> None:
    """Who comes second learns who was first and what was said, and what stands there stays."""
    still_id = enter_finished(database, AGENT, HOUR, UNKNOWN)
    _record(database, still_id, people[0], FALSE_ALARM, note="that is her")
    with pytest.raises(AlreadyReviewed, match=r"first has already judged this finding \(false alarm\)") as told:
        _record(database, still_id, people[1], CORRECT)
    assert (told.value.by, told.value.verdict) == ("first", FALSE_ALARM)
    (review,) = reviews_of(database, [still_id])[still_id]
    assert (review.reviewer_id, review.verdict, review.note) == (people[0], FALSE_ALARM, "that is her")


@pytest.mark.parametrize("round_", [1, 2])
def test_reviewers_at_the_same_moment(database: Database, people: tuple[int, int], round_: int) -> None:
    """Of several who answer one item at the same moment, exactly one verdict is recorded and the others are told."""
    users = [*people, *(add_user(database, f"user {number}") for number in range(4))]
    for item in range(3):
        still_id = enter_finished(database, AGENT, HOUR + item * SECOND, UNKNOWN)
        if round_ == 2:
            _record(database, still_id, add_user(database, f"before {item}"), CORRECT)

        def answer(number: int, still_id: int = still_id) -> str | None:
            try:
                _record(database, still_id, users[number], NOT_SURE, round_=round_)
                return None
            except AlreadyReviewed as refusal:
                return refusal.by

        told = at_once(len(users), answer)
        (there,) = [review for review in reviews_of(database, [still_id])[still_id] if review.round == round_]
        assert told.count(None) == 1
        assert users[told.index(None)] == there.reviewer_id
        assert {by for by in told if by} == {there.reviewer}


def test_index_is_the_last_word(database: Database, people: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """A verdict that nobody saw before the own one was written is found by the unique index, and told."""
    still_id = enter_finished(database, AGENT, HOUR, UNKNOWN)
    _record(database, still_id, people[0], NOT_SURE)
    monkeypatch.setattr(reviews, "_reviews", _blind_at_first(reviews._reviews))
    with pytest.raises(AlreadyReviewed) as told:
        _record(database, still_id, people[1], CORRECT)
    assert told.value.by == "first"


def test_repeated_request_changes_nothing(small: tuple[Database, int, int]) -> None:
    """The same verdict of the same reviewer again is recorded once; a different one is refused."""
    database, *people = small
    still_id = enter_finished(database, AGENT, HOUR, UNKNOWN)
    _record(database, still_id, people[0], NOT_SURE, note="dark")
    before = reviews_of(database, [still_id])
    _record(database, still_id, people[0], NOT_SURE, note="dark")
    assert reviews_of(database, [still_id]) == before
    for verdict, note in ((CORRECT, "dark"), (NOT_SURE, "darker")):
        with pytest.raises(AlreadyReviewed, match="first has already"):
            _record(database, still_id, people[0], verdict, note=note)


def test_changed_finding_is_told(database: Database, people: tuple[int, int]) -> None:
    """A verdict on a result that the still no longer has is not recorded."""
    still_id = enter_finished(database, AGENT, HOUR, UNKNOWN)
    changes: list[dict[str, object]] = [
        {"result": COMPANY},
        {"result": StillResult.SUCCESS},
        {"result": None, "status": Status.PENDING},
    ]
    for values in changes:
        change(database, [still_id], **values)
        with pytest.raises(FindingChanged, match="look at it again"):
            _record(database, still_id, people[0], CORRECT)
    with pytest.raises(FindingChanged):
        _record(database, 10**9, people[0], CORRECT)
    assert reviews_of(database, [still_id]) == {}


def test_verdict_is_on_one_result_of_a_still(database: Database, people: tuple[int, int]) -> None:
    """A still that gets another result is a new finding: it waits for a first reviewer, and none is the second's."""
    first, second = people
    still_id = enter_finished(database, AGENT, HOUR, COMPANY)
    _record(database, still_id, first, CORRECT, result=COMPANY)
    change(database, [still_id], result=UNKNOWN)
    (item,) = _queue(database, first)
    assert (item.result, item.round, item.first_verdict) == (UNKNOWN, 1, None)
    assert sum(open_findings(database, team=None).values()) == 1
    with pytest.raises(SecondReviewRefused):
        _record(database, still_id, second, CORRECT, round_=2)
    _record(database, still_id, first, CORRECT)
    change(database, [still_id], result=STRANGERS)
    assert [(item.result, item.round) for item in _queue(database, second)] == [(STRANGERS, 1)]
    change(database, [still_id], result=UNKNOWN)
    assert [(item.round, item.first_verdict) for item in _queue(database, second)] == [(2, CORRECT)]
    assert [review.result for review in reviews_of(database, [still_id])[still_id]] == [COMPANY, UNKNOWN]


def test_what_is_no_finding_is_refused(small: tuple[Database, int, int]) -> None:
    """A success, a third round and a note without end are wrong use, and nothing is recorded."""
    database, *people = small
    still_id = enter_finished(database, AGENT, HOUR)
    with pytest.raises(WrongUse):
        _record(database, still_id, people[0], CORRECT, result=StillResult.SUCCESS)
    with pytest.raises(WrongUse):
        _record(database, still_id, people[0], CORRECT, round_=3)
    with pytest.raises(WrongUse, match="shorten"):
        _record(database, still_id, people[0], CORRECT, note="x" * (LONGEST_NOTE + 1))
    assert reviews_of(database, [still_id]) == {}


def test_review_is_stored_with_its_finding(database: Database, people: tuple[int, int]) -> None:
    """The row says whose still it was, when it was captured, and which result was judged; the note is data."""
    still_id = enter_finished(database, AGENT.upper(), HOUR, STRANGERS)
    _record(database, still_id, people[0], NOT_SURE, result=STRANGERS, note="'); DROP TABLE review; -- ☕ \\")
    with database.read() as connection:
        row = connection.execute(select(Review.__table__)).one()
        agent = connection.execute(select(Employee.id).where(Employee.lan_id == AGENT)).scalar_one()
    assert (row.subject_kind, row.subject_id, row.employee_id, row.captured) == ("STREAM", still_id, agent, HOUR)
    assert (row.result, row.verdict, row.model_id) == ("UNKNOWN_MULTIPLE_FACES", "NOT_SURE", None)
    assert row.note == "'); DROP TABLE review; -- ☕ \\"


def test_verdict_waits_for_a_decision_under_way(mariadb_database: Database) -> None:
    """A still that is being decided again is judged after that: the verdict is on the result that it then has."""
    add_agent(mariadb_database, AGENT, "Ann")
    user = add_user(mariadb_database, "first")
    still_id = enter_finished(mariadb_database, AGENT, HOUR, UNKNOWN)
    decided = Barrier(2)

    def work(number: int) -> None:
        if number == 0:
            with mariadb_database.engine.begin() as connection:
                connection.exec_driver_sql(f"UPDATE stream_img SET result = 'SUCCESS' WHERE id = {still_id}")
                decided.wait(timeout=20)
                connection.exec_driver_sql("SELECT SLEEP(0.3)")
        else:
            decided.wait(timeout=20)
            with pytest.raises(FindingChanged):
                _record(mariadb_database, still_id, user, CORRECT)

    at_once(2, work)
    assert reviews_of(mariadb_database, [still_id]) == {}


def test_stills_that_a_client_deleted_do_not_wait(small: tuple[Database, int, int]) -> None:
    """A purged still leaves the queue, and what was said of it stays on record."""
    database, *people = small
    still_id = enter_finished(database, AGENT, HOUR, UNKNOWN)
    _record(database, still_id, people[0], CORRECT)
    database.write(lambda connection: connection.exec_driver_sql("DELETE FROM stream_img"))
    assert _queue(database, people[1]) == []
    assert open_findings(database, team=None) == {}
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
            _record(database, still_id, other, verdict, result=result)
        open_ = verdict is None or (verdict is CORRECT and result is not COMPANY)
        seen_by_ann = lan_id in (AGENT, AGENT.upper(), "é")
        if open_ and lan_id != "NA\\left" and (team is None or seen_by_ann):
            expected.append((moment is not None, moment or HOUR, still_id))
    found: list[QueueItem] = []
    while page := _queue(database, user, team=team, limit=limit, after=found[-1].position if found else None):
        assert len(page) <= limit
        found += page
    assert [item.still_id for item in found] == [still_id for *_, still_id in sorted(expected, reverse=True)]
    assert sum(open_findings(database, team=team).values()) == len(expected)


def test_errors_are_sentences() -> None:
    """Whatever is refused is told in a sentence for the reviewer."""
    for error in (AlreadyReviewed("ann", NOT_SURE), FindingChanged()):
        assert isinstance(error, BiosenseError)
        assert "your verdict was not recorded" in str(error)


def _people(database: Database) -> tuple[int, int]:
    add_agent(database, AGENT, "Ann")
    add_agent(database, OTHER, "Bob")
    return add_user(database, "first"), add_user(database, "second")


def add_user(database: Database, name: str) -> int:
    """A user of the desk; returns the id."""
    values = {"name": name, "password_hash": "-", "role": "admin", "created": NOW}
    key = database.write(lambda connection: connection.execute(insert(DeskUser).values(**values)).inserted_primary_key)
    assert key is not None
    return int(key[0])


def add_agent(database: Database, lan_id: str, team: str, active: bool = True) -> None:
    """A registered agent of the team."""
    values = {"lan_id": lan_id, "team_lead": team, "display_name": "Some Body", "active": active}
    database.write(lambda connection: connection.execute(insert(Employee).values(**values)))


def add_result(
    database: Database,
    still_id: int,
    model_id: str,
    distance: float,
    tolerance: float,
    created: datetime,
    result: StillResult = UNKNOWN,
) -> None:
    """What a model found on a still."""
    values = {
        "stream_image_id": still_id,
        "model_id": model_id,
        "training_image_id": 7,
        "result": result,
        "num_faces": 1,
        "distance": distance,
        "tolerance": tolerance,
        "p_genuine": 0.02,
        "faces": [],
        "milliseconds": 1.0,
        "created": created,
    }
    database.write(lambda connection: connection.execute(insert(RecognitionResult).values(**values)))


def add_attempt(database: Database, still_id: int, model_id: str, process: Process) -> None:
    """An attempt at a still that came to its end."""
    values = {"image_kind": "STREAM", "image_id": still_id, "process": process, "status": "Y", "model_id": model_id}
    database.write(lambda connection: connection.execute(insert(ProcessStatus).values(finished=NOW, **values)))


def _blind_at_first(look: Callable[..., Any]) -> Callable[..., Any]:
    """A look that finds nothing the first time."""
    looks = count()
    return lambda *arguments: look(*arguments) if next(looks) else {}


def _enter(database: Database, lan_id: str, moment: datetime | None, result: StillResult) -> int:
    still_id = enter_finished(database, lan_id, moment or HOUR, result)
    if moment is None:
        change(database, [still_id], capture_time=None)
    return still_id


def _queue(database: Database, user: int, *, team: str | None = None, limit: int = 50, after: Any = None) -> Any:
    return review_queue(database, team=team, limit=limit, after=after, reviewer_id=user)


def _record(
    database: Database,
    still_id: int,
    user: int,
    verdict: Verdict,
    *,
    result: StillResult = UNKNOWN,
    round_: int = 1,
    note: str | None = None,
) -> None:
    record_review(
        database, still_id=still_id, round_=round_, result=result, verdict=verdict, note=note, reviewer_id=user
    )
