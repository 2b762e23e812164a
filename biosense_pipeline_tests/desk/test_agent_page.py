"""An agent's page: the timeline, the still beside the benchmark, and what is decided about training images."""

import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from biosense_pipeline.codes import Role, Status, StillResult, TrainingResult, Verdict
from biosense_pipeline.demo.frames import Person, own_frame, training_picture
from biosense_pipeline.store.calibrations import Candidate, OwnTolerance, activate, store_candidate
from biosense_pipeline.store.capture import CapturedImage, enter_stills, enter_training_images
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.outcomes import write_outcomes
from biosense_pipeline.store.reviews import record_review
from biosense_pipeline.store.tables import StreamImage, TrainingImage
from biosense_pipeline.store.training_checks import StoredCheck, write_checks
from biosense_pipeline_tests.desk.conftest import Browser, Desk
from biosense_pipeline_tests.store.rows import (
    AGENT,
    HOUR,
    NOW,
    OTHER,
    change,
    enter_finished,
    enter_training,
    fetch,
    outcome,
    still,
)
from biosense_pipeline_tests.store.test_desk_views import set_training

UNKNOWN = StillResult.UNKNOWN_PERSON
SECOND = timedelta(seconds=1)


def waiting_image(database: Database, lan_id: str = AGENT) -> int:
    """A training image with a real face that passed its checks and waits."""
    image = CapturedImage(lan_id, HOUR, training_picture(Person.COLLINS))
    image_id = enter_training_images(database, [image])[0]
    set_training(database, image_id, Status.CLAIMED, TrainingResult.AWAITING_APPROVAL, 0)
    return image_id


def stood(database: Database, image_id: int) -> tuple[str, str | None]:
    """Status and result of a training image."""
    with database.read() as connection:
        row = connection.execute(
            select(TrainingImage.status, TrainingImage.result).where(TrainingImage.id == image_id)
        ).one()
    return row.status, row.result


def compared_still(database: Database, model_id: str, result: StillResult = UNKNOWN, distance: float = 0.62) -> int:
    """A still with a real face that was compared with training image 7."""
    still_id = enter_stills(database, [CapturedImage(AGENT, HOUR, own_frame(Person.HOPPER, 1))])[0]
    change(database, [still_id], status=Status.CLAIMED, lease_token="t")
    done = [outcome(still_id, result, distance=distance)]
    write_outcomes(database, "t", done, model_id=model_id, run_id=None, processed_time=NOW)
    return still_id


def links(page: str, pattern: str) -> list[str]:
    """The addresses on a page that match."""
    return [
        address.replace("&amp;", "&")
        for address in re.findall(r'(?:href|src|action)="([^"]*)"', page)
        if re.search(pattern, address)
    ]


def follow(browser: Browser, answer: Any) -> str:
    """The page that a form's answer leads to."""
    assert answer.status_code == 303, answer.text
    page = browser.get(answer.headers["location"])
    assert page.status_code == 200
    text: str = page.text
    return text


# What is shown


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
        set_training(desk.database, image_id, Status.PROCESSED, TrainingResult.ONE_FACE, 0)
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


# What is decided


def test_approving_returns_stills(desk: Desk) -> None:
    """An approval makes the image the benchmark, returns the stills that failed without one, and is written down."""
    employee_id = desk.employee(AGENT, "east")
    image_id = waiting_image(desk.database)
    missing = [
        enter_finished(desk.database, lan_id, HOUR, "NO_TRAINING_IMAGE", Status.FAILED)
        for lan_id in (AGENT, AGENT.upper(), OTHER)
    ]
    browser = desk.signed_in(Role.TEAM_LEAD, "east")
    page = browser.get(f"/agents/{employee_id}").text
    assert links(page, "/approve") == [f"/training/{image_id}/approve"]
    told = follow(browser, browser.post_form(f"/training/{image_id}/approve"))
    assert f"Training image {image_id} is approved. 2 of the agent&#39;s stills are processed again." in told
    assert "Benchmark" in told
    assert links(told, "/approve|/reject") == [f"/training/{image_id}/reject"]
    assert stood(desk.database, image_id) == (Status.PROCESSED, TrainingResult.ONE_FACE)
    assert [still(desk.database, still_id).status for still_id in missing] == ["N", "N", "F"]
    (entry,) = desk.audit("approve")
    assert (entry["subject_kind"], entry["subject_id"], entry["employee_id"]) == ("TRAINING", image_id, employee_id)
    assert entry["detail"] == {"result_before": TrainingResult.AWAITING_APPROVAL}


