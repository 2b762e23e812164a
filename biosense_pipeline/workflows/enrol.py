"""Enrolment: check new training images, encode those that stills are compared with, find an agent's references."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from biosense_pipeline.choices import Approval
from biosense_pipeline.codes import Process, Status, TrainingResult
from biosense_pipeline.lan_ids import agent_key
from biosense_pipeline.matching.benchmark import Reference, ReferenceState, TrainingImageFacts, choose_reference
from biosense_pipeline.store.agents.employees import employee_ids
from biosense_pipeline.store.enrolment.images import (
    TrainingRow,
    TrainingState,
    lan_ids_of,
    training_states,
    unchecked_ids,
    unencoded_benchmark_ids,
    unmeasured_ids,
)
from biosense_pipeline.store.enrolment.verdicts import TrainingVerdict, record_verdicts
from biosense_pipeline.store.stills.pictures import pictures
from biosense_pipeline.store.tables.pipeline import TrainingImage
from biosense_pipeline.vision.examine import Examination
from biosense_pipeline.vision.faces import ENROLMENT_LOOK, FULL_LOOK
from biosense_pipeline.workflows.training_verdicts import Gate, plain_verdict
from biosense_pipeline.workflows.workbench import Workbench

#: Training images whose verdicts are written in one transaction.
_BATCH = 50


@dataclass(frozen=True)
class EnrolmentReport:
    """What was examined.

    Attributes:
        results: of the images that were judged, with their counts.
        failures: LAN id and reason of those that failed, by image id.
        requeued: stills that returned to pending.
        measured: images that somebody else had set waiting, and whose numbers were added.
    """

    results: Counter[TrainingResult] = field(default_factory=Counter)
    failures: dict[int, tuple[str, str]] = field(default_factory=dict)
    requeued: int = 0
    measured: int = 0

    @property
    def examined(self) -> int:
        return self.results.total()

    @property
    def waiting(self) -> int:
        """Images that passed and now wait for a person."""
        return self.results[TrainingResult.AWAITING_APPROVAL]


def check_training_images(bench: Workbench) -> EnrolmentReport:
    """Check every new training image, and register its agent.

    One that passes is approved, or waits for a team lead, as the settings have it; else it fails with the
    reasons. An image that waits without ever having been checked is measured, and goes on waiting.
    """
    ids, unmeasured = unchecked_ids(bench.database), unmeasured_ids(bench.database)
    names = lan_ids_of(bench.database, [*ids, *unmeasured])
    # Of several spellings the first one is entered.
    agents = [names[image_id] for image_id in sorted(names, reverse=True) if agent_key(names[image_id])]
    if agents:
        employee_ids(bench.database, agents)
    report = _examine(bench, Process.TRAINING_CHECK, ids)
    waiting = bench.settings.model_copy(update={"approval": Approval.TEAM_LEAD})
    measured = _examine(replace(bench, settings=waiting), Process.TRAINING_CHECK, unmeasured)
    return replace(report, measured=measured.examined)


def encode_benchmarks(bench: Workbench) -> EnrolmentReport:
    """Encode the benchmarks and other references that have no encoding under the present model."""
    ids = unencoded_benchmark_ids(bench.database, bench.model_id)
    return _examine(bench, Process.BENCHMARK_ENCODING, ids)


def encode_training_images(bench: Workbench, ids: Collection[int]) -> EnrolmentReport:
    """Encode these training images under the bench's model, whoever approved them; no still waits for that."""
    return _examine(bench, Process.BENCHMARK_ENCODING, sorted(ids), requeue=False)


def find_references(bench: Workbench, lan_ids: Collection[str], claim_token: str | None = None) -> dict[str, Reference]:
    """The reference of each agent, by :func:`agent_key`.

    What stands in the way is done now: approved images without an encoding are encoded, and an agent's newest
    image that waits for its check is checked where there is no other to compare with.

    Args:
        claim_token: the claim for whose stills this is; it stays in force where an agent is enrolled.
    """
    states = training_states(bench.database, lan_ids, bench.model_id)
    references = _references(bench, states, lan_ids)
    unchecked: list[int] = []
    unencoded: list[int] = []
    for key, reference in references.items():
        newest = states.get(key, TrainingState()).newest
        unencoded += reference.unencoded
        compared = reference.state in (ReferenceState.READY, ReferenceState.NOT_ENCODED)
        if not compared and newest and newest.status == Status.PENDING:
            unchecked.append(newest.id)
    if not unchecked and not unencoded:
        return references
    _examine(bench, Process.BENCHMARK_ENCODING, sorted(unencoded), claim_token)
    _examine(bench, Process.TRAINING_CHECK, sorted(unchecked), claim_token)
    return _references(bench, training_states(bench.database, lan_ids, bench.model_id), lan_ids)


def _references(bench: Workbench, states: dict[str, TrainingState], lan_ids: Collection[str]) -> dict[str, Reference]:
    references = {}
    for key in {agent_key(lan_id) for lan_id in lan_ids}:
        state = states.get(key, TrainingState())
        newest = None if state.newest is None else _facts(state.newest)
        # The settings' tolerance and not a calibration's, which is itself made of what these references give.
        references[key] = choose_reference(newest, [_facts(row) for row in state.approved], bench.settings.tolerance)
    return references


def _facts(row: TrainingRow) -> TrainingImageFacts:
    failed = row.status == Status.FAILED or row.failure is not None
    return TrainingImageFacts(row.id, failed, row.processed_time, row.encoding)


def _examine(
    bench: Workbench, process: Process, ids: Sequence[int], claim_token: str | None = None, requeue: bool = True
) -> EnrolmentReport:
    results: Counter[TrainingResult] = Counter()
    failures: dict[int, tuple[str, str]] = {}
    requeued = 0
    for batch in _batches(_verdicts(bench, process, ids)):
        now = bench.local_now()
        requeued += record_verdicts(
            bench.database,
            process,
            batch,
            model_id=bench.model_id,
            run_id=bench.run_id,
            processed_time=now,
            requeue_since=now - timedelta(hours=bench.settings.requeue_hours) if requeue else None,
            max_attempts=bench.settings.max_attempts,
            keep_claim=claim_token,
        )
        for verdict in batch:
            results[verdict.result] += 1
            if verdict.detail:
                failures[verdict.id] = (verdict.lan_id or "", verdict.detail)
    return EnrolmentReport(results, failures, requeued)


def _verdicts(bench: Workbench, process: Process, ids: Sequence[int]) -> Iterator[TrainingVerdict]:
    if not ids:
        return
    checked = process is Process.TRAINING_CHECK
    judge: Callable[[int, str | None, Examination], TrainingVerdict] = Gate(bench).verdict if checked else plain_verdict
    look = ENROLMENT_LOOK if checked else FULL_LOOK
    lan_ids = lan_ids_of(bench.database, ids)
    stored = pictures(bench.database, TrainingImage, ids, bench.settings.max_image_bytes)
    for image_id, examination in bench.examine(stored, lambda image_id: look):
        yield judge(image_id, lan_ids.get(image_id), examination)


def _batches(verdicts: Iterator[TrainingVerdict]) -> Iterator[list[TrainingVerdict]]:
    batch: list[TrainingVerdict] = []
    for verdict in verdicts:
        batch.append(verdict)
        if len(batch) >= _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
