"""Another model, detection or tolerance beside what is in force."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select

from biosense_pipeline.choices import Detection, EngineName
from biosense_pipeline.codes import Process, StillResult
from biosense_pipeline.errors import WrongUse
from biosense_pipeline.matching.differences import Tally
from biosense_pipeline.settings import Settings
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.scope import Scope
from biosense_pipeline.store.tables.pipeline import FaceEncoding, ProcessStatus, RecognitionResult
from biosense_pipeline.workflows.candidate import LeftOut
from biosense_pipeline.workflows.candidate_settings import candidate_settings
from biosense_pipeline.workflows.drain import drain
from biosense_pipeline_tests.conftest import HOUR
from biosense_pipeline_tests.workflows.fakes import (
    AGENT,
    ERROR,
    SIGHTS,
    UNREADABLE,
    PreparedExaminer,
    capture,
    change_still,
    enter_legacy_benchmark,
    outcomes,
    seen,
    stills,
)
from biosense_pipeline_tests.workflows.two_models import (
    CANDIDATE,
    EVERYTHING,
    OTHER,
    PRESENT,
    SHARPER,
    compare_candidate,
    contents,
    in_force,
    process,
    results_of,
)


@pytest.fixture
def processed(sqlite_database: Database) -> Database:
    """Processed stills, for what does not depend on the server."""
    return process(sqlite_database)


def test_the_report_counts_what_changes(processed: Database) -> None:
    """Every processed still is compared; the report says how many decisions change, which way, and whose."""
    report, examiner = compare_candidate(processed)
    assert vars(report.differences.total) == vars(
        Tally(stills=7, changed=4, newly_matched=2, newly_unmatched=0, face_counts_changed=2)
    )
    assert report.differences.results == Counter(
        {
            (StillResult.SUCCESS, StillResult.SUCCESS): 2,
            (StillResult.UNKNOWN_PERSON, StillResult.SUCCESS): 2,
            (StillResult.SUCCESS, StillResult.SUCCESS_MULTIPLE_FACES): 1,
            (StillResult.NO_FACES_FOUND, StillResult.UNKNOWN_PERSON): 1,
            (StillResult.UNKNOWN_MULTIPLE_FACES, StillResult.UNKNOWN_MULTIPLE_FACES): 1,
        }
    )
    assert {lan_id: (tally.stills, tally.changed) for lan_id, tally in report.differences.agents.items()} == {
        AGENT: (5, 3),
        OTHER: (2, 1),
    }
    assert (report.examined, report.written, report.decided_again) == (7, 7, 0)
    assert (report.present_model_id, report.model_id) == (PRESENT, CANDIDATE)
    assert report.settings == {"BIOSENSE_ENGINE": "face_recognition"}
    assert len(examiner.examined) == 9  # the two benchmarks first


def test_nothing_that_people_see_changes(database: Database) -> None:
    """A candidate leaves stream_img, train_img and the results in force as they are; its own stand beside them."""
    processed = process(database)
    before = contents(processed)
    compare_candidate(processed)
    assert contents(processed) == before
    assert len(results_of(processed, CANDIDATE)) == 7
    with processed.read() as connection:
        recorded = connection.execute(
            select(ProcessStatus.model_id, ProcessStatus.run_id).where(ProcessStatus.process == Process.CANDIDATE)
        ).all()
    assert [tuple(row) for row in recorded] == [(CANDIDATE, "a run")] * 7


def test_stills_that_wait_for_enrolment_go_on_waiting(sqlite_database: Database) -> None:
    """That a candidate encodes a benchmark sends no failed still back, and takes no claim away."""
    enrolled = sqlite_database
    enter_legacy_benchmark(enrolled)
    capture(enrolled, b"agent")
    drain(in_force(enrolled), EVERYTHING)
    start = datetime.now(UTC).replace(tzinfo=None)
    failed, claimed = capture(enrolled, b"agent", b"agent", start=start)
    change_still(enrolled, failed, status="F", result=StillResult.NO_TRAINING_IMAGE)
    change_still(enrolled, claimed, status="P", lease_token="somebody's")
    before = contents(enrolled)
    report, _ = compare_candidate(enrolled)
    assert report.differences.total.stills == 1
    assert contents(enrolled) == before


def test_a_stopped_comparison_goes_on_where_it_ended(database: Database) -> None:
    """What was written before the stop is not examined again, and the report is the same as in one go."""
    processed = process(database)

    def stop(count: int) -> None:
        if count == 2 + 6:  # two benchmarks, then a commit of five
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compare_candidate(processed, examiner=PreparedExaminer(stop, CANDIDATE, sights=SHARPER))
    assert len(results_of(processed, CANDIDATE)) == 5
    report, examiner = compare_candidate(processed)
    assert len(examiner.examined) == report.examined == 2
    assert (report.decided_again, report.differences.total.stills, report.differences.total.changed) == (5, 7, 4)


def test_again_examines_everything(processed: Database) -> None:
    """With ``again`` stored results of the candidate are replaced."""
    compare_candidate(processed)
    report, _ = compare_candidate(processed, sights=SIGHTS, again=True)
    assert (report.examined, report.differences.total.changed) == (7, 0)
    assert Counter(results_of(processed, CANDIDATE).values()) == Counter(results_of(processed, PRESENT).values())


def test_another_tolerance_needs_no_pixels(processed: Database) -> None:
    """Where only the tolerance differs, stored distances decide, and nothing is written."""
    before = contents(processed)
    report, examiner = compare_candidate(processed, tolerance=0.2)
    assert examiner.examined == []
    assert (report.decided_again, report.written) == (7, 0)
    assert report.differences.results[StillResult.SUCCESS, StillResult.UNKNOWN_PERSON] == 1  # at 0.25
    assert vars(report.differences.total) == vars(Tally(stills=7, changed=1, newly_unmatched=1))
    assert report.settings == {"BIOSENSE_TOLERANCE": "0.2"}
    assert contents(processed) == before
    assert results_of(processed, CANDIDATE) == {}


def test_another_detection_is_reported_and_not_stored(processed: Database) -> None:
    """Under the same model id there is no room beside the results in force: the report is all."""
    before = contents(processed)
    report, examiner = compare_candidate(processed, detection=Detection.REFERENCE)
    assert (report.examined, report.written, report.differences.total.changed) == (7, 0, 4)
    assert len(examiner.examined) == 7
    assert contents(processed) == before


def test_the_reference_is_the_one_compared_with_before(processed: Database) -> None:
    """An agent who enrolled anew since is compared with the old image: the model differs and not the enrolment."""
    enter_legacy_benchmark(processed, AGENT, b"stranger")
    report, _ = compare_candidate(processed)
    assert report.differences.total.changed == 4
    with processed.read() as connection:
        encoded = connection.execute(
            select(FaceEncoding.training_image_id).where(FaceEncoding.model_id == CANDIDATE)
        ).scalars()
        assert sorted(encoded) == [1, 2]


def test_a_still_done_again_with_another_reference_is_examined_anew(processed: Database) -> None:
    """A result of the candidate counts only for the training image that the result in force was made with."""
    compare_candidate(processed)
    enter_legacy_benchmark(processed, OTHER, b"stranger")
    ids = [row.id for row in stills(processed, range(1, 9)) if row.lan_id == OTHER]
    for still_id in ids:
        change_still(processed, still_id, status="N")
    drain(in_force(processed), EVERYTHING)
    report, _ = compare_candidate(processed)
    assert (report.examined, report.decided_again) == (2, 5)


def test_what_cannot_be_compared_is_counted_by_reason(processed: Database) -> None:
    """Without a picture, a result in force or a reference a still is left out, and the report says why."""
    ids = capture(processed, b"agent", b"agent", start=HOUR + timedelta(minutes=5))
    drain(in_force(processed), EVERYTHING)
    with processed.engine.begin() as connection:
        connection.execute(delete(RecognitionResult).where(RecognitionResult.stream_image_id == ids[0]))
    blind = {**SHARPER, b"stranger": ERROR, b"agent again": UNREADABLE, b"strangers": seen()}
    report, _ = compare_candidate(processed, sights=blind)
    assert +report.left_out == Counter({LeftOut.NO_COMPARISON: 1, LeftOut.FAILED: 2, LeftOut.UNREADABLE: 1})
    assert report.differences.total.stills == report.written == 5
    report, _ = compare_candidate(processed, sights=SHARPER)
    assert (report.examined, report.left_out[LeftOut.FAILED]) == (3, 0)


def test_agents_whose_benchmark_the_candidate_cannot_encode(processed: Database) -> None:
    """Their stills are left out under their names, and nothing is decided about their enrolment."""
    before = contents(processed)
    report, _ = compare_candidate(processed, sights={**SHARPER, b"agent": seen()})
    assert report.differences.total.stills == 0
    assert +report.left_out == Counter({LeftOut.NO_REFERENCE: 7})
    assert report.without_reference == Counter({AGENT: 5, OTHER: 2})
    assert contents(processed) == before


def test_only_the_scope_is_compared(processed: Database) -> None:
    """Hours and agents limit a comparison as they do a drain."""
    report, _ = compare_candidate(processed, Scope(HOUR, HOUR + timedelta(seconds=10), (OTHER,)))
    assert report.differences.total.stills == 1


def test_no_stills_no_differences(sqlite_database: Database) -> None:
    """Where nothing was processed the report is empty."""
    ids = capture(sqlite_database, b"agent")
    report, _ = compare_candidate(sqlite_database)
    assert (report.differences.total.stills, +report.left_out) == (0, Counter())
    assert outcomes(sqlite_database, ids) == [("N", None)]


def test_a_tolerance_belongs_to_a_model(tmp_path: Path) -> None:
    """Another model is tried with its own tolerance, not with the one that was set for the present model."""
    strict = Settings(tolerance=0.45)
    assert candidate_settings(strict, engine=EngineName.FACE_RECOGNITION).tolerance == 0.5
    own = candidate_settings(strict, encoder=tmp_path / "model.toml")
    assert "tolerance" not in own.model_fields_set
    assert candidate_settings(strict, detection=Detection.FULL).tolerance == 0.45
    named = candidate_settings(strict, engine=EngineName.FACE_RECOGNITION, tolerance=0.6)
    assert (named.tolerance, "tolerance" in named.model_fields_set) == (0.6, True)


def test_a_candidate_has_to_differ() -> None:
    """A candidate that names nothing, or what is in force already, is wrong use."""
    with pytest.raises(WrongUse, match="Name what the candidate changes"):
        candidate_settings(Settings())
    with pytest.raises(WrongUse, match="in force already"):
        candidate_settings(Settings(), engine=Settings().engine, detection=Settings().detection)


@pytest.fixture
def twice_enrolled(sqlite_database: Database) -> Database:
    """Stills that were compared with two approved images of their agent under the model in force."""
    database = sqlite_database
    enter_legacy_benchmark(database)
    enter_legacy_benchmark(database, picture=b"stranger")
    capture(database, b"agent again", b"stranger", b"nobody", b"strangers")
    drain(in_force(database), EVERYTHING)
    return database


def test_a_candidate_is_compared_with_all_references_of_then(twice_enrolled: Database) -> None:
    """Under the candidate a still is compared with the same images as before, and not with later ones."""
    enter_legacy_benchmark(twice_enrolled, picture=b"strangers")
    report, examiner = compare_candidate(twice_enrolled, sights=SIGHTS)
    assert (report.differences.total.stills, report.differences.total.changed) == (4, 0)
    assert len(examiner.examined) == 2 + 4
    assert _references(twice_enrolled, CANDIDATE) == _references(twice_enrolled, PRESENT)


def test_results_of_several_references_are_known_again(twice_enrolled: Database) -> None:
    """A comparison that was made goes on where it ended, though another of the references is the nearest there."""
    turned = {**SIGHTS, b"agent": seen(0.75), b"stranger": seen(0.0)}
    compare_candidate(twice_enrolled, sights=turned)
    assert _nearest(twice_enrolled, CANDIDATE) != _nearest(twice_enrolled, PRESENT)
    report, examiner = compare_candidate(twice_enrolled, sights=turned)
    assert (examiner.examined, report.decided_again) == ([], 4)


def _references(database: Database, model_id: str) -> dict[int, list[int] | None]:
    return {row.stream_image_id: row.faces[0]["references"] if row.faces else None for row in _rows(database, model_id)}


def _nearest(database: Database, model_id: str) -> dict[int, int]:
    return {row.stream_image_id: row.training_image_id for row in _rows(database, model_id)}


def _rows(database: Database, model_id: str) -> Sequence[Any]:
    columns = (RecognitionResult.stream_image_id, RecognitionResult.training_image_id, RecognitionResult.faces)
    with database.read() as connection:
        return connection.execute(select(*columns).where(RecognitionResult.model_id == model_id)).all()
