"""Signing in and out: who gets in, who has to wait, and when a session is over."""

import statistics
import time
from collections.abc import Callable

import pytest
from argon2 import PasswordHasher
from sqlalchemy import select, update

from biosense_pipeline.codes import Role
from biosense_pipeline.desk.accounts import hash_password
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.tables.desk import DeskSession, DeskUser
from biosense_pipeline.store.users.accounts import find_user, set_active, set_password_hash
from biosense_pipeline.store.users.sessions import find_session, start_session
from biosense_pipeline_tests.desk.conftest import NOW, PASSWORD, Browser, Desk
from biosense_pipeline_tests.store.rows import at_once

UTC_NOW = NOW.replace(tzinfo=None)


def signed_in(browser: Browser) -> bool:
    """Whether the desk knows who is asking."""
    return "Sign out" in browser.get("/not-a-page").text


@pytest.mark.usefixtures("passwords_in_force")
def test_sign_in_and_out(desk: Desk) -> None:
    """Name and password open a session, signing out ends it, and the log tells of both."""
    user_id = desk.user("ada")
    browser = desk.browser()
    answer = browser.sign_in("Ada")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert "ada, admin" in browser.get("/not-a-page").text
    out = browser.post_form("/sign-out")
    assert (out.status_code, out.headers["location"]) == (303, "/sign-in")
    assert not signed_in(browser)
    told = [(row["action"], row["user_id"], row["user_name"], row["address"]) for row in desk.audit()]
    assert told == [("sign_in", user_id, "ada", "10.0.0.7"), ("sign_out", user_id, "ada", "10.0.0.7")]


def test_nobody_without_session(desk: Desk) -> None:
    """Without a session a page is answered with the way to the sign-in page, which leads back."""
    desk.user("ada")
    browser = desk.browser()
    answer = browser.get("/pictures/still/1?width=160")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in?next=%2Fpictures%2Fstill%2F1%3Fwidth%3D160"
    assert (
        browser.sign_in("ada", next="/pictures/still/1?width=160").headers["location"] == "/pictures/still/1?width=160"
    )


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "/a\n//b",
        "",
    ],
)
def test_goes_on_to_own_pages_only(sqlite_desk: Desk, wanted: str) -> None:
    """After signing in nobody is sent to another site."""
    sqlite_desk.user("ada")
    assert sqlite_desk.browser().sign_in("ada", next=wanted).headers["location"] == "/"


def test_wrong_password(desk: Desk) -> None:
    """A wrong password, an unknown name and a disabled user are told the same, and the log the name that was tried."""
    desk.user("ada")
    desk.user("gone")
    set_active(desk.database, "gone", False, now=UTC_NOW)
    answers = [
        desk.browser().sign_in(name, password)
        for name, password in [
            ("ada", "wrong horse battery"),
            ("nobody", PASSWORD),
            ("gone", PASSWORD),
            ("ada", ""),
            ("", PASSWORD),
        ]
    ]
    assert {answer.status_code for answer in answers} == {403}
    assert all("Name and password do not belong together." in answer.text for answer in answers)
    assert [row["user_name"] for row in desk.audit("sign_in_failed")] == ["ada", "nobody", "gone", "ada", ""]


@pytest.mark.usefixtures("passwords_in_force")
def test_unknown_name_takes_as_long(sqlite_desk: Desk) -> None:
    """How long the answer takes does not tell whether there is a user of that name."""
    sqlite_desk.user("ada")

    def seconds(name: str) -> float:
        browser = sqlite_desk.browser()
        token = browser.form_token("/sign-in")
        start = time.perf_counter()
        browser.post("/sign-in", data={"csrf_token": token, "name": name, "password": "wrong horse battery"})
        return time.perf_counter() - start

    seconds("first")
    wrong, unknown = (statistics.median(seconds(name) for _ in range(3)) for name in ("ada", "nobody"))
    assert unknown > wrong / 3


def test_name_throttled(desk: Desk, make_desk: Callable[..., Desk]) -> None:
    """After five failures a name has to wait, with the right password too, from anywhere, and after a restart."""
    desk.user("ada")
    desk.user("bob")
    for number in range(5):
        assert desk.browser(f"10.0.1.{number}").sign_in("ada", "wrong horse battery").status_code == 403
        desk.later(minutes=1)
    restarted = make_desk(desk.database)
    restarted.now[0] = desk.now[0]
    answer = restarted.browser("10.0.1.9").sign_in("ADA")
    assert answer.status_code == 429
    assert "Too many attempts failed: wait 10 minutes, then try again." in answer.text
    assert answer.headers["retry-after"] == "600"
    assert restarted.browser("10.0.1.9").sign_in("bob").status_code == 303
    assert len(desk.audit("sign_in_throttled")) == 1
    restarted.later(minutes=10)
    assert restarted.browser("10.0.1.9").sign_in("ada").status_code == 303


