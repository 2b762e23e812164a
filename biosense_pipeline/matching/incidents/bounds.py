"""How much evidence makes an incident: bounds that keep to the false alarms tolerated.

The tolerated false alarms are divided evenly among the three questions (who, whether anybody, whether a person),
and the last third among its five species.

* Who: the mean time between false alarms is computed for evidence that comes in runs (:mod:`run_length`), once for
  bare results and once for calibrated LLRs; the larger bound holds, as an agent's stills may have either.
* Whether anybody: the same, for pauses of the length assumed. By the defaults it comes to some forty minutes
  without a face: shorter absences are ordinary.
* Whether a person: the evidence comes as LLRs of windows with their own calibration, and a CUSUM of LLRs passes h
  by chance once in e^h stills at the most often (Lorden, "Procedures for reacting to a change in distribution",
  1971). That holds as far as those LLRs are right; what overlapping windows share counts once. What windows say of
  a print hangs together over a sitting, so that there are as many chances fewer as later windows are worth less: by
  default an hour's stills make half a chance.
"""

import math
from functools import lru_cache

from biosense_pipeline.codes import WINDOW_BY_WINDOW, Species, StillResult
from biosense_pipeline.matching.incidents.assumptions import Assumptions, discount
from biosense_pipeline.matching.incidents.observations import NOT_FOUND, presence_llr
from biosense_pipeline.matching.incidents.run_length import (
    OrdinaryEvidence,
    least_bound,
    ordinary_llrs,
    ordinary_results,
)

#: Identity, presence and presentation.
QUESTIONS = 3


@lru_cache(maxsize=16)
def bounds(assumptions: Assumptions) -> dict[Species, float]:
    """The LLR at which an incident of each species opens. Takes a second the first time."""
    stills = QUESTIONS * assumptions.stills_per_false_alarm
    who = max(least_bound(kind(assumptions), stills) for kind in (ordinary_results, ordinary_llrs))
    return {
        # However many false alarms are tolerated: two stills never make an incident.
        Species.UNKNOWN_PERSON: max(who, 2.01 * assumptions.largest_llr),
        Species.ABSENT: least_bound(ordinary_pauses(assumptions), stills),
        **dict.fromkeys(NOT_FOUND, _by_chance_once_in(stills)),
        **dict.fromkeys(WINDOW_BY_WINDOW, _by_chance_once_in(stills * discount(assumptions.sitting_correlation))),
    }


def _by_chance_once_in(stills: float) -> float:
    return math.log(max(math.e, len(NOT_FOUND) * stills))


def ordinary_pauses(assumptions: Assumptions) -> OrdinaryEvidence:
    """Presence of an agent at work, who is out of the picture now and then."""
    values = (
        presence_llr(StillResult.NO_FACES_FOUND, assumptions),
        presence_llr(StillResult.SUCCESS, assumptions),
    )
    shares = (assumptions.no_face_share, 1 - assumptions.no_face_share)
    return OrdinaryEvidence(values, shares, assumptions.pause_correlation, exceptions=True)
