"""An evaluation of attack detection run from end to end: from folders of stills to every figure."""

import functools
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import numpy as np

from biosense_pipeline.errors import BiosenseError
from biosense_pipeline.evaluation.attacks.acquisition import AcquiredFolder, acquire_folders
from biosense_pipeline.evaluation.attacks.figures import (
    AttackFigures,
    Scored,
    attack_figures,
    share_interval,
)
from biosense_pipeline.evaluation.attacks.folders import read_folder, read_species
from biosense_pipeline.evaluation.attacks.judging import (
    Baselines,
    JudgedSequence,
    WindowPlan,
    alarmed_stills,
    judge_folder,
)
from biosense_pipeline.evaluation.attacks.remarks import remarks
from biosense_pipeline.evaluation.attacks.system import Accepted, MatcherReferences, accepted_stills
from biosense_pipeline.matching.evidence.baseline import FEWEST_STILLS
from biosense_pipeline.matching.evidence.presentation import ALARM_SPREADS, WINDOW, Presentation
from biosense_pipeline.matching.evidence.recapture import RecaptureModel
from biosense_pipeline.matching.resampling import Interval
from biosense_pipeline.settings import Settings
from biosense_pipeline.workflows.own_scores import judging_model
from biosense_pipeline.workflows.workbench import make_examiner, with_own_tolerance

#: Seconds from a still to the next where nothing else is known: how often cameras write.
SECONDS_BETWEEN = 10.0
#: The BPCER of windows at whose threshold the whole system is measured, as a figure's name.
OPERATING_POINT = "apcer_at_bpcer_1"


class NothingToJudge(BiosenseError):
    """Not a single still of one of the folders shows a face."""


@dataclass(frozen=True)
class AttackOptions:
    """How an evaluation is run.

    Attributes:
        window: stills judged together. step: from one window to the next.
        seconds_between: from a still to the next of its sequence.
        baseline_stills: fewer reference stills make no baseline of a subject's own.
        resamples: of the subjects, for intervals.
    """

    window: int = WINDOW
    step: int = 1
    seconds_between: float = SECONDS_BETWEEN
    baseline_stills: int = FEWEST_STILLS
    resamples: int = 1000


@dataclass(frozen=True, eq=False)
class SpeciesResult:
    """What was measured of one species, or of all together.

    Attributes:
        single, window: None where there is nothing to judge of a kind.
        iapar: share of all readable attack stills that matcher and attack detection both let pass; None where no
            subject has a reference. iapar_interval: 95 % over subjects.
        accepted_by_matcher: the same share without attack detection.
    """

    name: str
    stills: int
    without_face: int
    single: AttackFigures | None
    window: AttackFigures | None
    iapar: float | None
    iapar_interval: Interval
    accepted_by_matcher: float | None


@dataclass(frozen=True, eq=False)
class AttackRun:
    """What was run and what came out.

    Attributes:
        genuine, reference, attacks: what came of the stills; no reference without such a folder.
        bona_fide: judged sequences of genuine stills.
        species: results by species, in the order given. pooled: of all attacks together.
        personal: of the subjects judged, those with a baseline of their own. site_judged: the others.
        window_threshold, still_threshold: at which the whole system was measured.
        remarks: sentences that whoever reads the figures has to know.
    """

    options: AttackOptions
    plan: WindowPlan
    model: RecaptureModel
    genuine: AcquiredFolder
    reference: AcquiredFolder | None
    attacks: list[AcquiredFolder]
    bona_fide: list[JudgedSequence]
    judged_attacks: list[list[JudgedSequence]]
    species: list[SpeciesResult]
    pooled: SpeciesResult
    personal: list[str]
    site_judged: list[str]
    window_threshold: float
    still_threshold: float
    model_id: str
    settings: Settings
    finished: datetime
    remarks: list[str]

    @property
    def bpcers(self) -> tuple[float | None, float | None]:
        """BPCER of single stills and of windows where the whole system was measured; None of what there is not."""
        single, window = (
            None if figures is None else figures.bpcer_at(threshold)
            for figures, threshold in (
                (self.pooled.single, self.still_threshold),
                (self.pooled.window, self.window_threshold),
            )
        )
        return single, window

    @property
    def stills(self) -> int:
        """Genuine and attack stills that were judged."""
        return self.genuine.judged + sum(folder.judged for folder in self.attacks)


