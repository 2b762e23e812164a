"""Queries on a table of a site's size: each is driven by an index, none reads the whole table."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy import URL, text

from biosense_pipeline.codes import Process, TrainingResult
from biosense_pipeline.evaluation.scratch import scratch_database
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.enrolment.images import (
    enrolled_faces,
    training_states,
    unchecked_ids,
    unencoded_benchmark_ids,
    unmeasured_ids,
)
from biosense_pipeline.store.enrolment.verdicts import EncodedFace, TrainingVerdict, record_verdicts
from biosense_pipeline.store.scope import Scope
from biosense_pipeline.store.stills.backlog import forgotten_leases, hours_with_work, pending_outside, take_stock
from biosense_pipeline.store.stills.candidates import comparisons, processed_stills
from biosense_pipeline.store.stills.claims import Claims
from biosense_pipeline.store.stills.outcomes import write_outcomes
from biosense_pipeline.store.stills.redecisions import redecide_stills
from biosense_pipeline.store.stills.summaries import summarise
from biosense_pipeline_tests.store.rows import HOUR, MODEL, NOW, fetch, outcome, statements

STILLS, AGENTS, TRAINING = 60_000, 50, 2_000
#: Stills come ten seconds apart, the last before noon: a week, of which HOUR is one of the last hours.
FIRST = NOW - STILLS * timedelta(seconds=10)
THE_HOUR = Scope(HOUR, HOUR + timedelta(hours=1))
FACE = EncodedFace(np.zeros(128, np.float32), (1, 2, 3, 4), {})

PENDING = "SELECT id FROM stream_img WHERE status = 'N'"
BENCHMARK = "SELECT lan_id, MAX(id) FROM train_img WHERE status = 'Y' GROUP BY lan_id"
SUMMARY = (
    "SELECT lan_id, result, date_format(capture_time,'%Y-%m-%d - %H%p'), count(*) FROM stream_img GROUP BY 1, 2, 3"
)


@dataclass(frozen=True)
class Step:
    """What EXPLAIN says of one table of a statement."""

    table: str
    type: str
    key: str | None
    extra: str

    @property
    def index_only(self) -> bool:
        return "Using index" in self.extra.replace("Using index condition", "")


@pytest.fixture(scope="module")
def site(mariadb_server: URL) -> Iterator[Database]:
    """A week of stills, most of them processed; some pending, failed or under a lease."""
    with scratch_database(mariadb_server.render_as_string(hide_password=False)) as database:
        _fill(database)
        yield database


def test_seeds_pending_query_reads_an_index_only(site: Database) -> None:
    """The query for pending stills finds them by status, from the index alone."""
    (step,) = _explain(site, PENDING)
    assert (step.type, step.key, step.index_only) == ("ref", "ix_stream_img_pending", True)


def test_seeds_benchmark_query_reads_an_index_only(site: Database) -> None:
    """The query for benchmarks finds them by status and agent, from the index alone."""
    (step,) = _explain(site, BENCHMARK)
    assert (step.type in {"ref", "range"}, step.key, step.index_only) == (True, "ix_train_img_benchmark", True)
    assert "filesort" not in step.extra


def test_seeds_summary_query_reads_an_index_only(site: Database) -> None:
    """The summary over all stills reads the index on the hour and not one row of the table."""
    (step,) = _explain(site, SUMMARY)
    assert (step.type, step.key, step.index_only) == ("index", "ix_stream_img_hour", True)


def test_seeds_queries_give_the_right_numbers(site: Database) -> None:
    """The seeds' three queries run as they are written and agree with what was entered."""
    pending = {row[0] for row in fetch(site, PENDING)}
    assert pending == set(range(100, STILLS + 1, 100))
    benchmarks = dict(tuple(row) for row in fetch(site, BENCHMARK))
    # Training images go round the agents; the later of two takes the place of the earlier.
    expected = {f"NA\\agent{number % AGENTS}": number for number in range(1, TRAINING + 1) if number % 20}
    assert benchmarks == expected
    sums = fetch(site, SUMMARY)
    assert sum(row[3] for row in sums) == STILLS
    of_hour = [row for row in sums if row[2] == "2026-03-02 - 09AM"]
    assert sum(row[3] for row in of_hour) == 360
    assert {row[2] for row in sums if "PM" in row[2]} >= {"2026-03-01 - 13PM", "2026-03-01 - 23PM"}


@pytest.mark.parametrize("scope", [THE_HOUR, Scope(), Scope(up_to_id=STILLS)], ids=["hour", "all", "up to an id"])
def test_claim_is_driven_by_the_pending_index(site: Database, scope: Scope) -> None:
    """A claim reads pending stills in the index's own order, of an hour as of all, without sorting."""
    claims = Claims(site, 60, 3)
    ((step,),) = _plans(site, lambda: claims.give_back(claims.claim(scope, 3)))
    assert (step.type in {"ref", "range"}, step.key) == (True, "ix_stream_img_pending")
    assert "filesort" not in step.extra
    assert "temporary" not in step.extra


