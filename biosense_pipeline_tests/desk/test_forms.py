"""Changes: asked for by the desk's own pages and in this session, or not at all."""

import pytest
from starlette.routing import Route

from biosense_pipeline_tests.desk.conftest import Browser, Desk


def posting(desk: Desk) -> list[str]:
    """The paths of all routes that take a POST, but for the sign-in, which has no session yet."""
    return sorted(
        route.path_format.format(**dict.fromkeys(route.param_convertors, 1))
        for route in desk.app.routes
        if isinstance(route, Route) and "POST" in (route.methods or ()) and route.path != "/sign-in"
    )


def still_signed_in(browser: Browser) -> bool:
    """Whether the session goes on."""
    return "Sign out" in browser.get("/not-a-page").text


@pytest.mark.parametrize("token", [None, "", "forged", "é" * 43])
def test_no_change_without_token(desk: Desk, token: str | None) -> None:
    """Every page that changes something refuses a form without this session's token, and writes it down."""
    browser = desk.signed_in()
    paths = posting(desk)
    assert "/sign-out" in paths
    for path in paths:
        answer = browser.post(path, data={} if token is None else {"csrf_token": token})
        assert answer.status_code == 403, path
        assert "This form was not made by this session" in answer.text
    assert still_signed_in(browser)
    assert [row["detail"]["path"] for row in desk.audit("form_refused")] == paths


def test_no_change_with_anothers_token(desk: Desk) -> None:
    """The token of another session is as good as none."""
    browser, other = desk.signed_in(name="ada"), desk.signed_in(name="bob")
    for path in posting(desk):
        assert browser.post(path, data={"csrf_token": other.csrf_token}).status_code == 403
    assert still_signed_in(browser)


def test_no_change_after_sign_out(desk: Desk) -> None:
    """A form that is sent again after signing out, cookie and token included, leads to the sign-in page."""
    browser = desk.signed_in()
    cookie = {"cookie": f"biosense_desk={browser.cookies['biosense_desk']}"}
    browser.post_form("/sign-out")
    for path in posting(desk):
        answer = desk.browser().post(path, data={"csrf_token": browser.csrf_token}, headers=cookie)
        assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in"), path


def test_no_change_by_reading(desk: Desk) -> None:
    """What changes something does not answer to GET."""
    browser = desk.signed_in()
    assert browser.get("/sign-out").status_code == 405
    assert still_signed_in(browser)


@pytest.mark.parametrize(
    ("headers", "own"),
    [
        ({}, True),
        ({"sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "same-origin", "origin": "null"}, True),
        ({"origin": "http://127.0.0.1:8050"}, True),
        ({"origin": "null"}, True),
        ({"sec-fetch-site": "cross-site"}, False),
        ({"sec-fetch-site": "same-site"}, False),
        ({"sec-fetch-site": "none"}, False),
        ({"sec-fetch-site": "cross-site", "origin": "http://127.0.0.1:8050"}, False),
        ({"origin": "http://evil.example"}, False),
        ({"origin": "http://127.0.0.1:3000"}, False),
        ({"origin": ""}, False),
        ({"origin": "http://[127.0.0.1:8050"}, False),
    ],
)
def test_other_sites_change_nothing(sqlite_desk: Desk, headers: dict[str, str], own: bool) -> None:
    """What the browser says of the page that asks counts, even where the token is right."""
    browser = sqlite_desk.signed_in()
    answer = browser.post_form("/sign-out", headers=headers)
    assert answer.status_code == (303 if own else 403)
    assert still_signed_in(browser) is not own


def test_other_sites_sign_nobody_in(sqlite_desk: Desk) -> None:
    """The sign-in page too takes no form from elsewhere."""
    sqlite_desk.user("ada")
    browser = sqlite_desk.browser()
    browser.headers["origin"] = "https://evil.example"
    assert browser.sign_in("ada").status_code == 403
    assert sqlite_desk.audit() == []


def test_large_forms_are_refused(sqlite_desk: Desk) -> None:
    """A body over 64 KiB is refused, whether its length is told or not."""
    browser = sqlite_desk.signed_in()
    form = f"csrf_token={browser.csrf_token}&note=".encode()
    kind = {"content-type": "application/x-www-form-urlencoded"}
    told = browser.post("/sign-out", content=form + b"x" * 65536, headers=kind)
    untold = browser.post("/sign-out", content=iter([form, *[b"x" * 4096] * 17]), headers=kind)
    assert [told.status_code, untold.status_code] == [413, 413]
    assert "Too large" in told.text
    assert "Too large" in untold.text
    assert still_signed_in(browser)
    fits = browser.post("/sign-out", content=form + b"x" * 60000, headers=kind)
    assert fits.status_code == 303


def test_odd_bodies(sqlite_desk: Desk) -> None:
    """JSON, files, broken forms and a token in a file are no forms of ours."""
    browser = sqlite_desk.signed_in()
    token = browser.csrf_token
    multipart = {"content-type": "multipart/form-data; boundary=x"}
    codes = [
        browser.post("/sign-out", json={"csrf_token": token}).status_code,
        browser.post("/sign-out", files={"csrf_token": ("a", token.encode())}).status_code,
        browser.post("/sign-out", content=b"\xff\xfe\0", headers=multipart).status_code,
        browser.post(
            "/sign-out",
            content=b"&".join([b"a=1"] * 1000),
            headers={"content-type": "application/x-www-form-urlencoded"},
        ).status_code,
    ]
    assert all(code in (400, 403) for code in codes), codes
    assert still_signed_in(browser)
