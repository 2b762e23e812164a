"""What is decided on an agent's page: training images approved, rejected and withdrawn, stills proposed."""

from datetime import timedelta
from typing import Any

from biosense_pipeline.codes import Role, Status, TrainingResult
from biosense_pipeline.store.database import Database
from biosense_pipeline_tests.desk.conftest import Desk
from biosense_pipeline_tests.desk.reading import follow, links
from biosense_pipeline_tests.desk.rows import compared_still, stood, waiting_image
from biosense_pipeline_tests.store.rows import AGENT, HOUR, NOW, OTHER, enter_finished, enter_training, fetch, still
from biosense_pipeline_tests.store.views.rows import decide_training


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
    decide_training(sqlite_desk.database, poor, Status.FAILED, TrainingResult.POOR, 0)
    decide_training(sqlite_desk.database, empty, Status.FAILED, TrainingResult.NO_FACE, 0)
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