def test_looking_for_work_reads_an_index_only(site: Database) -> None:
    """The sensor's look jumps through the pending hours in the index, or needs no table at all."""
    plans = _plans(site, lambda: hours_with_work(site, Scope(), 24))
    leases, *jumps = [step for steps in plans for step in steps]
    assert (leases.type, leases.key) == ("ref", "ix_stream_img_pending")
    assert len(jumps) >= 24
    for step in jumps:
        assert "Select tables optimized away" in step.extra or (
            step.key == "ix_stream_img_pending" and step.index_only and "filesort" not in step.extra
        )


@pytest.mark.parametrize(
    ("look", "most"),
    [
        (lambda site: take_stock(site, THE_HOUR), 400),
        (lambda site: hours_with_work(site, Scope(), 24), 100),
        (lambda site: forgotten_leases(site, Scope()), 100),
        (lambda site: Claims(site, 60, 3).held_elsewhere(THE_HOUR), 100),
        (lambda site: unchecked_ids(site), 100),
        (lambda site: list(processed_stills(site, THE_HOUR, 500)), 800),
        (lambda site: comparisons(site, range(STILLS - 100, STILLS), MODEL), 400),
        (lambda site: _redecide(site, range(STILLS - 100, STILLS)), 500),
    ],
    ids=["stock", "hours", "leases", "held", "unchecked", "processed", "comparisons", "redecision"],
)
def test_look_touches_few_rows(site: Database, look: Callable[[Database], object], most: int) -> None:
    """What the server reads for a look grows with what is pending or with one hour, not with the table."""
    with site.read() as connection:
        # One connection: the counters are the session's.
        counters = "SHOW SESSION STATUS WHERE Variable_name LIKE 'Handler_read%'"
        calls = _recorded(site, lambda: look(site))
        before = {row[0]: int(row[1]) for row in connection.execute(text(counters))}
        for sql, parameters in calls:
            connection.exec_driver_sql(sql, parameters).all()
        after = {row[0]: int(row[1]) for row in connection.execute(text(counters))}
    read = sum(after[name] - before[name] for name in after)
    assert read <= most


def test_summary_of_an_hour_reads_an_index_only(site: Database) -> None:
    """Summing up one hour reads that range of the index on the hour, and no row of the table."""
    plans = _plans(site, lambda: summarise(site, HOUR, HOUR + timedelta(hours=1)))
    steps = [step for steps in plans for step in steps if step.table == "stream_img"]
    assert len(steps) == 2
    for step in steps:
        assert (step.type, step.key, step.index_only) == ("range", "ix_stream_img_hour", True)


def test_training_queries_read_indexes(site: Database) -> None:
    """Agents' names and all benchmarks are read off indexes alone; images, rows and encodings are found by keys."""
    agents = [f"NA\\agent{number}" for number in range(5)]
    plans = _plans(site, lambda: training_states(site, agents, MODEL))
    spelt, images, *rows = [step for steps in plans for step in steps]
    assert (spelt.type, spelt.key, spelt.index_only) == ("index", "ix_train_img_agent", True)
    assert (images.type, images.key) == ("range", "ix_train_img_agent")
    assert {step.key for step in rows} == {"PRIMARY"}
    benchmarks, *encodings = [
        step for steps in _plans(site, lambda: unencoded_benchmark_ids(site, MODEL)) for step in steps
    ]
    assert (benchmarks.key, benchmarks.index_only) == ("ix_train_img_benchmark", True)
    assert all(step.type != "ALL" for step in encodings)
    ((step,),) = _plans(site, lambda: unchecked_ids(site))
    assert (step.type, step.key, step.index_only) == ("ref", "ix_train_img_benchmark", True)
    for look in (lambda: unmeasured_ids(site), lambda: enrolled_faces(site, MODEL)):
        assert all(step.type != "ALL" for steps in _plans(site, look) for step in steps if step.table == "train_img")


def test_requeueing_is_driven_by_an_index(site: Database) -> None:
    """An approval finds the stills that waited for it by an index, both to read and to write, each time it looks."""
    verdict = TrainingVerdict(14, "NA\\agent14", TrainingResult.ONE_FACE, FACE, None, NOW, NOW)
    _execute(site, "UPDATE train_img SET status = 'N' WHERE id = 14")
    try:
        steps = _steps_of_stills(site, lambda: _record(site, verdict))
        assert len(steps) > 2
        for step in steps:
            assert (step.type, step.key in {"ix_stream_img_pending", "ix_stream_img_hour"}) == ("range", True)
    finally:
        _execute(
            site,
            "UPDATE train_img SET status = 'Y' WHERE id = 14",
            "UPDATE stream_img SET status = 'F', result = 'NO_TRAINING_IMAGE' WHERE id % 100 = 1",
            "DELETE FROM face_encoding",
        )


