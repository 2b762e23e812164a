"""LAN ids are data: whatever a client writes is stored, claimed and summed up as it stands."""

from datetime import timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.exc import DataError

from biosense_pipeline.lan_ids import LONGEST, agent_key, registered_form
from biosense_pipeline.store.agents.employees import employee_ids
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.scope import Scope
from biosense_pipeline.store.stills.backlog import take_stock
from biosense_pipeline.store.stills.capture import CapturedImage, enter_stills
from biosense_pipeline.store.stills.claims import Claims
from biosense_pipeline.store.stills.outcomes import write_outcomes
from biosense_pipeline.store.stills.summaries import read_summary, summarise
from biosense_pipeline.store.tables.pipeline import Employee
from biosense_pipeline_tests.store.rows import AGENT, HOUR, MODEL, NOW, at_once, change, enter, fetch, outcome, still

END = HOUR + timedelta(hours=1)
ODD = {
    "backslash": "NA\\vep5898",
    "quotes": "O'Neil\"`--",
    "statement": "x'; DROP TABLE stream_img; --",
    "percent": "100%s %(lan_id)s %%",
    "colon": ":lan_id ?",
    "path": "..\\..\\../../etc/passwd",
    "newline": "a\nb\r\n\tc",
    "nul": "a\x00b",
    "emoji": "NA\\😀👩‍💻",
    "right to left": "\u202eNA\\abc",
    "combining": "NA\\e\u0301",
    "longest": "x" * 255,
    "leading space": "  NA\\a",
    "wildcards": "%_[a-z]",
    "glyph": "ﬀﬁ",
}


@pytest.mark.parametrize("lan_id", ODD.values(), ids=ODD)
def test_odd_name_goes_the_whole_way(database: Database, lan_id: str) -> None:
    """An odd LAN id is stored, counted, claimed by name, written and summed up letter by letter."""
    enter(database)
    (still_id,) = enter(database, 1, lan_id)
    assert still(database, still_id).lan_id == lan_id
    scope = Scope(HOUR, END, (lan_id,))
    stock = take_stock(database, scope)
    assert stock.per_agent[lan_id] == stock.pending
    claim = Claims(database, 60, 3).claim(scope, 10)
    assert (claim.stills[-1].id, claim.stills[-1].lan_id) == (still_id, lan_id)
    write_outcomes(database, claim.token, [outcome(still_id)], model_id=MODEL, run_id=None, processed_time=NOW)
    summarise(database, HOUR, END)
    assert [row.lan_id for row in read_summary(database)] == [lan_id]


@pytest.mark.parametrize("lan_id", ["", None])
def test_still_without_a_name_goes_the_whole_way(database: Database, lan_id: str | None) -> None:
    """A still without a LAN id is claimed and written like any other."""
    ids = enter(database, 2)
    change(database, ids, lan_id=lan_id)
    claim = Claims(database, 60, 3).claim(Scope(), 10)
    assert [claimed.lan_id for claimed in claim.stills] == [lan_id, lan_id]
    done = [outcome(still_id) for still_id in ids]
    assert write_outcomes(database, claim.token, done, model_id=MODEL, run_id=None, processed_time=NOW) == done
    summarise(database, HOUR, END)
    assert [(row.lan_id, row.stills) for row in read_summary(database)] == [("", 2)]


def test_stock_counts_missing_and_empty_names_together(database: Database) -> None:
    """Stills with an empty LAN id and with none are both in the stock."""
    ids = enter(database, 5)
    change(database, ids[:2], lan_id=None)
    change(database, ids[2:4], lan_id="")
    stock = take_stock(database, Scope())
    assert stock.per_agent == {"": 4, AGENT: 1}
    assert stock.pending == 5


def test_name_that_does_not_fit_is_refused_whole(mariadb_database: Database) -> None:
    """The server refuses a longer LAN id than its column holds; nothing is cut off and nothing else is lost."""
    enter(mariadb_database)
    batch = [CapturedImage(AGENT, HOUR, b"x"), CapturedImage("x" * 300, HOUR, b"x")]
    with pytest.raises(DataError, match="Data too long for column 'lan_id'"):
        enter_stills(mariadb_database, batch)
    assert fetch(mariadb_database, "SELECT lan_id FROM stream_img") == [(AGENT,)]
    assert len(enter(mariadb_database)) == 1