def test_only_recent_stills_return(sqlite_database: Database, make_desk: Any) -> None:
    """Stills older than the setting's hours stay as they are."""
    desk = make_desk(sqlite_database, requeue_hours=1)
    desk.employee(AGENT)
    old, recent = (
        enter_finished(desk.database, AGENT, NOW - timedelta(minutes=minutes), "NO_TRAINING_IMAGE", Status.FAILED)
        for minutes in (61, 59)
    )
    image_id = waiting_image(desk.database)
    assert desk.signed_in().post_form(f"/training/{image_id}/approve").status_code == 303
    assert [still(desk.database, still_id).status for still_id in (old, recent)] == ["F", "N"]


def test_rejecting_needs_a_reason(desk: Desk) -> None:
    """A rejection without a reason changes nothing; with one it is stored, shown and written down."""
    employee_id = desk.employee(AGENT)
    image_id = waiting_image(desk.database)
    browser = desk.signed_in()
    answer = browser.post_form(f"/training/{image_id}/reject", {"reason": "  "})
    assert (answer.status_code, "needs a reason" in answer.text) == (400, True)
    assert stood(desk.database, image_id)[0] == Status.CLAIMED
    told = follow(browser, browser.post_form(f"/training/{image_id}/reject", {"reason": "eyes <closed>"}))
    assert f"Training image {image_id} is rejected." in told
    assert "eyes &lt;closed&gt;" in told
    assert stood(desk.database, image_id) == (Status.FAILED, TrainingResult.REJECTED)
    (entry,) = desk.audit("reject")
    assert (entry["subject_id"], entry["employee_id"], entry["detail"]) == (
        image_id,
        employee_id,
        {"reason": "eyes <closed>", "result_before": "AWAITING_APPROVAL"},
    )


def test_approved_image_can_be_withdrawn(desk: Desk) -> None:
    """An approved image is withdrawn with a reason; who meant to reject a waiting one does not withdraw it."""
    desk.employee(AGENT)
    image_id = waiting_image(desk.database)
    browser = desk.signed_in()
    told = follow(browser, browser.post_form(f"/training/{image_id}/approve", {}))
    assert links(told, "/approve|/reject") == [f"/training/{image_id}/reject"]
    assert 'name="withdraw" value="1"' in told
    assert browser.post_form(f"/training/{image_id}/reject", {"reason": "blurred"}).status_code == 409
    assert stood(desk.database, image_id) == (Status.PROCESSED, TrainingResult.ONE_FACE)
    told = follow(browser, browser.post_form(f"/training/{image_id}/reject", {"reason": "not her", "withdraw": "1"}))
    assert f"Training image {image_id} is rejected." in told
    assert stood(desk.database, image_id) == (Status.FAILED, TrainingResult.REJECTED)


def test_second_decision_is_told(desk: Desk) -> None:
    """Who decides on an image that somebody decided on meanwhile is told so, and nothing changes."""
    desk.employee(AGENT)
    image_id = waiting_image(desk.database)
    first, second = desk.signed_in(), desk.signed_in(name="other")
    assert first.post_form(f"/training/{image_id}/reject", {"reason": "blurred"}).status_code == 303
    for what in ("approve", "reject"):
        answer = second.post_form(f"/training/{image_id}/{what}", {"reason": "x"})
        assert (answer.status_code, "was rejected already" in answer.text) == (409, True)
    assert stood(desk.database, image_id) == (Status.FAILED, TrainingResult.REJECTED)
    assert [entry["action"] for entry in desk.audit() if entry["action"] in ("approve", "reject")] == ["reject"]


