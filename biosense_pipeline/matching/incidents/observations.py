"""What one still says of each species: log-likelihood ratios, positive for the incident.

* Stills that failed or wait say nothing, and no time passes by them.
* Several faces: where the agent is among them, the agent is there, with others. That is a little less sure than
  with one face, since each face is another chance of a false match: ln(faces) is taken off what speaks for the
  agent. Where none is the agent, the nearest one's LLR says at most how much speaks against it.
* A still without a face says nothing of who is there, only that nobody is.
* A finding is told once, with the still at which it was made. As long as it lasts each further still adds its share
  of a window that says the same; of a print, what its own window says.
* No finding of an attack speaks a little against the attack, as it might have been found.
"""

import math
from collections.abc import Container, Iterator
from typing import NamedTuple

from biosense_pipeline.codes import FAILED_RESULTS, VERIFIED_RESULTS, Species, StillResult
from biosense_pipeline.matching.incidents.assumptions import Assumptions
from biosense_pipeline.matching.incidents.stills import IncidentStill, PresentationFinding

#: Assumed share of stills without a face where nobody is; in the others a picture on the wall is taken for a face.
NO_FACE_WHEN_ABSENT = 0.98

#: LLR of a still without a finding. Equal pixels and loops are found within three stills, nearly always. Of the others
#: it is assumed, as no real ones were measured, that a window of twelve finds nine of ten, so that a window without a
#: finding is worth ln 0.1 and a still a twelfth of it.
NOT_FOUND = {
    Species.FROZEN: math.log(0.01),
    Species.LOOP: math.log(0.01) / 3,
    Species.PRINT: math.log(0.1) / 12,
    Species.SCREEN: math.log(0.1) / 12,
    Species.SOURCE_CHANGE: math.log(0.1) / 12,
}
#: Those that only a still with a face says anything of.
_ON_FACES = (Species.PRINT, Species.SCREEN)
#: What another camera makes somewhat more probable besides.
WITH_ANOTHER_SOURCE = (Species.UNKNOWN_PERSON, Species.PRINT, Species.SCREEN)


class Observation(NamedTuple):
    """What a still says of one species.

    Attributes:
        rests_on: a word for it: the still's result, or the species found.
        finding: of a window of stills, where it is that; what of it is new decides its weight.
    """

    species: Species
    llr: float
    rests_on: str
    finding: PresentationFinding | None = None


def observations(
    still: IncidentStill, assumptions: Assumptions, suspected: Container[Species] = NOT_FOUND
) -> Iterator[Observation]:
    """What the still says; of some species nothing, of some twice.

    Args:
        suspected: attacks of which there is evidence; of others it need not be said that they were not found.

    What a changed source adds comes first: where the agent is recognised all the same, that takes it back.
    """
    if still.result is None or still.result in FAILED_RESULTS:
        return
    yield from _another_source(still, assumptions)
    who = identity_llr(still.result, still.llr, still.num_faces or 1, assumptions)
    if who is not None:
        yield Observation(Species.UNKNOWN_PERSON, who, still.result)
    yield Observation(Species.ABSENT, presence_llr(still.result, assumptions), still.result)
    yield from _presentation(still, suspected)


def identity_llr(result: StillResult, llr: float | None, faces: int, assumptions: Assumptions) -> float | None:
    """LLR for somebody else in the agent's place; None without a face.

    Args:
        llr: of the nearest face, positive for the agent; None: from the result, by the rates assumed.
        faces: in the still, 1 or more.
    """
    if result is StillResult.NO_FACES_FOUND:
        return None
    if llr is None:
        for_agent = -(assumptions.acceptance if result in VERIFIED_RESULTS else assumptions.rejection)
    else:
        for_agent = llr
    if for_agent > 0:
        for_agent = max(0.0, for_agent - math.log(max(1, faces)))
    return max(-assumptions.largest_llr, min(assumptions.largest_llr, -for_agent))


def presence_llr(result: StillResult, assumptions: Assumptions) -> float:
    """LLR for an empty place, of a still that was examined."""
    if result is StillResult.NO_FACES_FOUND:
        return math.log(NO_FACE_WHEN_ABSENT / assumptions.no_face_share)
    return math.log((1 - NO_FACE_WHEN_ABSENT) / (1 - assumptions.no_face_share))


def _presentation(still: IncidentStill, suspected: Container[Species]) -> Iterator[Observation]:
    found = {finding.species: finding for finding in still.findings}
    for species, not_found in NOT_FOUND.items():
        finding = found.get(species)
        if finding is not None and finding.goes_on and species is Species.SOURCE_CHANGE:
            continue  # the windows after a change still hold it, and say nothing new
        if finding is not None:
            yield Observation(species, finding.llr, species, finding)
        elif species in suspected and (species not in _ON_FACES or still.result is not StillResult.NO_FACES_FOUND):
            yield Observation(species, not_found, "no finding")


def _another_source(still: IncidentStill, assumptions: Assumptions) -> Iterator[Observation]:
    """It only adds: limited as a still is, so that no other species opens by it alone."""
    for source in still.findings:
        if source.species is Species.SOURCE_CHANGE and not source.goes_on:
            for species in WITH_ANOTHER_SOURCE:
                yield Observation(species, min(source.llr, assumptions.largest_llr), Species.SOURCE_CHANGE, source)
