"""What an agent's page shows: the timeline, the still beside the benchmark, checks and look-alikes."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import insert, update

from biosense_pipeline.codes import Role, Status, StillResult, TrainingResult, Verdict
from biosense_pipeline.store.calibration.calibrations import Candidate, OwnTolerance, activate, store_candidate
from biosense_pipeline.store.enrolment.checks import StoredCheck, write_checks
from biosense_pipeline.store.review.verdicts import record_review
from biosense_pipeline.store.tables.pipeline import StreamImage, TrainingImage
from biosense_pipeline_tests.desk.conftest import Desk
from biosense_pipeline_tests.desk.reading import links
from biosense_pipeline_tests.desk.rows import compared_still, waiting_image
from biosense_pipeline_tests.store.rows import AGENT, HOUR, NOW, OTHER, enter_finished, enter_training
from biosense_pipeline_tests.store.views.rows import decide_training

UNKNOWN = StillResult.UNKNOWN_PERSON
SECOND = timedelta(seconds=1)


def test_timeline_shows_the_numbers(desk: Desk) -> None:
    """The timeline has outcome, distance against tolerance and verdict, and its newest still is shown big."""
    employee_id = desk.employee(AGENT, display_name="Eileen Collins")
    still_id = compared_still(desk.database, desk.app.state.model_id)
    reviewer = desk.user("bob")
    record_review(
        desk.database,
        still_id=still_id,
        round_=1,
        result=UNKNOWN,
        verdict=Verdict.NOT_SURE,
        note="dark <b>",
        reviewer_id=reviewer,
    )
    page = desk.signed_in().get(f"/agents/{employee_id}").text
    assert "Eileen Collins" in page
    assert "0.620, beyond the tolerance of 0.500" in page
    assert page.count("Unknown person") >= 3
    assert "by bob on unknown person: dark &lt;b&gt;" in page
    assert links(page, "/pictures/") == [f"/pictures/still/{still_id}?box=1"]


def test_still_stands_beside_what_it_was_compared_with(desk: Desk) -> None:
    """Beside the still stands the training image it was compared with, or else the benchmark, and which it is."""
    employee_id = desk.employee(AGENT)
    images = enter_training(desk.database, *[AGENT] * 8)
    for image_id in images:
        decide_training(desk.database, image_id, Status.PROCESSED, TrainingResult.ONE_FACE, 0)
    still_id = compared_still(desk.database, desk.app.state.model_id)
    bare = enter_finished(desk.database, AGENT, HOUR + SECOND, "UNREADABLE_IMAGE", Status.FAILED)
    browser = desk.signed_in()
    page = browser.get(f"/agents/{employee_id}?still={still_id}").text
    assert links(page, r"/pictures/.*box")[:2] == [f"/pictures/still/{still_id}?box=1", "/pictures/training/7?box=1"]
    assert "the benchmark is another one" in page
    page = browser.get(f"/agents/{employee_id}").text
    assert links(page, r"/pictures/.*box")[:2] == [f"/pictures/still/{bare}?box=1", "/pictures/training/8?box=1"]
    assert "this still was not compared with it" in page


def test_pictures_of_the_page_open(desk: Desk) -> None:
    """The addresses of pictures on the page lead to pictures, and each look is written down."""
    employee_id = desk.employee(AGENT)
    waiting_image(desk.database)
    compared_still(desk.database, desk.app.state.model_id)
    browser = desk.signed_in()
    shown = links(browser.get(f"/agents/{employee_id}").text, "/pictures/")
    assert len(shown) == 3
    for address in shown:
        answer = browser.get(address)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
    assert len(desk.audit("look")) == 3


def test_timeline_pages_and_filters(sqlite_desk: Desk) -> None:
    """Older stills are reached by links that keep the filter; each still is shown once."""
    employee_id = sqlite_desk.employee(AGENT)
    entered = [
        enter_finished(sqlite_desk.database, AGENT, HOUR + number * SECOND, UNKNOWN if number % 2 else "SUCCESS")
        for number in range(120)
    ]
    browser = sqlite_desk.signed_in()
    address: str | None = f"/agents/{employee_id}?result=UNKNOWN_PERSON&day=2026-03-02"
    seen: list[int] = []
    while address:
        page = browser.get(address).text
        seen += [
            int(found) for found in re.findall(r"still=(\d+)", page.partition("<tbody>")[2].partition("</tbody>")[0])
        ]
        address = next(iter(links(page.rpartition('aria-label="Pages of stills"')[2], "before=")), None)
    assert seen == entered[1::2][::-1]
    assert "No still matches" in browser.get(f"/agents/{employee_id}?result=NO_FACES_FOUND").text
    for odd in ("result=x", "day=x", "before=x", "before=-_5", "still=x", "before=2026-03-02_99999999999999999999"):
        assert browser.get(f"/agents/{employee_id}?{odd}").status_code == 200


@pytest.mark.parametrize("employee_id", ["0", "99", "9" * 25, "x", "-1", "1.5", "%00"])
def test_unknown_agent(sqlite_desk: Desk, employee_id: str) -> None:
    """What is no agent's id is not found, and no error."""
    assert sqlite_desk.signed_in().get(f"/agents/{employee_id}").status_code == 404


