"""The review queue on a table of a site's size: read off one index, newest first, however much lies behind."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import URL, text

from biosense_pipeline.evaluation.scratch import scratch_database
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.review import queue as review_queue_module
from biosense_pipeline.store.review.outcomes import judged_hours, newest_verdict
from biosense_pipeline.store.review.verdicts import open_findings, review_queue
from biosense_pipeline_tests.store.rows import HOUR, execute, fetch, statements

STILLS, AGENTS, TEAMS = 60_000, 100, 10
FINDINGS, REVIEWED = STILLS // 20, 600
LAST_HOUR = HOUR - timedelta(hours=1)
#: The id in desk_user of who asks.
USER = 1


@pytest.fixture(scope="module")
def site(mariadb_server: URL) -> Iterator[Database]:
    """A week of 100 agents; every twentieth still is a finding, and the newest fifth of these was reviewed."""
    with scratch_database(mariadb_server.render_as_string(hide_password=False)) as database:
        execute(
            database,
            "INSERT INTO employee (lan_id, team_lead)"
            f" SELECT CONCAT('NA\\\\agent', seq), CONCAT('team', seq % {TEAMS}) FROM seq_1_to_{AGENTS}",
            "INSERT INTO employee (lan_id, team_lead) VALUES ('NA\\\\quiet', 'quiet')",
            "INSERT INTO desk_user (name, password_hash, role, created) VALUES ('a', '', 'admin', '2026-03-01')",
            "INSERT INTO stream_img (lan_id, capture_time, status, result)"
            f" SELECT CONCAT('NA\\\\agent', 1 + seq * 7 DIV 20 % {AGENTS}),"
            f" '{HOUR}' - INTERVAL ({STILLS} - seq) DIV 3 * 30 SECOND,"
            " CASE WHEN seq % 500 = 0 THEN 'N' ELSE 'Y' END,"
            " CASE WHEN seq % 500 = 0 THEN NULL WHEN seq % 20 THEN 'SUCCESS' WHEN seq % 60 THEN 'UNKNOWN_PERSON'"
            f" ELSE 'SUCCESS_MULTIPLE_FACES' END FROM seq_1_to_{STILLS}",
            "INSERT INTO review"
            " (subject_kind, subject_id, round, employee_id, result, captured, verdict, reviewer_id, created)"
            " SELECT 'STREAM', s.id, 1, e.id, s.result, s.capture_time, 'FALSE_ALARM', 1, '2026-03-02'"
            " FROM stream_img s JOIN employee e ON e.lan_id = s.lan_id"
            f" WHERE s.id > {STILLS} * (1 - {REVIEWED} / {FINDINGS}) AND s.result <> 'SUCCESS'",
        )
        fetch(database, "ANALYZE TABLE stream_img, review, employee")
        yield database


@pytest.mark.parametrize(("team", "page"), [(None, 1), (None, 2), ("team3", 1), ("team3", 2), ("quiet", 1)])
def test_queue_is_read_in_the_order_of_the_index(site: Database, team: str | None, page: int) -> None:
    """Each look at the stills reads the index on the result in its order; none but a moment's stills are sorted."""
    items = review_queue(site, team=team, limit=25, after=None, reviewer_id=USER)
    after = items[-1].position if page == 2 else None
    plans = _plans(site, lambda: review_queue(site, team=team, limit=25, after=after, reviewer_id=USER))
    looks = [(sql, steps[0]) for sql, steps in plans if "LEFT OUTER JOIN review" in sql]
    assert len(looks) >= 3
    for sql, step in looks:
        assert step["type"] in {"ref", "range"}, (sql, step)
        assert step["key"] == "ix_stream_img_open", (sql, step)
        assert "Using index" in step["Extra"].replace("Using index condition", "")
        if "ORDER BY stream_img.capture_time" in sql:
            assert "filesort" not in step["Extra"]
    for _, steps in plans:
        assert all(step["type"] != "ALL" for step in steps if step["table"] == "stream_img"), steps


@pytest.mark.parametrize(
    ("team", "most"),
    [(None, 2 * REVIEWED + 1500), ("team3", 2 * FINDINGS + 1500), ("quiet", FINDINGS + 1500), ("nobody's", 200)],
)
def test_page_touches_few_rows(site: Database, team: str | None, most: int) -> None:
    """What a page reads grows with the findings reviewed before it, or with a team's share of all; not with stills."""
    assert _rows_read(site, lambda: review_queue(site, team=team, limit=25, after=None, reviewer_id=USER)) <= most


def test_late_page_touches_as_few_rows(site: Database) -> None:
    """A page far down the queue costs no more than an early one: it is found by its position, not by counting."""
    page = review_queue(site, team=None, limit=1500, after=None, reviewer_id=USER)
    after = page[-1].position
    assert _rows_read(site, lambda: review_queue(site, team=None, limit=25, after=after, reviewer_id=USER)) <= 1000


def test_counting_reads_findings_only(site: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """The open findings of all agents are counted from the index of open ones and the reviews, and from no still."""
    monkeypatch.setattr(review_queue_module, "MOST_COUNTED", FINDINGS)
    counts: dict[int, int] = {}
    read = _rows_read(site, lambda: counts.update(open_findings(site, team=None).of_agents))
    pending = STILLS // 500
    assert sum(counts.values()) == FINDINGS - REVIEWED - (pending - REVIEWED // 25)
    assert read <= 4 * FINDINGS


@pytest.mark.parametrize(
    ("look", "key"),
    [
        (lambda site: newest_verdict(site, LAST_HOUR, HOUR), "ix_review_captured"),
        (lambda site: judged_hours(site, datetime(2026, 3, 3)), "ix_review_created"),
    ],
    ids=["of stills", "given"],
)
def test_verdicts_of_a_time_are_found_by_it(site: Database, look: Callable[[Database], object], key: str) -> None:
    """Verdicts on an hour's stills, and those given since a moment, are read off an index, not the whole table."""
    (((_, (step,)),)) = _plans(site, lambda: look(site))
    assert (step["type"], step["key"]) == ("range", key)


def _plans(site: Database, work: Callable[[], object]) -> list[tuple[str, list[dict[str, Any]]]]:
    with statements(site) as sent:
        work()
    with site.read() as connection:
        return [
            (sql, [dict(row) for row in connection.exec_driver_sql(f"EXPLAIN {sql}", parameters).mappings()])
            for sql, parameters in sent
            if sql.startswith("SELECT")
        ]


def _rows_read(site: Database, work: Callable[[], object]) -> int:
    """Rows and index entries that the server reads for it."""
    with statements(site) as sent:
        work()
    counters = "SHOW SESSION STATUS WHERE Variable_name LIKE 'Handler_read%'"
    with site.read() as connection:
        # One connection: the counters are the session's.
        before = {row[0]: int(row[1]) for row in connection.execute(text(counters))}
        for sql, parameters in sent:
            connection.exec_driver_sql(sql, parameters).all()
        after = {row[0]: int(row[1]) for row in connection.execute(text(counters))}
    return sum(after[name] - before[name] for name in after)
