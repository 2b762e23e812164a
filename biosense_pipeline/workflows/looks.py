"""Which stills a quick look is enough for, under the adaptive detection policy.

A quick look is cheap and misses a small second face. So it only ever confirms: where it shows anything but
the agent alone, near enough beyond doubt, the still is looked at fully before anything is decided. And
every agent gets a full look at the first still of a drain and then once a minute of capture time; while
the last full look showed anything but the agent alone, every look is a full one. So is the next one when
the agent has moved: who makes room for somebody does.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from biosense_pipeline.choices import Detection, EngineName
from biosense_pipeline.codes import StillResult
from biosense_pipeline.lan_ids import agent_key
from biosense_pipeline.settings import Settings
from biosense_pipeline.store.claims import ClaimedStill
from biosense_pipeline.store.outcomes import StillOutcome
from biosense_pipeline.vision.examine import Examination
from biosense_pipeline.vision.faces import FULL_LOOK, Box, Look

#: A second person stays unseen for no longer than this.
FULL_LOOK_EVERY = timedelta(minutes=1)

#: How far within the tolerance a quick look has to find the agent. Its distances are larger than those of a
#: full look, which compares two views; `biosense bench` prints by how much. The margin is for exceptions.
MARGIN = 0.02

#: Overlap of two boxes, as the share of their union, from which on a face counts as where it was.
_SAME_PLACE = 0.3


@dataclass
class _Agent:
    """What is known of an agent's camera: its last full look, and where the agent was alone since."""

    last_full: datetime
    alone_at: Box | None = None
    answered: bool = False


class Looks:
    """Remembers each agent's looks for as long as a drain goes on."""

    def __init__(self, settings: Settings) -> None:
        self._adaptive = settings.detection is Detection.ADAPTIVE and settings.engine is not EngineName.FACE_RECOGNITION
        self._agents: dict[str, _Agent] = {}

    def choose(self, still: ClaimedStill) -> Look:
        """How to look at a still; stills of one agent are asked for in order of capture."""
        if not self._adaptive or still.capture_time is None:
            return FULL_LOOK
        agent = self._agents.get(agent_key(still.lan_id))
        if agent and still.capture_time - agent.last_full < FULL_LOOK_EVERY and (agent.alone_at or not agent.answered):
            return Look(full=False, near=agent.alone_at)
        self._agents[agent_key(still.lan_id)] = _Agent(still.capture_time, agent.alone_at if agent else None)
        return FULL_LOOK

    def settle(self, still: ClaimedStill, examination: Examination, outcome: StillOutcome) -> bool:
        """Whether the still's outcome may stand, or the still has to be looked at fully."""
        agent = self._agents.get(agent_key(still.lan_id))
        alone = outcome.result is StillResult.SUCCESS
        if examination.full:
            if agent:
                agent.answered = True
                agent.alone_at = examination.faces[0].box if alone else None
            return True
        if not (alone and _clearly(outcome) and agent and agent.answered and agent.alone_at):
            return False
        box = examination.faces[0].box
        if _overlap(box, agent.alone_at) < _SAME_PLACE:
            return False
        agent.alone_at = box
        return True


def _clearly(outcome: StillOutcome) -> bool:
    compared = outcome.comparison
    return compared is not None and compared.distance is not None and compared.distance <= compared.tolerance - MARGIN


def _overlap(one: Box, other: Box) -> float:
    """Intersection over union, 0-1."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return width * height / (sum(areas) - width * height)
