"""Which stills a quick look is enough for."""

from datetime import datetime, timedelta

import numpy as np
import pytest

from biosense_pipeline.codes import StillResult
from biosense_pipeline.settings import Settings
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.scope import Scope
from biosense_pipeline.store.stills.claims import ClaimedStill
from biosense_pipeline.store.stills.outcomes import Comparison, StillOutcome
from biosense_pipeline.vision.examine import Examination, Fault
from biosense_pipeline.vision.faces import FULL_LOOK, Box, Face, Look
from biosense_pipeline.workflows.drain import drain
from biosense_pipeline.workflows.looks import FULL_LOOK_EVERY, MARGIN, Looks
from biosense_pipeline_tests.conftest import HOUR
from biosense_pipeline_tests.workflows.fakes import AGENT, PreparedExaminer, bench_with, capture, outcomes

PLACE: Box = (100, 100, 200, 200)
QUICK_THERE = Look(full=False, careful=False, near=PLACE)
FIRST_LOOK = Look(careful=False)


def still(seconds: float = 0, lan_id: str = AGENT) -> ClaimedStill:
    """A still captured so long after the first."""
    return ClaimedStill(1, lan_id, HOUR + timedelta(seconds=seconds), 1)


def examined(full: bool, *boxes: Box, careful: bool = False) -> Examination:
    """An examination with these faces."""
    faces = [Face(box, np.zeros((5, 2)), np.zeros(4)) for box in boxes]
    return Examination(faces, full=full, careful=careful)


def decided(result: StillResult = StillResult.SUCCESS, distance: float | None = 0.3) -> StillOutcome:
    """An outcome at a tolerance of 0.5."""
    return StillOutcome(
        1, result.status, result, datetime.min, datetime.min, comparison=Comparison(1, distance, 0.5, [], 1.0)
    )


@pytest.fixture
def looks() -> Looks:
    """Adaptive looks, after a look at full size that found the agent alone."""
    looks = Looks(Settings(detection="adaptive"))
    assert looks.choose(still()) == FIRST_LOOK
    assert looks.needed(still(), examined(True, PLACE), decided()) is None
    return looks


def test_a_full_look_once_a_minute(looks: Looks) -> None:
    """For a minute after a look at full size stills are looked at quickly, then comes one at full size again."""
    every = FULL_LOOK_EVERY.total_seconds()
    assert [looks.choose(still(seconds)) for seconds in (10, 20, every)] == [QUICK_THERE] * 3
    assert looks.choose(still(every + 1)) == FIRST_LOOK
    assert looks.choose(still(every + 10)) == QUICK_THERE


def test_each_agent_has_looks_of_its_own(looks: Looks) -> None:
    """The first still of another agent is looked at in full size; the agent's spelling does not matter."""
    assert looks.choose(still(10, "NA\\other")) == FIRST_LOOK
    assert looks.choose(still(10, AGENT.upper())) == QUICK_THERE


def test_a_still_of_no_known_time_gets_a_full_look(looks: Looks) -> None:
    """Without a capture time nobody knows how long ago the last full look was."""
    assert looks.choose(ClaimedStill(1, AGENT, None, 1)) == FULL_LOOK


@pytest.mark.parametrize("values", [{"detection": "full"}, {"detection": "reference"}, {"engine": "face_recognition"}])
def test_other_policies_have_no_quick_looks(values: dict[str, str]) -> None:
    """Only the adaptive policy takes quick looks, and the library face_recognition knows none."""
    looks = Looks(Settings.model_validate(values))
    assert [looks.choose(still(seconds)) for seconds in (0, 10, 20)] == [FULL_LOOK] * 3


@pytest.mark.parametrize(
    ("examination", "outcome", "look"),
    [
        (examined(False, PLACE), decided(distance=0.5 - MARGIN + 0.001), FULL_LOOK),
        (examined(False, PLACE), decided(StillResult.UNKNOWN_PERSON, 0.7), FULL_LOOK),
        (examined(False, PLACE, (300, 100, 400, 200)), decided(StillResult.SUCCESS_MULTIPLE_FACES), FULL_LOOK),
        (examined(False), decided(StillResult.NO_FACES_FOUND, None), FULL_LOOK),
        (examined(False, (300, 100, 400, 200)), decided(), FIRST_LOOK),
        (examined(False, (90, 90, 125, 125)), decided(), FIRST_LOOK),
    ],
    ids=["hardly within", "unknown", "two faces", "no face", "elsewhere", "much smaller"],
)
def test_a_quick_look_only_confirms(looks: Looks, examination: Examination, outcome: StillOutcome, look: Look) -> None:
    """A quick look that shows anything but the agent, near enough and where the agent was, settles nothing.

    Where only the place is another, the first look at full size comes next; else a careful one.
    """
    assert looks.needed(still(10), examination, outcome) == look


