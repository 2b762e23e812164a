"""Runs jobs in this process on the project's Dagster instance, so that the UI shows them afterwards."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import dagster as dg

from biosense_pipeline.build import build_definitions
from biosense_pipeline.choices import Approval
from biosense_pipeline.errors import BiosenseError
from biosense_pipeline.resources import RecogniserResource
from biosense_pipeline.runs.partitions import key_of_time
from biosense_pipeline.settings import project_folder

#: Dagster reports every event of a run; for a command, what failed is enough.
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


class RunFailed(BiosenseError):
    """A Dagster run failed; the text repeats the failure's own sentence."""


def prepare_home() -> Path:
    """DAGSTER_HOME, or else data/dagster with a copy of the project's dagster.yaml."""
    chosen = os.environ.get("DAGSTER_HOME")
    if chosen:
        return Path(chosen)
    home = project_folder() / "data" / "dagster"
    home.mkdir(parents=True, exist_ok=True)
    configuration = project_folder() / "dagster.yaml"
    if configuration.exists():
        shutil.copyfile(configuration, home / "dagster.yaml")
    return home


@contextmanager
def project_instance() -> Iterator[dg.DagsterInstance]:
    """The instance that `make dev` shows."""
    with dg.DagsterInstance.from_config(str(prepare_home())) as instance:
        yield instance


def run_enrolment(instance: dg.DagsterInstance) -> None:
    """Run enrolment_job; what passes its checks is approved, whoever has to do that elsewhere: nobody waits here.

    Raises:
        RunFailed: it did not succeed.
    """
    _run(instance, "enrolment_job", None, recogniser=RecogniserResource(approval=Approval.AUTO))


def run_hour(instance: dg.DagsterInstance, hour: datetime) -> None:
    """Run recognition_job for the partition of a naive local hour.

    Raises:
        RunFailed: it did not succeed.
    """
    _run(instance, "recognition_job", key_of_time(hour))


def analyse_hour(instance: dg.DagsterInstance, hour: datetime) -> None:
    """Run motion_job and impersonation_job for the partition of a naive local hour whose stills are recognised.

    Raises:
        RunFailed: one of them did not succeed.
    """
    for job in ("motion_job", "impersonation_job"):
        _run(instance, job, key_of_time(hour))


def _run(instance: dg.DagsterInstance, job: str, partition: str | None, **overrides: object) -> None:
    definition = build_definitions(**overrides).resolve_job_def(job)
    result = definition.execute_in_process(
        instance=instance, partition_key=partition, run_config=_QUIET, raise_on_error=False
    )
    if not result.success:
        raise RunFailed(f"{job} failed for {partition or 'training images'}: {_reason(result)}")


def _reason(result: dg.ExecuteInProcessResult) -> str:
    for event in result.all_events:
        if event.is_step_failure:
            data = event.step_failure_data
            if data.user_failure_data and data.user_failure_data.description:
                return data.user_failure_data.description
            error = data.error
            while error is not None and error.cause is not None:
                error = error.cause
            return error.message.strip() if error else "no reason given"
    return f"see run {result.run_id} in the Dagster UI"
