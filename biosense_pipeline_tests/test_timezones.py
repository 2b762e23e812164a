"""Whole days on which the clock changes, through the real job, in processes with that zone."""

import os
import subprocess
import sys
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from biosense_pipeline.store.database import Database
from biosense_pipeline.store.scope import Scope
from biosense_pipeline.store.stills.backlog import count_by_status
from biosense_pipeline.store.stills.summaries import read_summary
from biosense_pipeline_tests.filling import capture, enrol, finished_attempts

#: Asks the sensor which hours there are, as the daemon would, and runs each of them.
_RUN_DAY = """
import dagster as dg
from biosense_pipeline_tests.detector import keep_detector
from biosense_pipeline.build import build_definitions
from biosense_pipeline.resources import DatabaseResource
from biosense_pipeline.automation.sensors import stream_img_sensor
keep_detector()
with dg.DagsterInstance.ephemeral() as instance:
    found = stream_img_sensor(dg.build_sensor_context(instance=instance), database=DatabaseResource())
    build_definitions().resolve_job_def("enrolment_job").execute_in_process(instance=instance)
    job = build_definitions().resolve_job_def("recognition_job")
    for request in found.run_requests:
        result = job.execute_in_process(
            instance=instance,
            partition_key=request.partition_key,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )
        evaluations = [event for event in result.all_events if event.event_type_value == "ASSET_CHECK_EVALUATION"]
        assert all(event.asset_check_evaluation_data.passed for event in evaluations), evaluations
        print(request.partition_key)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("day", "hours"),
    [
        # 02:00-03:00 does not exist; stills that claim it belong to the hour from 03:00.
        (datetime(2026, 3, 8), 23),
        # 01:00-02:00 happens twice; its stills belong to the first.
        (datetime(2026, 11, 1), 24),
    ],
    ids=["forward", "back"],
)
def test_every_still_of_the_day_is_done_once(
    sqlite_database: Database, tmp_path: Path, day: datetime, hours: int
) -> None:
    """On both days every still of every naive hour gets one result and stands once in the summary."""
    enrol(sqlite_database)
    ids = capture(sqlite_database, day, 48, step=timedelta(minutes=30))
    environment = {
        **os.environ,
        "BIOSENSE_DATABASE_URL": sqlite_database.url.render_as_string(hide_password=False),
        "BIOSENSE_TIMEZONE": "America/New_York",
        "BIOSENSE_WORKERS": "0",
        "BIOSENSE_SENSOR_HOURS": "48",
        "DAGSTER_HOME": str(tmp_path),
    }
    done = subprocess.run(
        [sys.executable, "-c", _RUN_DAY], env=environment, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.split()) == hours
    assert count_by_status(sqlite_database, Scope()) == {"Y": 48}
    assert finished_attempts(sqlite_database, ids) == dict.fromkeys(ids, 1)
    summed: Counter[datetime] = Counter()
    for row in read_summary(sqlite_database):
        summed[row.hour] += row.stills
    assert summed == {day + timedelta(hours=hour): 2 for hour in range(24)}
