"""What goes with every answer, errors in plain words, and text from outside as text."""

import re
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from biosense_pipeline.codes import Role, StillResult
from biosense_pipeline.desk.app import make_app
from biosense_pipeline.desk.keys import KeyUnusable, key_path, signing_key
from biosense_pipeline.desk.rendering import STATIC_FOLDER, render, tone
from biosense_pipeline.errors import BiosenseError, DatabaseUnavailable
from biosense_pipeline.settings import Settings
from biosense_pipeline.store.database import Database
from biosense_pipeline_tests.desk.conftest import Browser, Desk

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
TEMPLATES = STATIC_FOLDER.parent / "templates"


def add_page(desk: Desk, path: str, page: Callable[[Request], Any]) -> None:
    """A page of the test's own."""
    desk.app.router.routes.insert(0, Route(path, page, name=path))


def fails(error: Exception) -> Callable[[Request], Response]:
    """A page that raises."""

    def page(request: Request) -> Response:
        raise error

    return page


def test_headers_on_every_answer(sqlite_desk: Desk) -> None:
    """Pages, redirects, errors of every kind and files carry the policy; nothing but files may be kept."""
    add_page(sqlite_desk, "/broken", fails(RuntimeError("secret detail")))
    browser = sqlite_desk.signed_in()
    answers = {
        200: sqlite_desk.browser().get("/sign-in"),
        303: sqlite_desk.browser().get("/pictures/still/1"),
        404: browser.get("/nothing"),
        405: browser.delete("/sign-in"),
        403: browser.post("/sign-out"),
        413: browser.post("/sign-out", content=b"x" * 70000),
        500: browser.get("/broken"),
        400: browser.get("/", headers={"host": "evil.example"}),
    }
    for code, answer in [*answers.items(), (200, browser.get("/static/desk.css"))]:
        assert answer.status_code == code
        assert answer.headers["content-security-policy"] == POLICY
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert "camera=()" in answer.headers["permissions-policy"]
    assert {answer.headers["cache-control"] for answer in answers.values()} == {"no-store"}


def test_errors_in_plain_words(sqlite_desk: Desk) -> None:
    """Errors are pages of the desk with advice, and never tell what happened inside."""
    add_page(sqlite_desk, "/broken", fails(RuntimeError("secret detail")))
    add_page(sqlite_desk, "/late", fails(BiosenseError("Somebody has decided already.")))
    add_page(sqlite_desk, "/gone", fails(DatabaseUnavailable("mysql at secret.example is away")))
    browser = sqlite_desk.signed_in()
    for path, code, told in [
        ("/nothing", 404, "There is nothing here, or it is not yours to see."),
        ("/sign-out", 405, "use the links and buttons"),
        ("/broken", 500, "It has been logged."),
        ("/late", 409, "Somebody has decided already."),
        ("/gone", 503, "The database does not answer"),
    ]:
        answer = browser.get(path)
        assert answer.status_code == code
        assert told in answer.text
        assert "biosense desk" in answer.text
        assert "Sign out" in answer.text
        assert "secret" not in answer.text
        assert "Traceback" not in answer.text


def test_database_away(
    sqlite_desk: Desk, make_url: Callable[[str], str], use_settings: Callable[..., Settings]
) -> None:
    """Without a database the desk says so, to those with a cookie and to those without."""
    cookie = sqlite_desk.signed_in().cookies["biosense_desk"]
    app = sqlite_desk.app
    away = Database("mysql+pymysql://root@127.0.0.1:1/none")
    app.state.sessions._database = app.state.database = away
    for value in (cookie, ""):
        answer = Browser(app).get("/sign-in", headers={"cookie": f"biosense_desk={value}"})
        assert answer.status_code == 503
        assert "The database does not answer at the moment" in answer.text


def test_other_hosts_are_refused(sqlite_database: Database, use_settings: Callable[..., Settings]) -> None:
    """A name that leads here by somebody else's doing is refused; the configured one is not."""
    app = make_app(use_settings(), sqlite_database, hosts=["desk.example.com"])
    codes = {
        host: Browser(app).get("/sign-in", headers={"host": host}).status_code
        for host in ("desk.example.com", "desk.example.com:8050", "127.0.0.1:8050", "evil.example", "")
    }
    assert codes == {
        "desk.example.com": 200,
        "desk.example.com:8050": 200,
        "127.0.0.1:8050": 400,
        "evil.example": 400,
        "": 400,
    }


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:8050", "[::1]:8050"])
def test_this_machines_names(sqlite_desk: Desk, host: str) -> None:
    """By default the desk answers to the names of this machine's own."""
    assert sqlite_desk.browser().get("/sign-in", headers={"host": host}).status_code == 200


def test_text_is_escaped(sqlite_desk: Desk) -> None:
    """Names, teams and what was typed are text, whatever is in them."""
    markup = "<script>alert(1)</script>\"'&"
    browser = sqlite_desk.signed_in(Role.TEAM_LEAD, markup, name=markup.lower())
    page = browser.get("/nothing").text
    assert f"{escape(markup, quote=False).lower()}" in page.replace("&#34;", '"').replace("&#39;", "'")
    assert "<script>alert" not in page
    typed = sqlite_desk.browser().sign_in(markup, markup).text
    assert "<script>alert" not in typed
    assert "&lt;script&gt;" in typed
    assert "<script>alert" not in sqlite_desk.browser().get(f"/sign-in?next=/{markup}").text


