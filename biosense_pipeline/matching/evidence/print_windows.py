"""Prints and screens: the windows of a stretch of one agent's stills, each score and pair of chips computed once."""

from collections.abc import Callable, Sequence
from datetime import date

import numpy as np

from biosense_pipeline.codes import Species
from biosense_pipeline.matching.evidence.baseline import Baseline
from biosense_pipeline.matching.evidence.moving import Moving
from biosense_pipeline.matching.evidence.presentation import as_evidence, measured, still_scores
from biosense_pipeline.matching.evidence.recapture import RecaptureModel
from biosense_pipeline.matching.evidence.rigidity import Rigidity, far_apart, pair_correlations, summed_up
from biosense_pipeline.matching.evidence.shown import judge_shown
from biosense_pipeline.matching.evidence.still import Evidence, EvidenceStill

#: What an agent is judged by on a day.
BaselineOf = Callable[[date], Baseline]


class PrintWindows:
    """What ``shown.judge_shown`` says of each of a stretch's windows.

    Args:
        stills: the whole stretch, in order.
        baseline_of: a window is judged by the baseline of its last still's day.
    """

    def __init__(self, stills: Sequence[EvidenceStill], model: RecaptureModel, baseline_of: BaselineOf) -> None:
        self._model = model
        self._baseline_of = baseline_of
        self._numbers, seen = measured(stills, model)
        self._places = {still.still_id: place for place, still in enumerate(seen)}
        self._scores: dict[date, np.ndarray] = {}
        self._correlations: dict[tuple[int, int], float] = {}
        self._moving = Moving(self._numbers.around)

    def evidence(self, window: Sequence[EvidenceStill]) -> dict[Species, Evidence]:
        """What the window says of a print and, where that can be told, of a screen; empty: it cannot be judged."""
        seen = [still for still in window if still.still_id in self._places]
        if not seen:
            return {}
        places = np.array([self._places[still.still_id] for still in seen])
        day = window[-1].captured.date()
        baseline = self._baseline_of(day)
        if day not in self._scores:
            self._scores[day] = still_scores(self._numbers, self._model, baseline)
        moving, own = self._moving.told(self._pairs(places)), self._numbers.own_of(self._model, places)
        shown = judge_shown(self._scores[day][places], self._rigidity(places), baseline, moving, own)
        return {species: as_evidence(species, found, seen, baseline) for species, found in shown.items()}

    def prepare(self, windows: Sequence[Sequence[EvidenceStill]]) -> None:
        """Compare the chips of many windows at once, which is faster than window by window."""
        pairs = [self._pairs(self._seen(window)) for window in windows]
        if pairs:
            self._compare(np.concatenate(pairs))

    def _seen(self, window: Sequence[EvidenceStill]) -> np.ndarray:
        return np.array(
            [self._places[still.still_id] for still in window if still.still_id in self._places], dtype=np.intp
        )

    def _pairs(self, places: np.ndarray) -> np.ndarray:
        return np.asarray(places[far_apart(self._numbers.seconds[places])])

    def _rigidity(self, places: np.ndarray) -> Rigidity | None:
        pairs = self._pairs(places)
        if not len(pairs):
            return None
        self._compare(pairs)
        return summed_up(np.array([self._correlations[first, second] for first, second in pairs.tolist()]))

    def _compare(self, pairs: np.ndarray) -> None:
        missing = sorted({(first, second) for first, second in pairs.tolist()} - self._correlations.keys())
        if missing:
            found = pair_correlations(self._numbers.chips, np.array(missing))
            self._correlations |= dict(zip(missing, found.tolist(), strict=True))
