"""Who is asking: the signed-in user of a request, and what that user may see and do."""

from dataclasses import dataclass

from starlette.requests import Request

from biosense_pipeline.codes import Role


class SignInNeeded(Exception):
    """Nobody is signed in; the application answers with a redirect to the sign-in page."""


@dataclass(frozen=True)
class AgentScope:
    """The agents a visitor may see: those whose ``employee.team_lead`` is ``team``; None: all."""

    team: str | None


@dataclass(frozen=True)
class Visitor:
    """A signed-in user, read from the database with each request: a change of role holds at once."""

    user_id: int
    name: str
    role: Role
    team: str | None
    csrf_token: str

    def __post_init__(self) -> None:
        # A scope without a team means all agents: a lead must never get one by an empty column.
        if self.role is Role.TEAM_LEAD and not self.team:
            raise ValueError("a team lead without a team")

    @property
    def agents(self) -> AgentScope:
        """Viewers and admins see all agents, a lead those of the own team."""
        return AgentScope(self.team if self.role is Role.TEAM_LEAD else None)

    @property
    def sees_faces(self) -> bool:
        """Whether pictures may be shown, of the agents in scope."""
        return self.role in (Role.TEAM_LEAD, Role.ADMIN)

    @property
    def may_decide(self) -> bool:
        """Whether approvals and verdicts may be given, on the agents in scope."""
        return self.role in (Role.TEAM_LEAD, Role.ADMIN)


def visitor_of(request: Request) -> Visitor:
    """The signed-in user.

    Raises:
        SignInNeeded: nobody is; let it pass, the application redirects.
    """
    visitor = current_visitor(request)
    if visitor is None:
        raise SignInNeeded
    return visitor


def current_visitor(request: Request) -> Visitor | None:
    """The signed-in user, or None; ``desk.sessions`` has found out before any handler runs."""
    visitor: Visitor | None = getattr(request.state, "visitor", None)
    return visitor
