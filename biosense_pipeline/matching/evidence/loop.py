"""Loop: chip and landmarks of a still match an earlier one that it does not follow. A recording is played again.

Encoded anew, a picture differs from itself by JPEG's losses and by the pixel that landmarks are off; a face that
comes back to where it was differs by much more, at any time. But somebody who hardly moves comes as close to many of
the earlier stills as a recording comes to itself. So a match counts only where it stands out:

- neither the still before it, of the same source, is among the matches, nor two that follow each other: what
  matches its neighbour is stillness, not repetition;
- between the matches and all other stills of the hour there is a gap. People come near in a continuum; a recording
  has the same moment once a round, and other moments.

Where successive stills match at the same lag, that is worth more: chance would have to choose the same one among all
earlier stills again.

Measured by `biosense evaluate life` on 20 clips of five people, stills half a second apart: 100 of 100 recordings of
2 stills to a whole sitting, encoded anew, are found within three stills of their second round, and none of 448
windows of live stills shows any sign of one. A recording whose rounds fall between the stills of the round before
matches less, the more its people move; one in which nobody moves for long is STATIC, not a loop.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from biosense_pipeline.codes import Species
from biosense_pipeline.matching.evidence.accumulation import accumulated
from biosense_pipeline.matching.evidence.frozen import LIVE_RATE as EQUAL_RATE
from biosense_pipeline.matching.evidence.ordering import earlier_than, in_order
from biosense_pipeline.matching.evidence.registration import (
    SIDE,
    Motion,
    PreparedChip,
    blurred_chips,
    differ_by_more,
    difference,
    flat,
    prepare_blurred,
)
from biosense_pipeline.matching.evidence.still import Evidence, EvidenceStill

#: The noise floor, what is left between chips of the same picture encoded anew, and how far its landmarks lie apart
#: at most, in distances between the eyes (root mean square).
CHIP_FLOOR, LANDMARK_FLOOR = 0.035, 0.06
#: The gap: what does not belong to the matches differs by so many times as much as they do.
_GAP = 1.5
#: Raw chips that differ by more, in spreads, are not registered; nor are more than so many, the nearest.
_FAR, _MOST_REGISTERED = 0.6, 24
#: Share of a recording's stills that match when it comes round again, not all, as its moments may lie between the
#: stills; and how often successive matches then have the same lag.
LOOP_RATE, SAME_LAG_RATE = 0.90, 0.80
#: The largest rate that no match in so many pairs of live stills allows at 95 % confidence (the rule of three). The
#: more earlier stills there are, the likelier chance finds one; that one of a given lag matches, it does not.
LIVE_PAIRS_WITHOUT_A_MATCH = 3_772
LIVE_PAIR_RATE = 3.0 / LIVE_PAIRS_WITHOUT_A_MATCH
_FEWEST_CHOICES, _MOST_CHANCE = 10, 0.5
#: Rounds differ by a step where the recording's length is no whole number of stills.
_LAG_SLACK = 1


@dataclass(frozen=True)
class _Match:
    """A still that matches an earlier one, ``lag`` stills before it."""

    still: EvidenceStill
    earlier: EvidenceStill
    lag: int


@dataclass(frozen=True, eq=False)
class _Shown:
    """The usable stills as they are compared.

    Attributes:
        landmarks: float64 (n, 5, 2). eyes: (n,), the distance between them in pixels.
        levels: (n, 1024), the chips, flat, with mean 0 and spread 1: a quick look before chips are registered.
        blurred: (n, 32, 32), the chips as they are compared.
    """

    stills: Sequence[EvidenceStill]
    landmarks: np.ndarray
    eyes: np.ndarray
    levels: np.ndarray
    blurred: np.ndarray

    @classmethod
    def of(cls, stills: Sequence[EvidenceStill]) -> "_Shown":
        """The usable ones, but for those that are dark or blown out or whose landmarks are none."""
        usable = [still for still in stills if still.usable and still.landmarks is not None]
        landmarks = np.array([still.landmarks for still in usable], dtype=np.float64).reshape(-1, 5, 2)
        chips = np.array([still.chip for still in usable], dtype=np.float64).reshape(-1, SIDE, SIDE)
        eyes = np.linalg.norm(landmarks[:, :2].mean(axis=1) - landmarks[:, 2:4].mean(axis=1), axis=1)
        levels = chips.reshape(len(usable), SIDE * SIDE)
        spreads = levels.std(axis=1)
        # Two chips that are flat as they are compared differ by nothing, which is darkness and no moment come again.
        blurred = blurred_chips(chips)
        kept = np.flatnonzero((eyes > 0) & (spreads > 0) & ~flat(blurred))
        levels = (levels[kept] - levels[kept].mean(axis=1, keepdims=True)) / spreads[kept, np.newaxis]
        return cls([usable[place] for place in kept], landmarks[kept], eyes[kept], levels, blurred[kept])


def loop(window: Sequence[EvidenceStill], lookback: Sequence[EvidenceStill] = ()) -> Evidence:
    """What repeated moments say of a window.

    A match adds the more, the fewer earlier stills chance could choose from: 4.7 with ten or fewer, 1.1 with a
    whole hour; at the lag of the match before it adds 5.7 however many there are. A still without a match takes
    off 2.3 at most, one that matches its neighbour nothing; the sum starts anew at 0.

    Args:
        lookback: the stills of the hour before the window; those of the window may be among them.

    Returns:
        ``numbers``: stills ``compared``, with how many earlier ones in ``pairs``; since the sum began ``matches`` and
        the ``lag`` of the last in stills, 0 without one. ``still_ids``: the matches, and those stills that they match.
    """
    return Loops(in_order(lookback, window)).evidence(window)


class Loops:
    """What :func:`loop` says of several windows of one agent, each still held against the others once.

    Args:
        stills: of all the windows and the hour before each, in order and each delivery once (see ``ordering``).
    """

    def __init__(self, stills: Sequence[EvidenceStill]) -> None:
        shown = _Shown.of(stills)
        self._places = {still.still_id: place for place, still in enumerate(shown.stills)}
        self._order = shown.stills
        self._comparison = _Comparison(shown)
        self._matches: dict[int, tuple[_Match | None, int]] = {}

    def matches(self, still: EvidenceStill) -> bool:
        """Whether the still itself matches an earlier one."""
        place = self._places.get(still.still_id)
        return place is not None and self._comparison.may_match(place) and self._match(place)[0] is not None

    def evidence(self, window: Sequence[EvidenceStill]) -> Evidence:
        """What repeated moments say of a window."""
        llrs: list[float] = []
        found: list[_Match | None] = []
        pairs, lag = 0, None
        for place in sorted({self._places[still.still_id] for still in window if still.still_id in self._places}):
            match, choices = self._match(place)
            if choices:
                pairs += choices
                found.append(match)
                llrs.append(_not_matched(choices) if match is None else _matched(match, choices, lag))
                lag = None if match is None else match.lag
        llr, first = accumulated(llrs)
        matches = [match for match in found[first:] if match is not None]
        shown = {self._places[still.still_id] for match in matches for still in (match.still, match.earlier)}
        numbers = {
            "compared": float(len(llrs)),
            "pairs": float(pairs),
            "matches": float(len(matches)),
            "lag": float(matches[-1].lag) if matches else 0.0,
        }
        return Evidence(Species.LOOP, llr, numbers, tuple(self._order[place].still_id for place in sorted(shown)))

    def _match(self, place: int) -> tuple[_Match | None, int]:
        if place not in self._matches:
            self._matches[place] = self._comparison.match(place)
        return self._matches[place]


def _matched(match: _Match, choices: int, lag: int | None) -> float:
    """What a match says, found among so many earlier stills, the match before having had that lag."""
    # So that no single match says more than a rate from so few people can.
    choices = max(choices, _FEWEST_CHOICES)
    if lag is None:
        expected, chance = LOOP_RATE, choices * LIVE_PAIR_RATE
    elif abs(match.lag - lag) <= _LAG_SLACK:
        expected, chance = LOOP_RATE * SAME_LAG_RATE, (2 * _LAG_SLACK + 1) * LIVE_PAIR_RATE
    else:
        expected, chance = LOOP_RATE * (1.0 - SAME_LAG_RATE), choices * LIVE_PAIR_RATE
    if match.still.pixel_hash == match.earlier.pixel_hash:
        chance = min(chance, EQUAL_RATE)
    return float(np.log(expected / min(chance, _MOST_CHANCE)))


def _not_matched(choices: int) -> float:
    return float(np.log((1.0 - LOOP_RATE) / (1.0 - min(choices * LIVE_PAIR_RATE, _MOST_CHANCE))))


class _Comparison:
    """Holds each still against the earlier ones; a chip is prepared when it is first needed."""

    def __init__(self, shown: _Shown) -> None:
        self._shown = shown
        self._order = shown.stills
        #: Room for what is computed of all of them for each: new memory costs more than the sum.
        self._apart = np.empty_like(shown.levels)
        self._chips: dict[int, PreparedChip] = {}

    def may_match(self, position: int) -> bool:
        """False where :meth:`match` finds none for certain; of somebody who hardly moves, told at less of its cost.

        Matches lie below a gap to the still before, so they differ by that much less than it does, and below one to
        all others: of these it need not be known by how much they differ.
        """
        neighbours, others = self._earlier(position)
        near = self._near(position, others)
        if not near:
            return False
        bar = min([CHIP_FLOOR, *(self._difference(position, place) / _GAP for place in neighbours)])
        far = [place for place in near if self._differ_by_more(position, place, bar)]
        close = sorted(self._difference(position, place) for place in near if place not in far)
        if not close:
            return False
        if any(following >= _GAP * last for last, following in pairwise(close)):
            return True
        return all(self._differ_by_more(position, place, _GAP * close[-1]) for place in far)

    def match(self, position: int) -> tuple[_Match | None, int]:
        """The earlier still that one matches, and among how many; 0 where it cannot be told from stillness."""
        neighbours, others = self._earlier(position)
        if not others:
            return None, 0
        near = {place: self._difference(position, place) for place in self._near(position, others)}
        if not near or min(near.values()) > CHIP_FLOOR:
            return None, len(others)
        near.update({place: self._difference(position, place) for place in neighbours})
        matches = set(_below_gap(near))
        if not matches:
            return None, len(others)
        if neighbours & matches or any(self._neighbours(place) & matches for place in matches):
            return None, 0
        # The latest: a recording's rounds then have one lag, however many of them there were.
        latest = max(matches)
        return _Match(self._order[position], self._order[latest], position - latest), len(others)

    def _earlier(self, position: int) -> tuple[set[int], list[int]]:
        """The stills that it follows, and all others of the hour before it."""
        neighbours = self._neighbours(position)
        start = position - len(earlier_than(self._order, position))
        return neighbours, [place for place in range(start, position) if place not in neighbours]

    def _neighbours(self, position: int) -> set[int]:
        """The still before, and the one before from the same source, as two cameras may take turns: of its hour."""
        source, first = self._order[position].source, position - len(earlier_than(self._order, position))
        same = next((i for i in range(position - 1, first - 1, -1) if self._order[i].source == source), None)
        return {place for place in (position - 1, same) if place is not None and place >= first}

    def _near(self, position: int, places: Sequence[int]) -> list[int]:
        """Those stills but for the ones whose face lies elsewhere or differs at first sight, the nearest of them."""
        if not places:
            return []
        shown, first = self._shown, places[0]
        since = slice(first, position)
        eyes = (shown.eyes[position] + shown.eyes[since]) / 2
        moved = np.sqrt(((shown.landmarks[since] - shown.landmarks[position]) ** 2).sum(axis=2).mean(axis=1)) / eyes
        apart = np.subtract(shown.levels[since], shown.levels[position], out=self._apart[since])
        raw = np.sqrt(np.square(apart, out=apart).mean(axis=1))
        near = np.flatnonzero((moved <= LANDMARK_FLOOR) & (raw <= _FAR))
        near = near[np.isin(near + first, places)]
        nearest = near[np.argsort(raw[near], kind="stable")][:_MOST_REGISTERED]
        return [first + offset for offset in nearest.tolist()]

    def _difference(self, position: int, place: int) -> float:
        return difference(self._chip(position), self._chip(place))

    def _differ_by_more(self, position: int, place: int, bar: float) -> bool:
        return differ_by_more(self._chip(position), self._chip(place), bar)

    def _chip(self, place: int) -> PreparedChip:
        if place not in self._chips:
            self._chips[place] = prepare_blurred(self._shown.blurred[place], Motion.SIMILARITY)
        return self._chips[place]


def _below_gap(differences: dict[int, float]) -> list[int]:
    """The stills that lie within the noise floor and below a gap to all that differ by more."""
    ordered = sorted(differences, key=lambda place: differences[place])
    for count in range(len(ordered), 0, -1):
        last = differences[ordered[count - 1]]
        following = differences[ordered[count]] if count < len(ordered) else np.inf
        if last <= CHIP_FLOOR and following >= _GAP * last:
            return ordered[:count]
    return []
