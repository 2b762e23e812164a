"""Enrolment: the checks of a training image, and who approves it."""

import io

import pytest
from PIL import Image, ImageFilter
from sqlalchemy import select

from biosense_pipeline.choices import Approval
from biosense_pipeline.codes import StillResult, TrainingResult
from biosense_pipeline.demo.frames import Person, training_picture
from biosense_pipeline.settings import Settings
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.enrolment.approvals import hold, reject
from biosense_pipeline.store.enrolment.checks import StoredCheck, checks_of
from biosense_pipeline.store.runs.due import due_hours
from biosense_pipeline.store.scope import Scope
from biosense_pipeline.store.stills.capture import CapturedImage, enter_training_images
from biosense_pipeline.store.tables.pipeline import Employee, TrainingImage
from biosense_pipeline.workflows.drain import drain
from biosense_pipeline.workflows.enrol import check_training_images
from biosense_pipeline.workflows.summarise import summarise_hours
from biosense_pipeline.workflows.workbench import workbench
from biosense_pipeline_tests.conftest import HOUR
from biosense_pipeline_tests.pictures import saved
from biosense_pipeline_tests.workflows.enrolling import SPOILT, approve_now, bench_for_enrolment
from biosense_pipeline_tests.workflows.fakes import AGENT, PreparedExaminer, capture, enrol, outcomes


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
    bench = bench_for_enrolment(sqlite_database)
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
    bench = bench_for_enrolment(
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
    check_training_images(bench_for_enrolment(database))
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
    report = check_training_images(bench_for_enrolment(sqlite_database))
    (check,) = checks_of(sqlite_database, [image])[image]
    assert (check.name, check.passed, check.decides) == (name, False, True)
    assert check.reason == report.failures[image][1]


def test_a_team_lead_approves(database: Database) -> None:
    """With team_lead a passing image waits, its agent's stills say that there is none, and return when approved."""
    bench = bench_for_enrolment(database, approval="team_lead", requeue_hours=87_600)
    image = enrol(database)
    report = check_training_images(bench)
    assert (report.results, report.waiting, report.requeued) == ({TrainingResult.AWAITING_APPROVAL: 1}, 1, 0)
    ids = capture(database, b"agent", b"stranger")
    drain(bench, Scope())
    assert outcomes(database, ids) == [("F", StillResult.NO_TRAINING_IMAGE)] * 2
    assert approve_now(bench, image) == 2
    examiner = PreparedExaminer()
    drain(bench_for_enrolment(database, examiner, approval="team_lead"), Scope())
    assert outcomes(database, ids) == [("Y", StillResult.SUCCESS), ("Y", StillResult.UNKNOWN_PERSON)]
    assert examiner.given.count(b"agent") == 1  # the still: the image was encoded when it was checked


def test_a_drain_leaves_the_decision_to_the_team_lead(database: Database) -> None:
    """A new image that a drain has to check on its way waits for a person too."""
    enrol(database)
    ids = capture(database, b"agent")
    drain(bench_for_enrolment(database, approval="team_lead"), Scope())
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
    bench = bench_for_enrolment(enrolled, approval="team_lead")
    image = enrol(enrolled, picture=b"stranger")
    check_training_images(bench)
    if rejected:
        reject(enrolled, image, "somebody else", processed_time=bench.local_now())
    ids = capture(enrolled, b"agent", b"stranger")
    drain(bench, Scope())
    assert outcomes(enrolled, ids) == [("Y", StillResult.SUCCESS), ("Y", StillResult.UNKNOWN_PERSON)]


def test_rejected_image_alone_is_no_training_image(sqlite_database: Database) -> None:
    """An agent whose only image was rejected is not enrolled."""
    bench = bench_for_enrolment(sqlite_database, approval="team_lead")
    image = enrol(sqlite_database)
    check_training_images(bench)
    reject(sqlite_database, image, "no", processed_time=bench.local_now())
    ids = capture(sqlite_database, b"agent")
    drain(bench, Scope())
    assert outcomes(sqlite_database, ids) == [("F", StillResult.NO_TRAINING_IMAGE)]


def test_failed_check_hides_until_one_is_approved(enrolled: Database) -> None:
    """Behind an image that waits, one that failed still hides the benchmark; an approval settles it, of either."""
    bench = bench_for_enrolment(enrolled, approval="team_lead", requeue_hours=87_600)
    enrol(enrolled, picture=b"blurred")
    waiting = enrol(enrolled, picture=b"agent again")
    check_training_images(bench)
    ids = capture(enrolled, b"agent")
    drain(bench, Scope())
    assert outcomes(enrolled, ids) == [("F", StillResult.TRAINING_IMAGE_FAILED)]
    assert approve_now(bench, waiting) == 1
    drain(bench, Scope())
    assert outcomes(enrolled, ids) == [("Y", StillResult.SUCCESS)]


def test_poor_image_that_a_person_approves(sqlite_database: Database) -> None:
    """An image that failed for its quality only can be compared with once a person has approved it."""
    bench = bench_for_enrolment(sqlite_database, requeue_hours=87_600)
    image = enrol(sqlite_database, picture=b"blurred")
    check_training_images(bench)
    ids = capture(sqlite_database, b"agent again")
    drain(bench, Scope())
    assert approve_now(bench, image) == 1
    drain(bench, Scope())
    assert outcomes(sqlite_database, ids) == [("Y", StillResult.SUCCESS)]


def test_image_set_waiting_by_somebody_else_is_measured(database: Database) -> None:
    """An image that waits without numbers gets them, once, and goes on waiting whatever they are."""
    ids = [enrol(database), enrol(database, picture=b"blurred"), enrol(database, picture=b"torn")]
    hold(database, ids, processed_time=HOUR)
    bench = bench_for_enrolment(database)
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
    report = check_training_images(bench_for_enrolment(database))
    assert report.results == {TrainingResult.ONE_FACE: 2}
    third = enrol(database, "AP\\third", picture=b"far off")
    check_training_images(bench_for_enrolment(database))
    checks = {image: _check(database, image, "collision") for image in (first, second, third)}
    assert (checks[first].passed, checks[first].value) == (True, None)
    assert (checks[second].passed, checks[second].decides, checks[second].value) == (False, False, 0.25)
    assert f"training image {first}, another agent's" in str(checks[second].reason)
    assert "abc1234" not in str(checks[second].reason)
    assert (checks[third].passed, checks[third].value) == (True, 1.75)


def test_inconsistency_is_shown_and_decides_nothing(database: Database) -> None:
    """A face unlike the agent's approved ones passes, and whoever looks at it is told how far it lies from them."""
    bench = bench_for_enrolment(database)
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
    check_training_images(bench_for_enrolment(sqlite_database, tolerance=0.33))
    assert [_check(sqlite_database, image, name).threshold for name in ("collision", "consistency")] == [0.33] * 2


def test_agents_are_registered_with_their_images(database: Database) -> None:
    """An agent whose first training image comes before any still is registered, once, however the name is spelt."""
    for lan_id in ("EU\\New", "eu\\new ", "AP\\<b>'x", " "):
        enrol(database, lan_id)
    check_training_images(bench_for_enrolment(database))
    with database.read() as connection:
        assert sorted(connection.execute(select(Employee.lan_id)).scalars()) == ["AP\\<b>'x", "EU\\New"]


def test_agents_are_registered_with_their_stills(database: Database) -> None:
    """A LAN id that appears in stream_img is registered when its hour is summed up, enrolled or not."""
    capture(database, b"agent", lan_id="EU\\never seen")
    drain(bench_for_enrolment(database), Scope())
    summarise_hours(database, due_hours(database))
    with database.read() as connection:
        assert list(connection.execute(select(Employee.lan_id)).scalars()) == ["EU\\never seen"]


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


def _check(database: Database, image: int, name: str) -> StoredCheck:
    (check,) = [check for check in checks_of(database, [image])[image] if check.name == name]
    return check


def _training_statuses(database: Database) -> list[tuple[str | None, str | None]]:
    with database.read() as connection:
        rows = connection.execute(select(TrainingImage.status, TrainingImage.result).order_by(TrainingImage.id))
        return [(row.status, row.result) for row in rows]
