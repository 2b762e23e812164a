"""A training from end to end: stills in folders in, a score with all that was measured of it out."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from biosense_pipeline.codes import Species
from biosense_pipeline.errors import BiosenseError, WrongUse
from biosense_pipeline.evaluation.attacks.figures import AttackFigures
from biosense_pipeline.evaluation.attacks.judging import Baselines, WindowPlan, judge_folder
from biosense_pipeline.evaluation.attacks.run import SECONDS_BETWEEN, AttackOptions, judged_figures
from biosense_pipeline.evaluation.collection.learning import (
    FEWEST_PEOPLE,
    held_out_scores,
    people_with,
    trained_score,
)
from biosense_pipeline.evaluation.collection.measuring import Told, measured
from biosense_pipeline.evaluation.collection.plan import GENUINE, REFERENCE, not_measured, species_found
from biosense_pipeline.evaluation.collection.stills import Collected, examine_collected
from biosense_pipeline.matching.evidence.attack_score import AttackScore
from biosense_pipeline.matching.evidence.levels import Usual
from biosense_pipeline.matching.evidence.own_scores import Measurement, model_score
from biosense_pipeline.matching.evidence.presentation import usual_of, usual_score
from biosense_pipeline.matching.evidence.recapture import RecaptureModel, shipped_model
from biosense_pipeline.matching.resampling import Interval
from biosense_pipeline.settings import Settings
from biosense_pipeline.vision.attack_model import AttackModel
from biosense_pipeline.vision.presentation.features import FEATURES_ID, GROUPS
from biosense_pipeline.workflows.own_scores import attack_descriptor
from biosense_pipeline.workflows.workbench import make_examiner

#: What a score is called in the figures.
TRAINED, SHIPPED, MODEL = "trained", "shipped", "model"
#: Of a model that says the same of every genuine still.
_LEAST_VARIANCE = 1e-6


class NothingLearnt(BiosenseError):
    """Too few people, or no species that a score could be shown to tell."""


@dataclass(frozen=True)
class Detection:
    """Error rates of all cues together, on single stills and on windows; None where there are none of a kind."""

    single: AttackFigures | None
    window: AttackFigures | None


@dataclass(frozen=True, eq=False)
class TrainingRun:
    """What was learnt, and what it is worth.

    Attributes:
        score: trained on all people.
        told: by folder of attacks and score, on people held out.
        without, added: by folder, all that detects prints and screens, without and with the scores of the operator's
            own, on people whom these were not trained on.
        people: by species, of those who count. stills: by folder, with a face.
        not_measured: kinds of attack, in words.
    """

    score: AttackScore
    told: Mapping[str, Mapping[str, Told]]
    without: Mapping[str, Detection]
    added: Mapping[str, Detection]
    people: Mapping[Species, int]
    stills: Mapping[str, int]
    not_measured: list[str]
    made: datetime


def run_training(
    settings: Settings, folder: Path, on_progress: Callable[[int, int], None] = lambda done, total: None
) -> TrainingRun:
    """Examine the stills of a session, train, and measure.

    Raises:
        WrongUse: the folder holds no session's stills, or the operator's own model has a faulty descriptor.
        AttackModelUnusable, EncoderUnusable: that model does something else than its descriptor says.
        NothingLearnt: see :func:`learn`.
    """
    descriptor = attack_descriptor(settings)
    if descriptor is not None:
        AttackModel(descriptor, settings.device)  # where it cannot be used, that is said before the work
    model, examiner = shipped_model(), make_examiner(settings)
    try:
        stills = examine_collected(folder, examiner, model, SECONDS_BETWEEN, on_progress)
    finally:
        examiner.close()
    return learn(stills, model, None if descriptor is None else descriptor.model_id)


def learn(stills: Collected, model: RecaptureModel, attack_model_id: str | None = None) -> TrainingRun:
    """Train on stills that were examined.

    Args:
        attack_model_id: of the operator's own model, whose scores the stills have.

    Raises:
        NothingLearnt: no species shows enough people, or none is told from genuine stills on people held out.
    """
    people = {species: people_with(stills, species) for species in (Species.PRINT, Species.SCREEN)}
    enough = {species: names for species, names in people.items() if len(names) >= FEWEST_PEOPLE}
    if not enough:
        most = max(map(len, people.values()))
        raise NothingLearnt(
            f"{most} people are too few to learn from: {FEWEST_PEOPLE} at least have to be taken in both sittings as "
            "they are, and in an attack of the second."
        )
    shipped = model.fused(stills.features, stills.brightness)
    of_shipped, told_shipped = measured(stills, shipped, usual_score(len(model.names)), tuple(people), shipped)
    told: dict[str, dict[str, Told]] = {name: {SHIPPED: found} for name, found in told_shipped.items()}
    columns: dict[str, np.ndarray] = {}
    kept: dict[Species, Measurement] = {}
    for species, names in enough.items():
        scores = held_out_scores(stills, species, names)
        of_trained, told_trained = measured(stills, scores, usual_score(len(GROUPS)), (species,), shipped)
        for name, found in told_trained.items():
            told[name][TRAINED] = found
        if of_trained.distances:
            kept[species], columns[f"trained_{species.lower()}"] = of_trained, scores
    models: dict[str, Measurement] = {}
    before = _usual_of_model(stills)
    if attack_model_id is not None and before is not None:
        of_model, told_model = measured(stills, stills.model_scores, before, tuple(people), shipped)
        for name, found in told_model.items():
            told[name][MODEL] = found
        models[attack_model_id], columns["model"] = of_model, stills.model_scores
    if not kept and not any(found.distances for found in models.values()):
        raise NothingLearnt(
            "No score could be shown to tell these attacks on people that it was not trained on: collect more people."
        )
    score = AttackScore(
        FEATURES_ID,
        {species: trained_score(stills, species, enough[species]) for species in kept},
        kept,
        of_shipped.distances,
        models,
    )
    cues = (*score.own_scores, *(model_score(model_id, found) for model_id, found in models.items()))
    without, added = _detection(stills, model), _detection(stills.scored(columns), replace(model, own=cues))
    run = TrainingRun(
        score,
        told,
        without,
        added,
        {species: len(names) for species, names in enough.items()},
        {folder.name: folder.judged for folder in (stills.reference, stills.genuine, *stills.attacks)},
        not_measured([name for name, found in told.items() if _counts(found)]),
        datetime.now().astimezone(),
    )
    return replace(run, score=replace(score, figures=numbers(run)))


def numbers(run: TrainingRun) -> dict[str, Any]:
    """The run as plain numbers; shares are 0-1, intervals 95 % over people."""
    return {
        "made": run.made.isoformat(timespec="seconds"),
        "people": {str(species): count for species, count in run.people.items()},
        "stills": dict(run.stills),
        "genuine": {"stills": _bona_fide(run, "single"), "sittings": _bona_fide(run, "window")},
        "measured": {
            name: {
                "species": str(species_found(name)),
                "counts": _counts(scores),
                "scores": {score: _told_numbers(found) for score, found in scores.items()},
                "without": _detection_numbers(run.without[name]),
                "added": _detection_numbers(run.added[name]),
            }
            for name, scores in run.told.items()
        },
        "not_measured": run.not_measured,
    }


def require_writable(file: Path) -> None:
    """Check, before the work, that a score can be written there.

    Raises:
        WrongUse: it cannot.
    """
    folder = file.parent
    if not folder.is_dir() or not os.access(file if file.exists() else folder, os.W_OK):
        raise WrongUse(f"The score cannot be written to {file} (no such folder, or no permission): name another file.")


def write_score(file: Path, score: AttackScore) -> None:
    """Write the score as text.

    Raises:
        WrongUse: it cannot be written.
    """
    try:
        file.write_text(score.as_text(), encoding="utf-8")
    except OSError as error:
        raise WrongUse(f"The score cannot be written to {file} ({error.strerror}): name another file.") from error


def _detection(stills: Collected, model: RecaptureModel) -> dict[str, Detection]:
    """All cues together, on each folder's stills of later sittings; baselines are of the first."""
    options = AttackOptions()
    folders = {
        folder.name: replace(folder, sequences=[own for own in folder.sequences if not stills.is_first(own)])
        for folder in stills.attacks
    }
    plan = WindowPlan(options.window, options.step)
    baselines = Baselines(stills.genuine, stills.reference, model, options.window, options.baseline_stills)
    genuine = judge_folder(stills.genuine, model, baselines, plan)
    return {
        name: Detection(*judged_figures(genuine, judge_folder(folder, model, baselines, plan), options))
        for name, folder in folders.items()
    }


