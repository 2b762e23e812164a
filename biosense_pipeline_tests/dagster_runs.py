"""Runs of the real jobs in this process, what they told, and evaluated schedules."""

from datetime import datetime
from typing import Any

import dagster as dg

from biosense_pipeline.build import build_definitions
from biosense_pipeline.resources import DatabaseResource

#: The partition of the tests' HOUR.
KEY = "2026-03-02-09:00"
#: Dagster reports every event of a run.
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def run_job(
    instance: dg.DagsterInstance,
    job: str,
    *,
    run_config: dict[str, Any] | None = None,
    resources: dict[str, object] | None = None,
    **options: Any,
) -> dg.ExecuteInProcessResult:
    """Run a job, with resources in place of those of the same name; options as ``execute_in_process`` takes them."""
    definition = build_definitions(**(resources or {})).resolve_job_def(job)
    return definition.execute_in_process(instance=instance, run_config={**_QUIET, **(run_config or {})}, **options)


def metadata_of(result: dg.ExecuteInProcessResult, asset: str, partition: str | None = KEY) -> dict[str, Any]:
    """The entries of the asset's materialisation for the partition, None for one without any."""
    for event in result.all_events:
        if event.is_step_materialization and event.asset_key == dg.AssetKey(asset) and event.partition == partition:
            return {name: value.value for name, value in event.materialization.metadata.items()}
    raise AssertionError(f"{asset} was not materialised for {partition}")


def checks_of(result: dg.ExecuteInProcessResult) -> dict[str, dg.AssetCheckEvaluation]:
    """What the checks found, by their names."""
    return {
        event.asset_check_evaluation_data.check_name: event.asset_check_evaluation_data
        for event in result.all_events
        if event.event_type_value == "ASSET_CHECK_EVALUATION"
    }


def passed(result: dg.ExecuteInProcessResult) -> dict[str, bool]:
    """Which checks passed, by their names."""
    return {name: check.passed for name, check in checks_of(result).items()}


def evaluated(instance: dg.DagsterInstance, schedule: Any, at: datetime) -> Any:
    """What a schedule's tick at that time (aware) comes to."""
    resources = {"database": DatabaseResource()}
    with dg.build_schedule_context(instance=instance, scheduled_execution_time=at, resources=resources) as context:
        return schedule.evaluate_tick(context)


def requested(instance: dg.DagsterInstance, schedule: Any, at: datetime) -> list[dg.RunRequest]:
    """The runs that it requests."""
    return list(evaluated(instance, schedule, at).run_requests or [])
