"""What a drain keeps of each still: written once, with the result, and equal when it is done again."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from biosense_pipeline.codes import StillResult
from biosense_pipeline.demo import frames
from biosense_pipeline.demo.frames import Person
from biosense_pipeline.store.agents.employees import employee_ids
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.scope import Scope
from biosense_pipeline.store.tables.evidence import PresentationEvidence
from biosense_pipeline.vision.examine import InlineExaminer
from biosense_pipeline.workflows.drain import drain
from biosense_pipeline.workflows.enrol import check_training_images
from biosense_pipeline.workflows.workbench import engine_spec
from biosense_pipeline_tests.conftest import HOUR
from biosense_pipeline_tests.store.rows import statements
from biosense_pipeline_tests.workflows.fakes import (
    AGENT,
    SIGHTS,
    PreparedExaminer,
    attempts,
    bench_with,
    capture,
    change_still,
    enrol,
    outcomes,
    seen,
)


def evidence(database: Database) -> list[dict[str, Any]]:
    """The rows by still, without the time at which they were written."""
    columns = [column for column in PresentationEvidence.__table__.columns if column.name != "created"]
    with database.read() as connection:
        rows = connection.execute(select(*columns).order_by(PresentationEvidence.stream_image_id))
        return [dict(row._mapping) for row in rows]


def test_each_examined_still_has_a_row(enrolled: Database) -> None:
    """Stills with a face have its numbers, those without have hashes alone, unreadable ones have no row."""
    ids = capture(enrolled, b"agent", b"strangers", b"nobody", b"torn", b"unlucky")
    drain(bench_with(enrolled), Scope())
    rows = evidence(enrolled)
    assert [(row["stream_image_id"], row["num_faces"], row["chip"] is None) for row in rows] == [
        (ids[0], 1, False),
        (ids[1], 2, False),
        (ids[2], 0, True),
    ]
    assert {row["employee_id"] for row in rows} == set(employee_ids(enrolled, [AGENT]).values())
    assert [row["capture_time"] for row in rows] == [HOUR + number * timedelta(seconds=10) for number in range(3)]
    assert [row["features_id"] is None for row in rows] == [False, False, True]
    assert rows[2]["face"] is None
    assert {len(row["sha256"]) for row in rows} == {32}


def test_stills_without_a_reference_have_none(database: Database) -> None:
    """A still that is not examined, for want of a training image, has no row and no agent is entered for it."""
    capture(database, b"agent")
    drain(bench_with(database), Scope())
    assert evidence(database) == []


def test_done_again_it_is_equal(enrolled: Database) -> None:
    """Processing stills once more writes the same rows over the old ones."""
    ids = capture(enrolled, b"agent", b"nobody", b"agent and stranger")
    drain(bench_with(enrolled), Scope())
    before = evidence(enrolled)
    for still_id in ids:
        change_still(enrolled, still_id, status="N", attempts=0)
    drain(bench_with(enrolled), Scope())
    assert evidence(enrolled) == before
    assert len(before) == 3


@pytest.mark.parametrize("at", [2, 4, 9])
def test_a_stopped_drain_is_finished_by_the_next(enrolled: Database, at: int) -> None:
    """A drain that ends in the middle leaves evidence of written results only; the next one adds the rest once."""
    ids = capture(enrolled, *[b"agent"] * 12)

    def stop(count: int) -> None:
        if count == at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        drain(bench_with(enrolled, PreparedExaminer(stop), commit_size=3), Scope())
    written = [still_id for still_id, (status, _) in zip(ids, outcomes(enrolled, ids), strict=True) if status == "Y"]
    assert [row["stream_image_id"] for row in evidence(enrolled)] == written
    drain(bench_with(enrolled), Scope())
    assert [row["stream_image_id"] for row in evidence(enrolled)] == ids


def test_a_face_that_is_gone(enrolled: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a still that is done again and shows no face any more, or is torn, nothing old is left."""
    (still_id,) = capture(enrolled, b"agent again")
    for sight, faces in ((SIGHTS[b"agent again"], 1), (SIGHTS[b"nobody"], 0), (SIGHTS[b"torn"], None)):
        monkeypatch.setitem(SIGHTS, b"agent again", sight)
        change_still(enrolled, still_id, status="N", attempts=0)
        drain(bench_with(enrolled), Scope())
        assert [(row["num_faces"], row["features"] is None) for row in evidence(enrolled)] == (
            [] if faces is None else [(faces, faces == 0)]
        )


def test_a_failure_is_counted_and_said(enrolled: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing could be kept, the result stands, the report counts it, and the attempt says why."""
    monkeypatch.setitem(SIGHTS, b"agent again", _failing())
    ids = capture(enrolled, b"agent again", b"agent")
    report = drain(bench_with(enrolled, detection="full"), Scope())
    assert outcomes(enrolled, ids) == [("Y", StillResult.SUCCESS)] * 2
    assert [row["stream_image_id"] for row in evidence(enrolled)] == [ids[1]]
    assert dict(report.without_evidence) == {"ValueError": 1}
    assert attempts(enrolled, ids[0])[-1].detail == "no evidence kept of the picture: ValueError: no luck"
    assert attempts(enrolled, ids[1])[-1].detail is None


def test_agents_are_not_looked_up_still_by_still(enrolled: Database) -> None:
    """However many stills are written together, their agents' ids are read once."""
    capture(enrolled, *[b"agent"] * 40)
    with statements(enrolled) as seen_statements:
        drain(bench_with(enrolled, commit_size=40, commit_seconds=60), Scope())
    lookups = [text for text, _ in seen_statements if "FROM employee" in text]
    assert len(lookups) <= 4  # of the checks before the drain, and of one commit


@pytest.mark.slow
def test_real_pictures(database: Database) -> None:
    """With the real engine real stills have evidence, equal when they are done again at full size."""
    settings = bench_with(database, requeue_hours=87_600, detection="full").settings
    bench = bench_with(database, InlineExaminer(engine_spec(settings)), requeue_hours=87_600, detection="full")
    enrol(database, picture=frames.training_picture(Person.HOPPER))
    check_training_images(bench)
    ids = capture(
        database,
        frames.own_frame(Person.HOPPER, 1),
        frames.own_frame(Person.BIDEN, 1),
        frames.empty_frame(1),
        frames.truncated_frame(Person.HOPPER, 1),
    )
    report = drain(bench, Scope())
    rows = evidence(database)
    assert [row["stream_image_id"] for row in rows] == ids[:3]
    assert [row["chip"] is None for row in rows] == [False, False, True]
    assert len(report.stages["evidence"]) == 3
    assert not report.without_evidence
    for still_id in ids:
        change_still(database, still_id, status="N", attempts=0)
    drain(bench, Scope())
    assert evidence(database) == rows


def _failing() -> Any:
    return replace(seen(0.25), evidence_failure="ValueError: no luck")