def test_still_of_another_agent_is_not_shown(sqlite_desk: Desk) -> None:
    """A still's id under another agent's page is not found."""
    employee_id = sqlite_desk.employee(AGENT)
    sqlite_desk.employee(OTHER)
    theirs = enter_finished(sqlite_desk.database, OTHER, HOUR)
    browser = sqlite_desk.signed_in()
    for still_id in (theirs, theirs + 1):
        assert browser.get(f"/agents/{employee_id}?still={still_id}").status_code == 404


def test_another_teams_agent_is_not_found(desk: Desk) -> None:
    """A lead who asks for another team's agent is told that there is none, and the attempt is written down."""
    theirs = desk.employee(AGENT, "west")
    browser = desk.signed_in(Role.TEAM_LEAD, "east")
    assert browser.get(f"/agents/{theirs}").status_code == 404
    (entry,) = desk.audit("refused")
    assert (entry["employee_id"], entry["user_name"]) == (theirs, "team_lead-east")


def test_viewer_sees_numbers_only(sqlite_desk: Desk) -> None:
    """A viewer's page has the timeline and the checks, no picture and nothing to decide."""
    employee_id = sqlite_desk.employee(AGENT)
    waiting_image(sqlite_desk.database)
    compared_still(sqlite_desk.database, sqlite_desk.app.state.model_id)
    page = sqlite_desk.signed_in(Role.VIEWER).get(f"/agents/{employee_id}").text
    assert "0.620" in page
    assert "Waits for approval" in page
    assert links(page, "/pictures/|/training/|/stills/") == []


def test_checks_are_shown_with_their_reasons(sqlite_desk: Desk) -> None:
    """Each check has its number and limit; what failed says why, and what only has to be looked at says so."""
    employee_id = sqlite_desk.employee(AGENT)
    image_id = waiting_image(sqlite_desk.database)
    checks = [
        StoredCheck("sharpness", 6.0, 25.0, False, True, "the face is blurred"),
        StoredCheck("collision", 0.31, 0.5, False, False, "as near to <i>EU\\x</i>"),
        StoredCheck("roll", 1.5, 25.0, True, True, None),
    ]
    sqlite_desk.database.write(lambda connection: write_checks(connection, {image_id: checks}, NOW))
    page = sqlite_desk.signed_in().get(f"/agents/{employee_id}").text
    assert "the face is blurred" in page
    assert "as near to &lt;i&gt;EU\\x&lt;/i&gt;" in page
    assert [page.count(f">{word}<") for word in ("failed", "look at this", "passed")] == [1, 1, 1]


def test_agent_whom_no_tolerance_separates(desk: Desk) -> None:
    """That agent and colleague look alike to the calibration in force is said; named is only whom one may see."""
    own, other = desk.employee(AGENT, "east"), desk.employee(OTHER, "west", display_name="Bob")
    candidate = Candidate(
        desk.app.state.model_id, {}, 0.001, 0.4, {}, {}, False, None, None, compared_with=None, objections=[]
    )
    alike = OwnTolerance(own, 0.2, 0.33, 0.5, 0.4, other, 0.15, reaches_target=False)
    calibration_id = store_candidate(desk.database, candidate, [alike], None)
    lead, admin = desk.signed_in(Role.TEAM_LEAD, "east"), desk.signed_in()
    assert "No tolerance separates" not in admin.get(f"/agents/{own}").text
    assert activate(desk.database, calibration_id) == []
    assert "No tolerance separates this agent from Bob" in admin.get(f"/agents/{own}").text
    assert "No tolerance separates this agent from a colleague" in lead.get(f"/agents/{own}").text
    assert "No tolerance separates" not in admin.get(f"/agents/{other}").text


def test_names_are_escaped(sqlite_desk: Desk) -> None:
    """HTML in a LAN id or a name stands on the page as it was written."""
    evil = "NA\\<script>alert(1)</script>'\""
    employee_id = sqlite_desk.employee(evil, "<b>team", display_name="<svg onload=alert(1)>")
    enter_finished(sqlite_desk.database, evil, HOUR, UNKNOWN)
    row = insert(TrainingImage).values(lan_id=evil, status="F", result="<u>odd")
    sqlite_desk.database.write(lambda connection: connection.execute(row))
    odd = update(StreamImage).values(result="<u>odd")
    page = sqlite_desk.signed_in().get(f"/agents/{employee_id}").text
    sqlite_desk.database.write(lambda connection: connection.execute(odd))
    page += sqlite_desk.signed_in(name="again").get(f"/agents/{employee_id}").text
    assert not re.search("<(script>|svg|b>|u>)", page)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