def test_address_throttled(desk: Desk) -> None:
    """After twenty failures an address has to wait, whatever names it tries; others go on."""
    desk.user("ada")
    for number in range(20):
        assert desk.browser().sign_in(f"name{number}", "wrong horse battery").status_code == 403
    assert desk.browser().sign_in("ada").status_code == 429
    assert desk.browser("10.0.0.8").sign_in("ada").status_code == 303


def test_many_at_once_are_throttled(sqlite_desk: Desk) -> None:
    """Attempts that come at the same time are counted as if one came after the other."""
    sqlite_desk.user("ada")
    with sqlite_desk.browser() as shared:
        token = shared.form_token("/sign-in")
        form = {"csrf_token": token, "name": "ada", "password": "wrong horse battery"}
        codes = at_once(12, lambda number: shared.post("/sign-in", data=form).status_code)
    assert sorted(codes) == [403] * 5 + [429] * 7


def test_cookie(sqlite_database: Database, make_desk: Callable[..., Desk]) -> None:
    """Scripts and other sites do not get the cookie; with a host name of its own it goes over TLS only."""
    desk = make_desk(sqlite_database)
    desk.user("ada")
    plain = desk.browser().sign_in("ada").headers["set-cookie"].lower()
    assert plain.startswith("biosense_desk=")
    assert "httponly" in plain
    assert "samesite=strict" in plain
    assert "secure" not in plain
    secure = make_desk(sqlite_database, desk_secure_cookie="true").browser()
    secure.base_url = "https://127.0.0.1:8050"
    kept = secure.sign_in("ada").headers["set-cookie"].lower()
    assert kept.startswith("__host-biosense_desk=")
    assert "; secure" in kept
    assert signed_in(secure)


def test_token_is_not_stored(desk: Desk) -> None:
    """The database alone does not let anybody take over a session."""
    browser = desk.signed_in()
    token = browser.cookies["biosense_desk"].rsplit(".", 1)[0]
    with desk.database.read() as connection:
        stored = connection.execute(select(DeskSession.token_hash)).scalar_one()
    assert token not in stored
    for forged in (stored, token, f"{token}.{stored}", f"{stored}.x", "", "é"):
        other = desk.browser()
        assert "Sign out" not in other.get("/not-a-page", headers={"cookie": f"biosense_desk={forged}".encode()}).text


def test_new_token_each_time(desk: Desk) -> None:
    """Signing in again ends the session that the browser had: none can be planted or kept."""
    desk.user("ada")
    browser, copy = desk.browser(), desk.browser()
    form = {"csrf_token": browser.form_token("/sign-in"), "name": "ada", "password": PASSWORD}
    browser.post("/sign-in", data=form)
    first = browser.cookies["biosense_desk"]
    copy.cookies.set("biosense_desk", first)
    assert signed_in(copy)
    browser.post("/sign-in", data=form)
    assert browser.cookies["biosense_desk"] != first
    assert signed_in(browser)
    assert not signed_in(copy)


def test_idle_session_ends(desk: Desk) -> None:
    """A session ends thirty minutes after its last use, and stays ended."""
    browser = desk.signed_in()
    for _ in range(3):
        desk.later(minutes=29)
        assert signed_in(browser)
    desk.later(minutes=30)
    assert not signed_in(browser)
    desk.later(minutes=-30)
    assert not signed_in(browser)


def test_long_session_ends(desk: Desk) -> None:
    """However much it is used, a session ends after twelve hours."""
    browser = desk.signed_in()
    for _ in range(12 * 3 - 1):
        desk.later(minutes=20)
        assert signed_in(browser)
    desk.later(minutes=20)
    assert not signed_in(browser)


def test_settings_limit_sessions(sqlite_database: Database, make_desk: Callable[..., Desk]) -> None:
    """Both limits are settings."""
    desk = make_desk(sqlite_database, desk_idle_minutes=0.5, desk_session_hours=0.01)
    browser = desk.signed_in()
    desk.later(seconds=20)
    assert signed_in(browser)
    desk.later(seconds=20)
    assert not signed_in(browser)


def test_disabled_user_is_out_at_once(desk: Desk) -> None:
    """Disabling a user ends the user's sessions; enabling does not bring them back."""
    browser, other = desk.signed_in(name="ada"), desk.signed_in(name="bob")
    set_active(desk.database, "ada", False, now=UTC_NOW)
    assert not signed_in(browser)
    assert signed_in(other)
    set_active(desk.database, "ada", True, now=UTC_NOW)
    assert not signed_in(browser)
    assert browser.sign_in("ada").status_code == 303


