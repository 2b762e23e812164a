"""Hours: the hourly summary in the three views of the dashboards, with filters, totals and a download."""

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from biosense_pipeline.codes import FAILED_RESULTS, VERIFIED_RESULTS, Action, StillResult
from biosense_pipeline.desk.audit import record
from biosense_pipeline.desk.pages.query import as_place, day_of, place, result_of, text_of
from biosense_pipeline.desk.rendering import render
from biosense_pipeline.desk.visitor import visitor_of
from biosense_pipeline.store.agents.visible import Agent, agents, matching, teams_of
from biosense_pipeline.store.views.hours import (
    AgentDay,
    AgentHour,
    Bookmark,
    FleetHour,
    HourFilter,
    View,
    agent_days,
    agent_hours,
    every_row,
    fleet_hours,
    newest_hour,
    totals,
)

A_PAGE = 100
#: Days that one request may span.
MOST_DAYS = 31
#: What a spreadsheet would take for the beginning of a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class HoursView:
    """One of the views.

    Attributes:
        read: a page of it from the store.
        columns: the headings of its download, and ``cells`` what stands under them.
    """

    name: str
    label: str
    read: View[Any]
    columns: Sequence[str]
    cells: Callable[[Any], Sequence[object]]


def _agent_hour(row: AgentHour) -> Sequence[object]:
    captures = row.first_capture, row.last_capture
    return row.hour, row.lan_id, row.name, row.team, row.result, row.stills, *captures


def _fleet_hour(row: FleetHour) -> Sequence[object]:
    return row.hour, row.result, row.agents, row.stills


def _agent_day(row: AgentDay) -> Sequence[object]:
    shares = f"{row.failed_share:.4f}", f"{row.unverified_share:.4f}"
    return row.day, row.lan_id, row.name, row.team, row.stills, row.failed, row.unverified, *shares


_AGENT_COLUMNS = ("lan_id", "name", "team")
VIEWS = (
    HoursView(
        "agents",
        "Per agent and hour",
        agent_hours,
        ("hour", *_AGENT_COLUMNS, "result", "stills", "first_capture", "last_capture"),
        _agent_hour,
    ),
    HoursView("all", "All agents per hour", fleet_hours, ("hour", "result", "agents", "stills"), _fleet_hour),
    HoursView(
        "shares",
        "Failed and unverified per agent and day",
        agent_days,
        ("day", *_AGENT_COLUMNS, "stills", "failed", "unverified", "failed_share", "unverified_share"),
        _agent_day,
    ),
)


@dataclass(frozen=True)
class Asked:
    """What the page was asked for, and what of it holds.

    Attributes:
        query: the parameters, to ask for the same again.
        told: what was changed about the days asked for, in a sentence; None: nothing.
    """

    view: HoursView
    first: date
    last: date
    filter: HourFilter
    query: dict[str, Any]
    told: str | None


def hours(request: Request) -> Response:
    """The page."""
    visitor, database = visitor_of(request), request.app.state.database
    everyone = agents(database, visitor.agents.team)
    asked = _asked(request, everyone)
    at = as_place(text_of(request, "at"))
    begin = Bookmark(at[0], at[1]) if at and at[0] else None
    page = asked.view.read(database, asked.filter, begin, A_PAGE)
    counted = asked.filter.quickly_totalled or text_of(request, "totals") == "yes"
    sums = totals(database, asked.filter) if counted else None
    return render(
        request,
        "hours.html",
        {
            "views": VIEWS,
            "asked": asked,
            "search": text_of(request, "q"),
            "team": text_of(request, "team"),
            "teams": teams_of(everyone) if visitor.agents.team is None else [],
            "results": list(StillResult),
            "page": page,
            "older": {**asked.query, "at": place(page.older.until, page.older.skip)} if page.older else None,
            "is_first": begin is None,
            "totals": sums.most_common() if sums is not None else None,
            "total": sums.total() if sums is not None else None,
            "failed": sum(sums[code] for code in FAILED_RESULTS) if sums is not None else None,
            "verified": sum(sums[code] for code in VERIFIED_RESULTS) if sums is not None else None,
            "days": (asked.last - asked.first).days + 1,
            "longest": MOST_DAYS,
        },
    )


def hours_csv(request: Request) -> Response:
    """All rows of the view that the page shows a part of."""
    visitor, database = visitor_of(request), request.app.state.database
    asked = _asked(request, agents(database, visitor.agents.team))
    record(request, Action.DOWNLOAD, detail={"page": "hours", **asked.query})
    rows = every_row(asked.view.read, database, asked.filter)
    name = f"hours-{asked.view.name}-{asked.first}-{asked.last}.csv"
    return StreamingResponse(
        _csv(asked.view.columns, (asked.view.cells(row) for row in rows)),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _asked(request: Request, everyone: Sequence[Agent]) -> Asked:
    search, team, result = text_of(request, "q"), text_of(request, "team"), result_of(request)
    own = [agent for agent in everyone if not team or agent.team == team]
    chosen = matching(own, search) if search else own
    # A visitor who may see one team only is never asked for without its agents.
    narrowed = bool(search or team) or visitor_of(request).agents.team is not None
    first, last, told = _days(request)
    view = next((view for view in VIEWS if view.name == text_of(request, "view")), VIEWS[0])
    midnight = time()
    return Asked(
        view,
        first,
        last,
        HourFilter(
            datetime.combine(first, midnight),
            datetime.combine(last, midnight) + timedelta(days=1),
            agents=len(chosen),
            employee_ids=frozenset(agent.id for agent in chosen) if narrowed else None,
            result=result,
        ),
        {
            "view": view.name,
            "first": first.isoformat(),
            "last": last.isoformat(),
            "q": search or None,
            "team": team or None,
            "result": result,
        },
        told,
    )


def _days(request: Request) -> tuple[date, date, str | None]:
    """The first and the last day to show: those asked for, or the newest that was summed up."""
    first, last = day_of(request, "first"), day_of(request, "last")
    if first is None and last is None:
        newest: datetime | None = newest_hour(request.app.state.database)
        shown = (newest or request.app.state.local_now()).date()
        return shown, shown, None
    first, last = first or last, last or first
    assert first is not None
    assert last is not None
    if last < first:
        first, last = last, first
    if (last - first).days >= MOST_DAYS:
        earliest = last - timedelta(days=MOST_DAYS - 1)
        return earliest, last, f"One look spans {MOST_DAYS} days at most: these are the last of those asked for."
    return first, last, None


def _csv(columns: Sequence[str], rows: Iterator[Sequence[object]]) -> Iterator[str]:
    """Lines of a download, a few hundred at a time."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(columns)
    for number, row in enumerate(rows):
        writer.writerow([csv_cell(value) for value in row])
        if number % 500 == 499:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


def csv_cell(value: object) -> str:
    """A cell as text; a text that a spreadsheet would run as a formula is made a text by an apostrophe."""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    text = "" if value is None else str(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(_FORMULA) else text


routes = [
    Route("/hours", hours, name="hours"),
    Route("/hours.csv", hours_csv, name="hours_csv"),
]
