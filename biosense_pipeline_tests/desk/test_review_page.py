"""The review page: one finding at a time, each verdict once, and nothing overwritten."""

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from sqlalchemy import select

from biosense_pipeline.codes import Role, Status, StillResult, Verdict
from biosense_pipeline.store.tables.desk import Review
from biosense_pipeline_tests.desk.conftest import Browser, Desk
from biosense_pipeline_tests.desk.reading import links
from biosense_pipeline_tests.desk.rows import compared_still
from biosense_pipeline_tests.store.rows import AGENT, HOUR, OTHER, change, enter_finished, enter_training
from biosense_pipeline_tests.store.views.rows import decide_training

UNKNOWN = StillResult.UNKNOWN_PERSON
MINUTE = timedelta(minutes=1)


def shown(page: str) -> int | None:
    """The still that the page asks for a verdict on."""
    found = re.search(r'action="/review/(\d+)"', page)
    return int(found[1]) if found else None


def give(browser: Browser, verdict: str, path: str = "/review", **changed: Any) -> Any:
    """Send the page's own form with a verdict, some fields changed."""
    page = browser.get(path).text
    form = page[page.index('action="/review/') : page.index("</form>", page.index('action="/review/'))]
    fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form))
    values = {name: unescape(value) for name, value in fields.items()} | {"verdict": verdict, **changed}
    return browser.post_form(f"/review/{shown(page)}", values)


def reviews(desk: Desk) -> list[tuple[int, int, str, str | None]]:
    """What is recorded: still, round, verdict, note."""
    with desk.database.read() as connection:
        return [
            (row.subject_id, row.round, row.verdict, row.note)
            for row in connection.execute(select(Review.__table__).order_by(Review.id))
        ]


def findings(desk: Desk, count: int = 3, lan_id: str = AGENT) -> list[int]:
    """Findings of an agent, a minute apart; the newest first."""
    return [enter_finished(desk.database, lan_id, HOUR - number * MINUTE, UNKNOWN) for number in range(count)]


def test_one_finding_after_the_other(desk: Desk) -> None:
    """After each verdict the next older finding comes, until there is none; each is written down."""
    employee_id = desk.employee(AGENT)
    ids = findings(desk)
    browser = desk.signed_in()
    path, seen = "/review", []
    for verdict in ("FALSE_ALARM", "NOT_SURE", "CORRECT"):
        seen.append(shown(browser.get(path).text))
        answer = give(browser, verdict, path, note=f"note {verdict}")
        assert answer.status_code == 303
        path = answer.headers["location"]
    page = browser.get(path).text
    assert seen == ids
    assert shown(page) is None
    assert "Nothing waits for a verdict of yours" in page
    assert f"Your verdict on still {ids[-1]} is recorded" in page
    assert reviews(desk) == [
        (still_id, 1, verdict, f"note {verdict}")
        for still_id, verdict in zip(ids, ("FALSE_ALARM", "NOT_SURE", "CORRECT"), strict=True)
    ]
    entries = desk.audit("verdict")
    assert [(entry["subject_id"], entry["employee_id"]) for entry in entries] == [(i, employee_id) for i in ids]
    assert entries[0]["detail"] == {"result": "UNKNOWN_PERSON", "round": 1, "verdict": "FALSE_ALARM"}


def test_page_shows_still_benchmark_and_numbers(desk: Desk) -> None:
    """The still stands beside the image it was compared with, with its numbers, keys and forms that need no script."""
    desk.employee(AGENT, display_name="Eileen")
    for image_id in enter_training(desk.database, *[AGENT] * 7):
        decide_training(desk.database, image_id, Status.PROCESSED, "SUCCESS", 0)
    still_id = compared_still(desk.database, desk.app.state.model_id)
    page = desk.signed_in().get("/review").text
    assert links(page, "/pictures/") == [f"/pictures/still/{still_id}?box=1", "/pictures/training/7?box=1"]
    assert "0.620, beyond the tolerance of 0.500" in page
    assert re.findall(r'data-keys="([^"]*)"', page) == ["c", "f", "n"]
    assert "Second look" not in page
    assert [bool(re.search(rf'name="verdict" value="{verdict}"', page)) for verdict in Verdict] == [True] * 3