def test_new_password_ends_all_sessions(desk: Desk) -> None:
    """After a change of password the old one and every session under it are worth nothing."""
    browser = desk.signed_in(name="ada")
    another = desk.browser()
    another.sign_in("ada")
    set_password_hash(desk.database, "ada", hash_password("ada", "a password anew"), now=UTC_NOW)
    assert not signed_in(browser)
    assert not signed_in(another)
    assert browser.sign_in("ada").status_code == 403
    assert browser.sign_in("ada", "a password anew").status_code == 303


def test_password_changed_while_signing_in(desk: Desk) -> None:
    """A password that is changed after it was found right opens no session any more."""
    desk.user("ada")
    user = find_user(desk.database, "ada")
    assert user is not None
    set_password_hash(desk.database, "ada", hash_password("ada", "a password anew"), now=UTC_NOW)
    assert not start_session(desk.database, "a" * 64, user, "token", now=UTC_NOW)
    assert find_session(desk.database, "a" * 64) is None


def test_past_sessions_are_forgotten(desk: Desk) -> None:
    """Rows of sessions that are long over are deleted with a later sign-in."""
    desk.user("ada")
    for _ in range(2):
        assert desk.browser().sign_in("ada").status_code == 303
    desk.later(days=8)
    assert desk.browser().sign_in("ada").status_code == 303
    with desk.database.read() as connection:
        assert len(connection.execute(select(DeskSession.token_hash)).all()) == 1


def test_role_holds_at_once(desk: Desk) -> None:
    """A change of role is seen with the next request; a lead whose team is emptied sees nothing."""
    browser = desk.signed_in(Role.TEAM_LEAD, "North", name="ada")
    assert "ada, team lead of North" in browser.get("/not-a-page").text
    desk.database.write(lambda connection: connection.execute(update(DeskUser).values(team=None)))
    assert not signed_in(browser)


@pytest.mark.usefixtures("passwords_in_force")
def test_weaker_hash_is_replaced(desk: Desk) -> None:
    """A hash of weaker parameters is made anew at the next sign-in, and the session it opens goes on."""
    desk.user("ada")
    weak = PasswordHasher(time_cost=1, memory_cost=8192).hash(PASSWORD)
    desk.database.write(lambda connection: connection.execute(update(DeskUser).values(password_hash=weak)))
    browser = desk.browser()
    assert browser.sign_in("ada").status_code == 303
    user = find_user(desk.database, "ada")
    assert user is not None
    assert user.password_hash.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert signed_in(browser)


def test_unreadable_hash(sqlite_desk: Desk) -> None:
    """A hash that is none lets nobody in and breaks nothing."""
    sqlite_desk.user("ada")
    sqlite_desk.database.write(lambda connection: connection.execute(update(DeskUser).values(password_hash="")))
    assert sqlite_desk.browser().sign_in("ada").status_code == 403


def test_no_default_user(desk: Desk) -> None:
    """Without users the sign-in page says which command to run; with one it does not."""
    assert "biosense desk add-user NAME --role admin" in desk.browser().get("/sign-in").text
    for name in ("admin", "root", ""):
        assert desk.browser().sign_in(name, name).status_code == 403
    desk.user("ada")
    assert "add-user" not in desk.browser().get("/sign-in").text


def test_sign_in_form_is_this_browsers(desk: Desk) -> None:
    """The form of another browser, none, and one that is too old sign nobody in."""
    desk.user("ada")
    stranger, victim = desk.browser(), desk.browser()
    form = {"name": "ada", "password": PASSWORD}
    foreign = stranger.form_token("/sign-in")
    victim.get("/sign-in")
    for token in (foreign, "", "x.y.z", foreign + "x"):
        answer = victim.post("/sign-in", data={**form, "csrf_token": token})
        assert answer.status_code == 403
        assert "This form is too old or was made for another browser" in answer.text
    assert desk.audit() == []


def test_old_sign_in_form(sqlite_desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A form that was open for more than an hour is shown anew."""
    monkeypatch.setattr("biosense_pipeline.desk.sign_in_form._GOOD_FOR", -1)
    sqlite_desk.user("ada")
    assert sqlite_desk.browser().sign_in("ada").status_code == 403


def test_signed_in_goes_on(sqlite_desk: Desk) -> None:
    """Who is signed in and opens the sign-in page is sent on."""
    browser = sqlite_desk.signed_in()
    assert browser.get("/sign-in?next=/hours").headers["location"] == "/hours"
