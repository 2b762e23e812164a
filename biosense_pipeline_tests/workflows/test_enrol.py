"""Enrolment: what an agent's training images mean for the stills, before and after."""

import io
from datetime import timedelta
from typing import Any

import pytest
from PIL import Image, ImageFilter
from sqlalchemy import select, update

from biosense_pipeline.choices import Approval
from biosense_pipeline.codes import Status, StillResult, TrainingResult
from biosense_pipeline.demo.frames import Person, training_picture
from biosense_pipeline.settings import Settings
from biosense_pipeline.store.approvals import approve, hold, propose, reject
from biosense_pipeline.store.capture import CapturedImage, enter_training_images
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.due import due_hours
from biosense_pipeline.store.scope import Scope
from biosense_pipeline.store.tables import Employee, RecognitionResult, TrainingImage
from biosense_pipeline.store.training_checks import StoredCheck, checks_of
from biosense_pipeline.workflows.drain import drain
from biosense_pipeline.workflows.enrol import check_training_images, encode_benchmarks
from biosense_pipeline.workflows.summarise import summarise_hours
from biosense_pipeline.workflows.workbench import Workbench, workbench
from biosense_pipeline_tests.conftest import HOUR
from biosense_pipeline_tests.pictures import saved
from biosense_pipeline_tests.workflows.fakes import (
    AGENT,
    GOOD,
    SIGHTS,
    PreparedExaminer,
    bench_with,
    capture,
    enrol,
    enter_legacy_benchmark,
    outcomes,
    seen,
    stills,
)

#: Faces of the agent that cannot be compared well.
SPOILT = {
    b"small": seen(0.0, width=60),
    b"blurred": seen(0.0, aligned_sharpness=5),
    b"dark": seen(0.0, dark_share=0.9),
    b"turned and tilted": seen(0.0, nose_offset=0.8, roll=40),
}
MORE = {**SIGHTS, **SPOILT, b"farther": seen(0.6), b"far off": seen(2.0)}


def test_without_training_image(database: Database) -> None:
    """Stills of an agent without training image fail for want of one, unexamined."""
    ids = capture(database, b"agent", b"stranger")
    examiner = PreparedExaminer()
    drain(bench_with(database, examiner), Scope())
    assert outcomes(database, ids) == [("F", StillResult.NO_TRAINING_IMAGE)] * 2
    assert examiner.examined == []
    assert {row.accuracy for row in stills(database, ids)} == {None}


def test_enrolment_later(database: Database) -> None:
    """Stills that failed for want of a training image return to pending once one is approved, and succeed."""
    bench = bench_with(database, requeue_hours=10**6)
    ids = capture(database, b"agent", b"stranger")
    drain(bench, Scope())
    enrol(database)
    assert check_training_images(bench).requeued == 2
    assert [(row.status, row.result, row.attempts) for row in stills(database, ids)] == [("N", None, 0)] * 2
    drain(bench, Scope())
    assert outcomes(database, ids) == [("Y", StillResult.SUCCESS), ("Y", StillResult.UNKNOWN_PERSON)]


def test_enrolment_later_in_another_spelling(database: Database) -> None:
    """Stills return to pending though the training image spells the agent in other cases."""
    bench = bench_with(database, requeue_hours=10**6)
    ids = capture(database, b"agent", lan_id="na\\VEP5898")
    drain(bench, Scope())
    enrol(database)
    assert check_training_images(bench).requeued == 1
    drain(bench, Scope())
    assert outcomes(database, ids) == [("Y", StillResult.SUCCESS)]


def test_enrolment_later_leaves_old_stills(database: Database) -> None:
    """Stills older than requeue_hours stay failed when a training image is approved."""
    bench = bench_with(database, requeue_hours=1)
    ids = capture(database, b"agent", start=bench.local_now() - timedelta(hours=2))
    recent = capture(database, b"agent", start=bench.local_now() - timedelta(minutes=30))
    drain(bench, Scope())
    enrol(database)
    assert check_training_images(bench).requeued == 1
    drain(bench, Scope())
    assert outcomes(database, ids + recent) == [("F", StillResult.NO_TRAINING_IMAGE), ("Y", StillResult.SUCCESS)]


