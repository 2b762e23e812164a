"""The made-up site: whatever its size, its tables agree with each other as a real site's do."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import inspect

from biosense_pipeline.evaluation.desk_people import UNENROLLED
from biosense_pipeline.evaluation.desk_site import Site, fill_site
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.review.verdicts import open_findings, review_queue
from biosense_pipeline.store.stills.summaries import read_summary, summarise
from biosense_pipeline.store.tables.pipeline import ProcessStatus, StreamImage
from biosense_pipeline_tests.store.rows import fetch

#: A Monday morning: the two hours reach back to before work.
NOW = datetime(2026, 3, 2, 10, 20)
AGENTS, TURNS = 60, 80


@pytest.fixture
def site(mariadb_database: Database) -> Site:
    """Sixty agents with eighty stills each."""
    return fill_site(
        mariadb_database,
        agents=AGENTS,
        stills=AGENTS * TURNS,
        now=NOW,
        model_id="some-model",
        password_hash=lambda name: "-",
    )


def test_tables_of_the_site_agree(mariadb_database: Database, site: Site) -> None:
    """Stills spread over three weeks and the last hours, each with its result, attempt, sum and verdict."""
    database = mariadb_database
    assert site.stills == AGENTS * TURNS
    stills, first, last, agents = fetch(
        database, "SELECT COUNT(*), MIN(capture_time), MAX(capture_time), COUNT(DISTINCT lan_id) FROM stream_img"
    )[0]
    assert (stills, agents) == (site.stills, AGENTS)
    assert timedelta(days=18) < NOW - first < timedelta(days=30)
    assert last < NOW
    assert _count(database, "stream_img WHERE capture_time >= '2026-03-02'") == AGENTS * TURNS / 4
    pending = _count(database, "stream_img WHERE result IS NULL AND status = 'N'")
    assert pending == _count(database, "stream_img WHERE result IS NULL OR status = 'N'")
    processed = _count(database, "stream_img WHERE status = 'Y'")
    assert processed == _count(database, "recognition_result r JOIN stream_img s ON s.id = r.stream_image_id")
    assert _count(database, "process_status") == site.stills - pending
    unenrolled = _count(database, "stream_img WHERE result = 'NO_TRAINING_IMAGE'")
    assert unenrolled == AGENTS // UNENROLLED * TURNS - _count(
        database, f"stream_img s JOIN employee e USING (lan_id) WHERE e.id % {UNENROLLED} = 0 AND s.result IS NULL"
    )
    before = read_summary(database)
    summarise(database, first.replace(minute=0, second=0), NOW)
    assert read_summary(database) == before


def test_site_has_findings_to_review(mariadb_database: Database, site: Site) -> None:
    """The newest findings are reviewed, older ones wait, some for a second reviewer; the queue shows their numbers."""
    database = mariadb_database
    counted = open_findings(database, team=None).total
    assert site.findings > 20
    assert site.findings - site.reviewed <= counted < site.findings
    assert _count(database, "review WHERE round = 2") > 0
    assert _count(database, "review a JOIN review b ON a.subject_id = b.subject_id AND a.id <> b.id") == 2 * _count(
        database, "review a JOIN review b USING (subject_id) WHERE a.round < b.round AND a.reviewer_id <> b.reviewer_id"
    )
    items = review_queue(database, team=None, limit=500, after=None, reviewer_id=10**6)
    assert len(items) == counted
    assert all(item.distance and item.training_image_id and item.team for item in items)
    newest = sorted(row[0] for row in fetch(database, "SELECT subject_id FROM review WHERE round = 1"))[-10:]
    assert all(item.still_id < newest[0] for item in items if item.round == 1)
    team = review_queue(database, team=site.team, limit=100, after=None, reviewer_id=10**6)
    assert {item.employee_id for item in team} <= set(site.team_ids)


def test_indexes_are_there_again(mariadb_database: Database, site: Site) -> None:
    """What was dropped to be quick is built in the end."""
    inspector = inspect(mariadb_database.engine)
    for table in (StreamImage, ProcessStatus):
        found = {index["name"] for index in inspector.get_indexes(table.__tablename__)}
        assert found == {index.name for index in table.__table__.indexes}  # type: ignore[attr-defined]


def _count(database: Database, what: str) -> int:
    return int(fetch(database, f"SELECT COUNT(*) FROM {what}")[0][0])
