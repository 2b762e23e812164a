"""Verdicts on incidents: who may give one, that none is overwritten, and what a false alarm ends."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from biosense_pipeline.codes import Role
from biosense_pipeline.store.alerts.alertable import alertable_incidents
from biosense_pipeline.store.tables.incidents import Incident, IncidentReview
from biosense_pipeline_tests.alerting import change_incident, enter_incident
from biosense_pipeline_tests.conftest import HOUR
from biosense_pipeline_tests.desk.conftest import NOW, Browser, Desk
from biosense_pipeline_tests.store.rows import AGENT, at_once

OPENED = HOUR + timedelta(hours=2, minutes=30)
_STEPS = {"bound": 7.5, "left_out": 0, "steps": []}


@pytest.fixture
def incident(desk: Desk) -> int:
    """An open incident of an agent of the team east."""
    return _incident(desk, desk.employee(AGENT, "east"))


def test_verdict_is_recorded_and_shown(desk: Desk, incident: int) -> None:
    """The verdict stands with its note on the agent's page and in the audit log; the incident stays open."""
    browser = desk.signed_in(Role.TEAM_LEAD, "east", "ada")
    page = browser.get("/agents/1").text
    assert f'action="/incidents/{incident}"' in page
    answer = give(browser, incident, "CORRECT", note=" it was <b>Bob</b> ")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/agents/1?judged={incident}")
    told = browser.get(answer.headers["location"]).text
    assert "Your verdict on the incident is recorded." in told
    assert "it was &lt;b&gt;Bob&lt;/b&gt;" in told
    assert f'action="/incidents/{incident}"' not in told
    assert [(row["round"], row["verdict"], row["note"]) for row in reviews(desk)] == [
        (1, "CORRECT", "it was <b>Bob</b>")
    ]
    (row,) = desk.audit("incident_verdict")
    assert (row["user_name"], row["subject_kind"], row["subject_id"]) == ("ada", "INCIDENT", incident)
    assert (row["employee_id"], row["detail"]) == (1, {"round": 1, "verdict": "CORRECT"})
    assert "1 open incident<" in browser.get("/").text
    # The browser may send it again: nothing changes, and nothing is logged twice.
    assert give(browser, incident, "CORRECT", note="it was <b>Bob</b>").status_code == 303
    assert len(reviews(desk)) == len(desk.audit("incident_verdict")) == 1


def test_false_alarm_ends_it(desk: Desk, incident: int) -> None:
    """An open incident that is called a false alarm is open no more, whatever a later analysis writes."""
    browser = desk.signed_in()
    assert "1 open incident<" in browser.get("/").text
    give(browser, incident, "FALSE_ALARM")
    (told,) = alertable_incidents(desk.database, HOUR)
    assert told.closed == NOW.replace(tzinfo=None)
    for _ in range(2):
        assert "open incident<" not in browser.get("/").text
        page = browser.get("/agents/1").text
        assert "ended by a reviewer 2026-03-02 12:00" in page
        assert "<strong>open</strong>" not in page
        change_incident(desk.database, incident, stills=99, closed=None)


def test_not_sure_ends_nothing(sqlite_desk: Desk) -> None:
    """Who is not sure has judged, and the incident goes on."""
    incident = _incident(sqlite_desk, sqlite_desk.employee(AGENT))
    browser = sqlite_desk.signed_in()
    give(browser, incident, "NOT_SURE")
    assert "1 open incident<" in browser.get("/").text
    assert dismissed(sqlite_desk) == [None]


def test_second_look_at_what_was_confirmed(desk: Desk, incident: int) -> None:
    """Another reviewer looks again at what was found correct; the first one is not asked, and cannot answer."""
    first, second = desk.signed_in(name="ada"), desk.signed_in(name="bob")
    assert give(second, incident, "CORRECT", round_=2).status_code == 409
    give(first, incident, "CORRECT")
    assert "this incident</summary>" not in first.get("/agents/1").text
    assert "Second look: judge this incident" in second.get("/agents/1").text
    assert give(first, incident, "FALSE_ALARM", round_=2).status_code == 409
    assert give(second, incident, "FALSE_ALARM", round_=2).status_code == 303
    assert [(row["round"], row["verdict"]) for row in reviews(desk)] == [(1, "CORRECT"), (2, "FALSE_ALARM")]
    assert "open incident<" not in first.get("/").text