def test_enrolment_later_leaves_other_failures(enrolled: Database) -> None:
    """An approval returns only stills that failed for want of a training image."""
    bench = bench_with(enrolled, requeue_hours=10**6)
    ids = capture(enrolled, b"torn", b"unlucky", b"stranger")
    drain(bench, Scope())
    before = outcomes(enrolled, ids)
    enrol(enrolled)
    assert check_training_images(bench).requeued == 0
    assert outcomes(enrolled, ids) == before


@pytest.mark.parametrize("sight", [b"nobody", b"strangers", b"torn", b"unlucky"])
def test_newest_training_image_failed(enrolled: Database, sight: bytes) -> None:
    """A newest training image that failed hides the older approved one."""
    enrol(enrolled, picture=sight)
    bench = bench_with(enrolled)
    for _ in range(3):  # an error, unlike a finding, is tried again
        check_training_images(bench)
    ids = capture(enrolled, b"agent")
    drain(bench, Scope())
    assert outcomes(enrolled, ids) == [("F", StillResult.TRAINING_IMAGE_FAILED)]


def test_approval_after_the_failure(database: Database) -> None:
    """An approval after the failure settles it, and the stills return by themselves."""
    bench = bench_with(database, requeue_hours=10**6)
    enrol(database, picture=b"nobody")
    check_training_images(bench)
    ids = capture(database, b"agent")
    drain(bench, Scope())
    assert outcomes(database, ids) == [("F", StillResult.TRAINING_IMAGE_FAILED)]
    enrol(database)
    assert check_training_images(bench).requeued == 1
    drain(bench, Scope())
    assert outcomes(database, ids) == [("Y", StillResult.SUCCESS)]


def test_newest_training_image_waits(enrolled: Database) -> None:
    """While the newest training image waits for its check, the older benchmark stays in force."""
    enrol(enrolled, picture=b"stranger")
    ids = capture(enrolled, b"agent")
    drain(bench_with(enrolled), Scope())
    assert outcomes(enrolled, ids) == [("Y", StillResult.SUCCESS)]


@pytest.mark.parametrize("sight", [b"nobody", b"agent and stranger", b"torn"])
def test_legacy_benchmark_without_a_face(database: Database, sight: bytes) -> None:
    """A benchmark approved elsewhere in which not exactly one face is found counts as failed; its row stays."""
    image_id = enter_legacy_benchmark(database, picture=sight)
    ids = capture(database, b"agent")
    drain(bench_with(database), Scope())
    assert outcomes(database, ids) == [("F", StillResult.TRAINING_IMAGE_FAILED)]
    with database.read() as connection:
        row = connection.execute(select(TrainingImage.status, TrainingImage.result).where(TrainingImage.id == image_id))
        assert tuple(row.one()) == (Status.PROCESSED, None)


def test_a_legacy_benchmark_is_encoded_once(enrolled: Database) -> None:
    """A benchmark without encoding is encoded on the way, once."""
    examiner = PreparedExaminer()
    capture(enrolled, *[b"agent again"] * 12)
    drain(bench_with(enrolled, examiner, claim_size=3), Scope())
    assert examiner.given.count(b"agent") == 1
    assert len(examiner.given) == 13


def test_a_training_image_changed_to_failed_by_hand(enrolled: Database) -> None:
    """A benchmark that a person marks as failed is no benchmark any more."""
    enrolled.write(lambda connection: connection.execute(update(TrainingImage).values(status="F")))
    ids = capture(enrolled, b"agent")
    drain(bench_with(enrolled), Scope())
    assert outcomes(enrolled, ids) == [("F", StillResult.TRAINING_IMAGE_FAILED)]


