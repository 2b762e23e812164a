"""The registered agents: of a team, under any spelling, and by what somebody looks for."""

from biosense_pipeline.store.agents.visible import agent_by_id, agent_by_lan_id, agents, matching, teams_of
from biosense_pipeline.store.database import Database
from biosense_pipeline_tests.store.views.rows import agent


def test_agents_of_a_team(database: Database) -> None:
    """A team's agents are exactly those whose team lead is written just so, by name."""
    for lan_id, name, team in (
        ("NA\\b", "Zoë", "east"),
        ("NA\\a", None, "east"),
        ("NA\\c", "Ann", "East"),
        ("NA\\d", "Bob", "éast"),
        ("NA\\e", "Cat", None),
    ):
        agent(database, lan_id, display_name=name, team_lead=team)
    assert [found.lan_id for found in agents(database, "east")] == ["NA\\a", "NA\\b"]
    everyone = agents(database, None)
    assert [found.name or found.lan_id for found in everyone] == ["Ann", "Bob", "Cat", "NA\\a", "Zoë"]
    assert teams_of(everyone) == ["East", "east", "éast"]
    stranger = agent(database, "NA\\c")
    assert agent_by_id(database, stranger.id, "east") is None
    assert agent_by_id(database, stranger.id, None) == stranger


def test_agent_is_found_under_any_spelling(database: Database) -> None:
    """Case and trailing blanks make no other agent, an accent does."""
    rene = agent(database, "NA\\rené")
    for spelling in ("na\\RENÉ", "NA\\rené ", "NA\\rené"):
        assert agent_by_lan_id(database, spelling) == rene
    assert agent_by_lan_id(database, "NA\\rene") is None
    assert agent_by_lan_id(database, None) is None


def test_search_looks_at_lan_ids_and_names(sqlite_database: Database) -> None:
    """All the words have to occur, whatever their case; what means something to SQL means nothing here."""
    agent(sqlite_database, "NA\\vep5898", display_name="Eileen Collins")
    agent(sqlite_database, "EU\\v_p%", display_name="Grace")
    everyone = agents(sqlite_database, None)
    assert [found.name for found in matching(everyone, "collins EILEEN")] == ["Eileen Collins"]
    assert [found.name for found in matching(everyone, "v_p%")] == ["Grace"]
    assert matching(everyone, "' or 1=1 --") == []
    assert matching(everyone, "") == everyone
