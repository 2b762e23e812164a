"""What a page costs at a site's size: no query reads a whole table, and nobody costs none."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, text

from biosense_pipeline.store.agents.employees import employee_ids
from biosense_pipeline.store.agents.visible import agents
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.enrolment.view import enrolments, training_images
from biosense_pipeline.store.stills.capture import enter_training_images
from biosense_pipeline.store.stills.newest import Position
from biosense_pipeline.store.views.hours import HourFilter, agent_hours
from biosense_pipeline.store.views.strips import default_moment, glances
from biosense_pipeline.store.views.timeline import TimelinePage, timeline
from biosense_pipeline_tests.store.rows import HOUR, MODEL, NOW, statements
from biosense_pipeline_tests.store.views.rows import END, UNKNOWN, agent


def test_views_are_driven_by_indexes(mariadb_database: Database) -> None:
    """Of 30,000 stills and their summary, no page's query reads a whole table or sorts one."""
    _fill(mariadb_database)
    page = agents(mariadb_database, None)[:10]
    day = HourFilter(datetime(2026, 3, 2), datetime(2026, 3, 3), 50)
    looks: list[Callable[[], object]] = [
        lambda: default_moment(mariadb_database, NOW),
        lambda: glances(mariadb_database, page, END),
        lambda: timeline(mariadb_database, page[0], limit=20),
        lambda: timeline(mariadb_database, page[0], before=Position(HOUR, 5), limit=20),
        lambda: timeline(mariadb_database, page[0], result=UNKNOWN, limit=20),
        lambda: agent_hours(mariadb_database, day, None, 20),
    ]
    for look in looks:
        with statements(mariadb_database) as sent:
            look()
        for sql, parameters in sent:
            for step in _explain(mariadb_database, sql, parameters):
                if step["table"] in ("stream_img", "agent_hour_summary"):
                    assert step["type"] not in ("ALL", "index"), sql
                    assert int(step["rows"]) < 5_000, sql


def test_page_of_agents_without_images(database: Database) -> None:
    """Agents who have neither stills nor training images have empty strips; no agents need no query."""
    own = agent(database)
    assert {cell.stills for cell in glances(database, [own], END)[own.id].cells} == {0}
    assert enrolments(database, [own], MODEL)[own.id].approved == 0
    assert training_images(database, own, MODEL).cards == []
    assert timeline(database, own) == TimelinePage([], None, None)
    enter_training_images(database, [])
    with statements(database) as sent:
        assert glances(database, [], END) == {}
        assert enrolments(database, [], MODEL) == {}
    assert sent == []


def _explain(database: Database, sql: str, parameters: Any) -> list[Any]:
    if not sql.startswith("SELECT"):
        return []
    with database.read() as connection:
        return list(connection.exec_driver_sql(f"EXPLAIN {sql}", parameters).mappings())


def _fill(database: Database) -> None:
    """Fifty agents, a still a minute each for ten hours, one in thirty unknown; the summary of twenty days."""
    employee_ids(database, [f"NA\\agent{number:03}" for number in range(50)])
    filling = (
        "INSERT INTO stream_img (lan_id, capture_time, status, result)"
        " SELECT CONCAT(:prefix, LPAD(seq % 50, 3, '0')), :first + INTERVAL seq DIV 50 MINUTE, 'Y',"
        " IF(seq % 31 = 0, 'UNKNOWN_PERSON', 'SUCCESS') FROM seq_0_to_29999",
        "INSERT INTO agent_hour_summary (hour, employee_id, result, stills, first_capture, last_capture, summed_up)"
        " SELECT :first - INTERVAL seq DIV 50 HOUR, e.id, 'SUCCESS', 60, :first, :first, :first"
        " FROM seq_0_to_23999 s JOIN employee e ON e.lan_id = CONCAT(:prefix, LPAD(s.seq % 50, 3, '0'))",
    )
    values = {"prefix": "NA\\agent", "first": HOUR - timedelta(hours=9)}

    def fill(connection: Connection) -> None:
        for sql in filling:
            connection.execute(text(sql), values)

    database.write(fill)
    with database.read() as connection:
        connection.execute(text("ANALYZE TABLE stream_img, agent_hour_summary")).all()