@pytest.mark.parametrize(
    ("sight", "failing", "told"),
    [
        (b"small", {"face_width"}, "come closer"),
        (b"blurred", {"sharpness"}, "blurred"),
        (b"dark", {"dark_share"}, "put a light"),
        (b"turned and tilted", {"nose_offset", "roll"}, "look straight into the camera; the head or the camera is"),
    ],
)
def test_poor_training_image(sqlite_database: Database, sight: bytes, failing: set[str], told: str) -> None:
    """One face that cannot be compared well fails the image, with every reason, and the agent's stills say so."""
    image = enrol(sqlite_database, picture=sight)
    bench = _bench(sqlite_database)
    report = check_training_images(bench)
    assert (report.results, report.failures[image][0]) == ({TrainingResult.POOR: 1}, AGENT)
    assert told in report.failures[image][1]
    assert {check.name for check in checks_of(sqlite_database, [image])[image] if not check.passed} == failing
    ids = capture(sqlite_database, b"agent")
    drain(bench, Scope())
    assert outcomes(sqlite_database, ids) == [("F", StillResult.TRAINING_IMAGE_FAILED)]


def test_limits_are_settings(sqlite_database: Database) -> None:
    """What is small, blurred, dark, turned or tilted is for the settings to say."""
    for sight in SPOILT:
        enrol(sqlite_database, picture=sight)
    bench = _bench(
        sqlite_database,
        training_min_face_width=60,
        training_min_sharpness=5,
        training_max_clipped=0.9,
        training_max_nose_offset=0.8,
        training_max_roll=40,
    )
    assert check_training_images(bench).results == {TrainingResult.ONE_FACE: len(SPOILT)}


def test_every_number_is_stored(database: Database) -> None:
    """Each check of an image stands in the table with its number and the limit then in force, passed or not."""
    image = enrol(database, picture=b"blurred")
    check_training_images(_bench(database))
    first, *others = checks_of(database, [image])[image]
    assert (first.name, first.value, first.threshold, first.passed, first.decides) == ("sharpness", 5, 25, False, True)
    assert {check.name for check in others} == {
        "faces",
        "face_width",
        "dark_share",
        "bright_share",
        "nose_offset",
        "roll",
        "collision",
        "consistency",
    }


@pytest.mark.parametrize(("sight", "name"), [(b"nobody", "faces"), (b"strangers", "faces"), (b"torn", "readable")])
def test_without_one_face_nothing_else_is_checked(sqlite_database: Database, sight: bytes, name: str) -> None:
    """Where there is not exactly one face, that is the only check, and it says why."""
    image = enrol(sqlite_database, picture=sight)
    report = check_training_images(_bench(sqlite_database))
    (check,) = checks_of(sqlite_database, [image])[image]
    assert (check.name, check.passed, check.decides) == (name, False, True)
    assert check.reason == report.failures[image][1]


def test_a_team_lead_approves(database: Database) -> None:
    """With team_lead a passing image waits, its agent's stills say that there is none, and return when approved."""
    bench = _bench(database, approval="team_lead", requeue_hours=10**6)
    image = enrol(database)
    report = check_training_images(bench)
    assert (report.results, report.waiting, report.requeued) == ({TrainingResult.AWAITING_APPROVAL: 1}, 1, 0)
    ids = capture(database, b"agent", b"stranger")
    drain(bench, Scope())
    assert outcomes(database, ids) == [("F", StillResult.NO_TRAINING_IMAGE)] * 2
    assert _approve(bench, image) == 2
    examiner = PreparedExaminer()
    drain(_bench(database, examiner, approval="team_lead"), Scope())
    assert outcomes(database, ids) == [("Y", StillResult.SUCCESS), ("Y", StillResult.UNKNOWN_PERSON)]
    assert examiner.given.count(b"agent") == 1  # the still: the image was encoded when it was checked


def test_a_drain_leaves_the_decision_to_the_team_lead(database: Database) -> None:
    """A new image that a drain has to check on its way waits for a person too."""
    enrol(database)
    ids = capture(database, b"agent")
    drain(_bench(database, approval="team_lead"), Scope())
    assert outcomes(database, ids) == [("F", StillResult.NO_TRAINING_IMAGE)]


