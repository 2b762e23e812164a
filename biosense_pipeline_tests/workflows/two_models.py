"""Stills processed under the model in force, and a candidate that sees some of them otherwise."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from biosense_pipeline.choices import EngineName
from biosense_pipeline.settings import Settings
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.scope import Scope
from biosense_pipeline.store.tables.pipeline import RecognitionResult, StreamImage, TrainingImage
from biosense_pipeline.vision.examine import Examination
from biosense_pipeline.workflows.candidate import CandidateReport, compare
from biosense_pipeline.workflows.candidate_settings import candidate_settings
from biosense_pipeline.workflows.drain import drain
from biosense_pipeline.workflows.workbench import Workbench, engine_spec
from biosense_pipeline_tests.workflows.fakes import (
    SIGHTS,
    PreparedExaminer,
    bench_with,
    capture,
    enter_legacy_benchmark,
    seen,
)

OTHER = "EU\\abc1234"
PRESENT = engine_spec(Settings(engine=EngineName.DLIB)).model_id
CANDIDATE = engine_spec(Settings(engine=EngineName.FACE_RECOGNITION)).model_id
EVERYTHING = Scope()
#: What the candidate makes of pictures that the model in force sees otherwise.
SHARPER = {**SIGHTS, b"stranger": seen(0.4), b"agent again": seen(0.45, 0.9), b"nobody": seen(0.7)}


def in_force(database: Database, **values: Any) -> Workbench:
    """A workbench with the model in force."""
    return bench_with(database, PreparedExaminer(model_id=PRESENT), **values)


def compare_candidate(
    database: Database,
    scope: Scope = EVERYTHING,
    *,
    sights: dict[bytes, Examination] | None = None,
    again: bool = False,
    examiner: PreparedExaminer | None = None,
    **changes: Any,
) -> tuple[CandidateReport, PreparedExaminer]:
    """Compare a candidate, by default another engine, with what is in force; its examiner tells what it looked at."""
    present = Settings(workers=0, commit_size=5)
    settings = candidate_settings(present, **(changes or {"engine": EngineName.FACE_RECOGNITION}))
    model_id = engine_spec(settings).model_id
    examiner = examiner or PreparedExaminer(model_id=model_id, sights=sights or SHARPER)
    return compare(Workbench(database, examiner, settings, "a run"), present, scope, again=again), examiner


def results_of(database: Database, model_id: str) -> dict[int, str]:
    """The results stored under a model, by still."""
    with database.read() as connection:
        rows = connection.execute(
            select(RecognitionResult.stream_image_id, RecognitionResult.result).where(
                RecognitionResult.model_id == model_id
            )
        )
        return {row.stream_image_id: row.result for row in rows}


def contents(database: Database) -> list[Sequence[Any]]:
    """What people see, and what decides it."""
    tables = (StreamImage.__table__, TrainingImage.__table__)
    with database.read() as connection:
        rows = [row for table in tables for row in connection.execute(select(table))]
        present = select(RecognitionResult.__table__).where(RecognitionResult.model_id == PRESENT)
        return [tuple(row) for row in [*rows, *connection.execute(present)]]


def process(database: Database) -> Database:
    """Stills of two agents, processed under the model in force."""
    enter_legacy_benchmark(database)
    enter_legacy_benchmark(database, OTHER)
    capture(database, b"agent", b"stranger", b"agent again", b"nobody", b"strangers")
    capture(database, b"agent", b"stranger", lan_id=OTHER)
    capture(database, b"torn")
    drain(in_force(database), EVERYTHING)
    return database
