"""Sessions: a random token in a signed cookie, known to the database by its hash only."""

import hashlib
import logging
import secrets
from datetime import datetime, timedelta

from itsdangerous import BadSignature, Signer
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from biosense_pipeline.codes import Role
from biosense_pipeline.desk.rendering import error_page
from biosense_pipeline.desk.visitor import Visitor
from biosense_pipeline.errors import DatabaseUnavailable
from biosense_pipeline.settings import Settings
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.users.accounts import StoredUser
from biosense_pipeline.store.users.sessions import (
    StoredSession,
    end_session,
    find_session,
    forget_sessions,
    note_use,
    start_session,
)

_log = logging.getLogger(__name__)

#: Rows of past sessions are of no use; the audit log tells of sign-ins.
_KEPT = timedelta(days=7)
#: A session's last use is noted at most this often, so that a page with many pictures writes once.
_NOTED_EVERY = timedelta(minutes=1)


class Sessions:
    """Begins, finds and ends sessions.

    Args:
        key: signs the cookies; whoever has it still needs a token that the database knows.
        secure: send the cookies over TLS only.
    """

    def __init__(self, database: Database, settings: Settings, key: bytes, *, secure: bool) -> None:
        self._database = database
        self._idle = timedelta(minutes=settings.desk_idle_minutes)
        self._longest = timedelta(hours=settings.desk_session_hours)
        self._signer = Signer(key, salt="biosense.desk.session", digest_method=hashlib.sha256)
        self._secure = secure
        # The prefix binds the cookie to this very host; browsers take it over TLS only.
        self._cookie = "__Host-biosense_desk" if secure else "biosense_desk"

    def begin(self, request: Request, response: Response, user: StoredUser, now: datetime) -> bool:
        """Begin a session under a new token and end the one that the browser had.

        False, without a session: the user was disabled or given another password since the sign-in was checked.
        """
        self._end(request, now)
        forget_sessions(self._database, now - self._longest - _KEPT)
        token, csrf_token = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        if not start_session(self._database, _hashed(token), user, csrf_token, now=now):
            return False
        response.set_cookie(
            self._cookie,
            self._signer.sign(token).decode(),
            max_age=int(self._longest.total_seconds()),
            path="/",
            secure=self._secure,
            httponly=True,
            samesite="strict",
        )
        return True

    def end(self, request: Request, response: Response, now: datetime) -> None:
        """End the request's session, if it has one, and take the cookie away."""
        self._end(request, now)
        response.delete_cookie(self._cookie, path="/", secure=self._secure, httponly=True, samesite="strict")

    def find(self, request: Request, now: datetime) -> Visitor | None:
        """Who is signed in; a session that was idle for too long or is too old ends here."""
        token = self._token(request)
        if token is None:
            return None
        token_hash = _hashed(token)
        session = find_session(self._database, token_hash)
        if session is None:
            return None
        if self._over(session, now) or (session.role is Role.TEAM_LEAD and not session.team):
            end_session(self._database, token_hash, now)
            return None
        if now - session.last_seen >= min(_NOTED_EVERY, self._idle / 10):
            note_use(self._database, token_hash, now)
        return Visitor(session.user_id, session.name, session.role, session.team, session.csrf_token)

    def _end(self, request: Request, now: datetime) -> None:
        token = self._token(request)
        if token is not None:
            end_session(self._database, _hashed(token), now)

    def _over(self, session: StoredSession, now: datetime) -> bool:
        return now - session.last_seen >= self._idle or now - session.created >= self._longest

    def _token(self, request: Request) -> str | None:
        try:
            return self._signer.unsign(request.cookies.get(self._cookie, "")).decode()
        except (BadSignature, UnicodeError):
            return None


class FindVisitor:
    """Finds out who is signed in before any page is asked, for ``visitor_of``."""

    def __init__(self, app: ASGIApp, without: str) -> None:
        self._app = app
        self._without = without

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not scope["path"].startswith(self._without):
            request = Request(scope)
            state = request.app.state
            try:
                request.state.visitor = await run_in_threadpool(state.sessions.find, request, state.utc_now())
            except DatabaseUnavailable as error:
                # As everywhere: the reason names hosts and files, which are for the log and not for browsers.
                _log.error("%s", error)
                await error_page(request, HTTPException(503))(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _hashed(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
