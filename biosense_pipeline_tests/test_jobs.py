"""The jobs through real assets, real faces and an ephemeral instance."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from sqlalchemy import delete, select, update

from biosense_pipeline.demo.frames import Person, empty_frame, own_frame
from biosense_pipeline.resources import RecogniserResource
from biosense_pipeline.settings import Settings
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.enrolment.approvals import approve
from biosense_pipeline.store.scope import Scope
from biosense_pipeline.store.stills.capture import CapturedImage, enter_stills, enter_training_images
from biosense_pipeline.store.stills.claims import Claims, Released
from biosense_pipeline.store.stills.results import count_results
from biosense_pipeline.store.stills.summaries import read_summary
from biosense_pipeline.store.tables.pipeline import (
    AgentHourSummary,
    FaceEncoding,
    RecognitionResult,
    StreamImage,
    TrainingImage,
)
from biosense_pipeline.workflows.enrol import EnrolmentReport
from biosense_pipeline.workflows.report import DrainReport
from biosense_pipeline_tests.conftest import HOUR
from biosense_pipeline_tests.dagster_runs import KEY, metadata_of, passed, run_job
from biosense_pipeline_tests.filling import AGENT, capture, enrol


def _run(instance: dg.DagsterInstance, job: str = "recognition_job", **options: Any) -> dg.ExecuteInProcessResult:
    return run_job(instance, job, resources={"recogniser": RecogniserResource(workers=0)}, **options)


def test_hour_is_verified_and_summed_up(settings_database: Database, instance: dg.DagsterInstance) -> None:
    """recognition_job gives every still of its hour a result, sums it up, and leaves other hours alone."""
    enrol(settings_database)
    capture(settings_database, HOUR, 3)
    capture(settings_database, HOUR + timedelta(minutes=5), 1, person=Person.BIDEN)
    capture(settings_database, HOUR + timedelta(hours=1), 2)
    _run(instance, "enrolment_job")
    result = _run(instance, partition_key=KEY)
    assert count_results(settings_database, Scope()) == {"SUCCESS": 3, "UNKNOWN_PERSON": 1}
    assert {(row.lan_id, row.result): row.stills for row in read_summary(settings_database)} == {
        (AGENT, "SUCCESS"): 3,
        (AGENT, "UNKNOWN_PERSON"): 1,
    }
    assert passed(result) == {
        "no_forgotten_lease": True,
        "every_still_has_one_result": True,
        "shares_within_bounds": False,
        "sums_equal_rows": True,
        "encodings_of_current_model": True,
    }


def test_materialisations_carry_their_figures(settings_database: Database, instance: dg.DagsterInstance) -> None:
    """Row counts come from the database; speed, percentiles, tables, schema and plots stand beside them."""
    enrol(settings_database)
    capture(settings_database, HOUR, 3)
    _run(instance, "enrolment_job")
    result = _run(instance, partition_key=KEY)
    stock, found = metadata_of(result, "pending_stream_batch"), metadata_of(result, "recognition_results")
    summary = metadata_of(result, "hourly_agent_summary")
    assert stock["dagster/row_count"] == 3
    assert stock["oldest_pending_seconds"] > 0
    assert found["dagster/row_count"] == found["stills_written"] == 3
    assert found["stills_per_second"] > 0
    assert found["milliseconds_per_still_p50"] <= found["milliseconds_per_still_p95"]
    assert found["oldest_pending_seconds"] == 0
    assert "| SUCCESS | 3 |" in found["results"]
    assert found["distances"].startswith("![")
    assert (found["tolerance"], found["tolerance_source"]) == (0.5, "BIOSENSE_TOLERANCE, not calibrated on this site")
    assert "not calibrated" in found["tolerance_note"]
    assert len(found["distances"]) < 41_000
    assert {column.name for column in found["dagster/column_schema"].columns} >= {"distance", "faces"}
    assert summary["dagster/row_count"] == 1
    assert summary["verified_share"].startswith("![")


def test_late_still_mends_its_hour(settings_database: Database, instance: dg.DagsterInstance) -> None:
    """A still that comes after its hour was summed up is in the summary after the run that processes it."""
    enrol(settings_database)
    capture(settings_database, HOUR, 2)
    _run(instance, "enrolment_job")
    _run(instance, partition_key=KEY)
    capture(settings_database, HOUR + timedelta(minutes=50), 1)
    _run(instance, partition_key=KEY)
    assert [row.stills for row in read_summary(settings_database)] == [3]


def test_range_of_hours_in_one_run(settings_database: Database, instance: dg.DagsterInstance) -> None:
    """A run over a range of hours materialises each with the figures of its own."""
    enrol(settings_database)
    for hour in range(3):
        capture(settings_database, HOUR + timedelta(hours=hour), hour + 1)
    _run(instance, "enrolment_job")
    tags = {
        "dagster/asset_partition_range_start": KEY,
        "dagster/asset_partition_range_end": "2026-03-02-11:00",
    }
    result = _run(instance, tags=tags)
    rows = [
        metadata_of(result, "recognition_results", f"2026-03-02-{hour:02}:00")["dagster/row_count"]
        for hour in (9, 10, 11)
    ]
    assert rows == [1, 2, 3]


def test_reprocess_redoes_the_named_agents(settings_database: Database, instance: dg.DagsterInstance) -> None:
    """With reprocess, finished stills of the named agents are done again and others are not."""
    enrol(settings_database)
    enrol(settings_database, "NA\\kho2114", Person.HOPPER)
    capture(settings_database, HOUR, 2)
    capture(settings_database, HOUR, 2, lan_id="NA\\kho2114", person=Person.HOPPER)
    _run(instance, "enrolment_job")
    _run(instance, partition_key=KEY)
    config = {"ops": {"pending_stream_batch": {"config": {"reprocess": True, "lan_ids": [AGENT]}}}}
    result = _run(instance, partition_key=KEY, run_config=config)
    assert metadata_of(result, "pending_stream_batch")["returned_for_reprocessing"] == 2
    assert metadata_of(result, "recognition_results")["stills_written"] == 2
    assert count_results(settings_database, Scope()) == {"SUCCESS": 4}


def test_training_image_without_face_fails_with_the_reason(
    settings_database: Database, instance: dg.DagsterInstance
) -> None:
    """enrolment_job fails a training image without a face, and the agent's stills say so."""
    enter_training_images(settings_database, [CapturedImage(AGENT, HOUR, empty_frame(0))])
    capture(settings_database, HOUR, 1)
    result = _run(instance, "enrolment_job")
    assert "no face was found" in metadata_of(result, "training_image_checks", None)["failures"]
    _run(instance, partition_key=KEY)
    assert count_results(settings_database, Scope()) == {"TRAINING_IMAGE_FAILED": 1}


