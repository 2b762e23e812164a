"""Windows of MOTION_DETECTION in the database: those of a time are found by it."""

from biosense_pipeline.store.database import Database
from biosense_pipeline.store.evidence.motion import agents_with_motion, read_motion
from biosense_pipeline_tests.store.rows import HOUR, NOW, execute, fetch, statements

AGENTS, WINDOWS = 20, 1_000


def test_windows_of_a_time_are_found_by_it(mariadb_database: Database) -> None:
    """Who has windows in an hour is read off an index alone, and the windows themselves are found by it."""
    execute(
        mariadb_database,
        f"INSERT INTO employee (lan_id) SELECT CONCAT('NA\\\\agent', seq) FROM seq_1_to_{AGENTS}",
        "INSERT INTO motion_window"
        " (employee_id, window_start, window_end, outcome, stills, usable_stills, numbers, created)"
        f" SELECT e.id, '{NOW}' - INTERVAL 10 * seq MINUTE, '{NOW}' - INTERVAL 10 * (seq - 1) MINUTE, 'LIVE', 60, 60,"
        f" '{{}}', '{NOW}' FROM employee e, seq_1_to_{WINDOWS}",
    )
    fetch(mariadb_database, "ANALYZE TABLE motion_window")
    with statements(mariadb_database) as sent:
        assert len(agents_with_motion(mariadb_database, HOUR, NOW)) == AGENTS
        assert len(read_motion(mariadb_database, HOUR, NOW)) == AGENTS * 18
    assert len(sent) == 2
    with mariadb_database.read() as connection:
        for sql, parameters in sent:
            (step,) = connection.exec_driver_sql(f"EXPLAIN {sql}", parameters).mappings()
            assert (step["type"], step["key"]) == ("range", "ix_motion_window_start")