def run_attacks(
    settings: Settings,
    genuine: Path,
    attacks: Sequence[Path],
    reference: Path | None = None,
    options: AttackOptions = AttackOptions(),
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> AttackRun:
    """Examine every still once, judge it as the pipeline would, and measure.

    Args:
        genuine, attacks, reference: folders with a sub-folder for each subject; an attack's species is its name.
        on_progress: called with the number of stills done and of all.

    Raises:
        WrongUse: a folder is missing, cannot be read or holds no stills, or a score of the operator's own is unusable.
        NothingToJudge: no face was found in all the genuine stills or in all those of an attack.
        RecaptureModelUnusable: the model's file is torn.
    """
    folders = [read_folder(genuine), *read_species(attacks), *([read_folder(reference)] if reference else [])]
    model = judging_model(settings)
    settings = with_own_tolerance(settings)
    examiner = make_examiner(settings)
    total = sum(len(folder.stills) for folder in folders)
    try:
        acquired = acquire_folders(
            examiner, folders, model, options.seconds_between, lambda done: on_progress(done, total)
        )
    finally:
        examiner.close()
    return evaluate_attacks(
        settings,
        model,
        examiner.model_id,
        acquired[0],
        acquired[1 : 1 + len(attacks)],
        acquired[-1] if reference else None,
        options,
    )


def evaluate_attacks(
    settings: Settings,
    model: RecaptureModel,
    model_id: str,
    genuine: AcquiredFolder,
    attacks: list[AcquiredFolder],
    reference: AcquiredFolder | None,
    options: AttackOptions,
) -> AttackRun:
    """All figures of stills that were examined.

    Raises:
        NothingToJudge: no face was found in all the genuine stills or in all those of an attack.
    """
    for folder in (genuine, *attacks):
        _require_faces(folder)
    plan = WindowPlan(options.window, options.step)
    baselines = Baselines(genuine, reference, model, options.window, options.baseline_stills)
    bona_fide = judge_folder(genuine, model, baselines, plan)
    judged = [judge_folder(folder, model, baselines, plan) for folder in attacks]
    every_attack = [sequence for own in judged for sequence in own]
    single, windows = judged_figures(bona_fide, every_attack, options)
    # Both belong to genuine stills alone, whatever the species; what was not measured is judged as in use.
    still_threshold, window_threshold = (
        ALARM_SPREADS if figures is None else figures.thresholds[OPERATING_POINT] for figures in (single, windows)
    )
    references = MatcherReferences(genuine, reference)
    accepted = [
        accepted_stills(
            folder,
            own,
            [alarmed_stills(sequence, window_threshold, still_threshold) for sequence in own],
            references,
            settings.tolerance,
        )
        for folder, own in zip(attacks, judged, strict=True)
    ]
    pooled = _species("all attacks", attacks, (single, windows), functools.reduce(operator.add, accepted), options)
    # One species is all attacks: it is not resampled twice.
    species = (
        [replace(pooled, name=attacks[0].name)]
        if len(attacks) == 1
        else [
            _species(folder.name, [folder], judged_figures(bona_fide, own, options), of_system, options)
            for folder, own, of_system in zip(attacks, judged, accepted, strict=True)
        ]
    )
    subjects = sorted({sequence.subject for folder in (genuine, *attacks) for sequence in folder.sequences})
    personal = [subject for subject in subjects if baselines.of(subject).personal]
    site_judged = [subject for subject in subjects if subject not in personal]
    return AttackRun(
        options,
        plan,
        model,
        genuine,
        reference,
        attacks,
        bona_fide,
        judged,
        species,
        pooled,
        personal,
        site_judged,
        window_threshold,
        still_threshold,
        model_id,
        settings,
        datetime.now().astimezone(),
        remarks(genuine, reference, attacks, plan, personal, site_judged, references, (single, windows)),
    )


def _require_faces(folder: AcquiredFolder) -> None:
    if folder.judged:
        return
    reason = next(iter(folder.unreadable.values()), "no face found")
    raise NothingToJudge(
        f"Not one of the {folder.files} stills in {folder.folder.path} shows a face that can be judged ({reason}): "
        "check the folder."
    )


def judged_figures(
    bona_fide: Sequence[JudgedSequence], attacks: Sequence[JudgedSequence], options: AttackOptions
) -> tuple[AttackFigures | None, AttackFigures | None]:
    """Of single stills and of windows."""
    return (
        attack_figures(_singles(bona_fide), _singles(attacks), options.resamples),
        attack_figures(_windows(bona_fide), _windows(attacks), options.resamples),
    )


def _singles(judged: Sequence[JudgedSequence]) -> Scored:
    return _scored([(own.sequence.subject, still) for own in judged for still in own.stills])


def _windows(judged: Sequence[JudgedSequence]) -> Scored:
    return _scored([(own.sequence.subject, found) for own in judged for _, found in own.windows])


def _scored(found: Sequence[tuple[str, Presentation]]) -> Scored:
    return Scored(
        np.array([judged.spreads for _, judged in found]),
        tuple(subject for subject, _ in found),
        np.array([judged.alarm for _, judged in found], dtype=bool),
    )


def _species(
    name: str,
    folders: Sequence[AcquiredFolder],
    figures: tuple[AttackFigures | None, AttackFigures | None],
    accepted: Accepted,
    options: AttackOptions,
) -> SpeciesResult:
    known = len(accepted.subjects) > 0
    iapar, interval = share_interval(accepted.by_all, accepted.subjects, options.resamples) if known else (None, None)
    return SpeciesResult(
        name,
        sum(folder.judged for folder in folders),
        sum(sum(folder.without_face.values()) for folder in folders),
        *figures,
        iapar,
        interval,
        float(accepted.by_matcher.mean()) if known else None,
    )
