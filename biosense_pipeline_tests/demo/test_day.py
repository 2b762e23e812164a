"""The demo's day: what it holds, and that it is the same every time."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from importlib.resources import files

import pytest

from biosense_pipeline.codes import StillResult
from biosense_pipeline.demo import frames
from biosense_pipeline.demo.day import AGENTS, HOURS, LAN_IDS, UNDECIDED, PlannedStill, plan, planned_count
from biosense_pipeline.demo.frames import Person


@pytest.fixture(scope="module")
def stills() -> list[PlannedStill]:
    """The whole day."""
    return list(plan())


@pytest.mark.slow
def test_two_hundred_stills_of_six_agents_in_two_hours(stills: list[PlannedStill]) -> None:
    """The day holds 200 stills of six agents in two hours, and as many are announced."""
    assert len(stills) == planned_count() == 200
    assert {still.lan_id for still in stills} == set(LAN_IDS)
    assert len(LAN_IDS) == len(AGENTS) == 6
    assert len(HOURS) == 2


@pytest.mark.slow
def test_every_result_but_one_is_planned(stills: list[PlannedStill]) -> None:
    """Every result comes up, except the one that nothing but a failure can bring."""
    assert {still.expected for still in stills} == set(StillResult) - {StillResult.PROCESSING_ERROR}


@pytest.mark.slow
def test_most_stills_show_the_agent(stills: list[PlannedStill]) -> None:
    """Most stills are what a working day is made of: the agent, alone."""
    assert Counter(still.expected for still in stills).most_common(1)[0][0] is StillResult.SUCCESS


@pytest.mark.slow
def test_every_still_lies_in_its_hour(stills: list[PlannedStill]) -> None:
    """Each agent has stills in both hours, and none outside."""
    for lan_id in LAN_IDS:
        times = [still.capture_time for still in stills if still.lan_id == lan_id]
        assert all(any(hour <= time < hour + timedelta(hours=1) for hour in HOURS) for time in times)
        assert {time.replace(minute=0, second=0) for time in times} == set(HOURS)
        assert times == sorted(set(times))


@pytest.mark.slow
def test_the_day_is_the_same_every_time(stills: list[PlannedStill]) -> None:
    """Planning the day twice gives the same bytes."""
    assert _fingerprint(iter(stills)) == _fingerprint(plan())


@pytest.mark.slow
def test_stills_differ(stills: list[PlannedStill]) -> None:
    """No two frames of people are equal, as no two of a webcam are, save the last five of the camera that freezes."""
    copies: dict[bytes, list[int]] = {}
    for number, still in enumerate(stills):
        if still.expected is StillResult.SUCCESS:
            copies.setdefault(still.image, []).append(number)
    (frozen,) = (numbers for numbers in copies.values() if len(numbers) > 1)
    agents = {stills[number].lan_id for number in frozen}
    last = [number for number, still in enumerate(stills) if {still.lan_id} == agents][-5:]
    assert (len(agents), frozen) == (1, last)


def test_something_to_decide() -> None:
    """One training image of an agent who is not enrolled was rejected with a reason, and a newer one waits."""
    rejected, waiting = UNDECIDED
    assert rejected.lan_id == waiting.lan_id
    assert {agent.training for agent in AGENTS if agent.lan_id == waiting.lan_id} == {None}
    assert (bool(rejected.rejected), waiting.rejected) == (True, None)
    assert rejected.capture_time < waiting.capture_time < HOURS[0]
    assert waiting.picture() == waiting.picture()


def test_a_training_picture_is_always_the_same() -> None:
    """A person's training picture is the same whenever it is drawn."""
    assert all(frames.training_picture(person) == frames.training_picture(person) for person in Person)


def test_every_bundled_file_is_credited() -> None:
    """CREDITS.md names every file beside it, with its terms, and no other."""
    folder = files("biosense_pipeline.demo") / "stills"
    rows = [row for row in (folder / "CREDITS.md").read_text().splitlines() if row.startswith("| `")]
    credited = {name for row in rows for name in re.findall(r"`([^`]+)`", row)}
    assert credited == {file.name for file in folder.iterdir()} - {"CREDITS.md"}
    assert all("public domain" in row or "CC0" in row for row in rows)


def _fingerprint(stills: Iterator[PlannedStill]) -> str:
    digest = hashlib.sha256()
    for still in stills:
        digest.update(f"{still.lan_id}|{still.capture_time}|{still.expected}|".encode() + still.image)
    return digest.hexdigest()
