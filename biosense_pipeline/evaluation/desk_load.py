"""How long the desk's pages take to open on a site of a given size.

A database of its own is made on the server and dropped afterwards. `biosense desk` serves it, a process of its
own on a free loopback port; an administrator and a team lead sign in as people do and open each page again and
again.
"""

import re
import secrets
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from http.cookiejar import CookieJar
from itertools import cycle, islice

import numpy as np

from biosense_pipeline.errors import BiosenseError
from biosense_pipeline.evaluation.desk_people import ADMIN, LEAD
from biosense_pipeline.evaluation.desk_site import Site, fill_site
from biosense_pipeline.evaluation.processes import served_desk
from biosense_pipeline.evaluation.scratch import scratch_database
from biosense_pipeline.local_time import local_now
from biosense_pipeline.settings import Settings
from biosense_pipeline.workflows.workbench import engine_spec

#: Milliseconds within which 95 of 100 visits to a page must be answered; beyond it the command fails.
GOAL = 200.0
#: Visits before those that count: templates are compiled once, and the first connection is made.
_WARM_UP = 2
_ANSWER_SECONDS = 120
#: Pages by name; an agent's page is another agent's each time.
PAGES = {
    "today": "/",
    "agent": "/agents/{id}",
    "agent, one result": "/agents/{id}?result=UNKNOWN_PERSON",
    "review queue": "/review",
    "hours": "/hours",
}


class CannotMeasure(BiosenseError):
    """The desk does not answer as expected."""


@dataclass(frozen=True)
class PageTimes:
    """Milliseconds from asking for a page to its last byte, and the bytes of its last answer."""

    page: str
    visitor: str
    milliseconds: list[float]
    size: int

    def percentile(self, share: float) -> float:
        """The time within which this share of the visits, in per cent, was answered."""
        return round(float(np.percentile(self.milliseconds, share, method="higher")), 1)


@dataclass(frozen=True)
class DeskTimes:
    """The site that was made, how many seconds that took, and what each page took then."""

    site: Site
    fill_seconds: float
    pages: list[PageTimes]


def measure_desk(
    server: str,
    settings: Settings,
    *,
    agents: int,
    stills: int,
    visits: int,
    on_progress: Callable[[str, int, int], None] = lambda what, done, total: None,
) -> DeskTimes:
    """Make a site of that size and open each page ``visits`` times.

    Raises:
        DatabaseUnavailable: no database can be made on the server.
        CannotStart: the desk does not come up.
        CannotMeasure: nobody can sign in, or a page is not what was asked for.
    """
    from biosense_pipeline.desk.accounts import hash_password
    from biosense_pipeline.desk.keys import key_path

    password = secrets.token_urlsafe(24)
    with scratch_database(server) as database:
        began = time.monotonic()
        site = fill_site(
            database,
            agents=agents,
            stills=stills,
            now=local_now(settings.zone),
            model_id=engine_spec(settings).model_id,
            password_hash=lambda name: hash_password(name, password),
            on_progress=on_progress,
        )
        filled = time.monotonic() - began
        try:
            with served_desk(database.url.render_as_string(hide_password=False)) as address:
                pages = list(_measure(address, site, password, visits, on_progress))
        finally:
            key_path(database).unlink(missing_ok=True)
    return DeskTimes(site, filled, pages)


def _measure(
    address: str, site: Site, password: str, visits: int, on_progress: Callable[[str, int, int], None]
) -> Iterator[PageTimes]:
    visitors = (("admin", ADMIN, site.employee_ids), ("team lead", LEAD, site.team_ids))
    done, total = 0, len(visitors) * len(PAGES)
    for visitor, name, agent_ids in visitors:
        browser = _Browser(address)
        browser.sign_in(name, password)
        for page, path in PAGES.items():
            on_progress("pages", done, total)
            # Steps that share no divisor with the number of agents come to each of them.
            spread = islice(cycle(agent_ids), 0, None, 7)
            paths = [path.format(id=agent_id) for agent_id in islice(spread, _WARM_UP + visits)]
            yield _timed(browser, page, visitor, paths)
            done += 1


def _timed(browser: "_Browser", page: str, visitor: str, paths: Sequence[str]) -> PageTimes:
    milliseconds, size = [], 0
    for path in paths:
        began = time.perf_counter()
        size = len(browser.open(path))
        milliseconds.append((time.perf_counter() - began) * 1000)
    return PageTimes(page, visitor, milliseconds[_WARM_UP:], size)


class _Browser:
    """Opens pages and keeps cookies."""

    def __init__(self, address: str) -> None:
        self._address = address
        # No proxy of the environment: the desk is on this machine.
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(CookieJar())
        )

    def sign_in(self, name: str, password: str) -> None:
        """Send the form of the sign-in page."""
        found = re.search(rb'name="csrf_token" value="([^"]+)"', self.open("/sign-in", signed_in=False))
        if found is None:
            raise CannotMeasure("The desk's sign-in page has no form: open it yourself with `biosense desk`.")
        form = {"csrf_token": found[1].decode(), "name": name, "password": password}
        self.open("/sign-in", urllib.parse.urlencode(form).encode())

    def open(self, path: str, form: bytes | None = None, signed_in: bool = True) -> bytes:
        """The page at that path, all of it.

        Raises:
            CannotMeasure: it is an error, or the sign-in page in its stead.
        """
        try:
            with self._opener.open(self._address + path, form, timeout=_ANSWER_SECONDS) as answer:
                content: bytes = answer.read()
                led_to = urllib.parse.urlsplit(answer.url).path
        except OSError as error:
            raise CannotMeasure(
                f"The desk answers {path} with {error}: open it yourself with `biosense desk`."
            ) from error
        if signed_in and led_to == "/sign-in":
            raise CannotMeasure(f"The desk asks to sign in at {path}: sign in yourself with `biosense desk`.")
        return content
