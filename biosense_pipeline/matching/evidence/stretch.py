"""The windows of a stretch of one agent's stills, and what each says of each species.

The window of a still are the last so many stills up to it, whatever they show. It never spans a longer gap: who sat
there before says nothing of who sits there afterwards. What a window says is computed when it is asked for, once.

Each kind of evidence is itself a sequential test that the window limits: frozen and loop gather from still to still
and start anew at 0 (CUSUM; Page, 1954; limited to a window as by Lai, 1998), and the evidence of a print discounts
that stills of one sitting resemble each other. So nothing is summed up over windows that overlap, in which a still
would count several times.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

from biosense_pipeline.codes import Species
from biosense_pipeline.matching.evidence.frozen import frozen
from biosense_pipeline.matching.evidence.loop import Loops
from biosense_pipeline.matching.evidence.ordering import LOOKBACK, in_order
from biosense_pipeline.matching.evidence.print_windows import PrintWindows
from biosense_pipeline.matching.evidence.source_change import source_change
from biosense_pipeline.matching.evidence.still import Evidence, EvidenceStill

#: What may be shown in a person's stead: told apart from one another, so judged together.
_SHOWN = (Species.PRINT, Species.SCREEN)


class Stretch:
    """Stills of one agent in order, and the evidence of the window that ends with each.

    Args:
        stills: of one agent, whatever their order; each is taken once, and so is each delivery.
        window: most stills of a window.
        gap: a longer pause between two stills ends the windows before it.
        prints: judges windows for prints and screens; None: that cannot be judged.
    """

    def __init__(
        self, stills: Sequence[EvidenceStill], window: int, gap: timedelta, prints: PrintWindows | None = None
    ) -> None:
        self.stills = in_order(stills)
        self._window, self._prints = window, prints
        self._begins = _begins(self.stills, gap)
        self._loops = Loops(self.stills)
        self._evidence: dict[tuple[int, Species], Evidence | None] = {}
        self._pixels = Counter(still.pixel_hash for still in self.stills)
        self._bytes = Counter(still.sha256 for still in self.stills)

    def window(self, position: int) -> Sequence[EvidenceStill]:
        """The window that ends with the still at that position."""
        return self.stills[max(self._begins[position], position + 1 - self._window) : position + 1]

    def before(self, position: int) -> range:
        """The positions of the stills that the still there follows within a window's length, without a gap."""
        return range(max(self._begins[position], position - self._window), position)

    def evidence(self, position: int, species: Species) -> Evidence | None:
        """What the window that ends there says of the species; None where that cannot be judged."""
        key = position, species
        if key not in self._evidence and species in _SHOWN:
            shown = {} if self._prints is None else self._prints.evidence(self.window(position))
            self._evidence |= {(position, each): shown.get(each) for each in _SHOWN}
        elif key not in self._evidence:
            self._evidence[key] = self._judged(position, species)
        return self._evidence[key]

    def may_speak(self, position: int, species: Species) -> bool:
        """False where the still itself cannot be what is looked for; it is, for most, and told at little cost."""
        if species is Species.LOOP:
            return self._loops.matches(self.stills[position])
        if species is Species.FROZEN:
            still = self.stills[position]
            return still.num_faces > 0 and self._repeats(still)
        return True

    def prepare(self, positions: Sequence[int]) -> None:
        """Do for many windows at once what is faster so."""
        if self._prints is not None:
            self._prints.prepare([self.window(position) for position in positions])

    def _repeats(self, still: EvidenceStill) -> bool:
        """Whether any other still of the stretch equals it."""
        return self._pixels[still.pixel_hash] > 1 or self._bytes[still.sha256] > 1

    def _judged(self, position: int, species: Species) -> Evidence | None:
        window = self.window(position)
        if species is Species.LOOP:
            return self._loops.evidence(window)
        judge = {Species.FROZEN: frozen, Species.SOURCE_CHANGE: source_change}.get(species)
        return None if judge is None else judge(window, self._lookback(position))

    def _lookback(self, position: int) -> Sequence[EvidenceStill]:
        """The hour before the window, and no more: what is said must not hang on how much was read."""
        window = self.window(position)
        end = position + 1 - len(window)
        since = window[0].captured - LOOKBACK
        begin = end
        while begin > 0 and self.stills[begin - 1].captured >= since:
            begin -= 1
        return self.stills[begin:end]


def _begins(stills: Sequence[EvidenceStill], gap: timedelta) -> list[int]:
    """For each still the position of the first one that it follows without a longer gap."""
    begins: list[int] = []
    for position, still in enumerate(stills):
        follows = position > 0 and still.captured - stills[position - 1].captured <= gap
        begins.append(begins[-1] if follows else position)
    return begins