@pytest.mark.parametrize("length", [256, 512, 513, 5000])
def test_embedded_database_takes_names_of_any_length(sqlite_database: Database, length: int) -> None:
    """SQLite has no limit; such an agent is registered once, under a name that fits everywhere."""
    lan_id = "NA\\" + "x" * (length - 3)
    enter(sqlite_database, 1, lan_id)
    Claims(sqlite_database, 60, 3).claim(Scope(), 1)
    first = employee_ids(sqlite_database, [lan_id])
    assert first == employee_ids(sqlite_database, [lan_id.upper()])
    ((stored, count),) = fetch(sqlite_database, "SELECT lan_id, count(*) FROM employee")
    assert (len(stored), count) == (min(length, LONGEST), 1)


def test_employee_is_registered_once(database: Database) -> None:
    """An agent keeps the id it was given first, under every spelling, and the spelling seen first."""
    first = employee_ids(database, [AGENT, "other"])
    again = employee_ids(database, [AGENT.upper(), f"{AGENT}  "])
    assert first.keys() == {agent_key(AGENT), "other"}
    assert again == {agent_key(AGENT): first[agent_key(AGENT)]}
    assert len(set(first.values())) == 2
    with database.read() as connection:
        assert set(connection.execute(select(Employee.lan_id)).scalars()) == {AGENT, "other"}


def test_names_that_differ_in_more_than_case_are_different_employees(database: Database) -> None:
    """Accents, widths and control characters make different agents; case, ß and trailing spaces do not."""
    ids = employee_ids(database, ["e", "é", "e\u0301", "ｅ", "e\x00", "e\n", "Straße", "STRASSE", "strasse "])
    assert len(ids) == 7
    assert len(set(ids.values())) == 7


def test_employee_registered_by_several_at_once(database: Database) -> None:
    """Threads that see a new agent at the same moment give it one id."""
    names = [f"NA\\agent{number}" for number in range(10)]
    found = at_once(4, lambda number: employee_ids(database, names[number:] + names[:number]))
    assert found[1:] == found[:-1]
    assert fetch(database, "SELECT count(*) FROM employee") == [(10,)]


NAMES = st.one_of(st.text(max_size=40), st.text(min_size=400, max_size=700), st.integers(440, 600).map("ß".__mul__))


@given(NAMES)
@example("ß" * 300)
@example(" " * 600)
def test_registered_form_fits(lan_id: str) -> None:
    """The registered form is never longer than its column, and is the LAN id itself where each spelling fits."""
    form = registered_form(lan_id)
    assert len(form) <= LONGEST
    assert len(lan_id.rstrip(" ")) <= len(agent_key(lan_id))
    if len(agent_key(lan_id)) <= LONGEST:
        assert form == lan_id.rstrip(" ")


@given(st.text(alphabet="aAbB", max_size=3), st.text(alphabet="aAbB", max_size=3), st.sampled_from([0, 447, 512, 900]))
def test_registered_form_keeps_agents_apart(first: str, second: str, padding: int) -> None:
    """Two LAN ids have forms of one agent exactly if they are of one agent, however long."""
    one, other = "x" * padding + first, "x" * padding + second
    same = agent_key(one) == agent_key(other)
    assert (agent_key(registered_form(one)) == agent_key(registered_form(other))) is same


@given(NAMES)
@example("ß" * 600)
@example("\u0130" * 600)
def test_spellings_have_one_registered_form(lan_id: str) -> None:
    """Capitals and trailing spaces do not change which agent a form stands for."""
    for spelling in (lan_id.casefold(), f"{lan_id}   "):
        assert agent_key(spelling) == agent_key(lan_id)
        assert agent_key(registered_form(spelling)) == agent_key(registered_form(lan_id))


@given(NAMES)
def test_agent_key_is_settled(lan_id: str) -> None:
    """The key of a key is the key itself."""
    assert agent_key(agent_key(lan_id)) == agent_key(lan_id)
