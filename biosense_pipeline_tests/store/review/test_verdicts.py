"""Reviews: a verdict is on one finding, recorded once and never overwritten."""

from collections.abc import Callable
from itertools import count
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import select

from biosense_pipeline.codes import Status, StillResult, Verdict
from biosense_pipeline.errors import BiosenseError, WrongUse
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.review import verdicts as reviews
from biosense_pipeline.store.review.verdicts import (
    LONGEST_NOTE,
    AlreadyReviewed,
    FindingChanged,
    SecondReviewRefused,
    open_findings,
    reviews_of,
)
from biosense_pipeline.store.tables.desk import Review
from biosense_pipeline.store.tables.pipeline import Employee
from biosense_pipeline_tests.store.review.rows import (
    COMPANY,
    CORRECT,
    FALSE_ALARM,
    NOT_SURE,
    SECOND,
    STRANGERS,
    UNKNOWN,
    add_agent,
    add_user,
    queue,
    record,
)
from biosense_pipeline_tests.store.rows import AGENT, HOUR, at_once, change, enter_finished


@pytest.mark.parametrize("result", [UNKNOWN, STRANGERS])
def test_confirmed_violation_waits_for_another_reviewer(
    database: Database, people: tuple[int, int], result: StillResult
) -> None:
    """A violation found correct waits for a second reviewer, who is told the first verdict; then it is closed."""
    first, second = people
    still_id = enter_finished(database, AGENT, HOUR, result)
    record(database, still_id, first, CORRECT, result=result, note=" not him ")
    assert queue(database, first) == []
    (item,) = queue(database, second)
    assert item.round == 2
    assert list(open_findings(database, team=None).of_agents.values()) == [1]
    record(database, still_id, second, FALSE_ALARM, result=result, round_=2)
    for user in people:
        assert queue(database, user) == []
    assert open_findings(database, team=None).of_agents == {}
    assert [(r.round, r.reviewer, r.verdict, r.note) for r in reviews_of(database, [still_id])[still_id]] == [
        (1, "first", CORRECT, "not him"),
        (2, "second", FALSE_ALARM, None),
    ]


def test_first_reviewer_is_not_the_second(small: tuple[Database, int, int]) -> None:
    """Nobody confirms the own verdict."""
    database, *people = small
    still_id = enter_finished(database, AGENT, HOUR, UNKNOWN)
    record(database, still_id, people[0], CORRECT)
    with pytest.raises(SecondReviewRefused, match="You were this finding's first reviewer"):
        record(database, still_id, people[0], CORRECT, round_=2)
    assert len(reviews_of(database, [still_id])[still_id]) == 1


@pytest.mark.parametrize("first", [None, FALSE_ALARM, NOT_SURE])
def test_second_review_without_a_confirmed_violation_is_refused(
    small: tuple[Database, int, int], first: Verdict | None
) -> None:
    """There is no second review where no first one found a violation."""
    database, *people = small
    still_id = enter_finished(database, AGENT, HOUR, UNKNOWN)
    if first:
        record(database, still_id, people[0], first)
    with pytest.raises(SecondReviewRefused, match="No second review"):
        record(database, still_id, people[1], CORRECT, round_=2)


def test_second_of_two_reviewers_is_told(database: Database, people: tuple[int, int]) -> None:
    """Who comes second learns who was first and what was said, and what stands there stays."""
    still_id = enter_finished(database, AGENT, HOUR, UNKNOWN)
    record(database, still_id, people[0], FALSE_ALARM, note="that is her")
    with pytest.raises(AlreadyReviewed, match=r"first has already judged this finding \(false alarm\)") as told:
        record(database, still_id, people[1], CORRECT)
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
            record(database, still_id, add_user(database, f"before {item}"), CORRECT)

        def answer(number: int, still_id: int = still_id) -> str | None:
            try:
                record(database, still_id, users[number], NOT_SURE, round_=round_)
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
    record(database, still_id, people[0], NOT_SURE)
    monkeypatch.setattr(reviews, "_reviews", _blind_at_first(reviews._reviews))
    with pytest.raises(AlreadyReviewed) as told:
        record(database, still_id, people[1], CORRECT)
    assert told.value.by == "first"


