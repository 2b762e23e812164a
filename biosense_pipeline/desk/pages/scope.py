"""Which agents a visitor may see and decide for; what was refused is written down."""

from starlette.exceptions import HTTPException
from starlette.requests import Request

from biosense_pipeline.codes import Action, ImageKind
from biosense_pipeline.desk.audit import record
from biosense_pipeline.desk.visitor import visitor_of
from biosense_pipeline.store.agents.visible import Agent, agent_by_id, agent_by_lan_id


def agent_in_scope(request: Request, employee_id: int) -> Agent:
    """The agent of that id.

    Raises:
        HTTPException: 404, whether there is none or it is another team's; the latter is written down.
    """
    visitor_of(request)  # whoever is not signed in does not learn which ids there are
    agent = agent_by_id(request.app.state.database, employee_id, None)
    if agent is None:
        raise HTTPException(404)
    _require_own(request, agent, None, None)
    return agent


def decidable_agent(request: Request, kind: ImageKind, image_id: int, lan_id: str | None) -> Agent:
    """The agent of an image that the visitor wants to decide on.

    Raises:
        HTTPException: 404, the agent is another team's or not registered; 403, the visitor's role decides nothing.
            Both are written down.
    """
    agent = agent_by_lan_id(request.app.state.database, lan_id)
    if agent is None:
        raise HTTPException(404, "The agent of this image is not registered yet: come back in a minute.")
    return decidable(request, agent, kind, image_id)


def decidable(request: Request, agent: Agent, kind: str, subject_id: int) -> Agent:
    """The agent, where the visitor may decide on what the subject is.

    Raises:
        HTTPException: as :func:`decidable_agent` does.
    """
    _require_own(request, agent, kind, subject_id)
    if not visitor_of(request).may_decide:
        record(request, Action.REFUSED, subject_kind=kind, subject_id=subject_id, employee_id=agent.id)
        raise HTTPException(403)
    return agent


def _require_own(request: Request, agent: Agent, kind: str | None, subject_id: int | None) -> None:
    team = visitor_of(request).agents.team
    if team is not None and agent.team != team:
        record(request, Action.REFUSED, subject_kind=kind, subject_id=subject_id, employee_id=agent.id)
        raise HTTPException(404)
