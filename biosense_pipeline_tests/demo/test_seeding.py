"""Seeding the demo's day: refused where it would delete a site's images; deviations are found."""

from collections.abc import Callable, Iterator
from datetime import datetime

import pytest
from sqlalchemy import Connection, func, insert, select, update

from biosense_pipeline.codes import Status, StillResult
from biosense_pipeline.demo import seeding
from biosense_pipeline.demo.day import AGENTS, HOURS, LAN_IDS, UNDECIDED, PlannedStill
from biosense_pipeline.demo.seeding import Deviation, deviations, enrol_demo_agents, live_frames, seed_day
from biosense_pipeline.errors import WrongUse
from biosense_pipeline.store.agents.employees import employee_ids
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.enrolment.checks import checks_of
from biosense_pipeline.store.enrolment.images import unchecked_ids
from biosense_pipeline.store.stills.capture import CapturedImage, empty_tables, enter_stills, enter_training_images
from biosense_pipeline.store.stills.results import read_results
from biosense_pipeline.store.tables.desk import DeskUser, Review
from biosense_pipeline.store.tables.pipeline import Base, Employee, StreamImage, TrainingImage

Enter = Callable[[Database, list[CapturedImage]], list[int]]
MORNING = datetime(2026, 3, 2, 8, 59)


@pytest.fixture
def short_day(monkeypatch: pytest.MonkeyPatch) -> None:
    """A day of three stills, where what they show does not matter."""

    def plan() -> Iterator[PlannedStill]:
        for number, result in enumerate((StillResult.SUCCESS, StillResult.NO_FACES_FOUND, StillResult.SUCCESS)):
            yield PlannedStill(LAN_IDS[number], HOURS[0], b"picture %d" % number, result)

    monkeypatch.setattr(seeding, "plan", plan)


@pytest.mark.usefixtures("short_day")
@pytest.mark.parametrize("enter", [enter_stills, enter_training_images])
def test_a_sites_images_are_never_touched(database: Database, enter: Enter) -> None:
    """A database with anybody else's image is refused, and stays as it is."""
    seed_day(database)
    enter(database, [CapturedImage("NA\\a[b]c", MORNING, b"theirs")])
    before = _everything(database)
    with pytest.raises(WrongUse, match=r"images that are not the demo's .*BIOSENSE_DATABASE_URL"):
        seed_day(database)
    assert _everything(database) == before


@pytest.mark.parametrize("row", [StreamImage(lan_id=None), TrainingImage(lan_id=None), Employee(lan_id="NA\\theirs")])
def test_a_sites_other_rows_are_never_touched(database: Database, row: Base) -> None:
    """Images without a LAN id and agents without images are a site's too: refused."""
    values = {"lan_id": row.lan_id, **({"registered": MORNING} if isinstance(row, Employee) else {})}  # type: ignore[attr-defined]
    database.write(lambda connection: connection.execute(insert(type(row)).values(**values)) and None)
    with pytest.raises(WrongUse, match=r"images that are not the demo's .*BIOSENSE_DATABASE_URL"):
        seed_day(database)
    with database.read() as connection:
        assert connection.execute(select(func.count()).select_from(type(row))).scalar_one() == 1


@pytest.mark.usefixtures("short_day")
def test_seeding_again_starts_afresh(database: Database) -> None:
    """Seeding replaces an earlier demo: as many stills and training images as before."""
    first = seed_day(database)
    progress: list[int] = []
    second = seed_day(database, progress.append)
    assert list(first.values()) == list(second.values())
    assert progress == [3]
    assert [row.id for row in read_results(database, sorted(second))] == sorted(second)
    assert len(_everything(database)) == 3 + sum(agent.training is not None for agent in AGENTS) + len(UNDECIDED)