def test_repeated_request_changes_nothing(small: tuple[Database, int, int]) -> None:
    """The same verdict of the same reviewer again is recorded once; a different one is refused."""
    database, *people = small
    still_id = enter_finished(database, AGENT, HOUR, UNKNOWN)
    record(database, still_id, people[0], NOT_SURE, note="dark")
    before = reviews_of(database, [still_id])
    record(database, still_id, people[0], NOT_SURE, note="dark")
    assert reviews_of(database, [still_id]) == before
    for verdict, note in ((CORRECT, "dark"), (NOT_SURE, "darker")):
        with pytest.raises(AlreadyReviewed, match="first has already"):
            record(database, still_id, people[0], verdict, note=note)


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
            record(database, still_id, people[0], CORRECT)
    with pytest.raises(FindingChanged):
        record(database, 10**9, people[0], CORRECT)
    assert reviews_of(database, [still_id]) == {}


def test_verdict_is_on_one_result_of_a_still(database: Database, people: tuple[int, int]) -> None:
    """A still that gets another result is a new finding: it waits for a first reviewer, and none is the second's."""
    first, second = people
    still_id = enter_finished(database, AGENT, HOUR, COMPANY)
    record(database, still_id, first, CORRECT, result=COMPANY)
    change(database, [still_id], result=UNKNOWN)
    (item,) = queue(database, first)
    assert (item.result, item.round) == (UNKNOWN, 1)
    assert open_findings(database, team=None).total == 1
    with pytest.raises(SecondReviewRefused):
        record(database, still_id, second, CORRECT, round_=2)
    record(database, still_id, first, CORRECT)
    change(database, [still_id], result=STRANGERS)
    assert [(item.result, item.round) for item in queue(database, second)] == [(STRANGERS, 1)]
    change(database, [still_id], result=UNKNOWN)
    assert [item.round for item in queue(database, second)] == [2]
    assert [review.result for review in reviews_of(database, [still_id])[still_id]] == [COMPANY, UNKNOWN]


def test_what_is_no_finding_is_refused(small: tuple[Database, int, int]) -> None:
    """A success, a third round and a note without end are wrong use, and nothing is recorded."""
    database, *people = small
    still_id = enter_finished(database, AGENT, HOUR)
    with pytest.raises(WrongUse):
        record(database, still_id, people[0], CORRECT, result=StillResult.SUCCESS)
    with pytest.raises(WrongUse):
        record(database, still_id, people[0], CORRECT, round_=3)
    with pytest.raises(WrongUse, match="shorten"):
        record(database, still_id, people[0], CORRECT, note="x" * (LONGEST_NOTE + 1))
    assert reviews_of(database, [still_id]) == {}


def test_review_is_stored_with_its_finding(database: Database, people: tuple[int, int]) -> None:
    """The row says whose still it was, when it was captured, and which result was judged; the note is data."""
    still_id = enter_finished(database, AGENT.upper(), HOUR, STRANGERS)
    record(database, still_id, people[0], NOT_SURE, result=STRANGERS, note="'); DROP TABLE review; -- ☕ \\")
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
                record(mariadb_database, still_id, user, CORRECT)

    at_once(2, work)
    assert reviews_of(mariadb_database, [still_id]) == {}


def test_errors_are_sentences() -> None:
    """Whatever is refused is told in a sentence for the reviewer."""
    for error in (AlreadyReviewed("ann", NOT_SURE), FindingChanged()):
        assert isinstance(error, BiosenseError)
        assert "your verdict was not recorded" in str(error)


def _blind_at_first(look: Callable[..., Any]) -> Callable[..., Any]:
    """A look that finds nothing the first time."""
    looks = count()
    return lambda *arguments: look(*arguments) if next(looks) else {}
