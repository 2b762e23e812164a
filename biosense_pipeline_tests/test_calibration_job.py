"""The calibration in Dagster: job, schedule, checks, and what its materialisation tells."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
import pytest

from biosense_pipeline.build import build_definitions
from biosense_pipeline.resources import RecogniserResource
from biosense_pipeline.store.calibration.calibrations import Separability, calibration_in_force
from biosense_pipeline.store.database import Database
from biosense_pipeline.workflows.workbench import Workbench
from biosense_pipeline_tests.dagster_runs import checks_of, metadata_of, run_job
from biosense_pipeline_tests.workflows.fake_site import FakeSite
from biosense_pipeline_tests.workflows.fakes import MODEL, bench_with

#: Largest text of a plot in metadata.
LARGEST = 41_000


class Prepared(RecogniserResource):
    """A recogniser that knows the pictures of a made-up site."""

    people: int

    @property
    def model_id(self) -> str:
        """The made-up model's."""
        return MODEL

    @contextmanager
    def bench(self, database: Database, run_id: str | None = None) -> Iterator[Workbench]:
        """A workbench with prepared pictures."""
        examiner = FakeSite(database, self.people, hours=3).examiner
        yield bench_with(database, examiner, run_id=run_id, target_fmr=0.01, calibration_stills=600)


def test_sound_calibration_takes_effect_by_its_check(settings_database: Database, instance: dg.DagsterInstance) -> None:
    """calibration_job fits, its check lets the calibration take effect, and figures and plots are told."""
    FakeSite(settings_database, 40, hours=3).fill()
    result = _run(instance, Prepared(people=40))
    checks = checks_of(result)
    assert checks["calibration_no_worse"].passed, checks["calibration_no_worse"].description
    assert "every_agent_separable" in checks
    in_force = calibration_in_force(settings_database, MODEL)
    assert in_force is not None
    told = metadata_of(result, "match_calibration", None)
    assert (told["calibration_id"], told["tolerance"]) == (in_force.id, in_force.tolerance)
    assert told["genuine_pairs_are"] == "presumed, not confirmed"
    assert "pairs\\_of\\_people | 780" in told["material"]
    assert "cllr\\_min" in told["figures_on_unseen_people"]
    for name in ("densities", "reliability"):
        assert told[name].startswith("![")
        assert len(told[name]) < LARGEST


def test_too_little_material_is_told_and_fails_nothing(
    settings_database: Database, instance: dg.DagsterInstance
) -> None:
    """With a demo's few people the run succeeds, the check warns with what is needed, and nothing changes."""
    FakeSite(settings_database, 4, hours=3).fill()
    result = _run(instance, Prepared(people=4))
    assert result.success
    check = checks_of(result)["calibration_no_worse"]
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert "Stills of 4 people are there to calibrate on and 30 are needed" in str(check.description)
    assert (
        "6 pairs of people were compared and 300 are needed"
        in metadata_of(result, "match_calibration", None)["objections"]
    )
    assert calibration_in_force(settings_database, MODEL) is None


def test_agents_that_cannot_be_told_apart_are_named(
    settings_database: Database, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A check warns of the agents whom no tolerance keeps apart from a colleague, with both names and figures."""
    monkeypatch.setattr(
        "biosense_pipeline.checks.calibration.not_separable",
        lambda database, calibration_id: [Separability("NA\\one", "NA\\two", 0.35, 0.03, None, 0.31)],
    )
    check = checks_of(_run(instance, Prepared(people=1)))["every_agent_separable"]
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert "NA\\\\one | NA\\\\two | 0.310 | 0.350 | 3.000% | unknown" in str(check.metadata["not_separable"].value)


def test_weekly_schedule() -> None:
    """The schedule is on, and asks for a run on Sundays at 4, by the clock of the capture clients."""
    schedule = build_definitions().resolve_schedule_def("calibration_schedule")
    assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING
    assert schedule.job_name == "calibration_job"
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("0 4 * * 0", "UTC")


def _run(instance: dg.DagsterInstance, recogniser: RecogniserResource) -> dg.ExecuteInProcessResult:
    return run_job(instance, "calibration_job", resources={"recogniser": recogniser})