def test_no_statement_of_the_main_job_reads_the_whole_table(site: Database) -> None:
    """Claiming, renewing, writing, giving back, releasing and taking stock never scan stream_img."""
    claims = Claims(site, 60, 3)

    def work() -> None:
        claim = claims.claim(THE_HOUR, 3)
        claims.renew(claim)
        done = [outcome(claim.stills[0].id)]
        write_outcomes(site, claim.token, done, model_id=MODEL, run_id=None, processed_time=NOW)
        _execute(site, f"UPDATE stream_img SET status = 'N', result = NULL WHERE id = {claim.stills[0].id}")
        claims.give_back(claim)
        claims.release_expired(THE_HOUR)
        claims.held_elsewhere(THE_HOUR)
        take_stock(site, THE_HOUR)
        take_stock(site, Scope())
        forgotten_leases(site, Scope())
        pending_outside(site, HOUR, NOW)

    steps = _steps_of_stills(site, work)
    assert len(steps) > 10
    assert [step for step in steps if step.type == "ALL"] == []
    assert [step for step in steps if step.type == "index"] == []


def _fill(database: Database) -> None:
    """Of a hundred stills one is pending, one failed for want of a training image; of 5,000 one is claimed."""
    parameters = {"prefix": "NA\\agent", "first": FIRST, "agents": AGENTS}
    _execute(
        database,
        "INSERT INTO stream_img (lan_id, capture_time, status, result, lease_expires)"
        " SELECT CONCAT(:prefix, seq DIV 7 % :agents), :first + INTERVAL (seq - 1) * 10 SECOND,"
        " CASE WHEN seq % 100 = 0 THEN 'N' WHEN seq % 100 = 1 THEN 'F' WHEN seq % 5000 = 2 THEN 'P' ELSE 'Y' END,"
        " CASE WHEN seq % 100 = 0 OR seq % 5000 = 2 THEN NULL WHEN seq % 100 = 1 THEN 'NO_TRAINING_IMAGE'"
        " WHEN seq % 7 = 0 THEN 'UNKNOWN_PERSON' ELSE 'SUCCESS' END,"
        " CASE WHEN seq % 5000 = 2 THEN UTC_TIMESTAMP(6) + INTERVAL 1 DAY END"
        f" FROM seq_1_to_{STILLS}",
        "INSERT INTO train_img (lan_id, capture_time, status)"
        " SELECT CONCAT(:prefix, seq % :agents), :first, CASE WHEN seq % 20 = 0 THEN 'F' ELSE 'Y' END"
        f" FROM seq_1_to_{TRAINING}",
        **parameters,
    )
    fetch(database, "ANALYZE TABLE stream_img, train_img")


def _execute(database: Database, *sql: str, **parameters: object) -> None:
    def run(connection: Any) -> None:
        for statement in sql:
            named = {name: value for name, value in parameters.items() if f":{name}" in statement}
            connection.execute(text(statement), named)

    database.write(run)


def _record(site: Database, verdict: TrainingVerdict) -> int:
    since = NOW - timedelta(hours=24)
    return record_verdicts(
        site,
        Process.TRAINING_CHECK,
        [verdict],
        model_id=MODEL,
        run_id=None,
        processed_time=NOW,
        requeue_since=since,
        max_attempts=3,
    )


def _redecide(site: Database, ids: Sequence[int]) -> None:
    redecide_stills(site, ids, MODEL, lambda still: None, run_id=None, processed_time=NOW, dry_run=False)


def _explain(database: Database, sql: str, parameters: Any = ()) -> list[Step]:
    with database.read() as connection:
        if parameters:
            rows = connection.exec_driver_sql(f"EXPLAIN {sql}", parameters).mappings().all()
        else:
            rows = connection.execute(text(f"EXPLAIN {sql}")).mappings().all()
    return [Step(row["table"] or "", row["type"] or "", row["key"], row["Extra"] or "") for row in rows]


def _recorded(database: Database, work: Callable[[], object]) -> list[tuple[str, Any]]:
    """The statements on the image tables that the work sends, as it sends them."""
    with statements(database) as sent:
        work()
    return [
        (sql, parameters[0] if isinstance(parameters, list) else parameters)
        for sql, parameters in sent
        if sql.startswith(("SELECT", "UPDATE")) and ("stream_img" in sql or "train_img" in sql or "face_enc" in sql)
    ]


def _plans(database: Database, work: Callable[[], object]) -> list[list[Step]]:
    return [
        _explain(database, sql, parameters) for sql, parameters in _recorded(database, work) if sql.startswith("SELECT")
    ]


def _steps_of_stills(database: Database, work: Callable[[], object]) -> list[Step]:
    return [
        step
        for sql, parameters in _recorded(database, work)
        for step in _explain(database, sql, parameters)
        if step.table == "stream_img"
    ]