@pytest.mark.parametrize(
    "lan_id", ["NA\\<img src=x onerror=alert(1)>", 'NA\\"><script>alert(1)</script>', "NA\\O'Brien&amp;"]
)
def test_lan_id_is_escaped(desk: Desk, lan_id: str) -> None:
    """A LAN id with HTML in it is shown as it is written, on every main page."""
    employee_id = desk.employee(lan_id)
    browser = desk.signed_in()
    shown = 0
    for path in ("/", "/review", "/hours", f"/agents/{employee_id}"):
        page = browser.get(path).text
        assert lan_id not in page
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        shown += str(escape(lan_id)).replace("&#x27;", "&#39;").replace("&quot;", "&#34;") in page
    assert shown


def test_no_inline_script_or_style() -> None:
    """Templates carry nothing that the policy would stop."""
    for template in TEMPLATES.glob("*.html"):
        text = template.read_text()
        assert not re.search(r"\sstyle\s*=", text), template.name
        assert not re.search(r"\son[a-z]+\s*=", text), template.name
        assert "<style" not in text, template.name
        assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", text)), template.name
        assert "|safe" not in text.replace(" ", ""), template.name
        assert not re.search(r"""(?:src|href|action)="https?:""", text), template.name


def test_files_are_named_by_their_content(sqlite_desk: Desk) -> None:
    """Pages ask for files by their content, so that a browser may keep them; no path leads out of the folder."""
    browser = sqlite_desk.browser()
    path = re.search(r'href="(/static/desk\.css\?v=[0-9a-f]{12})"', browser.get("/sign-in").text)
    assert path
    assert browser.get(path[1]).headers["cache-control"] == "max-age=31536000, immutable"
    assert browser.get("/static/desk.css").headers["cache-control"] == "no-cache"
    for outside in ("/static/../app.py", "/static/%2e%2e/app.py", "/static/..%5capp.py", "/static/nothing.css?v=1"):
        answer = browser.get(outside)
        assert answer.status_code in (303, 404), outside
        assert answer.headers["cache-control"] == "no-store"


def test_paths_follow_a_proxys_prefix(sqlite_desk: Desk) -> None:
    """Addresses are paths without a host, with what None is left out."""
    seen = {}

    def page(request: Request) -> Response:
        from biosense_pipeline.desk.rendering import path_to

        seen["plain"] = path_to(request, "still_picture", {"width": 160, "box": None}, id=7)
        seen["none"] = path_to(request, "still_picture", {"box": None}, id=7)
        return render(request, "error.html", {"heading": "x", "told": "y"})

    add_page(sqlite_desk, "/page", page)
    assert sqlite_desk.browser().get("/page").status_code == 200
    assert seen == {"plain": "/pictures/still/7?width=160", "none": "/pictures/still/7"}


def test_every_result_has_a_tone() -> None:
    """The style sheet knows the tone of every result of a still."""
    style = (STATIC_FOLDER / "desk.css").read_text()
    assert {tone(result) for result in [*StillResult, None]} == {"good", "note", "alarm", "quiet", "fault", "waiting"}
    assert all(f".tone-{tone(result)}" in style for result in [*StillResult, None])


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_contrast(scheme: int) -> None:
    """Text reaches 4.5 to 1 on what it stands on, lines of controls and the focus 3 to 1 (WCAG 2 AA)."""
    style = (STATIC_FOLDER / "desk.css").read_text()
    block = re.findall(r":root \{(.*?)\}", style, re.DOTALL)[scheme]
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block))
    grounds = ("page", "card", "raised")
    text = [(name, ground) for name in ("text", "muted", "accent") for ground in grounds]
    text += [(name, f"{name}-back") for name in ("good", "note", "alarm", "quiet", "fault", "waiting")]
    text += [("on-accent", "accent"), ("card", "alarm")]
    assert not [pair for pair in text if _contrast(colours, *pair) < 4.5]
    lines = [("edge", "card"), ("edge", "page"), *(("focus", ground) for ground in grounds)]
    assert not [pair for pair in lines if _contrast(colours, *pair) < 3]


def _contrast(colours: dict[str, str], one: str, other: str) -> float:
    darker, lighter = sorted(_luminance(colours[name]) for name in (one, other))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    levels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (level / 12.92 if level <= 0.04045 else ((level + 0.055) / 1.055) ** 2.4 for level in levels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_key_is_made_once(sqlite_database: Database) -> None:
    """The key that signs cookies outlives a restart, and its owner alone may read it."""
    key = signing_key(sqlite_database)
    path = key_path(sqlite_database)
    assert signing_key(sqlite_database) == key
    assert path.parent == Path(str(sqlite_database.url.database)).parent
    assert path.stat().st_mode & 0o777 == 0o600
    assert [file for file in path.parent.iterdir() if file.name.startswith("tmp")] == []
    path.chmod(0o644)
    with pytest.raises(KeyUnusable, match="Others may read"):
        signing_key(sqlite_database)
    path.chmod(0o600)
    path.write_bytes(b"short")
    with pytest.raises(KeyUnusable, match="is damaged"):
        signing_key(sqlite_database)


def test_key_of_a_servers_database(mariadb_database: Database) -> None:
    """For a database on a server the key lies in the user's data folder, one a database."""
    assert "user-data" in str(key_path(mariadb_database))
    other = Database(mariadb_database.url.set(database="another"))
    assert signing_key(mariadb_database) != signing_key(other)