def _usual_of_model(stills: Collected) -> Usual | None:
    """Of a score of which nothing is known before: of its variance over genuine stills the usual shares."""
    genuine = stills.model_scores[np.isin(stills.kinds, [GENUINE, REFERENCE])]
    genuine = genuine[np.isfinite(genuine)]
    if not len(genuine):
        return None
    return usual_of(float(genuine.mean()), max(float(genuine.var()), _LEAST_VARIANCE))


def _bona_fide(run: TrainingRun, kind: str) -> int:
    """How many genuine stills or windows the error rates hang on."""
    found = [getattr(detection, kind) for detection in run.added.values()]
    return max((figures.bona_fide for figures in found if figures is not None), default=0)


def _counts(scores: Mapping[str, Told]) -> bool:
    """Whether one of the operator's own scores was shown to tell a folder's attacks."""
    return any(name in scores and scores[name].least_distance > 0 for name in (TRAINED, MODEL))


def _told_numbers(found: Told) -> dict[str, Any]:
    return {
        "people": found.people,
        "stills": found.stills,
        "auc": round(found.auc, 4),
        "auc_interval": _rounded(found.auc_interval),
        "distance": round(found.distance, 4),
        "distance_interval": _rounded(found.distance_interval),
    }


def _detection_numbers(found: Detection) -> dict[str, Any]:
    return {
        f"{name}_{kind}": {"value": round(figures.values[name], 4), "interval": _rounded(figures.intervals[name])}
        for kind, figures in (("single", found.single), ("window", found.window))
        if figures is not None
        for name in ("apcer_in_use", "bpcer_in_use", "apcer_at_bpcer_5", "eer")
    }


def _rounded(interval: Interval) -> list[float] | None:
    return None if interval is None else [round(end, 4) for end in interval]
