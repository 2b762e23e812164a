"""From claims to written results, with reading, examining and writing side by side.

Claims are taken and pictures read ahead of the examiner, in the thread in which it reads; results are
written here as they come, a few at a time, each only where its claim still holds. So a process may be
killed at any point: what it had not written returns to pending when its lease runs out, and nothing is
written twice.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

from biosense_pipeline.codes import Status
from biosense_pipeline.lan_ids import agent_key
from biosense_pipeline.local_time import floor_hour
from biosense_pipeline.matching.benchmark import Reference, ReferenceState
from biosense_pipeline.matching.rule import Rule
from biosense_pipeline.store.scope import Scope
from biosense_pipeline.store.stills.claims import Claim, ClaimedStill, Claims
from biosense_pipeline.store.stills.outcomes import StillOutcome, write_outcomes
from biosense_pipeline.store.stills.pictures import StoredPicture, pictures
from biosense_pipeline.store.tables.pipeline import StreamImage
from biosense_pipeline.vision.examine import Examination
from biosense_pipeline.vision.faces import Look
from biosense_pipeline.workflows.enrol import find_references
from biosense_pipeline.workflows.judge import judge, not_comparable
from biosense_pipeline.workflows.looks import Looks
from biosense_pipeline.workflows.report import DrainReport, Progress
from biosense_pipeline.workflows.rules import load_rule
from biosense_pipeline.workflows.workbench import Workbench


@dataclass(frozen=True)
class _Task:
    """A claimed still that is to be compared, with what it is compared with and decided by."""

    still: ClaimedStill
    reference: Reference
    rule: Rule
    token: str


class Pipeline:
    """Processes the pending stills of a scope; keeps nothing between two runs but the agents' looks."""

    def __init__(self, bench: Workbench, claims: Claims, report: DrainReport, on_progress: Progress) -> None:
        self._bench = bench
        self._claims = claims
        self._report = report
        self._on_progress = on_progress
        self._looks = Looks(bench.settings)
        # Claims are taken in the examiner's thread and finished in the caller's.
        self._lock = threading.RLock()
        self._open: dict[str, tuple[Claim, set[int]]] = {}
        self._tasks: dict[int, _Task] = {}
        self._gathered: list[tuple[str, StillOutcome]] = []
        self._again: dict[int, tuple[Examination, Look]] = {}
        self._written_at = self._renewed_at = 0.0

    def run(self, scope: Scope, may_claim: Callable[[], bool] = lambda: True) -> bool:
        """Claim and process until nothing is pending or ``may_claim`` says no; False where nothing was done."""
        begin = self._bench.monotonic()
        self._written_at = self._renewed_at = begin
        self._claimed = False
        try:
            # Closed before claims are given back: until then its thread may take another.
            with closing(self._bench.examine(self._read(scope, may_claim), self._look, self._renew)) as examined:
                for still_id, examination in examined:
                    self._take(still_id, examination)
                    if self._due():
                        self._commit()
            self._commit()
        except BaseException:
            # Stopped or failed: others need not wait for the lease.
            for claim, _ in self._open.values():
                self._claims.give_back(claim)
            self._open.clear()
            raise
        if self._claimed:
            self._report.busy += self._bench.monotonic() - begin
        return self._claimed

    def _read(self, scope: Scope, may_claim: Callable[[], bool]) -> Iterator[StoredPicture]:
        """The pictures of claim after claim; stills that cannot be compared are finished on the way."""
        while may_claim():
            claim = self._claims.claim(scope, self._bench.settings.claim_size)
            if not claim.stills:
                return
            self._claimed = True
            with self._lock:
                self._open[claim.token] = claim, {still.id for still in claim.stills}
                self._report.hours.update(
                    floor_hour(still.capture_time) for still in claim.stills if still.capture_time
                )
            comparable = self._prepare(claim)
            yield from pictures(self._bench.database, StreamImage, comparable, self._bench.settings.max_image_bytes)

    def _prepare(self, claim: Claim) -> list[int]:
        """Find what each still is compared with; returns the ids of those that can be."""
        settings = self._bench.settings
        lan_ids = {still.lan_id for still in claim.stills if still.lan_id}
        references = find_references(self._bench, sorted(lan_ids), claim.token)
        self._claims.renew(claim)  # benchmarks that had to be encoded first may have taken most of the lease
        rule = load_rule(self._bench.database, settings, self._bench.model_id)
        missing = Reference(ReferenceState.MISSING)
        comparable, others = [], []
        with self._lock:
            for still in claim.stills:
                # An approval takes an agent's stills from their claims. One that was under way here comes back
                # with this claim: it is examined once, and decided by what counts now.
                under_way = self._tasks.pop(still.id, None)
                if under_way is not None and under_way.token != claim.token:
                    self._leave(under_way.token, [still.id])
                reference = references.get(agent_key(still.lan_id), missing)
                if reference.state is not ReferenceState.READY:
                    others.append(not_comparable(still, reference, settings))
                    continue
                self._tasks[still.id] = _Task(still, reference, rule, claim.token)
                if under_way is None:
                    comparable.append(still.id)
        for start in range(0, len(others), settings.commit_size):
            self._write(claim.token, others[start : start + settings.commit_size])
        return comparable

    def _look(self, still_id: int) -> Look:
        return replace(self._looks.choose(self._tasks[still_id].still), evidence=True)

    def _take(self, still_id: int, examination: Examination) -> None:
        """Decide a still, or put it aside for another look."""
        earlier = self._again.pop(still_id, None)
        if earlier:
            examination = examination.after(earlier[0])
        with self._lock:
            task = self._tasks.get(still_id)
            if task is None:
                return  # there is nothing to compare it with any more, and that is written
            outcome = judge(task.still, task.reference, examination, self._bench.settings, task.rule)
            if look := self._looks.needed(task.still, examination, outcome):
                self._again[still_id] = examination, look
                return
            del self._tasks[still_id]
        self._report.count_time(examination)
        self._report.quick += not examination.full
        self._gathered.append((task.token, outcome))
        self._renew()

    def _renew(self) -> None:
        """Hold what is claimed for another lease, when a third of the last one is over."""
        if self._bench.monotonic() - self._renewed_at <= self._bench.settings.lease_seconds / 3:
            return
        with self._lock:
            claims = [claim for claim, _ in self._open.values()]
        for claim in claims:
            self._claims.renew(claim)
        self._renewed_at = self._bench.monotonic()

    def _due(self) -> bool:
        settings = self._bench.settings
        waiting = len(self._gathered) + len(self._again)
        late = self._bench.monotonic() - self._written_at >= settings.commit_seconds
        return waiting >= settings.commit_size or (waiting > 0 and late)

    def _commit(self) -> None:
        """Look again at what was put aside, then write what is decided."""
        while again := list(self._again):
            self._report.further_looks += len(again)
            stored = pictures(self._bench.database, StreamImage, again, self._bench.settings.max_image_bytes)
            looks = {still_id: replace(look, evidence=True) for still_id, (_, look) in self._again.items()}
            with closing(self._bench.examine(stored, looks.__getitem__, self._renew)) as examined:
                for still_id, examination in examined:
                    self._take(still_id, examination)
        gathered, self._gathered = self._gathered, []
        for token in dict.fromkeys(token for token, _ in gathered):
            self._write(token, [outcome for own, outcome in gathered if own == token])
        self._written_at = self._bench.monotonic()

    def _write(self, token: str, outcomes: Sequence[StillOutcome]) -> None:
        written = write_outcomes(
            self._bench.database,
            token,
            outcomes,
            model_id=self._bench.model_id,
            run_id=self._bench.run_id,
            processed_time=self._bench.local_now(),
        )
        with self._lock:
            self._leave(token, [outcome.still_id for outcome in outcomes])
            self._report.lost += len(outcomes) - len(written)
            for outcome in written:
                self._report.count_evidence(outcome)
                if outcome.status is Status.PENDING:
                    self._report.retried += 1
                    continue
                self._report.results[outcome.result] += 1
                if outcome.comparison and outcome.comparison.distance is not None:
                    self._report.distances.append(outcome.comparison.distance)
            self._on_progress(self._report)

    def _leave(self, token: str, still_ids: Sequence[int]) -> None:
        """These stills are no longer of that claim, which is forgotten with the last of its own."""
        _, left = self._open[token]
        left.difference_update(still_ids)
        if not left:
            del self._open[token]
