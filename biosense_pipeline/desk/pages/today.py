"""Today: the visitor's agents with their last hour at a glance, those with open incidents or findings first."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from biosense_pipeline.codes import StillResult
from biosense_pipeline.desk.failing_alerts import failing_alerts
from biosense_pipeline.desk.pages.query import moment_of, text_of, whole_number
from biosense_pipeline.desk.rendering import clock, render, words
from biosense_pipeline.desk.visitor import visitor_of
from biosense_pipeline.store.agents.visible import Agent, agents, matching, teams_of
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.enrolment.view import Enrolment, enrolments
from biosense_pipeline.store.incidents.view import IncidentAtAGlance, open_incidents
from biosense_pipeline.store.review.verdicts import OpenFindings, open_findings
from biosense_pipeline.store.views.strips import (
    SPAN,
    WORST_FIRST,
    Cell,
    Glance,
    default_moment,
    glances,
    window_end,
)

A_PAGE = 25
#: Open incidents that are listed; as many agents at once hang together.
MOST_INCIDENTS = 50
#: Times that a strip's description names for one result.
_TIMES_NAMED = 4


@dataclass(frozen=True)
class AgentRow:
    """An agent on the page. ``told`` says in words what the strip shows, ``incidents`` the species of those open."""

    agent: Agent
    findings: int
    incidents: list[str]
    glance: Glance
    told: str
    enrolment: Enrolment


def today(request: Request) -> Response:
    """The page; ``?at=`` shows the hour up to another moment, ``?q=`` and ``?team=`` choose agents."""
    visitor, state = visitor_of(request), request.app.state
    now, asked = state.local_now(), moment_of(request, "at")
    shown = asked or default_moment(state.database, now)
    everyone = agents(state.database, visitor.agents.team)
    search, team = text_of(request, "q"), text_of(request, "team")
    reviewer_id = visitor.user_id if visitor.may_decide else None
    findings = open_findings(state.database, team=visitor.agents.team, reviewer_id=reviewer_id, among=everyone)
    # A moment to come shows what is open now.
    incidents = open_incidents(state.database, window_end(min(shown, now)), team=visitor.agents.team)
    species_of: dict[int, list[str]] = defaultdict(list)
    for incident in incidents:
        species_of[incident.employee_id].append(incident.species)
    chosen = _chosen(everyone, search, team, findings, species_of)
    page = min(max(1, whole_number(request, "page") or 1), max(1, -(-len(chosen) // A_PAGE)))
    first, end = (page - 1) * A_PAGE, window_end(shown)
    query = {"q": search or None, "team": team or None, "at": _at(asked) if asked else None}
    return render(
        request,
        "today.html",
        {
            "rows": _rows(state.database, chosen[first : first + A_PAGE], findings, species_of, end, state.model_id),
            "incidents": _with_agents(incidents, everyone),
            "most_incidents": MOST_INCIDENTS,
            "count": len(chosen),
            "first": first + 1,
            "teams": teams_of(everyone) if visitor.agents.team is None else [],
            "search": search,
            "team": team,
            "query": query,
            "newer": {**query, "page": page - 1} if page > 1 else None,
            "older": {**query, "page": page + 1} if first + A_PAGE < len(chosen) else None,
            "start": end - SPAN,
            "end": end,
            "earlier": {**query, "at": _at(shown - SPAN)},
            "later": {**query, "at": _at(shown + SPAN)},
            "is_past": asked is None and shown != now,
            "waiting": findings.total,
            "or_more": "" if findings.complete else " or more",
            "failing_alerts": failing_alerts(request),
        },
    )


def _with_agents(
    incidents: Sequence[IncidentAtAGlance], everyone: Sequence[Agent]
) -> list[tuple[IncidentAtAGlance, Agent]]:
    by_id = {agent.id: agent for agent in everyone}
    return [(incident, by_id[incident.employee_id]) for incident in incidents if incident.employee_id in by_id]


def _chosen(
    everyone: Sequence[Agent], search: str, team: str, findings: OpenFindings, incidents: dict[int, list[str]]
) -> list[Agent]:
    """The agents asked for: those with open incidents, those with open findings, the others.

    Who has left is shown only to those who search.
    """
    own = [agent for agent in everyone if not team or agent.team == team]
    found = matching(own, search) if search else [agent for agent in own if agent.active]
    return sorted(found, key=lambda agent: (agent.id not in incidents, agent.id not in findings.of_agents))


def _rows(
    database: Database,
    page: Sequence[Agent],
    findings: OpenFindings,
    incidents: dict[int, list[str]],
    end: datetime,
    model_id: str,
) -> list[AgentRow]:
    seen, enrolled = glances(database, page, end), enrolments(database, page, model_id)
    return [
        AgentRow(
            agent,
            findings.of_agents.get(agent.id, 0),
            incidents.get(agent.id, []),
            seen[agent.id],
            described(seen[agent.id].cells),
            enrolled[agent.id],
        )
        for agent in page
    ]


def described(cells: Sequence[Cell]) -> str:
    """A strip in words, the worst first: ``Unknown person 10:05, 10:20; no faces found 10:10; otherwise success``."""
    times: dict[StillResult | None, list[datetime]] = defaultdict(list)
    for cell in cells:
        if cell.stills:
            times[cell.worst].append(cell.start)
    if not times:
        return "No stills"
    well = times.pop(StillResult.SUCCESS, None)
    told = [_told(words(result), times[result]) for result in WORST_FIRST if result in times]
    if None in times:
        told.append(_told("not processed yet", times[None]))
    if well:
        told.append(("otherwise " if told else "") + words(StillResult.SUCCESS).lower())
    sentence = "; ".join(told)
    return sentence[0].upper() + sentence[1:]


def _told(result: str, starts: Sequence[datetime]) -> str:
    named = ", ".join(clock(start)[:5] for start in islice(starts, _TIMES_NAMED))
    return f"{result.lower()} {named}" + (" and later" if len(starts) > _TIMES_NAMED else "")


def _at(moment: datetime) -> str:
    """A moment as a field of the kind datetime-local has it; seconds do not matter to cells of five minutes."""
    return moment.strftime("%Y-%m-%dT%H:%M")


routes = [Route("/", today, name="today")]
