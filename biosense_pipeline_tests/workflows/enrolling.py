"""Faces that cannot be compared well or lie far off, and a workbench that sees them."""

from datetime import timedelta
from typing import Any

from biosense_pipeline.store.database import Database
from biosense_pipeline.store.enrolment.approvals import approve
from biosense_pipeline.workflows.workbench import Workbench
from biosense_pipeline_tests.workflows.fakes import SIGHTS, PreparedExaminer, bench_with, seen

#: Faces of the agent that cannot be compared well.
SPOILT = {
    b"small": seen(0.0, width=60),
    b"blurred": seen(0.0, aligned_sharpness=5),
    b"dark": seen(0.0, dark_share=0.9),
    b"turned and tilted": seen(0.0, nose_offset=0.8, roll=40),
}
#: What each picture shows, these among them.
MORE = {**SIGHTS, **SPOILT, b"farther": seen(0.6), b"far off": seen(2.0)}


def bench_for_enrolment(database: Database, examiner: PreparedExaminer | None = None, **values: Any) -> Workbench:
    """A workbench whose examiner knows these pictures too; settings by field name."""
    return bench_with(database, examiner or PreparedExaminer(sights=MORE), **values)


def approve_now(bench: Workbench, image: int) -> int:
    """Approve a training image as a person would; returns how many stills went back."""
    now = bench.local_now()
    since = now - timedelta(hours=bench.settings.requeue_hours)
    return approve(bench.database, image, processed_time=now, requeue_since=since)
