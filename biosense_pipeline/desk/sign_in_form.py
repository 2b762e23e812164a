"""The sign-in form's own protection: before a session there is no CSRF token that a database could know.

The browser gets a random value in a cookie, and the form the same value signed: another site's page can neither
read the one nor make the other, and so cannot sign a person in under a name of its choice.
"""

import secrets

from itsdangerous import BadData, URLSafeTimedSerializer
from starlette.requests import Request
from starlette.responses import Response

from biosense_pipeline.desk.forms import same_text

_COOKIE = "biosense_desk_form"
#: Seconds for which a form that was opened may be sent.
_GOOD_FOR = 3600


class SignInForm:
    """Makes and checks the form's token."""

    def __init__(self, key: bytes, *, secure: bool) -> None:
        self._serializer = URLSafeTimedSerializer(key, salt="biosense.desk.sign-in")
        self._secure = secure

    def value(self, request: Request) -> str:
        """The browser's value, or a new one: tabs share it."""
        return request.cookies.get(_COOKIE) or secrets.token_urlsafe(32)

    def token(self, value: str) -> str:
        """What the form carries."""
        return str(self._serializer.dumps(value))

    def keep(self, response: Response, value: str) -> None:
        """Give the browser its value."""
        response.set_cookie(
            _COOKIE,
            value,
            max_age=_GOOD_FOR,
            path="/sign-in",
            secure=self._secure,
            httponly=True,
            samesite="strict",
        )

    def is_own(self, request: Request, token: str) -> bool:
        """Whether the token was made for this browser, not long ago."""
        try:
            value = self._serializer.loads(token, max_age=_GOOD_FOR)
        except BadData:
            return False
        return isinstance(value, str) and same_text(request.cookies.get(_COOKIE, ""), value)
