"""What another model, detection or tolerance would have decided, without changing what is in force.

A candidate is a set of settings. Processed stills are compared under it with the same training images as
before, so that what differs is the candidate's doing and not an enrolment's. Under a model id of its own
its results are stored beside those in force, and ``redecide`` can bring them into force; under the same
id there is no room beside them, and the report is all that comes of it.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from biosense_pipeline.matching.benchmark import Reference, ReferenceState, TrainingImageFacts
from biosense_pipeline.matching.differences import Decided, Differences
from biosense_pipeline.matching.rule import Rule
from biosense_pipeline.settings import Settings
from biosense_pipeline.store.calibration.calibrations import calibration_in_force
from biosense_pipeline.store.enrolment.images import training_encodings
from biosense_pipeline.store.scope import Scope
from biosense_pipeline.store.stills.candidates import (
    StoredComparison,
    comparisons,
    processed_stills,
    write_candidate_results,
)
from biosense_pipeline.store.stills.claims import ClaimedStill
from biosense_pipeline.store.stills.outcomes import StillOutcome
from biosense_pipeline.store.stills.pictures import pictures
from biosense_pipeline.store.tables.pipeline import StreamImage
from biosense_pipeline.vision.examine import Examination, Fault
from biosense_pipeline.workflows.candidate_settings import changed_variables
from biosense_pipeline.workflows.enrol import encode_training_images
from biosense_pipeline.workflows.judge import judge
from biosense_pipeline.workflows.rules import load_rule
from biosense_pipeline.workflows.workbench import Workbench, engine_spec, with_own_tolerance

#: Stills whose stored comparisons are in memory at a time.
AT_A_TIME = 500


class LeftOut(StrEnum):
    """Why a processed still is not in a report."""

    NO_COMPARISON = "no result under the model in force"
    NO_REFERENCE = "its training image cannot be encoded under the candidate"
    UNREADABLE = "its picture is gone or cannot be read any more"
    FAILED = "its examination failed; run again"


@dataclass
class CandidateReport:
    """How a candidate differs from what is in force.

    Attributes:
        present_model_id, present_rule: in force now. ``model_id`` and ``rule`` are the candidate's.
        settings: what to set, by variable, to bring the candidate into force.
        examined: stills whose pixels were looked at; ``written`` of them were stored.
        decided_again: stills decided from distances that were stored before.
        left_out: processed stills that could not be compared.
        without_reference: of these, stills by the LAN id of agents whose training image was the reason.
    """

    present_model_id: str
    model_id: str
    present_rule: Rule
    rule: Rule
    settings: dict[str, str]
    differences: Differences = field(default_factory=Differences)
    examined: int = 0
    written: int = 0
    decided_again: int = 0
    left_out: Counter[LeftOut] = field(default_factory=Counter)
    without_reference: Counter[str] = field(default_factory=Counter)


Progress = Callable[[CandidateReport], None]


def compare(
    bench: Workbench,
    present: Settings,
    scope: Scope,
    *,
    again: bool = False,
    on_progress: Progress = lambda report: None,
) -> CandidateReport:
    """Compare a candidate with what is in force, over the processed stills of the scope.

    Pixels are looked at only where the candidate has another model or detection, always closely (what
    ``adaptive`` would look at quickly is searched at full size), and only for stills that it has no result
    for yet: a comparison that was stopped goes on where it ended.

    Args:
        bench: with the candidate's settings and examiner.
        present: the settings in force.
        again: examine also what the candidate has a result for.
        on_progress: called with the report so far.
    """
    return _Comparison(bench, present, again, on_progress).run(scope)


class _Comparison:
    def __init__(self, bench: Workbench, present: Settings, again: bool, on_progress: Progress) -> None:
        self._bench = bench
        self._again = again
        self._on_progress = on_progress
        present_model_id = engine_spec(present).model_id
        self._stores = bench.model_id != present_model_id
        in_force = calibration_in_force(bench.database, bench.model_id)
        self._examines = self._stores or bench.settings.detection is not present.detection
        self._report = CandidateReport(
            present_model_id,
            bench.model_id,
            load_rule(bench.database, with_own_tolerance(present), present_model_id),
            load_rule(bench.database, bench.settings, bench.model_id),
            changed_variables(present, bench.settings, calibrated=in_force is not None),
        )
        self._encodings: dict[int, np.ndarray | None] = {}

    def run(self, scope: Scope) -> CandidateReport:
        for ids in processed_stills(self._bench.database, scope, AT_A_TIME):
            present = comparisons(self._bench.database, ids, self._report.present_model_id)
            self._report.left_out[LeftOut.NO_COMPARISON] += len(ids) - len(present)
            known = self._known(present)
            for still_id, comparison in known.items():
                self._decide_again(present[still_id], comparison)
            self._examine([old for still_id, old in present.items() if still_id not in known])
            self._on_progress(self._report)
        return self._report

    def _known(self, present: dict[int, StoredComparison]) -> dict[int, StoredComparison]:
        """What needs no pixels, by still."""
        if not self._examines:
            return present
        if not self._stores or self._again:
            return {}
        found = comparisons(self._bench.database, list(present), self._bench.model_id)
        return {
            still_id: comparison
            for still_id, comparison in found.items()
            if still_id in present and comparison.references.alike(present[still_id].references)
        }

    def _decide_again(self, old: StoredComparison, known: StoredComparison) -> None:
        judgement = self._report.rule.judge(old.lan_id, known.distances)
        decision = judgement.decision
        self._report.decided_again += 1
        self._count(old, Decided(decision.result, len(known.distances), decision.distance, judgement.tolerance))

    def _examine(self, stills: Sequence[StoredComparison]) -> None:
        self._encode_references(stills)
        comparable = {}
        for still in stills:
            if self._reference(still).state is not ReferenceState.READY:
                self._report.left_out[LeftOut.NO_REFERENCE] += 1
                self._report.without_reference[still.lan_id or ""] += 1
            else:
                comparable[still.still_id] = still
        stored = pictures(self._bench.database, StreamImage, list(comparable), self._bench.settings.max_image_bytes)
        gathered: list[StillOutcome] = []
        with closing(self._bench.examine(stored)) as examined:
            for still_id, examination in examined:
                outcome = self._judge(comparable[still_id], examination)
                if outcome is not None:
                    gathered.append(outcome)
                if len(gathered) >= self._bench.settings.commit_size:
                    self._write(gathered)
                    gathered = []
                    self._on_progress(self._report)
        self._write(gathered)

    def _judge(self, old: StoredComparison, examination: Examination) -> StillOutcome | None:
        """Count what was found on a still; None where nothing can be said of it."""
        if examination.fault is not None:
            self._report.left_out[LeftOut.UNREADABLE if examination.fault is Fault.UNREADABLE else LeftOut.FAILED] += 1
            return None
        still = ClaimedStill(old.still_id, old.lan_id, old.capture_time, attempt=1)
        outcome = judge(still, self._reference(old), examination, self._bench.settings, self._report.rule)
        found = outcome.comparison
        assert found is not None
        self._report.examined += 1
        self._count(old, Decided(outcome.result, len(examination.faces), found.distance, found.tolerance))
        return outcome

    def _count(self, old: StoredComparison, new: Decided) -> None:
        before = Decided(old.result, old.num_faces, old.distance, old.tolerance)
        self._report.differences.add(old.still_id, old.lan_id, before, new)

    def _write(self, outcomes: Sequence[StillOutcome]) -> None:
        if not self._stores:
            return
        write_candidate_results(
            self._bench.database, outcomes, model_id=self._bench.model_id, run_id=self._bench.run_id
        )
        self._report.written += len(outcomes)

    def _encode_references(self, stills: Sequence[StoredComparison]) -> None:
        """Encode the training images of these stills under the candidate, where that was not done yet."""
        database, model_id = self._bench.database, self._bench.model_id
        wanted = {image_id for still in stills for image_id in still.references.ids} - self._encodings.keys()
        found = training_encodings(database, wanted, model_id)
        if missing := wanted - found.keys():
            encode_training_images(self._bench, missing)
            found |= training_encodings(database, missing, model_id)
        self._encodings |= {image_id: found.get(image_id) for image_id in wanted}

    def _reference(self, still: StoredComparison) -> Reference:
        """What the still was compared with, under the candidate."""
        images = []
        for image_id in still.references.ids:
            encoding = self._encodings[image_id]
            images.append(TrainingImageFacts(image_id, encoding is None, None, encoding))
        return Reference.of(images, self._bench.settings.tolerance)
