"""Incidents of some time, and what reviewers said of them."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import insert

from biosense_pipeline.codes import StillResult, Verdict
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.incidents.reviews import record_incident_review
from biosense_pipeline.store.incidents.rows import incidents_during, incidents_opened, stills_seen, verdicts_on
from biosense_pipeline.store.review.verdicts import record_review
from biosense_pipeline.store.stills.summaries import summarise
from biosense_pipeline.store.tables.desk import DeskUser
from biosense_pipeline_tests.alerting import enter_agent, enter_incident
from biosense_pipeline_tests.conftest import HOUR
from biosense_pipeline_tests.store.rows import AGENT, OTHER, enter_finished

MINUTE, ONE_HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
def agent(database: Database) -> int:
    """The agent's employee id."""
    return enter_agent(database, registered=HOUR)


def test_incidents_of_an_hour(database: Database, agent: int) -> None:
    """Opened in it are those that began there; during it, all that were not over before, within a month."""
    over = enter_incident(database, agent, HOUR - 2 * ONE_HOUR, HOUR - MINUTE)
    lasting = enter_incident(database, agent, HOUR - ONE_HOUR, HOUR + MINUTE)
    still_open = enter_incident(database, agent, HOUR - ONE_HOUR + MINUTE)
    begun = enter_incident(database, agent, HOUR, HOUR + 3 * ONE_HOUR)
    later = enter_incident(database, agent, HOUR + ONE_HOUR)
    enter_incident(database, agent, HOUR - timedelta(days=31))
    enter_incident(database, agent, HOUR + MINUTE, withdrawn=HOUR)
    assert [row.id for row in incidents_opened(database, HOUR, HOUR + ONE_HOUR)] == [begun]
    during = [row.id for row in incidents_during(database, HOUR, HOUR + ONE_HOUR)]
    assert during == [lasting, still_open, begun]
    assert {over, later}.isdisjoint(during)
    assert {row.lan_id for row in incidents_during(database, HOUR, HOUR + ONE_HOUR)} == {AGENT}


def test_verdict_on_the_incident_comes_first(database: Database, agent: int) -> None:
    """What was said of the incident itself counts, the last round of it; where that is not sure, its stills do."""
    users = [{"id": key, "name": f"u{key}", "password_hash": "-", "role": "admin", "created": HOUR} for key in (1, 2)]
    database.write(lambda connection: connection.execute(insert(DeskUser), users))
    still = _still(database, AGENT, HOUR, Verdict.CORRECT)
    told = [(Verdict.FALSE_ALARM,), (Verdict.CORRECT, Verdict.FALSE_ALARM), (Verdict.NOT_SURE,), ()]
    ids = []
    for number, verdicts in enumerate(told):
        opened = HOUR + number * timedelta(seconds=1)
        ids.append(enter_incident(database, agent, opened, first_still_id=still + number, last_still_id=still))
        for round_, verdict in enumerate(verdicts, 1):
            record_incident_review(
                database, incident_id=ids[-1], round_=round_, verdict=verdict, note=None, reviewer_id=round_, now=HOUR
            )
    found = verdicts_on(database, incidents_opened(database, HOUR, HOUR + ONE_HOUR))
    assert [found[incident] for incident in ids[:2]] == [Verdict.FALSE_ALARM] * 2
    assert found.get(ids[2]) == found.get(ids[3])


@pytest.mark.parametrize("species", ["UNKNOWN_PERSON", "PRINT"])
def test_verdicts_come_from_the_stills(database: Database, agent: int, species: str) -> None:
    """Confirmed by any of its stills, a false alarm where one was judged so; of no person's prints they say nothing."""
    user = insert(DeskUser).values(id=1, name="a", password_hash="-", role="admin", created=HOUR)
    database.write(lambda connection: connection.execute(user))
    enter_agent(database, OTHER, registered=HOUR)
    told: dict[str, list[Verdict | None]] = {
        "confirmed": [Verdict.FALSE_ALARM, Verdict.CORRECT, Verdict.FALSE_ALARM],
        "false": [Verdict.NOT_SURE, Verdict.FALSE_ALARM, None],
        "unsure": [Verdict.NOT_SURE, None, None],
        "nobody asked": [None, None, None],
    }
    incidents = {}
    for number, (name, verdicts) in enumerate(told.items()):
        begin = HOUR + 10 * number * MINUTE
        ids = [_still(database, AGENT, begin + at * MINUTE, verdict) for at, verdict in enumerate(verdicts)]
        # What was said of a colleague's stills of that time does not count.
        _still(database, OTHER, begin + MINUTE, Verdict.CORRECT)
        incidents[name] = enter_incident(
            database,
            agent,
            begin + 2 * MINUTE,
            begin + 5 * MINUTE,
            species=species,
            first_still_id=ids[0],
            last_still_id=ids[-1],
        )
    rows = incidents_opened(database, HOUR, HOUR + ONE_HOUR)
    told_of_person = {incidents["confirmed"]: Verdict.CORRECT, incidents["false"]: Verdict.FALSE_ALARM}
    assert verdicts_on(database, rows) == (told_of_person if species == "UNKNOWN_PERSON" else {})
    assert verdicts_on(database, []) == {}


def test_stills_seen(database: Database) -> None:
    """Those of the summed up hours in that time."""
    for hour in range(3):
        for second in range(hour + 1):
            enter_finished(database, AGENT, HOUR + hour * ONE_HOUR + timedelta(seconds=second))
    summarise(database, HOUR, HOUR + 3 * ONE_HOUR)
    assert stills_seen(database, HOUR, HOUR + 2 * ONE_HOUR) == 3
    assert stills_seen(database, HOUR - ONE_HOUR, HOUR) == 0


def _still(database: Database, lan_id: str, captured: datetime, verdict: Verdict | None) -> int:
    still_id = enter_finished(database, lan_id, captured, StillResult.UNKNOWN_PERSON)
    if verdict is not None:
        record_review(
            database,
            still_id=still_id,
            round_=1,
            result=StillResult.UNKNOWN_PERSON,
            verdict=verdict,
            note=None,
            reviewer_id=1,
        )
    return still_id