def test_of_two_reviewers_the_second_is_told(desk: Desk, incident: int) -> None:
    """Of several who answer at the same moment one verdict is recorded; the others learn whose, and nothing changes."""
    browsers = [desk.signed_in(name=f"user-{number}") for number in range(4)]
    answers = at_once(4, lambda number: give(browsers[number], incident, "NOT_SURE", note=f"by {number}"))
    assert sorted(answer.status_code for answer in answers) == [303, 409, 409, 409]
    (row,) = reviews(desk)
    for answer in answers:
        assert answer.status_code == 303 or "Somebody reviewed this incident meanwhile: user-" in answer.text
    assert len(desk.audit("incident_verdict")) == 1
    assert answers[int(row["note"].removeprefix("by "))].status_code == 303


def test_another_teams_incident(desk: Desk, incident: int) -> None:
    """For a lead of another team there is no such incident, a viewer decides nothing, and both are written down."""
    lead = desk.signed_in(Role.TEAM_LEAD, "west")
    assert give(lead, incident, "FALSE_ALARM").status_code == 404
    assert give(lead, incident + 7, "FALSE_ALARM").status_code == 404
    viewer = desk.signed_in(Role.VIEWER)
    assert f'action="/incidents/{incident}"' not in viewer.get("/agents/1").text
    assert give(viewer, incident, "FALSE_ALARM").status_code == 403
    refused = desk.audit("refused")
    assert [(row["subject_kind"], row["subject_id"]) for row in refused] == [("INCIDENT", incident)] * 2
    assert (reviews(desk), dismissed(desk)) == ([], [None])


@pytest.mark.parametrize("token", ["", "forged"])
def test_forged_requests_change_nothing(desk: Desk, incident: int, token: str) -> None:
    """Without this session's token nothing is recorded."""
    browser = desk.signed_in()
    form = {"csrf_token": token, "verdict": "FALSE_ALARM", "round": "1"}
    assert browser.post(f"/incidents/{incident}", data=form).status_code == 403
    assert browser.get(f"/incidents/{incident}").status_code == 405
    assert (reviews(desk), dismissed(desk)) == ([], [None])


@pytest.mark.parametrize(
    ("path", "values", "code"),
    [
        ("1", {"verdict": "GUILTY"}, 400),
        ("1", {"round": "3"}, 400),
        ("1", {"round": ""}, 400),
        ("1", {"note": "x" * 2001}, 400),
        ("none", {}, 404),
        ("99", {}, 404),
    ],
)
def test_odd_forms(sqlite_desk: Desk, path: str, values: dict[str, str], code: int) -> None:
    """What no form of ours sends is refused."""
    _incident(sqlite_desk, sqlite_desk.employee(AGENT))
    browser = sqlite_desk.signed_in()
    form = {"verdict": "CORRECT", "round": "1", **values}
    assert browser.post_form(f"/incidents/{path}", form).status_code == code
    assert reviews(sqlite_desk) == []


def test_withdrawn_meanwhile(sqlite_desk: Desk) -> None:
    """What a later analysis took back is judged no more, and the reviewer is told."""
    incident = _incident(sqlite_desk, sqlite_desk.employee(AGENT))
    browser = sqlite_desk.signed_in()
    change_incident(sqlite_desk.database, incident, withdrawn=HOUR)
    answer = give(browser, incident, "CORRECT")
    assert answer.status_code == 409
    assert "no longer finds this incident" in answer.text
    assert reviews(sqlite_desk) == []


def give(browser: Browser, incident: int, verdict: str, round_: int = 1, note: str = "") -> Any:
    """Send the form of an incident."""
    return browser.post_form(f"/incidents/{incident}", {"verdict": verdict, "round": round_, "note": note})


def reviews(desk: Desk) -> list[dict[str, Any]]:
    """The rows of ``incident_review``."""
    with desk.database.read() as connection:
        rows = connection.execute(select(IncidentReview.__table__).order_by(IncidentReview.id))
        return [dict(row._mapping) for row in rows]


def dismissed(desk: Desk) -> list[Any]:
    """When incidents were ended by a reviewer."""
    with desk.database.read() as connection:
        return list(connection.execute(select(Incident.dismissed)).scalars())


def _incident(desk: Desk, employee_id: int) -> int:
    return enter_incident(desk.database, employee_id, OPENED, steps=_STEPS)
