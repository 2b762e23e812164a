"""Live sittings and feeds that are none, made from clips, through the evidence of windows: every figure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from biosense_pipeline.codes import MotionOutcome
from biosense_pipeline.errors import BiosenseError
from biosense_pipeline.evaluation.life.clips import Clip, find_clips
from biosense_pipeline.evaluation.life.feeds import encoded_anew, print_stills
from biosense_pipeline.evaluation.life.stills import StillMaker, as_jpeg, sitting
from biosense_pipeline.matching.evidence.frozen import frozen
from biosense_pipeline.matching.evidence.life import ENOUGH, life
from biosense_pipeline.matching.evidence.loop import loop
from biosense_pipeline.matching.evidence.still import Evidence, EvidenceStill
from biosense_pipeline.vision.engines import EngineSpec

#: Frames between two stills of a sitting: half a second at 30 a second. Stills ten seconds apart differ more.
FRAMES_APART = 15
#: Sittings of one person, each beginning some frames after the one before: other stills of the same clips.
_SITTINGS = 5
#: Stills of a window, and within how many of its repetition a feed is to be found.
WINDOW, WITHIN = 12, 3
#: The sum from which a feed counts as found: one false alarm in a month of 86,400 stills, each taken alone.
BOUND = float(np.log(86_400))
#: Stills that a recording holds before it comes round again; 0 for all that there are.
_ROUNDS = (0, 12, 6, 3, 2)
#: Windows of live stills in which life is looked for.
_LIFE_WINDOWS = (3, 6, 12)

Progress = Callable[[int, int], None]


class NothingToMeasure(BiosenseError):
    """The clips hold too little."""


@dataclass
class Share:
    """So many of so many."""

    count: int = 0
    total: int = 0

    def add(self, hit: bool) -> None:
        """Count one more."""
        self.count += hit
        self.total += 1

    @property
    def told(self) -> dict[str, float | int | None]:
        """As a row; ``at_most`` is the largest rate that so few allow, by Clopper and Pearson at 95 %."""
        from scipy.stats import beta

        at_most = float(beta.ppf(0.95, self.count + 1, self.total - self.count)) if self.count < self.total else 1.0
        return {
            "count": self.count,
            "of": self.total,
            "share": round(self.count / self.total, 4) if self.total else None,
            "at_most": round(at_most, 4) if self.total else None,
        }


@dataclass
class LifeRun:
    """What came out.

    Attributes:
        people, clips, stills: what the live sittings were made of; stills that could be compared are
            ``compared``, in so many ``pairs``, and ``matched`` is how many matched an earlier one.
        false_frozen, false_loop: windows, one ending at each live still, that reach the bound, and any that rise
            above 0 at all.
        found_frozen, found_loop: feeds that reach the bound within three stills of the repetition, loops by how
            many stills a round has.
        live: windows of live stills that are LIVE, by length; ``live_sittings`` whole sittings.
        live_called_static: windows of 30 live stills without a sign of life.
        static: windows of 30 stills of a print that are STATIC, on a stand and moved by hand; what else is LIVE.
        changes: what is left of the still that differs most, of every window of life: by kind.
    """

    people: int = 0
    clips: int = 0
    stills: int = 0
    compared: int = 0
    pairs: int = 0
    matched: int = 0
    false_frozen: Share = field(default_factory=Share)
    false_loop: Share = field(default_factory=Share)
    raised_loop: Share = field(default_factory=Share)
    found_frozen: Share = field(default_factory=Share)
    found_loop: dict[str, Share] = field(default_factory=dict)
    live: dict[int, Share] = field(default_factory=dict)
    live_sittings: Share = field(default_factory=Share)
    static: dict[str, Share] = field(default_factory=dict)
    changes: dict[str, list[float]] = field(default_factory=dict)

    @property
    def reached(self) -> bool:
        """Whether all frozen and looped feeds were found, and no live still was taken for one."""
        found = [self.found_frozen, *self.found_loop.values()]
        return (
            all(share.count == share.total for share in found) and not self.false_frozen.count + self.false_loop.count
        )


@dataclass(frozen=True)
class _Frame:
    pixels: np.ndarray
    still: EvidenceStill


def measure_life(
    spec: EngineSpec,
    folder: Path,
    *,
    apart: int = FRAMES_APART,
    prints: int = 10,
    seed: int = 0,
    on_progress: Progress = lambda done, total: None,
) -> LifeRun:
    """Measure on the clips of a folder.

    Args:
        apart: frames between two stills.
        prints: clips of which a frame is taken for a print; 0 for none.
        on_progress: called with steps done and steps in all.

    Raises:
        NothingToMeasure: no person shows in ten stills.
        WrongUse: there are no clips, or they cannot be read.
    """
    clips = find_clips(folder)
    maker, rng = StillMaker(spec), np.random.default_rng(seed)
    people = {clip.person: [other for other in clips if other.person == clip.person] for clip in clips}
    printed = clips[:: max(1, len(clips) // prints)][:prints] if prints else []
    run = LifeRun(people=len(people), clips=len(clips))
    shifts = sorted({apart * number // _SITTINGS for number in range(_SITTINGS)})
    steps = len(people) * (len(shifts) + 1) + 2 * len(printed)
    done = 0
    for own in people.values():
        for shift in shifts:
            frames = _frames(maker, own, apart, shift)
            _measure_live(run, sitting([frame.still for frame in frames]))
            if shift == 0:
                _measure_feeds(run, maker, frames, rng)
                done += 1
            done += 1
            on_progress(done, steps)
    if run.compared < 10:
        raise NothingToMeasure(f"{folder} holds fewer than ten stills of one person that could be compared.")
    for clip in printed:
        for held in (False, True):
            _measure_print(run, maker, clip, held, rng)
            done += 1
            on_progress(done, steps)
    return run


def numbers(run: LifeRun) -> dict[str, Any]:
    """Every figure by name."""
    return {
        "people": run.people,
        "clips": run.clips,
        "stills": run.stills,
        "bound": round(BOUND, 2),
        "live_stills_compared": run.compared,
        "live_pairs_compared": run.pairs,
        "live_stills_matched": run.matched,
        "false_frozen": run.false_frozen.told,
        "false_loop": run.false_loop.told,
        "loop_above_0": run.raised_loop.told,
        "found_frozen": run.found_frozen.told,
        "found_loop": {name: share.told for name, share in run.found_loop.items()},
        "live_windows": {str(length): share.told for length, share in run.live.items()},
        "live_sittings": run.live_sittings.told,
        "static_prints": {name: share.told for name, share in run.static.items()},
        "change": {name: _spread(values) for name, values in run.changes.items() if values},
    }


def _spread(values: Sequence[float]) -> dict[str, float]:
    """The range, and the mean and spread of the logarithm, which the ratio of life is calibrated by."""
    logs = np.log(values)
    return {
        "least": round(min(values), 4),
        "median": round(float(np.median(values)), 4),
        "most": round(max(values), 4),
        "log_mean": round(float(logs.mean()), 3),
        "log_spread": round(float(logs.std()), 3),
    }


def _frames(maker: StillMaker, clips: Sequence[Clip], apart: int, shift: int) -> list[_Frame]:
    return [_Frame(frame, maker.still(as_jpeg(frame))) for clip in clips for frame in clip.frames(apart, shift)]


def _measure_live(run: LifeRun, stills: Sequence[EvidenceStill]) -> None:
    run.stills += len(stills)
    whole = loop(stills)
    run.compared += int(whole.numbers["compared"])
    run.pairs += int(whole.numbers["pairs"])
    for end in range(1, len(stills) + 1):
        window, lookback = stills[max(0, end - WINDOW) : end], stills[:end]
        looped = loop(window, lookback)
        run.matched += stills[end - 1].still_id in looped.still_ids
        run.false_frozen.add(frozen(window, lookback).llr >= BOUND)
        run.false_loop.add(looped.llr >= BOUND)
        run.raised_loop.add(looped.llr > 0)
    usable = [still for still in stills if still.usable]
    for length in _LIFE_WINDOWS:
        share = run.live.setdefault(length, Share())
        for start in range(0, len(usable) - length + 1, length):
            share.add(life(usable[start : start + length]).outcome is MotionOutcome.LIVE)
    found = life(stills)
    if found.change is not None:
        run.live_sittings.add(found.outcome is MotionOutcome.LIVE)
        run.changes.setdefault("live", []).append(found.change)


def _measure_feeds(run: LifeRun, maker: StillMaker, frames: Sequence[_Frame], rng: np.random.Generator) -> None:
    with_face = [frame for frame in frames if frame.still.usable]
    for frame in with_face:
        run.found_frozen.add(_found(frozen, [frame.still], [frame.still] * (WITHIN - 1)))
    anew = [maker.still(encoded_anew(frame.pixels, rng)) for frame in with_face]
    first = [frame.still for frame in with_face]
    for length in _ROUNDS:
        size = length or len(first)
        share = run.found_loop.setdefault("all" if length == 0 else str(length), Share())
        for start in range(0, len(first) - size + 1, size):
            later = anew[start : start + size]
            # A round shorter than that comes round again, encoded anew once more.
            while len(later) < WITHIN:
                later = later + [
                    maker.still(encoded_anew(frame.pixels, rng)) for frame in with_face[start : start + size]
                ]
            share.add(_found(loop, first[start : start + size], later[:WITHIN]))


def _found(
    evidence: Callable[[Sequence[EvidenceStill], Sequence[EvidenceStill]], Evidence],
    before: Sequence[EvidenceStill],
    repetition: Sequence[EvidenceStill],
) -> bool:
    """Whether the evidence reaches the bound at one of the stills of a repetition."""
    stills = sitting([*before, *repetition])
    ends = range(len(before) + 1, len(stills) + 1)
    return any(evidence(stills[max(0, end - WINDOW) : end], stills[:end]).llr >= BOUND for end in ends)


def _measure_print(run: LifeRun, maker: StillMaker, clip: Clip, held: bool, rng: np.random.Generator) -> None:
    for pixels in clip.frames(FRAMES_APART):
        box = maker.still(as_jpeg(pixels)).box
        if box is not None:
            break
    else:
        return
    centre = ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
    even = pixels[: pixels.shape[0] // 2 * 2, : pixels.shape[1] // 2 * 2]
    # A face that the detector misses costs a still: a print before a camera is shown until there are enough.
    taken = (maker.still(data) for data in islice(print_stills(even, centre, rng, held), 2 * ENOUGH))
    stills = list(islice((still for still in taken if still.usable), ENOUGH))
    if len(stills) < ENOUGH:
        return
    name = "moved_by_hand" if held else "on_a_stand"
    found = life(sitting(stills))
    run.static.setdefault(name, Share()).add(found.outcome is MotionOutcome.STATIC)
    if found.change is not None:
        run.changes.setdefault(name, []).append(found.change)
