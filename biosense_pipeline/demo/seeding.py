"""Puts the demo's day into a database, keeps stills coming, and tells whether each came out as planned."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from biosense_pipeline.codes import StillResult
from biosense_pipeline.demo import frames
from biosense_pipeline.demo.day import AGENTS, ENROLLED_AT, LAN_IDS, UNDECIDED, plan
from biosense_pipeline.errors import WrongUse
from biosense_pipeline.lan_ids import agent_key
from biosense_pipeline.store.agents.employees import describe, employee_ids
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.enrolment.approvals import hold, reject
from biosense_pipeline.store.stills.capture import (
    CapturedImage,
    empty_tables,
    enter_stills,
    enter_training_images,
    foreign_lan_id,
    without_training_image,
)
from biosense_pipeline.store.stills.results import read_results

_BATCH = 25


@dataclass(frozen=True)
class Deviation:
    """A still that did not come out as planned."""

    still_id: int
    lan_id: str
    expected: str
    found: str


def refuse_foreign(database: Database) -> None:
    """Check that the demo may delete what the database holds.

    Raises:
        WrongUse: it holds images or agents that are not the demo's.
    """
    stranger = foreign_lan_id(database, LAN_IDS)
    if stranger is not None:
        raise WrongUse(
            f"The database {database} holds images that are not the demo's (of {stranger!r}), and the demo "
            "would delete them: name another database in BIOSENSE_DATABASE_URL."
        )


def seed_day(database: Database, on_progress: Callable[[int], None] = lambda entered: None) -> dict[int, StillResult]:
    """Replace what an earlier demo left with a fresh day; returns the expected result by still id.

    Raises:
        WrongUse: the database holds images that are not the demo's; nothing is touched.
    """
    refuse_foreign(database)
    empty_tables(database)
    _register(database)
    enrol_demo_agents(database, ENROLLED_AT)
    _enter_undecided(database)
    expected: dict[int, StillResult] = {}
    stills = plan()
    while batch := list(itertools.islice(stills, _BATCH)):
        ids = enter_stills(database, [CapturedImage(still.lan_id, still.capture_time, still.image) for still in batch])
        expected.update(zip(ids, (still.expected for still in batch), strict=True))
        on_progress(len(expected))
    return expected


def enrol_demo_agents(database: Database, captured: datetime) -> None:
    """Enter the training images of those demo agents that have none."""
    images = {agent.lan_id: agent.training for agent in AGENTS if agent.training}
    missing = without_training_image(database, list(images))
    enter_training_images(
        database, [CapturedImage(lan_id, captured, images[lan_id]()) for lan_id in images if lan_id in missing]
    )


def _register(database: Database) -> None:
    """Enter the agents with their names and team leads, as a site's own list of staff would have them."""
    ids = employee_ids(database, LAN_IDS)
    describe(database, {ids[agent_key(agent.lan_id)]: (agent.name, agent.team_lead) for agent in AGENTS})


def _enter_undecided(database: Database) -> None:
    """Enter the training images that wait for a person or were rejected by one."""
    entered = enter_training_images(
        database, [CapturedImage(image.lan_id, image.capture_time, image.picture()) for image in UNDECIDED]
    )
    for image_id, image in zip(entered, UNDECIDED, strict=True):
        hold(database, [image_id], processed_time=image.capture_time)
        if image.rejected is not None:
            reject(database, image_id, image.rejected, processed_time=image.capture_time)


def deviations(database: Database, expected: dict[int, StillResult]) -> list[Deviation]:
    """The stills whose result is not the expected one, or that have none."""
    found = {row.id: row for row in read_results(database, sorted(expected))}
    return [
        Deviation(still_id, found[still_id].lan_id, result, found[still_id].result or "no result")
        for still_id, result in expected.items()
        if found[still_id].result != result
    ]


def live_frames() -> Iterator[tuple[str, bytes]]:
    """Endless (lan_id, picture) of the enrolled agents in turn; now and then someone else, or nobody."""
    enrolled = [agent for agent in AGENTS if agent.training and agent.lan_id != "AP\\cup0042"]
    rng = np.random.default_rng()
    for agent in itertools.cycle(enrolled):
        seed = int(rng.integers(1_000_000))
        chance = rng.random()
        if chance < 0.04:
            others = [other.person for other in enrolled if other.person is not agent.person]
            yield agent.lan_id, frames.own_frame(others[seed % len(others)], seed)
        elif chance < 0.08:
            yield agent.lan_id, frames.empty_frame(seed)
        else:
            yield agent.lan_id, frames.own_frame(agent.person, seed)
