"""Enrolment: check new training images for exactly one face, encode benchmarks, find an agent's reference."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from biosense_pipeline.codes import Process, Status, TrainingResult
from biosense_pipeline.lan_ids import agent_key
from biosense_pipeline.matching.benchmark import Reference, ReferenceState, TrainingImageFacts, choose_reference
from biosense_pipeline.store.pictures import pictures
from biosense_pipeline.store.tables import TrainingImage
from biosense_pipeline.store.training import (
    TrainingRow,
    TrainingState,
    lan_ids_of,
    training_states,
    unchecked_ids,
    unencoded_benchmark_ids,
)
from biosense_pipeline.store.verdicts import EncodedFace, TrainingVerdict, record_verdicts
from biosense_pipeline.vision.examine import Examination, Fault
from biosense_pipeline.workflows.workbench import Workbench, naive_utc_now

#: Training images whose verdicts are written in one transaction.
_BATCH = 50


@dataclass(frozen=True)
class EnrolmentReport:
    """What was examined: results with their counts, the images that failed and why, stills that returned to pending."""

    results: Counter[TrainingResult] = field(default_factory=Counter)
    failures: dict[int, tuple[str, str]] = field(default_factory=dict)
    requeued: int = 0

    @property
    def examined(self) -> int:
        return self.results.total()


def check_training_images(bench: Workbench) -> EnrolmentReport:
    """Check every new training image: approved where it holds exactly one face, failed with the reason else."""
    return _examine(bench, Process.TRAINING_CHECK, unchecked_ids(bench.database))


def encode_benchmarks(bench: Workbench) -> EnrolmentReport:
    """Encode the benchmarks that have no encoding under the present model."""
    ids = unencoded_benchmark_ids(bench.database, bench.model_id)
    return _examine(bench, Process.BENCHMARK_ENCODING, ids)


def encode_training_images(bench: Workbench, ids: Collection[int]) -> EnrolmentReport:
    """Encode these training images under the bench's model, whoever approved them; no still waits for that."""
    return _examine(bench, Process.BENCHMARK_ENCODING, sorted(ids), requeue=False)


def find_references(bench: Workbench, lan_ids: Collection[str], claim_token: str | None = None) -> dict[str, Reference]:
    """The reference of each agent, by :func:`agent_key`.

    What stands in the way is done now: a benchmark without an encoding is encoded, and an agent's newest
    image that waits for its check is checked where there is no other to compare with.

    Args:
        claim_token: the claim for whose stills this is; it stays in force where an agent is enrolled.
    """
    states = training_states(bench.database, lan_ids, bench.model_id)
    references = _references(states, lan_ids)
    unchecked, unencoded = [], []
    for key, reference in references.items():
        newest = states.get(key, TrainingState()).newest
        if reference.state is ReferenceState.NOT_ENCODED and reference.training_image_id is not None:
            unencoded.append(reference.training_image_id)
        elif reference.state is not ReferenceState.READY and newest and newest.status == Status.PENDING:
            unchecked.append(newest.id)
    if not unchecked and not unencoded:
        return references
    _examine(bench, Process.BENCHMARK_ENCODING, sorted(unencoded), claim_token)
    _examine(bench, Process.TRAINING_CHECK, sorted(unchecked), claim_token)
    return _references(training_states(bench.database, lan_ids, bench.model_id), lan_ids)


def _references(states: dict[str, TrainingState], lan_ids: Collection[str]) -> dict[str, Reference]:
    references = {}
    for key in {agent_key(lan_id) for lan_id in lan_ids}:
        state = states.get(key, TrainingState())
        references[key] = choose_reference(_facts(state.newest), _facts(state.benchmark))
    return references


def _facts(row: TrainingRow | None) -> TrainingImageFacts | None:
    if row is None:
        return None
    failed = row.status == Status.FAILED or row.failure is not None
    return TrainingImageFacts(row.id, failed, row.processed_time, row.encoding)


def _examine(
    bench: Workbench, process: Process, ids: Sequence[int], claim_token: str | None = None, requeue: bool = True
) -> EnrolmentReport:
    results: Counter[TrainingResult] = Counter()
    failures: dict[int, tuple[str, str]] = {}
    requeued = 0
    lan_ids = lan_ids_of(bench.database, ids)
    for batch in _batches(_verdicts(bench, ids, lan_ids)):
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


def _verdicts(bench: Workbench, ids: Sequence[int], lan_ids: dict[int, str | None]) -> Iterator[TrainingVerdict]:
    stored = pictures(bench.database, TrainingImage, ids, bench.settings.max_image_bytes)
    for image_id, examination in bench.examine(stored):
        result, detail = _judge(examination)
        face = None
        if result is TrainingResult.ONE_FACE:
            only = examination.faces[0]
            face = EncodedFace(only.encoding, only.box, only.quality)
        finished = naive_utc_now()
        started = finished - timedelta(milliseconds=sum(examination.milliseconds.values()))
        yield TrainingVerdict(image_id, lan_ids.get(image_id), result, face, detail, started, finished)


def _judge(examination: Examination) -> tuple[TrainingResult, str | None]:
    if examination.fault is Fault.UNREADABLE:
        return TrainingResult.UNREADABLE, examination.detail
    if examination.fault is Fault.ERROR:
        return TrainingResult.ERROR, examination.detail
    count = len(examination.faces)
    if count == 1:
        return TrainingResult.ONE_FACE, None
    if count == 0:
        return TrainingResult.NO_FACE, "no face was found; exactly one is needed"
    return TrainingResult.SEVERAL_FACES, f"{count} faces were found; exactly one is needed"


def _batches(verdicts: Iterator[TrainingVerdict]) -> Iterator[list[TrainingVerdict]]:
    batch: list[TrainingVerdict] = []
    for verdict in verdicts:
        batch.append(verdict)
        if len(batch) >= _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
