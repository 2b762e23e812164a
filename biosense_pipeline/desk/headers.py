"""What goes with every answer and what every request has to meet before a page sees it."""

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from biosense_pipeline.desk.forms import LARGEST_BODY
from biosense_pipeline.desk.rendering import error_page

_OWN = "'self'"
SECURITY_HEADERS = {
    "Content-Security-Policy": "; ".join(
        [
            "default-src 'none'",
            *(f"{kind} {_OWN}" for kind in ("script-src", "style-src", "img-src", "font-src", "form-action")),
            "frame-ancestors 'none'",
            "base-uri 'none'",
        ]
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), display-capture=(), payment=(), usb=()",
}
#: Pages and pictures show people: no cache keeps them. A handler that sets its own is left alone.
NO_STORE = {"Cache-Control": "no-store"}
_SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}


class SecurityHeaders:
    """Adds the headers to every answer, and to those of the application's own error pages."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(SECURITY_HEADERS)
                for name, value in NO_STORE.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers)


class RequestLimits:
    """Refuses bodies over :data:`LARGEST_BODY`, and changes that another site's page asks for."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = None
        if _announced(headers) > LARGEST_BODY:
            refusal = HTTPException(413, headers={"Connection": "close"})
        elif scope["method"] not in _SAFE_METHODS and not _from_own_page(headers):
            refusal = HTTPException(403, "This was asked for by a page of another site: open the desk itself.")
        if refusal:
            await error_page(Request(scope), refusal)(scope, receive, send)
            return
        received = 0

        async def receive_up_to_limit() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > LARGEST_BODY:  # without a length, or with a false one
                raise HTTPException(413, headers={"Connection": "close"})
            return message

        await self._app(scope, receive_up_to_limit, send)


def _announced(headers: Headers) -> int:
    length = headers.get("content-length", "0")
    return int(length) if length.isascii() and length.isdigit() else 0


def _from_own_page(headers: Headers) -> bool:
    """What browsers say of the page that asks; the CSRF token decides where they say nothing.

    ``Origin: null`` says nothing: under our own Referrer-Policy, browsers send it with our own forms.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = headers.get("origin", "null")
    return origin == "null" or origin.partition("://")[2] == headers.get("host")