def test_enrolment_tells_what_waits_and_what_failed(
    settings_database: Database, instance: dg.DagsterInstance, use_settings: Callable[..., Settings]
) -> None:
    """enrolment_job shows results, what waits for a team lead and why images failed; nothing is encoded twice."""
    use_settings(approval="team_lead", training_min_face_width=190)
    enrol(settings_database)
    small = CapturedImage("EU\\small", HOUR, own_frame(Person.OBAMA, 1))
    enter_training_images(settings_database, [small])
    result = _run(instance, "enrolment_job")
    found = metadata_of(result, "training_image_checks", None)
    assert (found["checked"], found["waiting_for_approval"], found["requeued_stills"]) == (2, 1, 0)
    assert "| AWAITING\\_APPROVAL | 1 |" in found["results"]
    assert "pixels wide and has to be 190 at least" in found["failures"]
    assert {column.name for column in found["dagster/column_schema"].columns} >= {"threshold", "decides", "reason"}
    encodings = metadata_of(result, "benchmark_encodings", None)
    assert (encodings["benchmarks"], encodings["encoded_now"]) == (0, 0)
    _approve_all(settings_database)
    encodings = metadata_of(_run(instance, "enrolment_job"), "benchmark_encodings", None)
    assert (encodings["agents"], encodings["dagster/row_count"], encodings["encoded_now"]) == (1, 1, 0)


def test_checks_see_what_is_wrong(
    settings_database: Database, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each check fails when what it guards is broken and the asset before it does not mend it."""
    enrol(settings_database)
    capture(settings_database, HOUR, 3)
    enter_stills(settings_database, [CapturedImage(AGENT, HOUR, empty_frame(1))])
    _run(instance, "enrolment_job")
    _run(instance, partition_key=KEY)
    with settings_database.engine.begin() as connection:
        connection.execute(delete(RecognitionResult))
        connection.execute(delete(FaceEncoding))
        connection.execute(update(AgentHourSummary).values(stills=AgentHourSummary.stills + 1))
        connection.execute(
            update(StreamImage).where(StreamImage.result == "NO_FACES_FOUND").values(status="P", lease_expires=None)
        )
    monkeypatch.setattr(Claims, "release_expired", lambda self, scope: Released())
    monkeypatch.setattr("biosense_pipeline.assets.enrolment.encode_benchmarks", lambda bench: EnrolmentReport())
    monkeypatch.setattr("biosense_pipeline.assets.recognition.drain", lambda *args, **options: DrainReport())
    monkeypatch.setattr("biosense_pipeline.assets.summaries.summarise", lambda *args: 0)
    checks = passed(_run(instance, partition_key=KEY))
    assert {name for name, passed in checks.items() if not passed} == {
        "no_forgotten_lease",
        "every_still_has_one_result",
        "sums_equal_rows",
        "encodings_of_current_model",
    }


def test_missing_migration_is_a_failure_with_the_remedy(instance: dg.DagsterInstance) -> None:
    """On a database without migrations a run fails with the sentence that says what to do."""
    result = _run(instance, raise_on_error=False, partition_key=KEY)
    failures = [event.step_failure_data for event in result.all_events if event.is_step_failure]
    assert failures[0].user_failure_data is not None
    assert "run `biosense db upgrade`" in str(failures[0].user_failure_data.description)


def test_missing_model_file_is_a_failure_with_the_remedy(
    settings_database: Database, instance: dg.DagsterInstance, use_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    """Without model files a run fails with the sentence that says what to do."""
    use_settings(model_dir=tmp_path)
    enrol(settings_database)
    result = _run(instance, "enrolment_job", raise_on_error=False)
    failures = [event.step_failure_data for event in result.all_events if event.is_step_failure]
    assert failures[0].user_failure_data is not None
    assert "BIOSENSE_MODEL_DIR" in str(failures[0].user_failure_data.description)


def _approve_all(database: Database) -> None:
    with database.read() as connection:
        ids = list(connection.execute(select(TrainingImage.id).where(TrainingImage.status == "P")).scalars())
    for image_id in ids:
        approve(database, image_id, processed_time=HOUR, requeue_since=HOUR)
