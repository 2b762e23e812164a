"""The processes of `make dev` on MariaDB: sensors and schedules take up new rows, a backfill does its hours."""

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from biosense_pipeline.evaluation.processes import RunningDagster, dagster_dev
from biosense_pipeline.local_time import floor_hour
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.evidence.motion import read_motion
from biosense_pipeline.store.schema import upgrade_schema
from biosense_pipeline.store.scope import Scope
from biosense_pipeline.store.stills.backlog import count_by_status
from biosense_pipeline.store.stills.results import count_results
from biosense_pipeline_tests.conftest import HOUR
from biosense_pipeline_tests.filling import capture, enrol, statuses

pytestmark = pytest.mark.slow

ASSETS = ("pending_stream_batch", "benchmark_encodings", "recognition_results", "hourly_agent_summary")

ANALYSES = ("presentation_evidence", "motion_windows", "impersonation_findings", "incidents")

_LOCATIONS = "{ workspaceOrError { ... on Workspace { locationEntries { loadStatus } } } }"
_LAUNCH = """
mutation Launch($params: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $params) {
    __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message }
  }
}"""
_BACKFILL = """
query Backfill($id: String!) {
  partitionBackfillOrError(backfillId: $id) { ... on PartitionBackfill { status } }
}"""
_SINCE = """
query Since($key: AssetKeyInput!, $after: String!) {
  assetOrError(assetKey: $key) {
    ... on Asset { assetMaterializations(afterTimestampMillis: $after, limit: 100) { partition } }
  }
}"""
_MATERIALISED = """
query Partitions($key: AssetKeyInput!) {
  assetNodeOrError(assetKey: $key) {
    ... on AssetNode { assetPartitionStatuses {
      ... on TimePartitionStatuses { ranges { startKey endKey status } }
    } }
  }
}"""


@pytest.fixture
def live(mariadb_database: Database) -> Iterator[RunningDagster]:
    """`dagster dev` on the test's database, its code location loaded."""
    url = mariadb_database.url.render_as_string(hide_password=False)
    with dagster_dev(url, BIOSENSE_WORKERS="1", BIOSENSE_IDLE_SECONDS="5", BIOSENSE_APPROVAL="auto") as running:
        _wait_until(lambda: _loaded(running))
        yield running


def test_new_rows_and_backfills(mariadb_database: Database, live: RunningDagster) -> None:
    """Sensors check a training image and verify new stills; backfills redo and analyse exactly their hours."""
    # Two hours ahead of all else: the hour that is under way, as a capture client would write it.
    now = datetime.now(UTC).replace(tzinfo=None)
    enrol(mariadb_database)
    current = capture(mariadb_database, now, 3, step=timedelta(0))
    _wait_until(lambda: statuses(mariadb_database, current) == {"Y": 3})
    assert count_results(mariadb_database, Scope()) == {"SUCCESS": 3}

    past = [id_ for hour in range(4) for id_ in capture(mariadb_database, HOUR + timedelta(hours=hour), 5)]
    _wait_until(lambda: statuses(mariadb_database, past) == {"Y": 20})
    _wait_until(lambda: _materialised(live, "hourly_agent_summary", HOUR + timedelta(hours=3)))
    before = _processed(mariadb_database)

    keys = [f"{HOUR + timedelta(hours=hour):%Y-%m-%d-%H:%M}" for hour in range(3)]
    began = time.time()
    config = {"ops": {"pending_stream_batch": {"config": {"reprocess": True}}}}
    _backfill(live, (*ASSETS, *ANALYSES), keys, config)

    after = _processed(mariadb_database)
    redone = {still for still in after if after[still] != before[still]}
    assert redone == set(past[:15])
    assert count_by_status(mariadb_database, Scope()) == {"Y": 23}
    for asset in ("pending_stream_batch", "recognition_results", "hourly_agent_summary"):
        assert _materialised_since(live, asset, began) == set(keys)

    for asset in ANALYSES:
        assert _materialised_since(live, asset, began) >= set(keys)
    assert [row.outcome for _, row in read_motion(mariadb_database, HOUR, HOUR + timedelta(hours=3))] == [
        "INSUFFICIENT"
    ] * 3
    # The minute's schedule has analysed the hour under way by now.
    _wait_until(lambda: _materialised(live, "incidents", floor_hour(now)))


def test_database_without_schema_is_a_plain_failure(make_url: Callable[[str], str]) -> None:
    """A sensor on a database without migrations fails its tick with the sentence that says what to do."""
    url = make_url("mariadb")
    with dagster_dev(url) as running:
        _wait_until(lambda: _loaded(running))
        _wait_until(lambda: "run `biosense db upgrade`" in str(_last_tick_error(running)))
    upgrade_schema(Database(url))


_TICKS = """
query Ticks($selector: SensorSelector!) {
  sensorOrError(sensorSelector: $selector) {
    ... on Sensor { sensorState {
      ticks(limit: 1, statuses: [FAILURE]) { error { errorChain { error { message } } } }
    } }
  }
}"""


def _last_tick_error(running: RunningDagster) -> Any:
    selector = {
        "repositoryName": "__repository__",
        "repositoryLocationName": "biosense_pipeline",
        "sensorName": "stream_img_sensor",
    }
    return running.query(_TICKS, selector=selector)


def _backfill(running: RunningDagster, assets: Sequence[str], keys: Sequence[str], run_config: dict[str, Any]) -> None:
    """Backfill the assets over these hours, and wait for its success."""
    launched = running.query(
        _LAUNCH,
        params={
            "assetSelection": [{"path": [asset]} for asset in assets],
            "partitionNames": keys,
            "runConfigData": run_config,
        },
    )["launchPartitionBackfill"]
    assert launched["__typename"] == "LaunchBackfillSuccess", launched
    _wait_until(
        lambda: (
            running.query(_BACKFILL, id=launched["backfillId"])["partitionBackfillOrError"]["status"]
            == "COMPLETED_SUCCESS"
        ),
        seconds=180,
    )


def _loaded(running: RunningDagster) -> bool:
    entries = running.query(_LOCATIONS)["workspaceOrError"]["locationEntries"]
    return bool(entries) and all(entry["loadStatus"] == "LOADED" for entry in entries)


def _ranges(running: RunningDagster, asset: str) -> list[tuple[str, str]]:
    node = running.query(_MATERIALISED, key={"path": [asset]})["assetNodeOrError"]
    ranges = node["assetPartitionStatuses"].get("ranges", [])
    return [(r["startKey"], r["endKey"]) for r in ranges if r["status"] == "MATERIALIZED"]


def _materialised_since(running: RunningDagster, asset: str, moment: float) -> set[str]:
    found = running.query(_SINCE, key={"path": [asset]}, after=str(int(moment * 1000)))["assetOrError"]
    return {event["partition"] for event in found["assetMaterializations"]}


def _materialised(running: RunningDagster, asset: str, hour: datetime) -> bool:
    key = f"{hour:%Y-%m-%d-%H:%M}"
    return any(start <= key <= end for start, end in _ranges(running, asset))


def _processed(database: Database) -> dict[int, Any]:
    from sqlalchemy import select

    from biosense_pipeline.store.tables.pipeline import StreamImage

    with database.read() as connection:
        return {
            row.id: row.processed_time for row in connection.execute(select(StreamImage.id, StreamImage.processed_time))
        }


def _wait_until(condition: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.5)