def test_who_approves_by_default() -> None:
    """On the embedded database nobody has to approve; on a server a team lead has to, unless a setting says else."""
    server = "mysql+pymysql://user@host/biosense"
    assert Settings(database_url="sqlite:////tmp/x.sqlite").approved_by is Approval.AUTO
    assert Settings(database_url=server).approved_by is Approval.TEAM_LEAD
    assert Settings(database_url=server, approval="auto").approved_by is Approval.AUTO
    assert Settings(approval="team_lead").approved_by is Approval.TEAM_LEAD


@pytest.mark.parametrize("rejected", [False, True])
def test_waiting_and_rejected_images_hide_no_benchmark(enrolled: Database, rejected: bool) -> None:
    """While a newer image waits, and after it was rejected, stills are compared with the approved one."""
    bench = _bench(enrolled, approval="team_lead")
    image = enrol(enrolled, picture=b"stranger")
    check_training_images(bench)
    if rejected:
        reject(enrolled, image, "somebody else", processed_time=bench.local_now())
    ids = capture(enrolled, b"agent", b"stranger")
    drain(bench, Scope())
    assert outcomes(enrolled, ids) == [("Y", StillResult.SUCCESS), ("Y", StillResult.UNKNOWN_PERSON)]


def test_rejected_image_alone_is_no_training_image(sqlite_database: Database) -> None:
    """An agent whose only image was rejected is not enrolled."""
    bench = _bench(sqlite_database, approval="team_lead")
    image = enrol(sqlite_database)
    check_training_images(bench)
    reject(sqlite_database, image, "no", processed_time=bench.local_now())
    ids = capture(sqlite_database, b"agent")
    drain(bench, Scope())
    assert outcomes(sqlite_database, ids) == [("F", StillResult.NO_TRAINING_IMAGE)]


def test_failed_check_hides_until_one_is_approved(enrolled: Database) -> None:
    """Behind an image that waits, one that failed still hides the benchmark; an approval settles it, of either."""
    bench = _bench(enrolled, approval="team_lead", requeue_hours=10**6)
    enrol(enrolled, picture=b"blurred")
    waiting = enrol(enrolled, picture=b"agent again")
    check_training_images(bench)
    ids = capture(enrolled, b"agent")
    drain(bench, Scope())
    assert outcomes(enrolled, ids) == [("F", StillResult.TRAINING_IMAGE_FAILED)]
    assert _approve(bench, waiting) == 1
    drain(bench, Scope())
    assert outcomes(enrolled, ids) == [("Y", StillResult.SUCCESS)]


def test_poor_image_that_a_person_approves(sqlite_database: Database) -> None:
    """An image that failed for its quality only can be compared with once a person has approved it."""
    bench = _bench(sqlite_database, requeue_hours=10**6)
    image = enrol(sqlite_database, picture=b"blurred")
    check_training_images(bench)
    ids = capture(sqlite_database, b"agent again")
    drain(bench, Scope())
    assert _approve(bench, image) == 1
    drain(bench, Scope())
    assert outcomes(sqlite_database, ids) == [("Y", StillResult.SUCCESS)]


def test_image_set_waiting_by_somebody_else_is_measured(database: Database) -> None:
    """An image that waits without numbers gets them, once, and goes on waiting whatever they are."""
    ids = [enrol(database), enrol(database, picture=b"blurred"), enrol(database, picture=b"torn")]
    hold(database, ids, processed_time=HOUR)
    bench = _bench(database)
    report = check_training_images(bench)
    assert (report.examined, report.measured, report.requeued) == (0, 3, 0)
    checks = checks_of(database, ids)
    assert [checks[image][0].passed for image in ids] == [True, False, False]
    assert _training_statuses(database) == [("P", "AWAITING_APPROVAL")] * 3
    assert check_training_images(bench).measured == 0


