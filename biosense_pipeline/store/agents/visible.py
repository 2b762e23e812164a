"""The agents that a visitor may see: some thousands of rows at most, read whole and sifted here."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, select

from biosense_pipeline.store.agents.spellings import own_key
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.tables.pipeline import Employee


@dataclass(frozen=True)
class Agent:
    """A row of ``employee`` as the desk shows it."""

    id: int
    lan_id: str
    name: str | None
    team: str | None
    active: bool

    @property
    def key(self) -> str:
        """What all spellings of the agent have in common."""
        return own_key(self.lan_id)


def agents(database: Database, team: str | None) -> list[Agent]:
    """All agents of the team, None: of every team; by name, those without a name by LAN id."""
    with database.read() as connection:
        found = _read(connection, _AGENTS if team is None else _AGENTS.where(Employee.team_lead == team), team)
    return sorted(found, key=lambda agent: ((agent.name or agent.lan_id).casefold(), agent.lan_id, agent.id))


def agent_by_id(database: Database, employee_id: int, team: str | None) -> Agent | None:
    """The agent, or None where there is none of that id in the team."""
    with database.read() as connection:
        return next(iter(_read(connection, _AGENTS.where(Employee.id == employee_id), team)), None)


def agent_by_lan_id(database: Database, lan_id: str | None) -> Agent | None:
    """The agent of any team whose images stand under that spelling, or None where none is registered."""
    key = own_key(lan_id)
    with database.read() as connection:
        exact = _read(connection, _AGENTS.where(Employee.lan_id == (lan_id or "")), None)
        # The lowest id where a site's own table has two rows for one agent, as in store.employees.
        candidates = [agent for agent in exact if agent.key == key] or _read(connection, _AGENTS, None)
    return min((agent for agent in candidates if agent.key == key), key=lambda agent: agent.id, default=None)


def teams_of(found: Iterable[Agent]) -> list[str]:
    """The teams that the agents are in, sorted."""
    return sorted({agent.team for agent in found if agent.team})


def matching(found: Sequence[Agent], search: str) -> list[Agent]:
    """Those whose LAN id or name contains the words searched for, whatever their case."""
    words = search.casefold().split()
    return [agent for agent in found if all(word in f"{agent.lan_id}\n{agent.name or ''}".casefold() for word in words)]


_AGENTS: Any = select(Employee.id, Employee.lan_id, Employee.display_name, Employee.team_lead, Employee.active)


def _read(connection: Connection, statement: Select[Any], team: str | None) -> list[Agent]:
    rows = connection.execute(statement)
    # Compared here too: a collation takes a team for another that differs in case or in an accent.
    return [Agent(*row) for row in rows if team is None or row.team_lead == team]
