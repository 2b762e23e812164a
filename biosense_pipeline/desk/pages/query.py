"""What a page was asked for, read from its address. What cannot be meant is left out rather than refused."""

import re
from datetime import date, datetime

from starlette.exceptions import HTTPException
from starlette.requests import Request

from biosense_pipeline.codes import StillResult

#: Databases hold no larger ids.
_MOST = 2**63 - 1
_LONGEST = 200


def text_of(request: Request, name: str) -> str:
    """The parameter without blanks around it, cut to a sensible length."""
    return request.query_params.get(name, "").strip()[:_LONGEST]


def whole_number(request: Request, name: str) -> int | None:
    """A number from 0 on, as an id or the number of a page."""
    return _whole(request.query_params.get(name, ""))


def id_in_path(request: Request, name: str = "id") -> int:
    """The id in the path.

    Raises:
        HTTPException: 404, it cannot be an id.
    """
    found = _whole(str(request.path_params[name]))
    if found is None:
        raise HTTPException(404)
    return found


def moment_of(request: Request, name: str) -> datetime | None:
    """A naive local time."""
    return as_moment(request.query_params.get(name, ""))


def day_of(request: Request, name: str) -> date | None:
    """A day."""
    found = as_moment(request.query_params.get(name, ""))
    return found.date() if found else None


def result_of(request: Request, name: str = "result") -> StillResult | None:
    """A result of stills."""
    word = request.query_params.get(name, "")
    return StillResult[word] if word in set(StillResult) else None


def as_moment(text: str) -> datetime | None:
    """A naive time in a year with four digits that is not the first or the last of them, so that days can be added."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is None and 1900 <= found.year <= 9000 else None


def place(moment: datetime | None, number: int) -> str:
    """A place in a list as a word for an address: a time, if there is one, and a number."""
    return f"{moment.isoformat() if moment else '-'}_{number}"


def as_place(text: str) -> tuple[datetime | None, int] | None:
    """The time and number that :func:`place` wrote; None where it did not."""
    moment, _, number = text.partition("_")
    found, whole = as_moment(moment), _whole(number)
    if whole is None or (found is None and moment != "-"):
        return None
    return found, whole


def _whole(text: str) -> int | None:
    return int(text) if re.fullmatch("[0-9]{1,19}", text) and int(text) <= _MOST else None
