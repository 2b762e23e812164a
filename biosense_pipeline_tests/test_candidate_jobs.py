"""Another model in Dagster: compared beside what is in force, then brought into force."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import dagster as dg
import pytest

from biosense_pipeline.choices import EngineName
from biosense_pipeline.resources import RecogniserResource
from biosense_pipeline.settings import Settings
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.runs.due import due_hours
from biosense_pipeline.store.scope import Scope
from biosense_pipeline.store.stills.results import count_results
from biosense_pipeline.store.stills.summaries import read_summary
from biosense_pipeline.workflows.drain import drain
from biosense_pipeline.workflows.workbench import Workbench
from biosense_pipeline_tests.conftest import HOUR
from biosense_pipeline_tests.dagster_runs import KEY, metadata_of, run_job
from biosense_pipeline_tests.workflows.fakes import PreparedExaminer, capture
from biosense_pipeline_tests.workflows.two_models import CANDIDATE, PRESENT, SHARPER, contents, in_force, process

NEXT = "2026-03-02-10:00"
ANOTHER_ENGINE = {"engine": "FACE_RECOGNITION"}


class Prepared(RecogniserResource):
    """A recogniser whose candidates know the prepared pictures."""

    @contextmanager
    def candidate_bench(self, database: Database, settings: Settings, run_id: str | None = None) -> Iterator[Workbench]:
        """A workbench with prepared pictures."""
        yield Workbench(database, PreparedExaminer(model_id=CANDIDATE, sights=SHARPER), settings, run_id)


def _run(
    instance: dg.DagsterInstance,
    job: str,
    asset: str,
    recogniser: RecogniserResource | None = None,
    config: dict[str, Any] | None = None,
    **options: Any,
) -> dg.ExecuteInProcessResult:
    configured = {"ops": {asset: {"config": config or {}}}}
    return run_job(instance, job, run_config=configured, resources={"recogniser": recogniser or Prepared()}, **options)


def test_a_candidate_is_reported_hour_by_hour(settings_database: Database, instance: dg.DagsterInstance) -> None:
    """candidate_job over two hours tells for each which decisions would change and whose, and changes none."""
    process(settings_database)
    capture(settings_database, b"stranger", start=HOUR + timedelta(hours=1))
    drain(in_force(settings_database), Scope())
    before = contents(settings_database)
    tags = {"dagster/asset_partition_range_start": KEY, "dagster/asset_partition_range_end": NEXT}
    result = _run(instance, "candidate_job", "candidate_results", config=ANOTHER_ENGINE, tags=tags)
    told = metadata_of(result, "candidate_results")
    assert (told["stills"], told["agreeing"], told["changed"]) == (7, 3, 4)
    assert (told["newly_matched"], told["newly_unmatched"], told["face_counts_changed"]) == (2, 0, 2)
    assert (told["present_model_id"], told["model_id"]) == (PRESENT, CANDIDATE)
    assert told["to_bring_into_force"] == "BIOSENSE_ENGINE=face_recognition"
    assert "| UNKNOWN\\_PERSON | SUCCESS | 2 |" in told["results"]
    assert "| NA\\\\vep5898 | 5 | 3 | 1 | 0 | 2 |" in told["agents"]
    assert "SUCCESS\\_MULTIPLE\\_FACES, 0.450 at 0.5" in told["most_telling"]
    assert told["distances"].startswith("![")
    assert len(told["distances"]) < 41_000
    assert metadata_of(result, "candidate_results", NEXT)["changed"] == 1
    assert contents(settings_database) == before


def test_a_candidate_has_to_be_named(instance: dg.DagsterInstance) -> None:
    """Without a word on what is to differ the run fails with the sentence that says what to name."""
    with pytest.raises(dg.Failure, match="Name what the candidate changes"):
        _run(instance, "candidate_job", "candidate_results", partition_key=KEY)


def test_what_is_in_force_now_is_shown_and_summed_up(settings_database: Database, instance: dg.DagsterInstance) -> None:
    """After the engine was changed, redecide_job brings its stored results into stream_img and mends the summary."""
    process(settings_database)
    _run(instance, "candidate_job", "candidate_results", config=ANOTHER_ENGINE, partition_key=KEY)
    now = Prepared(engine=EngineName.FACE_RECOGNITION)
    dry = _run(instance, "redecide_job", "redecided_results", now, {"dry_run": True}, partition_key=KEY)
    assert (metadata_of(dry, "redecided_results")["changed"], _shown(settings_database)["SUCCESS"]) == (4, 3)
    result = _run(instance, "redecide_job", "redecided_results", now, partition_key=KEY)
    told = metadata_of(result, "redecided_results")
    assert (told["stills"], told["changed"], told["rows_changed"], told["dry_run"]) == (7, 4, 4, False)
    assert told["model_id"] == CANDIDATE
    assert _shown(settings_database) == {
        "SUCCESS": 4,
        "SUCCESS_MULTIPLE_FACES": 1,
        "UNKNOWN_PERSON": 1,
        "UNKNOWN_MULTIPLE_FACES": 1,
        "UNREADABLE_IMAGE": 1,
    }
    summed: dict[str, int] = {}
    for row in read_summary(settings_database):
        summed[row.result] = summed.get(row.result, 0) + row.stills
    assert summed == _shown(settings_database)
    assert due_hours(settings_database) == []


def _shown(database: Database) -> dict[str, int]:
    return count_results(database, Scope())