def test_collision_is_shown_and_decides_nothing(database: Database) -> None:
    """A face like another agent's approved one passes, and whoever looks at it is told whose and how near."""
    first = enrol(database, "EU\\abc1234")
    second = enrol(database, picture=b"agent again")
    report = check_training_images(_bench(database))
    assert report.results == {TrainingResult.ONE_FACE: 2}
    third = enrol(database, "AP\\third", picture=b"far off")
    check_training_images(_bench(database))
    checks = {image: _check(database, image, "collision") for image in (first, second, third)}
    assert (checks[first].passed, checks[first].value) == (True, None)
    assert (checks[second].passed, checks[second].decides, checks[second].value) == (False, False, 0.25)
    assert f"training image {first}, another agent's" in str(checks[second].reason)
    assert "abc1234" not in str(checks[second].reason)
    assert (checks[third].passed, checks[third].value) == (True, 1.75)


def test_inconsistency_is_shown_and_decides_nothing(database: Database) -> None:
    """A face unlike the agent's approved ones passes, and whoever looks at it is told how far it lies from them."""
    bench = _bench(database)
    for picture in (b"agent", b"agent again"):
        enrol(database, picture=picture)
        check_training_images(bench)
    image = enrol(database, "na\\VEP5898", picture=b"far off")
    assert check_training_images(bench).results == {TrainingResult.ONE_FACE: 1}
    check = _check(database, image, "consistency")
    assert (check.passed, check.decides, check.value) == (False, False, 1.75)
    assert "decides nothing" in str(check.reason)


def test_the_tolerance_in_force_is_the_limit(sqlite_database: Database) -> None:
    """Collision and consistency are held against the tolerance by which stills are decided."""
    image = enrol(sqlite_database)
    check_training_images(_bench(sqlite_database, tolerance=0.33))
    assert [_check(sqlite_database, image, name).threshold for name in ("collision", "consistency")] == [0.33] * 2


def test_agents_are_registered_with_their_images(database: Database) -> None:
    """An agent whose first training image comes before any still is registered, once, however the name is spelt."""
    for lan_id in ("EU\\New", "eu\\new ", "AP\\<b>'x", " "):
        enrol(database, lan_id)
    check_training_images(_bench(database))
    with database.read() as connection:
        assert sorted(connection.execute(select(Employee.lan_id)).scalars()) == ["AP\\<b>'x", "EU\\New"]


def test_agents_are_registered_with_their_stills(database: Database) -> None:
    """A LAN id that appears in stream_img is registered when its hour is summed up, enrolled or not."""
    capture(database, b"agent", lan_id="EU\\never seen")
    drain(_bench(database), Scope())
    summarise_hours(database, due_hours(database))
    with database.read() as connection:
        assert list(connection.execute(select(Employee.lan_id)).scalars()) == ["EU\\never seen"]


def test_several_references(database: Database) -> None:
    """Stills are compared with all approved images; the nearest is named with the result, and the others in it."""
    ids = [enter_legacy_benchmark(database, picture=sight) for sight in (b"agent", b"farther")]
    assert encode_benchmarks(_bench(database)).examined == 2
    still_ids = capture(database, b"agent again", b"stranger", b"agent and stranger", b"nobody")
    drain(_bench(database), Scope())
    assert [result for _, result in outcomes(database, still_ids)] == [
        StillResult.SUCCESS,
        StillResult.SUCCESS,
        StillResult.SUCCESS_MULTIPLE_FACES,
        StillResult.NO_FACES_FOUND,
    ]
    rows = _results(database)
    assert [(row.training_image_id, row.distance) for row in rows] == [
        (ids[0], pytest.approx(0.25)),
        (ids[1], pytest.approx(0.15)),
        (ids[1], pytest.approx(0.15)),
        (ids[1], None),
    ]
    assert [[face["references"] for face in row.faces] for row in rows] == [
        [ids[::-1]],
        [ids[::-1]],
        [ids[::-1]] * 2,
        [],
    ]


def test_with_one_reference_results_are_as_ever(enrolled: Database) -> None:
    """With one approved image the faces of a result say nothing of references."""
    capture(enrolled, b"agent")
    drain(_bench(enrolled), Scope())
    (row,) = _results(enrolled)
    assert set(row.faces[0]) == {"box", "landmarks", "distance", *GOOD}


