"""Every still and every window of an evaluation judged as the pipeline would, against the subject's baseline."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from biosense_pipeline.evaluation.attacks.acquisition import AcquiredFolder, StillSequence
from biosense_pipeline.matching.evidence.baseline import Baseline, Site, Sitting, personal_baseline
from biosense_pipeline.matching.evidence.findings import FEWEST
from biosense_pipeline.matching.evidence.moving import Moving, Told
from biosense_pipeline.matching.evidence.presentation import (
    Presentation,
    site,
    sitting,
    still_scores,
)
from biosense_pipeline.matching.evidence.recapture import RecaptureModel
from biosense_pipeline.matching.evidence.rigidity import Rigidity, far_apart, pair_correlations, summed_up
from biosense_pipeline.matching.evidence.shown import judge_shown

#: Parts of the subjects, each of which is judged by a pooled baseline of the others: of so many or fewer subjects
#: each is one, and of more the work does not grow with their square.
_PARTS = 20


@dataclass(frozen=True)
class WindowPlan:
    """Which stills are judged together: so many, the next window so many stills further on.

    A sequence shorter than the window makes one of what it has, if it has ``fewest`` stills, as in production.
    """

    stills: int
    step: int = 1

    @property
    def fewest(self) -> int:
        return min(self.stills, FEWEST)


@dataclass(frozen=True, eq=False)
class JudgedSequence:
    """A sequence as the pipeline sees it.

    Attributes:
        stills: of each still what it says alone.
        windows: of each window its stills and what they say together.
    """

    sequence: StillSequence
    stills: list[Presentation]
    windows: list[tuple[slice, Presentation]]


def plan_windows(places: np.ndarray, plan: WindowPlan) -> list[slice]:
    """The windows of a sequence, as slices of its stills with a face.

    A window takes so many stills whatever they show, as in production, and is judged by those of them with a face:
    of (stills - window) // step + 1 windows, or one that is shorter, those that have any.

    Args:
        places: (n,), rising: of the stills with a face among all of the sequence, which counts up to the last of them.
    """
    stills = int(places[-1]) + 1 if len(places) else 0
    begins = range(0, stills - plan.stills + 1, plan.step) if stills >= plan.stills else range(stills >= plan.fewest)
    windows = [slice(*np.searchsorted(places, [begin, begin + plan.stills]).tolist()) for begin in begins]
    return [window for window in windows if window.stop > window.start]


class Baselines:
    """By what the stills of each subject are judged.

    With reference stills, each subject's own baseline, and for a subject with none or too few the pooled one
    of all. Without, a pooled baseline for each subject, from the genuine stills under test of others: they are
    not taken from the subject's own, on which the rates are measured.

    A pooled baseline is of the groups that look at the face's surroundings, and of all where these cannot be seen.
    """

    def __init__(
        self,
        genuine: AcquiredFolder,
        reference: AcquiredFolder | None,
        model: RecaptureModel,
        window: int,
        fewest_stills: int,
    ) -> None:
        self._model = model
        self._fewest = fewest_stills
        self._referenced = reference is not None
        self._cropped = genuine.cropped
        source = genuine if reference is None else reference
        self._sittings: dict[str, list[Sitting]] = {}
        for sequence in source.sequences:
            self._sittings.setdefault(sequence.subject, []).append(sitting(sequence.numbers, window))
        self.site: Site = site(list(self._sittings.values()), model)
        self._part = {subject: number % _PARTS for number, subject in enumerate(self._sittings)}
        self._pooled: dict[int, Baseline] = {}
        self._made: dict[str, Baseline] = {}

    def of(self, subject: str) -> Baseline:
        """The baseline of a subject."""
        if subject not in self._made:
            self._made[subject] = self._make(subject)
        return self._made[subject]

    def _make(self, subject: str) -> Baseline:
        if self._referenced:
            own = personal_baseline(self._sittings.get(subject, []), self.site, self._fewest)
            return own or self._usual(self.site)
        if subject not in self._part:
            return self._usual(self.site)
        part = self._part[subject]
        if part not in self._pooled:
            others = [sittings for name, sittings in self._sittings.items() if self._part[name] != part]
            self._pooled[part] = self._usual(site(others, self._model))
        return self._pooled[part]

    def _usual(self, here: Site) -> Baseline:
        if self._cropped:
            here = replace(here, context=here.groups, context_score=here.score)
        return here.baseline()


def judge(sequence: StillSequence, model: RecaptureModel, baseline: Baseline, plan: WindowPlan) -> JudgedSequence:
    """Judge every still and every window of a sequence."""
    scores = still_scores(sequence.numbers, model, baseline)
    windows = plan_windows(sequence.places, plan)
    rigidities = _rigidities(sequence, windows)

    def strongest(window: slice, rigid_face: Rigidity | None, told: Mapping[str, Told]) -> Presentation:
        own = sequence.numbers.own_of(model, window)
        found = judge_shown(scores[window], rigid_face, baseline, told, own)
        return max(found.values(), key=lambda of_species: of_species.spreads)

    return JudgedSequence(
        sequence,
        [strongest(slice(place, place + 1), None, {}) for place in range(len(scores))],
        [
            (window, strongest(window, rigid_face, told))
            for window, rigid_face, told in zip(windows, rigidities, _moving(sequence, windows), strict=True)
        ],
    )


def judge_folder(
    folder: AcquiredFolder, model: RecaptureModel, baselines: Baselines, plan: WindowPlan
) -> list[JudgedSequence]:
    """Judge all sequences of a folder."""
    return [judge(sequence, model, baselines.of(sequence.subject), plan) for sequence in folder.sequences]


def alarmed_stills(judged: JudgedSequence, window_threshold: float, still_threshold: float) -> np.ndarray:
    """Which stills of a sequence would be stopped, bool (n,).

    A still is stopped where the window that ends with it, or the next one that does not, reaches the threshold:
    the window in which it would be judged first. In a sequence without windows stills stand alone.
    """
    if not judged.windows:
        return np.array([still.spreads >= still_threshold for still in judged.stills])
    ends = np.array([window.stop for window, _ in judged.windows])
    alarms = np.array([found.spreads >= window_threshold for _, found in judged.windows])
    first = np.searchsorted(ends, np.arange(len(judged.stills)) + 1)
    return np.asarray(alarms[np.minimum(first, len(ends) - 1)])


def _pairs(sequence: StillSequence, windows: Sequence[slice]) -> list[np.ndarray]:
    """Of each window the pairs that lie far enough apart, as places in the sequence."""
    return [window.start + far_apart(sequence.numbers.seconds[window]) for window in windows]


def _moving(sequence: StillSequence, windows: Sequence[slice]) -> list[dict[str, Told]]:
    moving = Moving(sequence.numbers.around)
    return [moving.told(pairs) for pairs in _pairs(sequence, windows)]


def _rigidities(sequence: StillSequence, windows: Sequence[slice]) -> list[Rigidity | None]:
    """The rigidity of each window; a pair that several windows share is compared once."""
    chips = sequence.numbers.chips
    pairs = _pairs(sequence, windows)
    if not any(map(len, pairs)):
        return [None] * len(windows)
    every, places = np.unique(np.concatenate(pairs), axis=0, return_inverse=True)
    correlations = pair_correlations(chips, every)[places.ravel()]
    ends = np.cumsum([len(own) for own in pairs])[:-1]
    return [summed_up(own) if len(own) else None for own in np.split(correlations, ends)]
