"""Killed and concurrent runs of the real Dagster job, each in a process of its own, on both servers."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from biosense_pipeline.choices import Approval
from biosense_pipeline.settings import Settings
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.scope import Scope
from biosense_pipeline.store.stills.backlog import count_by_status
from biosense_pipeline.workflows.drain import drain
from biosense_pipeline.workflows.workbench import workbench
from biosense_pipeline_tests.conftest import HOUR
from biosense_pipeline_tests.filling import (
    capture,
    enrol,
    evidence_per_still,
    finished_attempts,
    results_per_still,
    statuses,
)

pytestmark = pytest.mark.slow

_RUN_HOUR = (
    "from datetime import datetime\n"
    "from biosense_pipeline.running import project_instance, run_enrolment, run_hour\n"
    "with project_instance() as instance:\n"
    "    {first}run_hour(instance, datetime({year}, {month}, {day}, {hour}))\n"
)


def _start(database: Database, home: Path, *, first: str = "") -> "subprocess.Popen[bytes]":
    """recognition_job of the hour in a new process, with leases short enough for a test."""
    url = database.url.render_as_string(hide_password=False)
    code = _RUN_HOUR.format(first=first, year=HOUR.year, month=HOUR.month, day=HOUR.day, hour=HOUR.hour)
    home.mkdir(exist_ok=True)
    environment = {
        **os.environ,
        "DAGSTER_HOME": str(home),
        "BIOSENSE_DATABASE_URL": url,
        "BIOSENSE_LEASE_SECONDS": "6",
        "BIOSENSE_IMAGE_TIMEOUT_SECONDS": "2",
        "BIOSENSE_WORKERS": "1",
        "BIOSENSE_COMMIT_SIZE": "10",
    }
    return subprocess.Popen([sys.executable, "-c", code], env=environment)


def _wait_until(condition: Callable[[], bool], seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.1)


def test_killed_run_loses_and_doubles_nothing(database: Database, tmp_path: Path) -> None:
    """After SIGKILL in a batch of 200, the next run leaves each still with exactly one result and its evidence."""
    enrol(database)
    ids = capture(database, HOUR, 200)
    run = _start(database, tmp_path / "dagster", first="run_enrolment(instance); ")
    _wait_until(lambda: statuses(database, ids).get("Y", 0) >= 40)
    workers = psutil.Process(run.pid).children(recursive=True)
    run.kill()
    run.wait()
    left = statuses(database, ids)
    assert left.get("P", 0) > 0, "the run was killed after its batch, not within"
    assert left["Y"] < 200

    assert _start(database, tmp_path / "dagster").wait(timeout=120) == 0

    assert statuses(database, ids) == {"Y": 200}
    assert results_per_still(database, ids) == dict.fromkeys(ids, 1)
    assert evidence_per_still(database, ids) == dict.fromkeys(ids, 1)
    assert finished_attempts(database, ids) == dict.fromkeys(ids, 1)
    assert not [worker for worker in workers if worker.is_running() and worker.status() != psutil.STATUS_ZOMBIE]


def test_two_runs_share_an_hour(database: Database, tmp_path: Path) -> None:
    """Two runs of one hour at once share its stills, and no still is done twice."""
    enrol(database)
    ids = capture(database, HOUR, 20)
    with workbench(Settings(workers=0, approval=Approval.AUTO), database) as bench:
        drain(bench, Scope())
    more = capture(database, HOUR + timedelta(minutes=40), 120)

    runs = [_start_with_small_claims(database, tmp_path / name) for name in ("first", "second")]
    assert [run.wait(timeout=180) for run in runs] == [0, 0]

    assert count_by_status(database, Scope()) == {"Y": 140}
    assert finished_attempts(database, ids + more) == dict.fromkeys(ids + more, 1)
    assert len(_run_ids(database, more)) == 2, "one of the runs got nothing to do"


def _start_with_small_claims(database: Database, home: Path) -> "subprocess.Popen[bytes]":
    os.environ["BIOSENSE_CLAIM_SIZE"] = "10"
    try:
        return _start(database, home)
    finally:
        del os.environ["BIOSENSE_CLAIM_SIZE"]


def _run_ids(database: Database, ids: list[int]) -> set[str | None]:
    from sqlalchemy import select

    from biosense_pipeline.store.tables.pipeline import RecognitionResult

    with database.read() as connection:
        return set(
            connection.execute(
                select(RecognitionResult.run_id).where(RecognitionResult.stream_image_id.in_(ids))
            ).scalars()
        )