@pytest.mark.usefixtures("short_day")
def test_seeded_images_that_nobody_approved(database: Database) -> None:
    """The desk finds a rejected training image with its reason and one that waits; the others wait for their check."""
    seed_day(database)
    seed_day(database)
    with database.read() as connection:
        rows = connection.execute(
            select(TrainingImage.id, TrainingImage.lan_id, TrainingImage.status, TrainingImage.result)
            .where(TrainingImage.status != Status.PENDING)
            .order_by(TrainingImage.id)
        ).all()
    assert [tuple(row)[1:] for row in rows] == [
        ("AP\\new0001", "F", "REJECTED"),
        ("AP\\new0001", "P", "AWAITING_APPROVAL"),
    ]
    rejected, waiting = (row.id for row in rows)
    checks = checks_of(database, [rejected, waiting])
    assert [(check.name, check.reason) for check in checks[rejected]] == [("approval", UNDECIDED[0].rejected)]
    assert checks[waiting] == []
    assert len(unchecked_ids(database)) == sum(agent.training is not None for agent in AGENTS)


def test_seeding_again_forgets_reviews(database: Database) -> None:
    """Reviews of an earlier demo are deleted with its stills; whoever may sign in at the desk still may."""
    (agent,) = employee_ids(database, LAN_IDS[:1]).values()
    user = {"id": 1, "name": "lead", "password_hash": "x", "role": "admin", "created": MORNING}
    review = {
        "subject_kind": "STREAM",
        "subject_id": 1,
        "round": 1,
        "employee_id": agent,
        "result": "UNKNOWN_PERSON",
        "verdict": "CORRECT",
        "reviewer_id": 1,
        "created": MORNING,
    }

    def enter(connection: Connection) -> None:
        connection.execute(insert(DeskUser).values(**user))
        connection.execute(insert(Review).values(**review))

    database.write(enter)
    empty_tables(database)
    with database.read() as connection:
        counts = [
            connection.execute(select(func.count()).select_from(table)).scalar_one() for table in (Review, DeskUser)
        ]
    assert counts == [0, 1]


@pytest.mark.usefixtures("short_day")
def test_stills_are_seeded_as_pending(database: Database) -> None:
    """Seeded stills are the plan's, pending, in order of entry."""
    expected = seed_day(database)
    rows = read_results(database, sorted(expected))
    assert [(row.lan_id, row.capture_time, row.status, row.result) for row in rows] == [
        (lan_id, HOURS[0], Status.PENDING, None) for lan_id in LAN_IDS[:3]
    ]


@pytest.mark.usefixtures("short_day")
def test_deviations(database: Database) -> None:
    """A wrong result and a missing one are reported, a right one is not."""
    expected = seed_day(database)
    right, missing, wrong = expected

    def recognise(connection: Connection) -> None:
        for still_id, result in ((right, "SUCCESS"), (wrong, "UNKNOWN_PERSON")):
            connection.execute(update(StreamImage).where(StreamImage.id == still_id).values(status="Y", result=result))

    database.write(recognise)
    assert deviations(database, expected) == [
        Deviation(missing, LAN_IDS[1], "NO_FACES_FOUND", "no result"),
        Deviation(wrong, LAN_IDS[2], "SUCCESS", "UNKNOWN_PERSON"),
    ]


def test_enrolling_twice_enters_once(database: Database) -> None:
    """Agents that have a training image get no second one."""
    enrol_demo_agents(database, MORNING)
    enrol_demo_agents(database, MORNING)
    with database.read() as connection:
        per_agent = connection.execute(select(TrainingImage.lan_id, func.count()).group_by(TrainingImage.lan_id)).all()
    assert sorted(map(tuple, per_agent)) == sorted((agent.lan_id, 1) for agent in AGENTS if agent.training)


def test_live_frames_are_of_enrolled_agents_in_turn() -> None:
    """The live view takes its agents in turn, and only such as can be verified."""
    live = live_frames()
    seen = [next(live)[0] for _ in range(8)]
    assert seen[:4] == seen[4:]
    assert set(seen) == set(LAN_IDS[:4])


def _everything(database: Database) -> list[tuple[object, ...]]:
    with database.read() as connection:
        return [
            tuple(row)
            for table in (StreamImage, TrainingImage)
            for row in connection.execute(
                select(table.id, table.lan_id, table.status, table.capture_time, table.image).order_by(table.id)
            )
        ]