def test_outlier_is_no_reference(database: Database) -> None:
    """One approved image in three that shows somebody else lets nobody pass, the newest one neither."""
    for sight in (b"agent", b"agent again", b"far off"):
        enter_legacy_benchmark(database, picture=sight)
    ids = capture(database, b"far off", b"agent")
    drain(_bench(database), Scope())
    assert outcomes(database, ids) == [("Y", StillResult.UNKNOWN_PERSON), ("Y", StillResult.SUCCESS)]


def test_proposed_still_runs_the_enrolment_flow(database: Database) -> None:
    """A still that is proposed is checked like any training image, and waits for a person where that is set."""
    bench = _bench(database, approval="team_lead")
    (still_id,) = capture(database, b"agent")
    image = propose(database, still_id, now=bench.local_now())
    assert check_training_images(bench).waiting == 1
    _approve(bench, image)
    drain(bench, Scope())
    assert outcomes(database, [still_id]) == [("Y", StillResult.SUCCESS)]


def test_proposal_that_fails_takes_nobody_out_of_service(database: Database) -> None:
    """A proposed still without one good face fails, and the agent is compared with the benchmark as before."""
    enter_legacy_benchmark(database, picture=b"agent")
    bench = _bench(database)
    (empty,) = capture(database, b"nobody")
    proposed = propose(database, empty, now=bench.local_now())
    assert check_training_images(bench).results == {TrainingResult.NO_FACE: 1}
    with database.read() as connection:
        found = connection.execute(select(TrainingImage.result).where(TrainingImage.id == proposed)).scalar_one()
    assert found == TrainingResult.PROPOSAL_FAILED
    ids = capture(database, b"agent")
    drain(bench, Scope())
    assert outcomes(database, ids) == [("Y", StillResult.SUCCESS)]


@pytest.mark.slow
@pytest.mark.parametrize("person", Person)
def test_real_training_pictures(sqlite_database: Database, person: Person) -> None:
    """The demo's training pictures pass as they are; blurred or in the dark they fail, by the engine that ships."""
    picture = Image.open(io.BytesIO(training_picture(person))).convert("RGB")
    blurred = picture.filter(ImageFilter.GaussianBlur(4))
    night = picture.point([level // 12 for level in range(256)] * 3)
    pictures = [training_picture(person), saved(blurred, "JPEG"), saved(night, "PNG")]
    ids = enter_training_images(
        sqlite_database, [CapturedImage(f"NA\\{number}", HOUR, data) for number, data in enumerate(pictures)]
    )
    settings = Settings(workers=0)
    with workbench(settings, sqlite_database) as bench:
        report = check_training_images(bench)
    assert set(report.failures) == set(ids[1:])
    assert "blurred" in report.failures[ids[1]][1]
    assert _training_statuses(sqlite_database)[0] == ("Y", "SUCCESS")


def _bench(database: Database, examiner: PreparedExaminer | None = None, **values: Any) -> Workbench:
    return bench_with(database, examiner or PreparedExaminer(sights=MORE), **values)


def _approve(bench: Workbench, image: int) -> int:
    now = bench.local_now()
    since = now - timedelta(hours=bench.settings.requeue_hours)
    return approve(bench.database, image, processed_time=now, requeue_since=since)


def _check(database: Database, image: int, name: str) -> StoredCheck:
    (check,) = [check for check in checks_of(database, [image])[image] if check.name == name]
    return check


def _training_statuses(database: Database) -> list[tuple[str | None, str | None]]:
    with database.read() as connection:
        rows = connection.execute(select(TrainingImage.status, TrainingImage.result).order_by(TrainingImage.id))
        return [(row.status, row.result) for row in rows]


def _results(database: Database) -> list[Any]:
    with database.read() as connection:
        table = RecognitionResult.__table__
        return list(connection.execute(select(table).order_by(table.c.stream_image_id)))
