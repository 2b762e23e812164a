"""IMPERSONATION: at which still the evidence for a species passes its bound, and how long it stays there.

A still passes where its window does and, of frozen and repeated pictures, it is one itself: what was seen stays in
the windows of some stills after it. A finding is made once for an excursion: at a still that passes, if none of
those within a window's length before it did. It lasts until the last still that passes without a pause as long as a
window. So what is found follows from the stills of an hour or so, wherever the analysis begins.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from biosense_pipeline.codes import WINDOW_BY_WINDOW, Species
from biosense_pipeline.matching.evidence.presentation import alarms
from biosense_pipeline.matching.evidence.still import Evidence, EvidenceStill
from biosense_pipeline.matching.evidence.stretch import Stretch

#: Species that are looked for; a screen where the operator measured a score of his own on screens, and else never.
JUDGED = (Species.FROZEN, Species.LOOP, Species.PRINT, Species.SCREEN, Species.SOURCE_CHANGE)
#: A window of fewer stills is not judged.
FEWEST = 3


@dataclass(frozen=True)
class Excursion:
    """A stretch of stills whose windows pass the bound of a species.

    Attributes:
        first, last: the stills that pass; where it began before what was analysed, the first one analysed.
        found: what the window that ends with ``first`` says.
        begun: capture time of the earliest still by whose window it may have begun; None: it began with ``first``.
        windows: what the window says that ends with each still that passes, of a species of which each window says
            something of its own.
    """

    species: Species
    first: EvidenceStill
    last: EvidenceStill
    found: Evidence
    begun: datetime | None
    windows: tuple[tuple[EvidenceStill, float], ...] = ()


def passes(evidence: Evidence | None, still: EvidenceStill, bound: float) -> bool:
    """Whether the evidence of the window that ends with the still is a finding.

    A print or a screen is one where ``presentation.alarms`` says so. A change of the source is one whatever the bound:
    what it says is limited by what is assumed, and it is told as what it is.
    """
    if evidence is None or evidence.llr <= 0 or not evidence.still_ids:
        return False
    if evidence.species in (Species.PRINT, Species.SCREEN):
        return alarms(evidence.numbers["spreads"], evidence.llr)
    if evidence.species is Species.SOURCE_CHANGE:
        return True
    return evidence.llr >= bound and evidence.still_ids[-1] == still.still_id


def excursions(stretch: Stretch, start: datetime, end: datetime, bound: float) -> list[Excursion]:
    """The excursions of the stills captured in ``[start, end)``, by time of the first still and species.

    Args:
        stretch: holds these, and of those before them two windows and the hour before these.
        bound: log-likelihood ratio that FROZEN and LOOP have to reach.
    """
    positions = [
        position
        for position, still in enumerate(stretch.stills)
        if start <= still.captured < end and len(stretch.window(position)) >= FEWEST
    ]
    stretch.prepare(positions)
    found = [excursion for species in JUDGED for excursion in _excursions(stretch, positions, species, bound)]
    return sorted(found, key=lambda excursion: (excursion.first.captured, excursion.first.still_id, excursion.species))


def _excursions(stretch: Stretch, positions: Sequence[int], species: Species, bound: float) -> list[Excursion]:
    def passing(position: int) -> bool:
        if len(stretch.window(position)) < FEWEST or not stretch.may_speak(position, species):
            return False
        return passes(stretch.evidence(position, species), stretch.stills[position], bound)

    found: list[Excursion] = []
    last: int | None = None
    for position in filter(passing, positions):
        still, before = stretch.stills[position], stretch.before(position)
        evidence = stretch.evidence(position, species)
        assert evidence is not None
        says = ((still, evidence.llr),) if species in WINDOW_BY_WINDOW else ()
        if last in before:
            found[-1] = replace(found[-1], last=still, windows=(*found[-1].windows, *says))
        else:
            # The windows before the first one that was analysed are asked only where something passes.
            begun = [earlier for earlier in before if passing(earlier)]
            since = stretch.stills[before[0]].captured if begun else None
            found.append(Excursion(species, still, still, evidence, since, says))
        last = position
    return found
