"""Two engines over the same stills, in turns: how fast each is, and where they decide differently."""

import itertools
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from biosense_pipeline.evaluation.cameras import Camera, Capture
from biosense_pipeline.lan_ids import agent_key
from biosense_pipeline.matching.benchmark import Reference, TrainingImageFacts
from biosense_pipeline.matching.rule import Rule
from biosense_pipeline.settings import Settings
from biosense_pipeline.store.stills.claims import ClaimedStill
from biosense_pipeline.vision.examine import Examination, Examiner
from biosense_pipeline.vision.faces import FULL_LOOK, Look, Picture
from biosense_pipeline.workflows.judge import judge
from biosense_pipeline.workflows.looks import Looks

#: Stills that one engine takes before it is the other's turn.
_TURN = 24


@dataclass
class Contender:
    """An engine, the references it compares with, and what it did so far.

    Attributes:
        evidence: keep of each still what a drain keeps (see ``vision.presentation``).
        turns: how many stills each turn had, and the seconds that it took.
        examinations: the last one of each still, by number.
        stages: milliseconds of each still by stage.
    """

    examiner: Examiner
    settings: Settings
    references: dict[str, Reference] = field(default_factory=dict)
    evidence: bool = False
    turns: list[tuple[int, float]] = field(default_factory=list)
    examinations: dict[int, Examination] = field(default_factory=dict)
    stages: dict[str, list[float]] = field(default_factory=dict)
    looks: Looks = field(init=False)

    def __post_init__(self) -> None:
        self.looks = Looks(self.settings)

    @property
    def rate(self) -> float:
        """Stills a second over all turns."""
        return sum(stills for stills, _ in self.turns) / sum(seconds for _, seconds in self.turns)

    @property
    def rates(self) -> list[float]:
        """Stills a second of each turn."""
        return [stills / seconds for stills, seconds in self.turns]

    def enrol(self, cameras: Sequence[Camera]) -> None:
        """Encode each agent's benchmark; this also loads the models."""
        pictures = [Picture(number, camera.benchmark) for number, camera in enumerate(cameras)]
        for number, examination in self.examiner.examine(pictures):
            if len(examination.faces) == 1:
                image = TrainingImageFacts(number + 1, False, None, examination.faces[0].encoding)
                self.references[cameras[number].lan_id] = Reference.of([image], self.settings.tolerance)

    def take(self, turn: Sequence[Capture]) -> None:
        """Examine and decide the stills of one turn, as a drain does with a claim."""
        begin = time.perf_counter()
        by_number = {capture.number: capture for capture in turn}
        # Looks are chosen as late as the examiner reads, so that they know as much as they can.
        again = self._decide(by_number, (self._picture(c, self.looks.choose(_claimed(c))) for c in turn))
        while again:
            again = self._decide(by_number, [self._picture(by_number[key], look) for key, look in again.items()])
        self.turns.append((len(turn), time.perf_counter() - begin))
        for capture in turn:
            for stage, value in self.examinations[capture.number].milliseconds.items():
                self.stages.setdefault(stage, []).append(value)

    def _picture(self, capture: Capture, look: Look) -> Picture:
        return Picture(capture.number, capture.image, replace(look, evidence=self.evidence))

    def _decide(self, captures: dict[int, Capture], pictures: Iterable[Picture]) -> dict[int, Look]:
        again = {}
        for number, examination in self.examiner.examine(pictures):
            still = _claimed(captures[number])
            reference = self.references[captures[number].camera.lan_id]
            outcome = judge(still, reference, examination, self.settings, Rule(self.settings.tolerance))
            if look := self.looks.needed(still, examination, outcome):
                again[number] = look
            if number in self.examinations:
                examination = examination.after(self.examinations[number])
            self.examinations[number] = examination
        return again


@dataclass(frozen=True)
class Disagreement:
    """A still that is one agent for one contender and not for the other; distances of the nearest face, or None."""

    still: str
    compared_with: str
    faces: tuple[int, int]
    distances: tuple[float | None, float | None]


@dataclass(frozen=True)
class Agreement:
    """How many decisions agree, of every still with every agent, and those that do not."""

    decisions: int
    disagreements: list[Disagreement]

    @property
    def agreeing(self) -> int:
        return self.decisions - len(self.disagreements)


def alternate(
    contenders: Sequence[Contender], stills: Sequence[Capture], on_progress: Callable[[int], None] = lambda done: None
) -> None:
    """Let the contenders take the stills in turns, so that a machine that slows down slows down both."""
    done = 0
    waiting = iter(stills)
    while turn := list(itertools.islice(waiting, _TURN)):
        for contender in contenders:
            contender.take(turn)
        done += len(turn)
        on_progress(done)


def compare(one: Contender, other: Contender, stills: Sequence[Capture]) -> Agreement:
    """Decide each still for each agent who has a reference with both contenders."""
    agents = sorted(one.references.keys() & other.references.keys())
    disagreements = []
    for capture in stills:
        for lan_id in agents:
            nearest = tuple(_nearest(contender, capture.number, lan_id) for contender in (one, other))
            matches = [
                distance is not None and distance <= contender.settings.tolerance
                for contender, distance in zip((one, other), nearest, strict=True)
            ]
            if matches[0] != matches[1]:
                counts = tuple(len(contender.examinations[capture.number].faces) for contender in (one, other))
                disagreements.append(
                    Disagreement(capture.name, lan_id, (counts[0], counts[1]), (nearest[0], nearest[1]))
                )
    return Agreement(len(stills) * len(agents), disagreements)


def quick_and_full(examiner: Examiner, contender: Contender, stills: Sequence[Capture]) -> list[float]:
    """By how much a quick look's distance to the own agent is larger than a full look's, still by still.

    Args:
        examiner: of the contender's engine.
        contender: has examined the stills; those that a quick look settled count.
    """
    quick = [still for still in stills if not contender.examinations[still.number].full]
    differences = []
    full = dict(examiner.examine([Picture(still.number, still.image, FULL_LOOK) for still in quick]))
    for still in quick:
        reference = contender.references[still.camera.lan_id]
        found = [contender.examinations[still.number].faces, full[still.number].faces]
        if all(len(faces) == 1 for faces in found):
            near, exact = (reference.nearest([faces[0].encoding])[0].distance for faces in found)
            differences.append(near - exact)
    return differences


def _nearest(contender: Contender, number: int, lan_id: str) -> float | None:
    faces = contender.examinations[number].faces
    found = contender.references[lan_id].nearest([face.encoding for face in faces])
    return min((nearest.distance for nearest in found), default=None)


def _claimed(capture: Capture) -> ClaimedStill:
    return ClaimedStill(capture.number, agent_key(capture.camera.lan_id), capture.captured, 1)
