"""How closely each still is looked at, under the adaptive detection policy.

A first look is cheap: one view of a face, and mostly at half the still's size, where a small second face is
missed. So it only ever confirms that the agent is there alone, near enough beyond doubt. Whatever else it shows
is decided by a careful look at full size. And every agent gets a first look at full size at the first still of
a drain and then whenever the last one is over a minute of capture time old; while that showed anything but the
agent alone, or when the agent has moved, a quick one settles nothing: who makes room for somebody moves.
"""

from bisect import insort
from dataclasses import dataclass
from datetime import datetime, timedelta

from biosense_pipeline.choices import Detection, EngineName
from biosense_pipeline.codes import StillResult
from biosense_pipeline.lan_ids import agent_key
from biosense_pipeline.settings import Settings
from biosense_pipeline.store.stills.claims import ClaimedStill
from biosense_pipeline.store.stills.outcomes import StillOutcome
from biosense_pipeline.vision.examine import Examination
from biosense_pipeline.vision.faces import FULL_LOOK, Box, Look

#: After a full look older than this the next still gets one: a second person stays unseen for no longer than
#: this and the pause between two stills.
FULL_LOOK_EVERY = timedelta(minutes=1)

#: How far within the tolerance a first look has to find the agent. Its distance is larger than a careful look's,
#: which takes the mean of two views, but for differences of alignment; `biosense bench` prints by how much.
MARGIN = 0.02

#: Overlap of two boxes, as the share of their union, from which on a face counts as where it was.
_SAME_PLACE = 0.15

#: The first look at full size: at the agent, where nothing speaks against it, a careful one would show no more.
_FIRST = Look(careful=False)

#: Full looks remembered of an agent: results come a little later than looks are chosen, and not in order.
_REMEMBERED = 8


@dataclass
class _FullLook:
    """A look at an agent's still at full size, and where it, or a quick look since, found the agent alone."""

    captured: datetime
    answered: bool = False
    alone_at: Box | None = None


class Looks:
    """Remembers each agent's full looks for as long as a drain goes on."""

    def __init__(self, settings: Settings) -> None:
        self._adaptive = settings.detection is Detection.ADAPTIVE and settings.engine is not EngineName.FACE_RECOGNITION
        self._agents: dict[str, list[_FullLook]] = {}

    def choose(self, still: ClaimedStill) -> Look:
        """How to look at a still; stills of one agent are asked for in order of capture."""
        if not self._adaptive or still.capture_time is None:
            return FULL_LOOK
        last = self._last(still)
        if last and still.capture_time - last.captured <= FULL_LOOK_EVERY and (last.alone_at or not last.answered):
            return Look(full=False, careful=False, near=last.alone_at)
        self._note(still, _FullLook(still.capture_time, alone_at=last.alone_at if last else None))
        return _FIRST if last is None or last.alone_at else FULL_LOOK

    def needed(self, still: ClaimedStill, examination: Examination, outcome: StillOutcome) -> Look | None:
        """How to look at the still once more before it is decided; None where its outcome may stand."""
        if not self._adaptive or still.capture_time is None:
            return None
        last = self._last(still)
        box = examination.faces[0].box if outcome.result is StillResult.SUCCESS else None
        confirmed = box if examination.careful or _clearly(outcome) else None
        if examination.full:
            if last is None or last.captured != still.capture_time:
                last = self._note(still, _FullLook(still.capture_time))
            last.answered, last.alone_at = True, confirmed
            # A second view of no face shows no more.
            return None if examination.careful or confirmed or not examination.faces else FULL_LOOK
        if not confirmed or (last and last.answered and not last.alone_at):
            return FULL_LOOK
        if last and last.answered and last.alone_at and _overlap(confirmed, last.alone_at) >= _SAME_PLACE:
            last.alone_at = confirmed
            return None
        return _FIRST

    def _last(self, still: ClaimedStill) -> _FullLook | None:
        """The latest full look at the agent up to the still."""
        looks = self._agents.get(agent_key(still.lan_id), ())
        captured = still.capture_time
        return next((look for look in reversed(looks) if captured is not None and look.captured <= captured), None)

    def _note(self, still: ClaimedStill, look: _FullLook) -> _FullLook:
        looks = self._agents.setdefault(agent_key(still.lan_id), [])
        insort(looks, look, key=lambda noted: noted.captured)
        del looks[:-_REMEMBERED]
        return look


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
