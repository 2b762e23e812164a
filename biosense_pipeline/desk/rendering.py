"""Pages from templates: escaped by themselves, with the visitor, the navigation and addresses at hand.

Templates extend ``base.html`` and fill its blocks ``title`` and ``main``. They are given:

* ``visitor`` (None before sign-in), ``csrf_token``, ``request``, ``navigation``;
* ``url_for(name, query=None, **path_parameters)``: the path of a named route, with a query;
* ``static(path)``: the path of a file in ``static/``, by its content;
* filters ``tone`` (a result's word for the style sheet: good, note, alarm, quiet, fault, waiting), ``words``
  (``UNKNOWN_PERSON`` -> ``Unknown person``), ``meaning`` (a code in a sentence), ``training_meaning``
  (as a training image's result), ``moment``, ``day``, ``clock`` (naive times, as they stand) and ``percent``.

The policy of ``desk.headers`` lets no inline style or script run: no ``style=``, no ``on...=``.
"""

import hashlib
import http.client
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jinja2
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import NoMatchFound

from biosense_pipeline.codes import AWAITING_ENROLMENT, Species, StillResult, TrainingResult, Verdict
from biosense_pipeline.desk.visitor import Visitor, current_visitor

_FOLDER = Path(__file__).parent
STATIC_FOLDER = _FOLDER / "static"

#: The main pages, by the name of their route, in the order of the navigation.
_NAVIGATION = (("today", "Today"), ("review", "Review"), ("hours", "Hours"))

_TONES: dict[str, str] = {
    **dict.fromkeys(Species, "alarm"),
    Species.ABSENT: "quiet",
    Species.SOURCE_CHANGE: "note",
    StillResult.SUCCESS: "good",
    StillResult.SUCCESS_MULTIPLE_FACES: "note",
    StillResult.UNKNOWN_PERSON: "alarm",
    StillResult.UNKNOWN_MULTIPLE_FACES: "alarm",
    StillResult.NO_FACES_FOUND: "quiet",
    **dict.fromkeys(AWAITING_ENROLMENT, "fault"),
    StillResult.UNREADABLE_IMAGE: "fault",
    StillResult.PROCESSING_ERROR: "fault",
    TrainingResult.SEVERAL_FACES: "fault",
    TrainingResult.POOR: "fault",
    TrainingResult.REJECTED: "alarm",
    TrainingResult.PROPOSAL_FAILED: "fault",
    TrainingResult.AWAITING_APPROVAL: "waiting",
    Verdict.CORRECT: "alarm",
    Verdict.FALSE_ALARM: "good",
    Verdict.NOT_SURE: "note",
}
_TRAINING_MEANINGS: dict[str, str] = {code.value: code.meaning for code in TrainingResult}
_SPECIES_MEANINGS: dict[str, str] = {code.value: code.meaning for code in Species}
#: Where a code stands for both, the still's meaning.
_MEANINGS = _TRAINING_MEANINGS | {code.value: code.meaning for codes in (StillResult, Verdict) for code in codes}


def render(request: Request, name: str, context: Mapping[str, Any] | None = None, status_code: int = 200) -> Response:
    """The template as an HTML page."""
    visitor = current_visitor(request)
    page = _templates().get_template(name)
    return HTMLResponse(
        page.render(
            {
                "request": request,
                "visitor": visitor,
                "csrf_token": visitor.csrf_token if visitor else "",
                "navigation": _navigation(request, visitor),
                "url_for": lambda name, query=None, **parameters: path_to(request, name, query, **parameters),
                "static": lambda path: path_to(request, "static", {"v": _version(path)}, path=path),
                **(context or {}),
            }
        ),
        status_code,
    )


def path_to(request: Request, name: str, query: Mapping[str, Any] | None = None, **parameters: Any) -> str:
    """The path of a named route; what is None in ``query`` is left out.

    A path and no whole address: behind a proxy that speaks TLS the application would take itself for http.
    """
    path = request.scope.get("root_path", "") + str(request.app.url_path_for(name, **parameters))
    given = {key: value for key, value in (query or {}).items() if value is not None}
    return f"{path}?{urlencode(given, doseq=True)}" if given else path


