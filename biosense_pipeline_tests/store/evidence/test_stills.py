"""Evidence as it is stored and read: windows in order."""

from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, update

from biosense_pipeline.codes import Status, StillResult
from biosense_pipeline.store.agents.employees import employee_ids
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.evidence.stills import (
    KeptEvidence,
    KeptFace,
    StoredStill,
    agents_with_evidence,
    captures_before,
    forget_evidence,
    read_window,
    write_evidence,
)
from biosense_pipeline.store.scope import Scope
from biosense_pipeline.store.stills.claims import Claims
from biosense_pipeline.store.stills.outcomes import StillOutcome, write_outcomes
from biosense_pipeline.store.tables.evidence import PresentationEvidence
from biosense_pipeline.store.tables.pipeline import StreamImage
from biosense_pipeline_tests.store.rows import AGENT, HOUR, MODEL, NOW, OTHER, change, enter, enter_finished, execute

STEP = timedelta(seconds=10)


def evidence(number: int = 0, faces: int = 1) -> KeptEvidence:
    """Evidence with numbers of its own; the perceptual hash uses its highest bit."""
    rng = np.random.default_rng(number)
    face = KeptFace(
        (-3, 5, 120, 140),
        rng.integers(0, 640, (5, 2)).astype(np.float32) + np.float32(0.25),
        float(round(rng.uniform(0, 900), 2)),
        float(round(rng.uniform(0, 255), 2)),
        rng.integers(0, 256, (32, 32), dtype=np.uint8),
        rng.normal(size=50).astype(np.float32),
        "layout-1",
        rng.integers(0, 256, (36, 64), dtype=np.uint8),
        1280,
        float(rng.normal()),
        "mine-1",
    )
    hash_bits = 2**63 + number
    return KeptEvidence(faces, rng.bytes(32), rng.bytes(16), hash_bits, "JPEG 640x480", face if faces else None)


def keep(database: Database, moments: list[datetime | None], lan_id: str = AGENT) -> list[int]:
    """Processed stills with evidence, captured at these moments; returns their ids."""
    (employee,) = employee_ids(database, [lan_id]).values()
    ids = [enter_finished(database, lan_id, moment) for moment in moments]  # type: ignore[arg-type]
    captured = dict(zip(ids, moments, strict=True))
    kept = {still_id: evidence(number) for number, still_id in enumerate(ids)}
    database.write(lambda connection: write_evidence(connection, kept, captured, dict.fromkeys(ids, employee), NOW))
    return ids


def window(database: Database, start: datetime, end: datetime) -> list[int]:
    """Ids of the agent's window."""
    (employee,) = employee_ids(database, [AGENT]).values()
    return [still.still_id for still in read_window(database, employee, start, end)]


def test_what_is_written_is_read(database: Database) -> None:
    """Every number of a still comes back as it was, to the bit, with the still's result and time."""
    (still_id,) = keep(database, [HOUR + timedelta(microseconds=250_000)])
    (employee,) = employee_ids(database, [AGENT]).values()
    (still,) = read_window(database, employee, HOUR, HOUR + STEP)
    assert (still.still_id, still.captured) == (still_id, HOUR + timedelta(microseconds=250_000))
    assert still.result == StillResult.SUCCESS
    assert _same(still, evidence(0))


def test_without_a_face(database: Database) -> None:
    """A still without a face has its hashes and nothing of a face."""
    (still_id,) = keep(database, [HOUR])
    (employee,) = employee_ids(database, [AGENT]).values()
    kept = {still_id: evidence(5, faces=0)}
    database.write(lambda connection: write_evidence(connection, kept, {still_id: HOUR}, {still_id: employee}, NOW))
    (still,) = read_window(database, employee, HOUR, HOUR + STEP)
    assert (still.evidence.num_faces, still.evidence.face) == (0, None)
    assert still.evidence.sha256 == kept[still_id].sha256


def test_windows_are_in_order(database: Database) -> None:
    """Stills come by capture time and then id, whatever the order in which they were entered; without a time, never."""
    moments = [HOUR + 3 * STEP, HOUR, None, HOUR + STEP, HOUR, HOUR + 9 * STEP]
    ids = keep(database, moments)
    assert window(database, HOUR, HOUR + 9 * STEP) == [ids[1], ids[4], ids[3], ids[0]]


def test_captures_before(database: Database) -> None:
    """The last capture times before a moment, the latest first, of one agent."""
    keep(database, [HOUR + number * STEP for number in range(5)])
    keep(database, [HOUR + number * STEP + STEP / 2 for number in range(5)], OTHER)
    (employee,) = employee_ids(database, [AGENT]).values()
    assert captures_before(database, employee, HOUR + 3 * STEP, 2) == [HOUR + 2 * STEP, HOUR + STEP]
    assert captures_before(database, employee, HOUR, 2) == []


def test_agents_of_a_time(database: Database) -> None:
    """Agents are named once, for the time in which they have stills."""
    keep(database, [HOUR, HOUR + STEP])
    keep(database, [HOUR + timedelta(hours=1)], OTHER)
    ids = employee_ids(database, [AGENT, OTHER])
    first, second = ids["na\\vep5898"], ids["eu\\abc1234"]
    assert agents_with_evidence(database, HOUR, HOUR + timedelta(hours=1)) == [first]
    assert agents_with_evidence(database, HOUR, HOUR + timedelta(hours=2)) == sorted([first, second])


def test_a_still_whose_row_is_gone(database: Database) -> None:
    """Where a client purged the still its evidence is read all the same, without a result."""
    ids = keep(database, [HOUR, HOUR + STEP])
    database.write(lambda connection: connection.execute(delete(StreamImage).where(StreamImage.id == ids[0])))
    (employee,) = employee_ids(database, [AGENT]).values()
    assert [still.result for still in read_window(database, employee, HOUR, HOUR + 2 * STEP)] == [None, "SUCCESS"]


