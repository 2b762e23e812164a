"""The application: settings and database in, an ASGI application out."""

import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from anyio import CapacityLimiter
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount

from biosense_pipeline.desk.headers import NO_STORE, SECURITY_HEADERS, RequestLimits, SecurityHeaders
from biosense_pipeline.desk.hosts import LOOPBACK, is_loopback
from biosense_pipeline.desk.keys import signing_key
from biosense_pipeline.desk.pages import agent, hours, incident_review, pictures, review, sign_in, today
from biosense_pipeline.desk.rendering import STATIC_FOLDER, error_page, path_to
from biosense_pipeline.desk.sessions import FindVisitor, Sessions
from biosense_pipeline.desk.sign_in_form import SignInForm
from biosense_pipeline.desk.static_files import DeskStaticFiles
from biosense_pipeline.desk.visitor import SignInNeeded
from biosense_pipeline.errors import BiosenseError, DatabaseUnavailable, SchemaOutdated
from biosense_pipeline.local_time import local_now
from biosense_pipeline.settings import Settings
from biosense_pipeline.store.database import Database
from biosense_pipeline.workflows.workbench import engine_spec

#: A decoded picture may take 36 MB under the default limits.
_PICTURES_AT_ONCE = 4
_log = logging.getLogger(__name__)
_PAGES = (sign_in, pictures, today, agent, incident_review, review, hours)


def make_app(
    settings: Settings,
    database: Database,
    *,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    hosts: Sequence[str] = LOOPBACK,
) -> Starlette:
    """The desk.

    Handlers find in ``request.app.state``: ``settings``, ``database``, ``clock`` (aware, UTC), ``utc_now()``
    (naive UTC, as the desk's tables have it), ``local_now()`` (naive, as ``capture_time``), ``model_id`` (whose
    results are in force) and ``sessions``.

    Args:
        clock: this moment, aware.
        hosts: names under which browsers may ask; anything else is refused.

    Raises:
        KeyUnusable: the key that signs cookies cannot be kept.
        WrongUse: the settings name a model that is not described.
    """
    app = Starlette(
        routes=_routes(),
        middleware=[
            Middleware(SecurityHeaders),
            Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts), www_redirect=False),
            Middleware(FindVisitor, without="/static/"),
            Middleware(RequestLimits),
        ],
        exception_handlers={
            SignInNeeded: _to_sign_in,
            HTTPException: _refused,
            DatabaseUnavailable: _unavailable,
            SchemaOutdated: _unavailable,
            BiosenseError: _cannot,
            Exception: _failed,
        },
    )
    secure = settings.desk_secure_cookie
    if secure is None:
        secure = not all(is_loopback(host) for host in hosts)
    key = signing_key(database)
    app.state.settings = settings
    app.state.database = database
    app.state.clock = clock
    app.state.utc_now = lambda: clock().astimezone(UTC).replace(tzinfo=None)
    app.state.local_now = lambda: local_now(settings.zone, clock())
    app.state.model_id = engine_spec(settings).model_id
    app.state.sessions = Sessions(database, settings, key, secure=secure)
    app.state.sign_in_form = SignInForm(key, secure=secure)
    app.state.one_sign_in = CapacityLimiter(1)
    app.state.few_pictures = CapacityLimiter(_PICTURES_AT_ONCE)
    return app


def _routes() -> list[BaseRoute]:
    static = Mount("/static", DeskStaticFiles(directory=STATIC_FOLDER), name="static")
    return [static, *(route for page in _PAGES for route in page.routes)]


def _to_sign_in(request: Request, error: Exception) -> Response:
    """Back to where the visitor wanted to go after signing in, if that was a page to look at."""
    wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    query = {"next": wanted} if request.method == "GET" and wanted != "/" else None
    return RedirectResponse(path_to(request, "sign_in", query), 303)


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return error_page(request, error)


def _unavailable(request: Request, error: Exception) -> Response:
    """The reason names hosts and files, which are not for browsers: the server's log has it."""
    _log.error("%s", error)
    return error_page(request, HTTPException(503))


def _cannot(request: Request, error: Exception) -> Response:
    """A change that the state of things does not allow any more; the sentence says why."""
    return error_page(request, HTTPException(409, str(error)))


def _failed(request: Request, error: Exception) -> Response:
    """Starlette answers with this outside of all middleware, then lets the server log the error."""
    response = error_page(request, HTTPException(500))
    response.headers.update(SECURITY_HEADERS | NO_STORE)
    return response