def test_image_that_failed_for_its_quality_may_be_approved(sqlite_desk: Desk) -> None:
    """A person may approve what failed its checks with one face; what shows none has no button, and is refused."""
    employee_id = sqlite_desk.employee(AGENT)
    poor, empty = enter_training(sqlite_desk.database, AGENT, AGENT)
    set_training(sqlite_desk.database, poor, Status.FAILED, TrainingResult.POOR, 0)
    set_training(sqlite_desk.database, empty, Status.FAILED, TrainingResult.NO_FACE, 0)
    browser = sqlite_desk.signed_in()
    page = browser.get(f"/agents/{employee_id}").text
    assert links(page, "/approve|/reject") == [f"/training/{poor}/approve"]
    assert browser.post_form(f"/training/{poor}/approve").status_code == 303
    assert browser.post_form(f"/training/{empty}/approve").status_code == 409


def test_proposing_a_false_alarm(desk: Desk) -> None:
    """A still whose finding was a false alarm may be proposed: it is entered for its checks, approved by nobody."""
    employee_id = desk.employee(AGENT)
    still_id = compared_still(desk.database, desk.app.state.model_id)
    browser = desk.signed_in()
    page = f"/agents/{employee_id}?still={still_id}"
    assert links(browser.get(page).text, "/propose") == []
    assert browser.post_form(f"/stills/{still_id}/propose").status_code == 409
    assert fetch(desk.database, "SELECT count(*) FROM train_img") == [(0,)]
    form = {"verdict": "FALSE_ALARM", "round": "1", "result": "UNKNOWN_PERSON", "note": ""}
    assert browser.post_form(f"/review/{still_id}", form).status_code == 303
    assert links(browser.get(page).text, "/propose") == [f"/stills/{still_id}/propose"]
    told = follow(browser, browser.post_form(f"/stills/{still_id}/propose"))
    ((image_id, status),) = fetch(desk.database, "SELECT id, status FROM train_img")
    assert status == Status.PENDING
    assert f"The still is entered as training image {image_id}." in told
    (entry,) = desk.audit("propose")
    assert (entry["subject_kind"], entry["subject_id"], entry["detail"]) == (
        "STREAM",
        still_id,
        {"training_image_id": image_id},
    )


def test_changes_are_refused_to_others(desk: Desk) -> None:
    """A viewer, another team's lead and a form without its token change nothing, and the attempts are written down."""
    desk.employee(AGENT, "west")
    image_id = waiting_image(desk.database)
    still_id = compared_still(desk.database, desk.app.state.model_id)
    viewer, lead, admin = desk.signed_in(Role.VIEWER), desk.signed_in(Role.TEAM_LEAD, "east"), desk.signed_in()
    for path in (f"/training/{image_id}/approve", f"/training/{image_id}/reject", f"/stills/{still_id}/propose"):
        assert viewer.post_form(path, {"reason": "x"}).status_code == 403
        assert lead.post_form(path, {"reason": "x"}).status_code == 404
        assert admin.post(path, data={"reason": "x"}).status_code == 403
        assert admin.post_form(path, {"csrf_token": viewer.csrf_token, "reason": "x"}).status_code == 403
        assert admin.get(path).status_code == 405
    assert stood(desk.database, image_id)[0] == Status.CLAIMED
    assert len(desk.audit("refused")) == 6
    assert len(desk.audit("form_refused")) == 6
    assert admin.post_form("/training/999/approve").status_code == 404
    assert admin.post_form("/training/x/approve").status_code == 404


def test_made_up_messages_are_not_told(sqlite_desk: Desk) -> None:
    """An address that claims a decision shows it only where it was made."""
    employee_id = sqlite_desk.employee(AGENT)
    image_id = waiting_image(sqlite_desk.database)
    browser = sqlite_desk.signed_in()
    for query in (f"done=approved&image={image_id}", "done=approved&image=99", "done=<b>&image=1", "done=approved"):
        assert 'role="status"' not in browser.get(f"/agents/{employee_id}?{query}").text


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
