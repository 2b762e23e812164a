"""Forms that came from our own pages: every POST carries the CSRF token of its session."""

import hmac

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request

from biosense_pipeline.codes import Action
from biosense_pipeline.desk.audit import record
from biosense_pipeline.desk.visitor import visitor_of

#: The name of the hidden field: ``<input type="hidden" name="csrf_token" value="{{ csrf_token }}">``.
CSRF_FIELD = "csrf_token"
#: Bytes that a request's body may hold.
LARGEST_BODY = 64 * 1024
_MOST_FIELDS = 200


async def posted(request: Request) -> FormData:
    """The form of a POST by a signed-in user, after its CSRF token was found right.

    Raises:
        SignInNeeded: nobody is signed in, or the session has ended.
        HTTPException: 403, the token is missing or another one.
    """
    visitor = visitor_of(request)
    form = await read_form(request)
    if not same_text(field(form, CSRF_FIELD), visitor.csrf_token):
        await run_in_threadpool(record, request, Action.FORM_REFUSED, detail={"path": request.url.path[:200]})
        raise HTTPException(403, "This form was not made by this session: go back, reload the page and try again.")
    return form


async def read_form(request: Request) -> FormData:
    """The fields of a form without files; its token is not looked at."""
    return await request.form(max_files=0, max_fields=_MOST_FIELDS, max_part_size=LARGEST_BODY)


def field(form: FormData, name: str) -> str:
    """A field's text without blanks around it; empty where it is missing."""
    value = form.get(name)
    return value.strip() if isinstance(value, str) else ""


def same_text(given: str, wanted: str) -> bool:
    """Whether both are the same, in a time that does not tell how much of it was right."""
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), wanted.encode())