def redirect_to(
    request: Request, name: str, query: Mapping[str, Any] | None = None, **parameters: Any
) -> RedirectResponse:
    """After a POST: the browser gets the page of that route anew, so that a reload repeats nothing."""
    return RedirectResponse(path_to(request, name, query, **parameters), 303)


def error_page(request: Request, error: HTTPException) -> Response:
    """An error in words; the same page for all."""
    heading, advice = _ERRORS.get(error.status_code, ("That did not work", "Go back and try again."))
    # Starlette puts the standard's phrase where no reason was given.
    reasoned = error.detail not in ("", http.client.responses.get(error.status_code))
    told = error.detail if reasoned else advice
    response = render(request, "error.html", {"heading": heading, "told": told}, error.status_code)
    response.headers.update(error.headers or {})
    return response


@cache
def _templates() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters = (tone, words, meaning, training_meaning, species_meaning, moment, day, clock, percent)
    environment.filters.update({function.__name__: function for function in filters})
    return environment


def tone(code: str | None) -> str:
    """How a result looks: good, note, alarm, quiet, fault, or waiting where there is none yet."""
    return _TONES.get(code, "note") if code else "waiting"


def words(code: str | None) -> str:
    """``UNKNOWN_PERSON`` -> ``Unknown person``; nothing -> ``Pending``."""
    return code.replace("_", " ").capitalize() if code else "Pending"


def meaning(code: str | None) -> str:
    """The sentence that says what a code means, as a still's result where it may be one; empty for other words."""
    return _MEANINGS.get(code, "") if code else ""


def training_meaning(code: str | None) -> str:
    """The sentence that says what a training image's result means: SUCCESS is not a still's."""
    return _TRAINING_MEANINGS.get(code, "") if code else ""


def species_meaning(code: str) -> str:
    """The sentence that says what an incident is: UNKNOWN_PERSON of one is no still's; empty for other words."""
    return _SPECIES_MEANINGS.get(code, "")


def moment(time: datetime | None) -> str:
    """Date and time to the second."""
    return time.strftime("%Y-%m-%d %H:%M:%S") if time else "–"


def day(time: datetime | None) -> str:
    """The date alone."""
    return time.strftime("%Y-%m-%d") if time else "–"


def clock(time: datetime | None) -> str:
    """The time of day to the second."""
    return time.strftime("%H:%M:%S") if time else "–"


def percent(share: float | None, digits: int = 1) -> str:
    """A share of one in per cent."""
    return "–" if share is None else f"{100 * share:.{digits}f} %"


def _navigation(request: Request, visitor: Visitor | None) -> list[dict[str, Any]]:
    if visitor is None:
        return []
    entries = []
    for name, label in _NAVIGATION:
        try:
            path = path_to(request, name)
        except NoMatchFound:
            continue
        entries.append({"path": path, "label": label, "current": request.url.path == path})
    return entries


@cache
def _version(path: str) -> str:
    return hashlib.sha256((STATIC_FOLDER / path).read_bytes()).hexdigest()[:12]


_ERRORS = {
    400: ("That could not be read", "The request is not well formed: go back and try again."),
    403: ("Not allowed", "Your role does not allow this."),
    404: ("Not found", "There is nothing here, or it is not yours to see."),
    405: ("Not like this", "This page cannot be asked for in this way: use the links and buttons."),
    409: ("Overtaken", "Somebody else was quicker: reload the page and look again."),
    413: ("Too large", "More was sent than any form of the desk holds."),
    429: ("Too many attempts", "Wait a few minutes, then try again."),
    500: ("Something went wrong", "It has been logged. Try again; if it goes on, tell whoever runs the desk."),
    503: ("Not available", "The database does not answer at the moment: try again shortly."),
}
