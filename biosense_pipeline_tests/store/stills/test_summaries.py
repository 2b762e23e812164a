"""The hourly summary: its sums are the rows', whenever and by however many it is made."""

from collections import Counter
from datetime import datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from biosense_pipeline.codes import Status, StillResult
from biosense_pipeline.lan_ids import agent_key
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.stills.capture import empty_tables
from biosense_pipeline.store.stills.summaries import SummaryRow, read_summary, summarise
from biosense_pipeline.workflows.summarise import summarise_hours
from biosense_pipeline_tests.store.rows import AGENT, HOUR, OTHER, at_once, change, enter, enter_finished, fetch

END = HOUR + timedelta(hours=1)
SECOND = timedelta(seconds=1)
UNKNOWN = StillResult.UNKNOWN_PERSON


def test_summary_counts_each_agents_results(database: Database) -> None:
    """A row has an agent's stills with one result in the hour, and the first and last of them."""
    for minute in (5, 30, 59):
        enter_finished(database, AGENT, HOUR + timedelta(minutes=minute))
    enter_finished(database, AGENT, HOUR, UNKNOWN)
    enter_finished(database, OTHER, HOUR, StillResult.UNREADABLE_IMAGE, Status.FAILED)
    assert summarise(database, HOUR, END) == 3
    first, last = HOUR + timedelta(minutes=5), HOUR + timedelta(minutes=59)
    assert read_summary(database) == [
        SummaryRow(HOUR, OTHER, "UNREADABLE_IMAGE", 1, HOUR, HOUR),
        SummaryRow(HOUR, AGENT, "SUCCESS", 3, first, last),
        SummaryRow(HOUR, AGENT, "UNKNOWN_PERSON", 1, HOUR, HOUR),
    ]


def test_summary_leaves_out_what_is_not_finished(database: Database) -> None:
    """Pending and claimed stills are not counted, even where a former result still stands in the row."""
    enter(database, 3)
    change(database, enter(database), status=Status.CLAIMED, result="SUCCESS")
    change(database, enter(database), result="SUCCESS")
    assert summarise(database, HOUR, END) == 0
    assert read_summary(database) == []


def test_late_still_mends_its_hour(database: Database) -> None:
    """Summed up again, an hour has the late still, and nothing is counted twice."""
    enter_finished(database, AGENT, HOUR)
    summarise(database, HOUR, END)
    enter_finished(database, AGENT, HOUR + SECOND)
    summarise(database, HOUR, END)
    summarise(database, HOUR, END)
    assert _counts(database) == {(HOUR, AGENT, "SUCCESS"): 2}


def test_changed_result_leaves_no_old_row(database: Database) -> None:
    """A still that was processed again counts under its new result only."""
    still_id = enter_finished(database, AGENT, HOUR)
    summarise(database, HOUR, END)
    change(database, [still_id], result=UNKNOWN)
    summarise(database, HOUR, END)
    assert _counts(database) == {(HOUR, AGENT, "UNKNOWN_PERSON"): 1}


def test_summary_of_one_hour_leaves_the_others(database: Database) -> None:
    """Neighbouring hours keep their rows, and a still on the hour belongs to the hour it begins."""
    for hour in (HOUR - timedelta(hours=1), HOUR, END):
        enter_finished(database, AGENT, hour)
        enter_finished(database, AGENT, hour + timedelta(hours=1) - SECOND)
    assert summarise_hours(database, [HOUR - timedelta(hours=1), HOUR, END]) == 3
    change(database, [row[0] for row in fetch(database, "SELECT id FROM stream_img")], result=UNKNOWN)
    summarise(database, HOUR, END)
    assert _counts(database) == {
        (HOUR - timedelta(hours=1), AGENT, "SUCCESS"): 2,
        (HOUR, AGENT, "UNKNOWN_PERSON"): 2,
        (END, AGENT, "SUCCESS"): 2,
    }
    assert [row.hour for row in read_summary(database, HOUR, END)] == [HOUR]


def test_two_hours_at_a_time(database: Database) -> None:
    """A span of several hours is summed up hour by hour."""
    enter_finished(database, AGENT, HOUR)
    enter_finished(database, AGENT, END + SECOND)
    summarise(database, HOUR, END + timedelta(hours=1))
    assert _counts(database) == {(HOUR, AGENT, "SUCCESS"): 1, (END, AGENT, "SUCCESS"): 1}


