"""Frozen: a still whose pixels equal those of an earlier one. Sensor noise never repeats, so no camera made it.

Only equality counts, of the stored bytes or of the decoded pixels. A picture that is frozen and encoded anew differs
from itself by what JPEG leaves out, as much as the stills of somebody who does not move differ from each other: that
is stillness, which accuses nobody. Proof of life then says STATIC, and ``loop`` finds the picture when others lie
between its showings.

A still without a face says nothing here. A shutter, a lens cap or the logo that a client puts in the place of a
switched-off camera is the same in every still, and shows nobody who could be taken for the agent.
"""

from collections.abc import Sequence

import numpy as np

from biosense_pipeline.codes import Species
from biosense_pipeline.matching.evidence.accumulation import accumulated
from biosense_pipeline.matching.evidence.ordering import earlier_than, in_order
from biosense_pipeline.matching.evidence.still import Evidence, EvidenceStill

#: Real webcam stills among which neither bytes nor pixels were equal once.
STILLS_WITHOUT_A_REPEAT = 12_614
#: The largest rate that none in so many allows at 95 % confidence: the rule of three.
LIVE_RATE = 3.0 / STILLS_WITHOUT_A_REPEAT
#: How often a still of a frozen source repeats an earlier one; not always, as its client may restart.
FROZEN_RATE = 0.99
REPEATED = float(np.log(FROZEN_RATE / LIVE_RATE))
NOT_REPEATED = float(np.log((1.0 - FROZEN_RATE) / (1.0 - LIVE_RATE)))


def frozen(window: Sequence[EvidenceStill], lookback: Sequence[EvidenceStill] = ()) -> Evidence:
    """What repeated pictures say of a window.

    Each still with a face adds 8.3 where it repeats one of the hour before it, and takes off 4.6 where it does not;
    the sum starts anew at 0. Repeats are taken as independent: none was seen on a live camera, so neither was how
    they come together. A frozen source has 8.3 at its second still and 16.7 at its third.

    Args:
        lookback: the stills of the hour before the window; those of the window may be among them.

    Returns:
        ``numbers``: ``stills`` with a face, ``repeats`` among them. ``still_ids``: those that repeat one, and those
        of the window that they repeat.
    """
    stills = in_order(lookback, window)
    inside = {still.still_id for still in window}
    llrs, repeats = [], []
    for position, still in enumerate(stills):
        if still.still_id not in inside or still.num_faces < 1:
            continue
        earlier = _repeated(still, earlier_than(stills, position))
        llrs.append(NOT_REPEATED if earlier is None else REPEATED)
        repeats.append((still, earlier))
    llr, first = accumulated(llrs)
    counted = [(still, earlier) for still, earlier in repeats[first:] if earlier is not None]
    shown = {entry.still_id for pair in counted for entry in pair if entry is not None}
    return Evidence(
        Species.FROZEN,
        llr,
        {"stills": float(len(llrs)), "repeats": float(len(counted))},
        tuple(still.still_id for still in stills if still.still_id in shown),
    )


def _repeated(still: EvidenceStill, earlier: Sequence[EvidenceStill]) -> EvidenceStill | None:
    """The latest of the earlier stills that this one equals."""
    for other in reversed(earlier):
        if other.pixel_hash == still.pixel_hash or other.sha256 == still.sha256:
            return other
    return None
