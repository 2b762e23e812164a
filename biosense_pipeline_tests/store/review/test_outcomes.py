"""Outcomes of reviews: verdicts counted per agent and hour, and which hours got some."""

from datetime import timedelta

import pytest
from sqlalchemy import insert, select, update

from biosense_pipeline.codes import StillResult, Verdict
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.review.outcomes import ReviewOutcomes, judged_hours, newest_verdict, review_outcomes
from biosense_pipeline.store.review.verdicts import record_review
from biosense_pipeline.store.stills.summaries import summarise
from biosense_pipeline.store.tables.desk import DeskUser, Review
from biosense_pipeline_tests.store.rows import AGENT, HOUR, NOW, OTHER, enter_finished

END = HOUR + timedelta(hours=1)
CORRECT, FALSE_ALARM, NOT_SURE = Verdict.CORRECT, Verdict.FALSE_ALARM, Verdict.NOT_SURE
UNKNOWN, COMPANY = StillResult.UNKNOWN_PERSON, StillResult.SUCCESS_MULTIPLE_FACES


@pytest.fixture
def users(database: Database) -> list[int]:
    """Two reviewers."""
    rows = [{"name": name, "password_hash": "-", "role": "admin", "created": NOW} for name in "ab"]
    database.write(lambda connection: connection.execute(insert(DeskUser), rows))
    with database.read() as connection:
        return [row[0] for row in connection.exec_driver_sql("SELECT id FROM desk_user ORDER BY name")]


def test_verdicts_are_counted_per_agent(database: Database, users: list[int]) -> None:
    """Findings come from the summary, verdicts from the reviews; what is neither reviewed nor decided is no rate."""
    for verdict in (CORRECT, FALSE_ALARM, FALSE_ALARM, FALSE_ALARM, NOT_SURE):
        _judge(database, _finding(database), users[0], verdict)
    _finding(database)
    _judge(database, _finding(database, result=COMPANY), users[0], CORRECT, COMPANY)
    _judge(database, _finding(database, OTHER), users[0], NOT_SURE)
    enter_finished(database, AGENT, HOUR)
    summarise(database, HOUR, END)
    other, agent = review_outcomes(database, HOUR, END)
    assert agent == ReviewOutcomes(AGENT, 7, correct=2, false_alarm=3, not_sure=1, awaiting_second=1, disagreed=0)
    assert (agent.reviewed, agent.false_alarm_rate) == (6, 0.6)
    assert other == ReviewOutcomes(OTHER, 1, correct=0, false_alarm=0, not_sure=1, awaiting_second=0, disagreed=0)
    assert other.false_alarm_rate is None


def test_last_round_decides(database: Database, users: list[int]) -> None:
    """Where a second reviewer was asked, that verdict counts, once a finding, and a contradiction is told."""
    for second in (CORRECT, FALSE_ALARM, NOT_SURE):
        still_id = _finding(database)
        _judge(database, still_id, users[0], CORRECT)
        _judge(database, still_id, users[1], second, round_=2)
    summarise(database, HOUR, END)
    (row,) = review_outcomes(database, HOUR, END)
    assert row == ReviewOutcomes(AGENT, 3, correct=1, false_alarm=1, not_sure=1, awaiting_second=0, disagreed=1)


def test_other_hours_are_left_out(database: Database, users: list[int]) -> None:
    """An hour has the verdicts on stills captured in it, whenever these were given."""
    for hours in (-1, 0, 1):
        still_id = enter_finished(database, AGENT, HOUR + timedelta(hours=hours), UNKNOWN)
        _judge(database, still_id, users[0], FALSE_ALARM)
    summarise(database, HOUR - timedelta(hours=1), END + timedelta(hours=1))
    (row,) = review_outcomes(database, HOUR, END)
    assert (row.findings, row.false_alarm) == (1, 1)
    assert review_outcomes(database, END + timedelta(hours=1), END + timedelta(hours=2)) == []


def test_judged_hours_are_those_with_new_verdicts(database: Database, users: list[int]) -> None:
    """Hours of capture are named once each, with their newest verdict, for verdicts since the moment asked for."""
    for minutes in (60, 0, 59):
        still_id = enter_finished(database, AGENT, HOUR + timedelta(minutes=minutes), UNKNOWN)
        _judge(database, still_id, users[0], FALSE_ALARM)
    later, first, second = _review_ids(database)
    assert [newest_verdict(database, start, start + timedelta(hours=1)) for start in (HOUR, END)] == [second, later]
    assert newest_verdict(database, END + timedelta(hours=1), END + timedelta(hours=2)) is None
    assert later < first < second
    old = update(Review).where(Review.captured >= END)
    database.write(lambda connection: connection.execute(old.values(created=NOW - timedelta(days=9))))
    assert judged_hours(database, NOW - timedelta(days=10)) == {HOUR: second, END: later}
    assert judged_hours(database, NOW - timedelta(days=8)) == {HOUR: second}


def _review_ids(database: Database) -> list[int]:
    with database.read() as connection:
        return list(connection.execute(select(Review.id).order_by(Review.id)).scalars())


def _finding(database: Database, lan_id: str = AGENT, result: StillResult = UNKNOWN) -> int:
    return enter_finished(database, lan_id, HOUR, result)


def _judge(
    database: Database, still_id: int, user: int, verdict: Verdict, result: StillResult = UNKNOWN, round_: int = 1
) -> None:
    record_review(
        database, still_id=still_id, round_=round_, result=result, verdict=verdict, note=None, reviewer_id=user
    )