def test_a_quick_look_follows_the_agent(looks: Looks) -> None:
    """A face that drifts still by still stays where it was."""
    for shift in range(20, 200, 20):
        assert looks.needed(still(shift), examined(False, (100 + shift, 100, 200 + shift, 200)), decided()) is None


@pytest.mark.parametrize(
    ("boxes", "outcome"),
    [
        ([PLACE], decided(distance=0.5 - MARGIN + 0.001)),
        ([PLACE], decided(StillResult.UNKNOWN_PERSON, 0.7)),
        ([PLACE, (300, 100, 400, 200)], decided(StillResult.SUCCESS_MULTIPLE_FACES)),
    ],
    ids=["hardly within", "unknown", "two faces"],
)
def test_a_careful_look_has_the_last_word(looks: Looks, boxes: list[Box], outcome: StillOutcome) -> None:
    """At full size, too, one view of a face only confirms; what two views show is decided."""
    assert looks.needed(still(60), examined(True, *boxes), outcome) == FULL_LOOK
    assert looks.needed(still(60), examined(True, *boxes, careful=True), outcome) is None


def test_no_face_at_full_size_is_no_face(looks: Looks) -> None:
    """Where nothing was found at full size, a careful look would find no more."""
    assert looks.needed(still(60), examined(True), decided(StillResult.NO_FACES_FOUND, None)) is None


@pytest.mark.parametrize(
    ("examination", "result"),
    [
        (examined(True, PLACE, (300, 100, 400, 200), careful=True), StillResult.SUCCESS_MULTIPLE_FACES),
        (examined(True, PLACE, careful=True), StillResult.UNKNOWN_PERSON),
        (examined(True), StillResult.NO_FACES_FOUND),
        (Examination(fault=Fault.UNREADABLE), StillResult.UNREADABLE_IMAGE),
    ],
)
def test_after_anything_else_every_look_is_careful(looks: Looks, examination: Examination, result: StillResult) -> None:
    """While the last look at full size showed anything but the agent alone, no quick look is begun or settles."""
    assert looks.needed(still(60), examination, decided(result)) is None
    assert looks.needed(still(70), examined(False, PLACE), decided()) == FULL_LOOK
    assert looks.choose(still(80)) == FULL_LOOK


def test_a_look_without_its_answer_settles_nothing(looks: Looks) -> None:
    """While the minute's look at full size is under way its stills may be looked at, but not settled, quickly."""
    looks.choose(still(61))
    assert looks.choose(still(71)) == QUICK_THERE
    assert looks.needed(still(71), examined(False, PLACE), decided()) == FIRST_LOOK
    assert looks.needed(still(61), examined(True, PLACE), decided()) is None
    assert looks.needed(still(71), examined(False, PLACE), decided()) is None


def test_a_drain_looks_quickly_and_once_more(enrolled: Database) -> None:
    """In a drain the agent's stills are settled by quick looks, and a stranger's by a careful one after that."""
    ids = capture(enrolled, b"agent", b"agent", b"agent again", b"stranger", b"agent")
    examiner = PreparedExaminer()
    report = drain(bench_with(enrolled, examiner, detection="adaptive", commit_size=50), Scope())
    assert [result for _, result in outcomes(enrolled, ids)] == [
        StillResult.SUCCESS,
        StillResult.SUCCESS,
        StillResult.SUCCESS,
        StillResult.UNKNOWN_PERSON,
        StillResult.SUCCESS,
    ]
    _, *examined_stills = examiner.examined
    assert examined_stills == [*ids, ids[3]]
    assert [(look.full, look.careful) for look in examiner.looks[1:]] == [
        (True, False),
        *[(False, False)] * 4,
        (True, True),
    ]
    assert (report.quick, report.further_looks) == (3, 1)