def test_spellings_of_an_agent_are_one_row(database: Database) -> None:
    """Capitals and trailing spaces do not make another agent."""
    for second, lan_id in enumerate((AGENT, AGENT.upper(), AGENT.lower(), f"{AGENT} ")):
        enter_finished(database, lan_id, HOUR + second * SECOND)
    summarise(database, HOUR, END)
    (row,) = read_summary(database)
    assert (row.stills, agent_key(row.lan_id)) == (4, agent_key(AGENT))
    assert (row.first_capture, row.last_capture) == (HOUR, HOUR + 3 * SECOND)
    assert fetch(database, "SELECT count(*) FROM employee") == [(1,)]


def test_names_that_differ_in_an_accent_are_counted_apart(database: Database) -> None:
    """René's stills are not Rene's, also where the column's collation takes the names for equal."""
    enter_finished(database, "NA\\rené", HOUR)
    enter_finished(database, "NA\\rene", HOUR)
    enter_finished(database, "NA\\rene", HOUR)
    summarise(database, HOUR, END)
    assert _counts(database) == {(HOUR, "NA\\rené", "SUCCESS"): 1, (HOUR, "NA\\rene", "SUCCESS"): 2}


def test_still_without_agent_or_result_is_counted(database: Database) -> None:
    """Finished stills without a LAN id or a result are counted under the empty word."""
    enter_finished(database, None, HOUR, None)
    enter_finished(database, "", HOUR, "")
    enter_finished(database, " ", HOUR)
    summarise(database, HOUR, END)
    assert _counts(database) == {(HOUR, "", ""): 2, (HOUR, "", "SUCCESS"): 1}


def test_hour_summed_up_by_several_at_once(database: Database) -> None:
    """Threads that sum up one hour at the same moment, new agents in it, leave the right sums and no error."""
    agents = [f"NA\\agent{number}" for number in range(20)]
    for agent in agents:
        enter_finished(database, agent, HOUR)
        enter_finished(database, agent.upper(), HOUR + SECOND)
    assert at_once(4, lambda _: summarise(database, HOUR, END)) == [20] * 4
    assert sorted(row.stills for row in read_summary(database)) == [2] * 20
    assert fetch(database, "SELECT count(*) FROM employee") == [(20,)]


def test_different_hours_summed_up_at_once(database: Database) -> None:
    """Threads that sum up different hours at the same moment do not disturb each other."""
    hours = [HOUR + timedelta(hours=number) for number in range(6)]
    for hour in hours:
        enter_finished(database, AGENT, hour)
    at_once(6, lambda number: summarise(database, hours[number], hours[number] + timedelta(hours=1)))
    assert _counts(database) == {(hour, AGENT, "SUCCESS"): 1 for hour in hours}


FINISHED = st.tuples(
    st.sampled_from([AGENT, AGENT.upper(), OTHER, "", None, "Straße", "STRASSE", "e", "é"]),
    st.integers(0, 3 * 3600 - 1).map(lambda seconds: HOUR + seconds * SECOND),
    st.sampled_from([*StillResult, None]),
    st.sampled_from([Status.PROCESSED, Status.FAILED, Status.PENDING]),
)


@given(st.lists(FINISHED, max_size=12))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_sums_equal_the_rows(database: Database, rows: list[tuple[str | None, datetime, str | None, Status]]) -> None:
    """For any stills, the summary of their hours has each finished one exactly once."""
    empty_tables(database)
    expected: Counter[tuple[datetime, str, str]] = Counter()
    for lan_id, moment, result, status in rows:
        enter_finished(database, lan_id, moment, result, status)
        if status is not Status.PENDING:
            expected[moment.replace(minute=0, second=0), agent_key(lan_id), result or ""] += 1
    summarise(database, HOUR, HOUR + timedelta(hours=3))
    found = {(row.hour, agent_key(row.lan_id), row.result): row.stills for row in read_summary(database)}
    assert found == expected


def _counts(database: Database) -> dict[tuple[datetime, str, str], int]:
    return {(row.hour, row.lan_id, row.result): row.stills for row in read_summary(database)}
