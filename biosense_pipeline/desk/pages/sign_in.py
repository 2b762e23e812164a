"""Signing in and out. Sign-ins are tried one at a time, so that many at once cannot outrun the throttle."""

from dataclasses import dataclass

import anyio.to_thread
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from biosense_pipeline.codes import Action
from biosense_pipeline.desk.accounts import seconds_to_wait, user_with_password
from biosense_pipeline.desk.audit import address_of, record
from biosense_pipeline.desk.forms import CSRF_FIELD, field, posted, read_form
from biosense_pipeline.desk.rendering import redirect_to, render
from biosense_pipeline.desk.visitor import current_visitor
from biosense_pipeline.store.users.accounts import StoredUser, has_users, user_key

_STALE = "This form is too old or was made for another browser: try again."
_WRONG = "Name and password do not belong together."
_WAIT = "Too many attempts failed: wait {minutes}, then try again."


@dataclass(frozen=True)
class _Outcome:
    """Who it is, or None; and how many seconds have to pass before the next attempt is looked at."""

    user: StoredUser | None = None
    wait: int = 0


def show(request: Request) -> Response:
    """The sign-in page; who is signed in already goes on."""
    wanted = _own_path(request.query_params.get("next", ""))
    return RedirectResponse(wanted, 303) if current_visitor(request) else _page(request, wanted)


async def sign_in(request: Request) -> Response:
    """Try name and password."""
    form = await read_form(request)
    request.state.visitor = None  # whoever was signed in: this attempt is by somebody not known yet
    return await run_in_threadpool(_answer, request, form, await _try(request, form))


async def sign_out(request: Request) -> Response:
    """End the session, at once and for every copy of its cookie."""
    await posted(request)
    return await run_in_threadpool(_end, request)


async def _try(request: Request, form: FormData) -> _Outcome | None:
    """What comes of the attempt; None: the form is not ours."""
    if not request.app.state.sign_in_form.is_own(request, field(form, CSRF_FIELD)):
        return None
    name, password = user_key(field(form, "name")), form.get("password")
    # Who has to wait is told so before the queue, which would hold up everybody else.
    wait = await run_in_threadpool(_wait, request, name)
    if wait:
        return _Outcome(wait=wait)
    return await anyio.to_thread.run_sync(
        _verify, request, name, password if isinstance(password, str) else "", limiter=request.app.state.one_sign_in
    )


def _verify(request: Request, name: str, password: str) -> _Outcome:
    wait = _wait(request, name)
    if wait:
        return _Outcome(wait=wait)
    user = user_with_password(request.app.state.database, name, password)
    if user is None:
        record(request, Action.SIGN_IN_FAILED, user_name=name)
        if _wait(request, name):
            record(request, Action.SIGN_IN_THROTTLED, user_name=name)
    return _Outcome(user)


def _wait(request: Request, name: str) -> int:
    state = request.app.state
    return seconds_to_wait(state.database, name, address_of(request), state.utc_now())


def _answer(request: Request, form: FormData, outcome: _Outcome | None) -> Response:
    wanted, name = _own_path(field(form, "next")), field(form, "name")[:200]
    if outcome is None:
        return _page(request, wanted, name, _STALE, 403)
    if outcome.wait:
        minutes = -(-outcome.wait // 60)
        told = _WAIT.format(minutes="a minute" if minutes == 1 else f"{minutes} minutes")
        response = _page(request, wanted, name, told, 429)
        response.headers["Retry-After"] = str(outcome.wait)
        return response
    state, user = request.app.state, outcome.user
    response = RedirectResponse(wanted, 303)
    if user is None or not state.sessions.begin(request, response, user, state.utc_now()):
        return _page(request, wanted, name, _WRONG, 403)
    record(request, Action.SIGN_IN, user_id=user.id, user_name=user.name)
    return response


def _end(request: Request) -> Response:
    response = redirect_to(request, "sign_in")
    request.app.state.sessions.end(request, response, request.app.state.utc_now())
    record(request, Action.SIGN_OUT)
    return response


def _page(request: Request, wanted: str, name: str = "", told: str = "", status_code: int = 200) -> Response:
    form = request.app.state.sign_in_form
    value = form.value(request)
    context = {
        "form_token": form.token(value),
        "wanted": wanted,
        "name": name,
        "told": told,
        "has_users": has_users(request.app.state.database),
    }
    response = render(request, "sign_in.html", context, status_code)
    form.keep(response, value)
    return response


def _own_path(wanted: str) -> str:
    """The path to go on to: one of the desk's, never another site's address."""
    own = wanted.startswith("/") and not wanted.startswith(("//", "/sign-")) and "\\" not in wanted
    return wanted if own and wanted.isprintable() else "/"


routes = [
    Route("/sign-in", show, methods=["GET"], name="sign_in"),
    Route("/sign-in", sign_in, methods=["POST"]),
    Route("/sign-out", sign_out, methods=["POST"], name="sign_out"),
]
