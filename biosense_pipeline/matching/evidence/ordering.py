"""Stills in their order, each once, before they are held against each other."""

from collections.abc import Sequence
from datetime import timedelta

from biosense_pipeline.matching.evidence.still import EvidenceStill

#: How far back a still is held against earlier ones.
LOOKBACK = timedelta(hours=1)


def in_order(*stills: Sequence[EvidenceStill]) -> list[EvidenceStill]:
    """The stills in order of capture time and id, each id once, and each delivery once.

    A client that does not hear that its upload arrived sends the same file again with the same capture time: that
    is one still, the one with the lowest id, and no repetition.
    """
    by_id = {still.still_id: still for group in stills for still in group}
    ordered = sorted(by_id.values(), key=lambda still: (still.captured, still.still_id))
    seen: set[tuple[object, bytes]] = set()
    kept = []
    for still in ordered:
        delivery = (still.captured, still.sha256)
        if delivery not in seen:
            seen.add(delivery)
            kept.append(still)
    return kept


def earlier_than(stills: Sequence[EvidenceStill], position: int) -> Sequence[EvidenceStill]:
    """The stills before that position, of the hour before its capture."""
    since = stills[position].captured - LOOKBACK
    first = position
    while first > 0 and stills[first - 1].captured >= since:
        first -= 1
    return stills[first:position]