def test_a_row_from_before(database: Database) -> None:
    """A row from before the small picture was kept is read without one, and all else as it was."""
    (still_id,) = keep(database, [HOUR])
    old = {"box": [-3, 5, 120, 140], "landmarks": [[1.0, 2.0]] * 5, "sharpness": 1.0, "brightness": 2.0}
    change = update(PresentationEvidence).where(PresentationEvidence.stream_image_id == still_id)
    database.write(lambda connection: connection.execute(change.values(thumbnail=None, face=old)))
    (employee,) = employee_ids(database, [AGENT]).values()
    (still,) = read_window(database, employee, HOUR, HOUR + STEP)
    assert still.evidence.face is not None
    assert (still.evidence.face.thumbnail, still.evidence.face.picture_width) == (None, None)
    assert still.evidence.face.chip.shape == (32, 32)


def test_what_is_forgotten_is_gone_whole(database: Database) -> None:
    """Evidence that is forgotten, or of a still done again without a face, leaves no picture behind."""
    first, second = keep(database, [HOUR, HOUR + STEP])
    (employee,) = employee_ids(database, [AGENT]).values()
    database.write(lambda connection: forget_evidence(connection, [first]))
    database.write(
        lambda connection: write_evidence(
            connection, {second: evidence(faces=0)}, {second: HOUR}, {second: employee}, NOW
        )
    )
    pictures = select(PresentationEvidence.stream_image_id, PresentationEvidence.chip, PresentationEvidence.thumbnail)
    with database.read() as connection:
        assert [tuple(row) for row in connection.execute(pictures)] == [(second, None, None)]


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seconds=st.lists(st.integers(0, 200), min_size=1, max_size=25),
    begin=st.integers(0, 200),
    length=st.integers(1, 100),
)
def test_windows_equal_a_sort(sqlite_database: Database, seconds: list[int], begin: int, length: int) -> None:
    """Any window is what sorting all stills and cutting out gives."""
    execute(sqlite_database, "DELETE FROM presentation_evidence", "DELETE FROM stream_img")
    ids = keep(sqlite_database, [HOUR + timedelta(seconds=second) for second in seconds])
    ordered = sorted(zip(seconds, ids, strict=True))
    start = HOUR + timedelta(seconds=begin)
    assert window(sqlite_database, start, start + timedelta(seconds=length)) == [
        still_id for second, still_id in ordered if begin <= second < begin + length
    ]


@pytest.mark.parametrize("refused", ["EU\\refused", None])
def test_an_agent_that_is_refused(mariadb_database: Database, refused: str | None) -> None:
    """Where the site's table of agents refuses one, his still's result stands without evidence; others keep theirs."""
    (known,) = enter(mariadb_database)
    others = enter(mariadb_database, lan_id=refused) if refused else []
    employee_ids(mariadb_database, [AGENT])
    # A column of the site's own that must not be null and has no default: nobody more can be entered.
    execute(mariadb_database, "ALTER TABLE employee ADD COLUMN badge VARCHAR(10)")
    execute(
        mariadb_database, "UPDATE employee SET badge = 'x'", "ALTER TABLE employee MODIFY badge VARCHAR(10) NOT NULL"
    )
    claim = Claims(mariadb_database, 60, 3).claim(Scope(), 10)
    outcomes = [
        StillOutcome(still_id, Status.PROCESSED, StillResult.SUCCESS, NOW, NOW, lan_id=lan_id, evidence=evidence())
        for still_id, lan_id in [(known, AGENT), *((still_id, refused) for still_id in others)]
    ]
    written = write_outcomes(mariadb_database, claim.token, outcomes, model_id=MODEL, run_id=None, processed_time=NOW)
    assert [outcome.evidence is not None for outcome in written] == [True] + [False] * len(others)
    assert all("cannot be entered" in (outcome.evidence_failure or "") for outcome in written[1:])


def test_a_still_without_a_time(database: Database) -> None:
    """A still whose capture time is not known has evidence, in no window."""
    (still_id,) = enter(database)
    change(database, [still_id], capture_time=None)
    claim = Claims(database, 60, 3).claim(Scope(), 10)
    done = StillOutcome(still_id, Status.PROCESSED, StillResult.SUCCESS, NOW, NOW, lan_id=AGENT, evidence=evidence())
    assert write_outcomes(database, claim.token, [done], model_id=MODEL, run_id=None, processed_time=NOW) == [done]
    assert window(database, HOUR, HOUR + timedelta(days=1)) == []


def _same(still: StoredStill, wanted: KeptEvidence) -> bool:
    found, face, other = still.evidence, still.evidence.face, wanted.face
    assert face is not None
    assert other is not None
    return (
        (found.num_faces, found.sha256, found.pixel_hash) == (wanted.num_faces, wanted.sha256, wanted.pixel_hash)
        and (found.perceptual_hash, found.source) == (wanted.perceptual_hash, wanted.source)
        and (face.box, face.sharpness, face.brightness) == (other.box, other.sharpness, other.brightness)
        and np.array_equal(face.landmarks, other.landmarks)
        and np.array_equal(face.chip, other.chip)
        and np.array_equal(face.features, other.features)  # type: ignore[arg-type]
        and face.features_id == other.features_id
        and np.array_equal(face.thumbnail, other.thumbnail)  # type: ignore[arg-type]
        and face.picture_width == other.picture_width
        and (face.attack_score, face.attack_model_id) == (other.attack_score, other.attack_model_id)
    )
