"""Source change: in the middle of a sitting the pictures begin to come from elsewhere, and go on to.

What encoded a picture, its size and sampling, is the same from still to still while camera and client are. Somebody
who puts a virtual camera or a file in their place changes it; so does an agent who plugs in another camera, or a
client that updates itself. There is no data on how often honest agents do: the ratio is an assumption, kept so low
that it asks for attention and does not accuse by itself.
"""

from collections.abc import Sequence
from datetime import timedelta

import numpy as np

from biosense_pipeline.codes import Species
from biosense_pipeline.matching.evidence.ordering import in_order
from biosense_pipeline.matching.evidence.still import Evidence, EvidenceStill

#: A longer gap ends a sitting: who comes back may have another desk, camera or client.
SITTING_GAP = timedelta(minutes=15)
#: Stills with one signature before the change, and with another after it, until it counts as one that stays.
LEAST_BEFORE, LEAST_AFTER = 10, 3
#: Assumed: of the sittings with an injected picture half begin with the camera and change; an honest agent's
#: source changes in one of forty sittings.
ATTACK_RATE, HONEST_RATE = 0.5, 0.025
CHANGED = float(np.log(ATTACK_RATE / HONEST_RATE))


def source_change(window: Sequence[EvidenceStill], lookback: Sequence[EvidenceStill] = ()) -> Evidence:
    """What the signature of the source says of a window.

    The last still's sitting must have one signature throughout, then another one throughout; the change must lie in
    the window. Two cameras in turns, a client whose compression differs from still to still, and a change over a
    gap of more than 15 minutes are no evidence: 0.

    Args:
        lookback: the stills of the hour before the window; those of the window may be among them.

    Returns:
        3.0 or 0; ``numbers``: stills of the sitting ``before`` and ``after`` the change, 0 where there is none, and
        how many ``sources`` the sitting has. ``still_ids``: the last one before the change and those after it.
    """
    inside = {still.still_id for still in window}
    sitting = _last_sitting([still for still in in_order(lookback, window) if still.source])
    sources = [still.source for still in sitting]
    numbers = {"before": 0.0, "after": 0.0, "sources": float(len(set(sources)))}
    none = Evidence(Species.SOURCE_CHANGE, 0.0, numbers, ())
    if len(set(sources)) != 2:
        return none
    change = next(position for position, source in enumerate(sources) if source != sources[0])
    before, after = sitting[:change], sitting[change:]
    # With two signatures in all, one change means one each side.
    if sources[change:].count(sources[0]) or len(before) < LEAST_BEFORE or len(after) < LEAST_AFTER:
        return none
    if after[0].still_id not in inside:
        return none
    numbers = {**numbers, "before": float(len(before)), "after": float(len(after))}
    shown = (before[-1], *(still for still in after if still.still_id in inside))
    return Evidence(Species.SOURCE_CHANGE, CHANGED, numbers, tuple(still.still_id for still in shown))


def _last_sitting(stills: Sequence[EvidenceStill]) -> Sequence[EvidenceStill]:
    first = len(stills) - 1
    while first > 0 and stills[first].captured - stills[first - 1].captured <= SITTING_GAP:
        first -= 1
    return stills[max(first, 0) :]