def test_moving_without_a_verdict(sqlite_desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Next and previous walk through all findings, from batch to batch, and a verdict goes on from where one is."""
    monkeypatch.setattr("biosense_pipeline.desk.pages.review.A_BATCH", 2)
    sqlite_desk.employee(AGENT)
    ids = findings(sqlite_desk, 5)
    browser = sqlite_desk.signed_in()
    path: str | None = "/review"
    seen, paths = [], []
    while path:
        page = browser.get(path).text
        seen.append(shown(page))
        paths.append(path)
        path = next((unescape(found) for found in re.findall(r'rel="next"[^>]*href="([^"]*)"', page)), None)
    assert seen == ids
    page = browser.get(paths[1]).text
    (back,) = (unescape(found) for found in re.findall(r'rel="prev"[^>]*href="([^"]*)"', page))
    assert shown(browser.get(back).text) == ids[0]
    answer = give(browser, "NOT_SURE", paths[1])
    assert shown(browser.get(answer.headers["location"]).text) == ids[2]
    answer = give(browser, "NOT_SURE", paths[4])
    assert "You are through" in browser.get(answer.headers["location"]).text
    for odd in ("from=x", "from=2026-03-02_x", "still=x", "still=999", "done=1", "from=-_3"):
        assert browser.get(f"/review?{odd}").status_code == 200


def test_second_reviewer_is_told(desk: Desk) -> None:
    """Of two reviewers with one finding before them the second is told who was first; nothing is overwritten."""
    desk.employee(AGENT)
    first_id, second_id = findings(desk, 2)
    ann, bob = desk.signed_in(name="ann"), desk.signed_in(name="bob")
    before_bob = bob.get("/review").text
    assert give(ann, "FALSE_ALARM").status_code == 303
    assert shown(before_bob) == first_id
    form = {"verdict": "CORRECT", "round": "1", "result": "UNKNOWN_PERSON", "from": "", "next": str(second_id)}
    answer = bob.post_form(f"/review/{first_id}", form)
    assert answer.status_code == 409
    assert "Somebody reviewed this meanwhile: ann said false alarm. Nothing was overwritten." in answer.text
    assert shown(answer.text) == second_id
    assert reviews(desk) == [(first_id, 1, "FALSE_ALARM", None)]
    assert len(desk.audit("verdict")) == 1


def test_finding_that_changed_is_told(desk: Desk) -> None:
    """A still that was decided anew meanwhile is not judged by what was shown."""
    desk.employee(AGENT)
    (still_id,) = findings(desk, 1)
    browser = desk.signed_in()
    form = {"verdict": "CORRECT", "round": "1", "result": "UNKNOWN_PERSON", "note": "as shown"}
    change(desk.database, [still_id], result="UNKNOWN_MULTIPLE_FACES")
    answer = browser.post_form(f"/review/{still_id}", form)
    assert (answer.status_code, "has another result by now" in answer.text) == (409, True)
    assert shown(answer.text) == still_id
    assert "as shown" in answer.text
    assert reviews(desk) == []
    assert desk.audit("verdict") == []


def test_second_look_does_not_say_what_the_first_found(desk: Desk) -> None:
    """A confirmed violation goes to another reviewer, without the first one's name, verdict or note."""
    desk.employee(AGENT)
    (still_id,) = findings(desk, 1)
    ann, bob = desk.signed_in(name="ann"), desk.signed_in(name="bob")
    give(ann, "CORRECT", note="certainly an impostor")
    assert shown(ann.get("/review").text) is None
    page = bob.get("/review").text
    assert shown(page) == still_id
    assert "Second look" in page
    assert "certainly" not in page
    assert "ann" not in re.sub("<[^>]*>", "", page).split()
    assert give(bob, "FALSE_ALARM").status_code == 303
    assert [(round_, verdict) for _, round_, verdict, _ in reviews(desk)] == [(1, "CORRECT"), (2, "FALSE_ALARM")]


def test_own_verdict_is_no_second_one(sqlite_desk: Desk) -> None:
    """Who confirmed a violation cannot give the second verdict too."""
    sqlite_desk.employee(AGENT)
    (still_id,) = findings(sqlite_desk, 1)
    browser = sqlite_desk.signed_in()
    give(browser, "CORRECT")
    form = {"verdict": "CORRECT", "round": "2", "result": "UNKNOWN_PERSON"}
    answer = browser.post_form(f"/review/{still_id}", form)
    assert (answer.status_code, "first reviewer" in answer.text) == (409, True)
    assert len(reviews(sqlite_desk)) == 1


def test_note_that_is_too_long_is_kept_for_mending(sqlite_desk: Desk) -> None:
    """Too long a note is refused with the number of characters, and stands in the form again."""
    sqlite_desk.employee(AGENT)
    findings(sqlite_desk, 1)
    browser = sqlite_desk.signed_in()
    answer = give(browser, "NOT_SURE", note="x" * 2001)
    assert (answer.status_code, "2001 characters" in answer.text, "x" * 2001 in answer.text) == (400, True, True)
    assert reviews(sqlite_desk) == []


def test_verdicts_are_refused_to_others(desk: Desk) -> None:
    """A viewer, another team's lead, and a form without its token or with odd values record nothing."""
    desk.employee(AGENT, "west")
    (still_id,) = findings(desk, 1)
    viewer, lead, admin = desk.signed_in(Role.VIEWER), desk.signed_in(Role.TEAM_LEAD, "east"), desk.signed_in()
    path, form = f"/review/{still_id}", {"verdict": "CORRECT", "round": "1", "result": "UNKNOWN_PERSON"}
    assert viewer.post_form(path, form).status_code == 403
    assert lead.post_form(path, form).status_code == 404
    assert admin.post(path, data=form).status_code == 403
    for odd in ({"verdict": "MAYBE"}, {"round": "3"}, {"round": "x"}, {"verdict": ""}, {"result": "SUCCESS"}):
        assert admin.post_form(path, {**form, **odd}).status_code == 400
    assert admin.post_form("/review/999999", form).status_code == 404
    assert admin.post_form("/review/x", form).status_code == 404
    assert reviews(desk) == []
    assert len(desk.audit("refused")) == 2


def test_lead_reviews_the_own_team(desk: Desk) -> None:
    """A lead's queue has the own team's findings only."""
    desk.employee(AGENT, "east")
    desk.employee(OTHER, "west")
    findings(desk, 2, OTHER)
    mine = findings(desk, 1)
    page = desk.signed_in(Role.TEAM_LEAD, "east").get("/review").text
    assert shown(page) == mine[0]
    assert OTHER not in page


def test_viewer_sees_the_list_only(sqlite_desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A viewer sees what waits, in pages, without pictures, forms or the script."""
    monkeypatch.setattr("biosense_pipeline.desk.pages.review.A_BATCH", 2)
    sqlite_desk.employee(AGENT, display_name="Eileen")
    findings(sqlite_desk, 3)
    browser = sqlite_desk.signed_in(Role.VIEWER)
    page = browser.get("/review").text
    assert page.count("Eileen") == 2
    assert links(page, "/pictures/|/review/|keys.js") == []
    (older,) = links(page, r"/review\?from=")
    assert browser.get(older).text.count("Eileen") == 1


def test_names_are_escaped(sqlite_desk: Desk) -> None:
    """HTML in a LAN id, a name, a note or an address stands on the page as it was written."""
    evil = "<script>alert(1)</script>"
    sqlite_desk.employee(f"NA\\{evil}", f"{evil}", display_name=f'"{evil}')
    findings(sqlite_desk, 1, f"NA\\{evil}")
    browser = sqlite_desk.signed_in()
    page = browser.get("/review", params={"from": evil, "still": evil}).text
    page += give(browser, "NOT_SURE", note=evil * 200).text
    assert "&lt;script&gt;" in page
    assert "<script>" not in page


def test_script_is_served_as_one(sqlite_desk: Desk) -> None:
    """The page's only script is a file of the desk's own."""
    sqlite_desk.employee(AGENT)
    findings(sqlite_desk, 1)
    browser = sqlite_desk.signed_in()
    (script,) = links(browser.get("/review").text, r"\.js")
    answer = browser.get(script)
    assert answer.status_code == 200
    assert "javascript" in answer.headers["content-type"]
