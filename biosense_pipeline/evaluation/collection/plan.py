"""What a session of collecting asks for: who, when, what is shown to the camera, and where the stills go.

The folders are those that ``biosense evaluate attacks`` reads: one for genuine stills, one for earlier genuine ones
and one for each species, each with a folder a person. A still's name begins with the number of its sitting.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from biosense_pipeline.codes import Species
from biosense_pipeline.errors import WrongUse
from biosense_pipeline.matching.evidence.baseline import FEWEST_STILLS

GENUINE, REFERENCE = "genuine", "genuine-reference"
SITTINGS = 2
#: Genuine stills of the first sitting: enough for a baseline of the person's own, should some not count later.
REFERENCE_STILLS = FEWEST_STILLS + 3
#: What may be held before a camera, by the first word of a species, and as what it would be found.
KINDS = {"print": Species.PRINT, "screen": Species.SCREEN, "replay": Species.SCREEN}
_NAME = re.compile(rf"({'|'.join(KINDS)})(-[a-z0-9]+)*")

_READY = {
    "print": "a photograph of the face, printed about life-size",
    "screen": "a photograph of the face on a phone, tablet or monitor",
    "replay": "a film of the face of ten seconds or more, on a phone, tablet or monitor",
}
_SHOWN = {
    "print": "Hold the printed photograph of {who} before the camera, where the face would be.",
    "screen": "Show the photograph of {who} to the camera on the phone, tablet or monitor, where the face would be.",
    "replay": "Play the film of {who} to the camera on the phone, tablet or monitor, over and over.",
}
_AS_AN_ATTACK = "No living face may be in the picture. Move it a little now and then, as a hand does."


@dataclass(frozen=True)
class Step:
    """Some stills of one person in one sitting, all of one kind.

    Attributes:
        person, sitting: from 1.
        kind: ``genuine``, or the name of a species.
        stills: how many.
    """

    person: int
    sitting: int
    kind: str
    stills: int

    @property
    def subject(self) -> str:
        """Whom the stills show: a number, since no name is needed."""
        return f"person{self.person}"

    @property
    def folder(self) -> str:
        """Where they go, below the session's folder; the first sitting's genuine ones make the baseline."""
        kind = REFERENCE if self.kind == GENUINE and self.sitting == 1 else self.kind
        return f"{kind}/{self.subject}"

    @property
    def instruction(self) -> str:
        """What to do, in plain words."""
        who = f"person {self.person}"
        if self.kind == GENUINE:
            return (
                f"{who.capitalize()}: sit down as you do at work and work. Look at the screen, type, turn the head, "
                "speak. Nobody else may be in the picture."
            )
        return f"{_SHOWN[_kind(self.kind)].format(who=who)} {_AS_AN_ATTACK}"


@dataclass(frozen=True)
class Plan:
    """What a session asks for.

    Attributes:
        stills: of each kind, person and sitting; of the genuine ones of the first sitting ``REFERENCE_STILLS`` at
            least.
        species: names of the kinds of attack.
    """

    people: int = 6
    stills: int = 10
    species: tuple[str, ...] = tuple(KINDS)

    def __post_init__(self) -> None:
        for name in self.species:
            if not _NAME.fullmatch(name):
                raise WrongUse(
                    f"{name!r} is no species that could be told: name print, screen or replay, with a word more where "
                    "there are several, as print-glossy."
                )
        if len(set(self.species)) < len(self.species):
            raise WrongUse("A species is named twice.")

    @property
    def steps(self) -> list[Step]:
        """In the order in which they are asked for: everybody's first sitting, then everybody's second."""
        return [
            Step(person, sitting, kind, self._number(sitting, kind))
            for sitting in range(1, SITTINGS + 1)
            for person in range(1, self.people + 1)
            for kind in (GENUINE, *self.species)
        ]

    @property
    def ready(self) -> list[str]:
        """What has to be at hand of each person, in plain words."""
        return [f"{name}: {_READY[_kind(name)]}" for name in self.species]

    def _number(self, sitting: int, kind: str) -> int:
        return max(self.stills, REFERENCE_STILLS) if kind == GENUINE and sitting == 1 else self.stills


def species_found(name: str) -> Species | None:
    """As what an attack of a folder of that name would be found; None where it is no name of a species."""
    return KINDS[_kind(name)] if _NAME.fullmatch(name) else None


def not_measured(names: Sequence[str]) -> list[str]:
    """The kinds of attack that these species leave unmeasured, in words."""
    measured = {_kind(name) for name in names}
    told = {"print": "prints", "screen": "pictures on screens", "replay": "replayed films"}
    return [*(words for kind, words in told.items() if kind not in measured), "masks"]


def _kind(name: str) -> str:
    return name.partition("-")[0]
