"""The working day of the demo: six agents, two hours, two hundred stills, and what is to come of each.

Over several stills two things are to be found: somebody else in an agent's seat for a quarter of an hour, and a
camera that freezes. What comes of each still by itself shows the first as single rejections and the second not at all.
Beside the training images of the enrolled agents there are two that nobody approved, so that the desk has
something to decide.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from biosense_pipeline.codes import StillResult
from biosense_pipeline.demo import frames
from biosense_pipeline.demo.frames import Person

#: A fixed Monday: the day is the same whenever it is seeded.
HOURS = (datetime(2026, 3, 2, 9), datetime(2026, 3, 2, 10))
ENROLLED_AT = datetime(2026, 3, 1, 15)

_LEADS = {"NA": "Nora North", "EU": "Elias East", "AP": "Ama Pace"}


@dataclass(frozen=True)
class Agent:
    """An agent of the demo. ``training``: the enrolment picture, if any."""

    lan_id: str
    name: str
    person: Person
    training: Callable[[], bytes] | None

    @property
    def team_lead(self) -> str:
        """Each region has a lead."""
        return _LEADS[self.lan_id.split("\\")[0]]


@dataclass(frozen=True)
class PlannedStill:
    """A still and the result that recognition has to find."""

    lan_id: str
    capture_time: datetime
    image: bytes
    expected: StillResult


AGENTS = (
    Agent("NA\\vep5898", "Eileen Collins", Person.COLLINS, lambda: frames.training_picture(Person.COLLINS)),
    Agent("NA\\kho2114", "Grace Hopper", Person.HOPPER, lambda: frames.training_picture(Person.HOPPER)),
    Agent("EU\\mar0770", "Barack Obama", Person.OBAMA, lambda: frames.training_picture(Person.OBAMA)),
    Agent("EU\\jbd4321", "Joe Biden", Person.BIDEN, lambda: frames.training_picture(Person.BIDEN)),
    Agent("AP\\new0001", "Not enrolled yet", Person.HOPPER, None),
    Agent("AP\\cup0042", "Enrolled with a cup of coffee", Person.OBAMA, lambda: frames.empty_frame(0)),
)
LAN_IDS = tuple(agent.lan_id for agent in AGENTS)


@dataclass(frozen=True)
class Undecided:
    """A training image of the demo that nobody approved. ``rejected``: why not; None where it still waits."""

    lan_id: str
    capture_time: datetime
    picture: Callable[[], bytes]
    rejected: str | None


#: What was sent in for the agent who is not enrolled yet. That the second shows a colleague who is enrolled
#: already is for its checks to find out.
UNDECIDED = (
    Undecided(
        "AP\\new0001",
        ENROLLED_AT,
        lambda: frames.training_picture(Person.BIDEN),
        "This is somebody else. Please take the picture again, of yourself.",
    ),
    Undecided("AP\\new0001", ENROLLED_AT + timedelta(hours=1), lambda: frames.own_frame(Person.HOPPER, 90_001), None),
)

#: Whose camera freezes in which hour, for how many stills, and the picture that it goes on sending.
_FREEZES, _FROZEN_STILLS, _FROZEN_SEED = (Person.OBAMA, 1), 5, 90_002

Shot = tuple[Callable[[int], bytes], StillResult]


def plan() -> Iterator[PlannedStill]:
    """Every still of the day, agent after agent, in order of capture."""
    for position, agent in enumerate(AGENTS):
        for hour_number, hour in enumerate(HOURS):
            shots = _shots(agent, hour_number)
            step = timedelta(hours=1) / len(shots)
            for number, (make, expected) in enumerate(shots):
                seed = 10_000 * position + 1_000 * hour_number + number
                captured = hour + number * step + timedelta(seconds=position)
                yield PlannedStill(agent.lan_id, captured, make(seed), expected)


def planned_count() -> int:
    """How many stills :func:`plan` yields."""
    return sum(len(_shots(agent, hour)) for agent in AGENTS for hour in range(len(HOURS)))


def _shots(agent: Agent, hour: int) -> list[Shot]:
    """What the camera of an agent sees in one hour, in order."""
    own: Shot = (lambda seed: frames.own_frame(agent.person, seed), StillResult.SUCCESS)
    if agent.training is None:
        return [(own[0], StillResult.NO_TRAINING_IMAGE)] * 10
    if agent.lan_id == "AP\\cup0042":
        return [(own[0], StillResult.TRAINING_IMAGE_FAILED)] * 10
    absent: Shot = (frames.empty_frame, StillResult.NO_FACES_FOUND)
    torn: Shot = (lambda seed: frames.truncated_frame(agent.person, seed), StillResult.UNREADABLE_IMAGE)
    no_picture: Shot = (frames.not_an_image, StillResult.UNREADABLE_IMAGE)
    oversized: Shot = (lambda _seed: frames.oversized_frame(), StillResult.UNREADABLE_IMAGE)
    special: dict[tuple[Person, int], list[Shot]] = {
        (Person.COLLINS, 0): [_with(agent, Person.HOPPER), _with(agent, Person.BIDEN), absent],
        (Person.COLLINS, 1): [torn],
        (Person.HOPPER, 0): [absent, absent, no_picture],
        (Person.HOPPER, 1): [*[_somebody_else(Person.BIDEN)] * 5, _strangers(Person.BIDEN, Person.OBAMA), absent],
        (Person.OBAMA, 0): [oversized, absent],
        (Person.OBAMA, 1): [_with(agent, Person.COLLINS), _somebody_else(Person.HOPPER)],
        (Person.BIDEN, 0): [_strangers(Person.HOPPER, Person.COLLINS), absent],
        (Person.BIDEN, 1): [torn, no_picture, _somebody_else(Person.COLLINS), absent],
    }
    middle = special[agent.person, hour]
    before = (20 - len(middle)) // 2
    after = 20 - len(middle) - before
    # One camera freezes at the end of the day, and goes on sending its last picture.
    last = [_frozen(agent)] * _FROZEN_STILLS if (agent.person, hour) == _FREEZES else []
    return [own] * before + middle + [own] * (after - len(last)) + last


def _with(agent: Agent, other: Person) -> Shot:
    return (
        lambda seed: frames.shared_frame(agent.person, other, seed),
        StillResult.SUCCESS_MULTIPLE_FACES,
    )


def _frozen(agent: Agent) -> Shot:
    return lambda _seed: frames.own_frame(agent.person, _FROZEN_SEED), StillResult.SUCCESS


def _somebody_else(person: Person) -> Shot:
    return lambda seed: frames.own_frame(person, seed), StillResult.UNKNOWN_PERSON


def _strangers(left: Person, right: Person) -> Shot:
    return lambda seed: frames.shared_frame(left, right, seed), StillResult.UNKNOWN_MULTIPLE_FACES
