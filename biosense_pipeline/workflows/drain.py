"""The main job: claim pending stills, examine and compare them, write the results, until none is left.

A still is claimed in a short transaction and examined outside of any. Results are written as they come,
a few at a time, each only where its claim still holds. So a process may be killed at any point: what it
had not written returns to pending when its lease runs out, and nothing is written twice.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from biosense_pipeline.codes import Status, StillResult
from biosense_pipeline.lan_ids import agent_key
from biosense_pipeline.local_time import floor_hour
from biosense_pipeline.matching.benchmark import Reference, ReferenceState
from biosense_pipeline.store.backlog import Stock, take_stock
from biosense_pipeline.store.claims import Claim, ClaimedStill, Claims, Released
from biosense_pipeline.store.outcomes import StillOutcome, write_outcomes
from biosense_pipeline.store.pictures import pictures
from biosense_pipeline.store.scope import Scope
from biosense_pipeline.store.tables import StreamImage
from biosense_pipeline.vision.examine import Examination
from biosense_pipeline.workflows.enrol import find_references
from biosense_pipeline.workflows.judge import judge, not_comparable
from biosense_pipeline.workflows.workbench import Workbench

#: Seconds between two looks for new stills, or for stills that another process holds.
_POLL_SECONDS = 0.5


@dataclass
class DrainReport:
    """What a drain did.

    Attributes:
        results: stills written, by result.
        hours: full hours of ``capture_time`` in which stills were claimed.
        distances: of the nearest face of each compared still.
        milliseconds: of each still examined, all stages.
        stages: milliseconds of each still by stage.
        retried: attempts that failed and left their still pending.
        lost: results not written because the claim had passed to another process.
        released: what became of expired leases at the start and on the way.
        seconds: from the first look to the last, waiting included; ``busy`` without waiting.
    """

    stock: Stock = field(default_factory=Stock)
    results: Counter[StillResult] = field(default_factory=Counter)
    hours: set[datetime] = field(default_factory=set)
    distances: list[float] = field(default_factory=list)
    milliseconds: list[float] = field(default_factory=list)
    stages: dict[str, list[float]] = field(default_factory=dict)
    retried: int = 0
    lost: int = 0
    released: Released = field(default_factory=Released)
    seconds: float = 0.0
    busy: float = 0.0

    @property
    def written(self) -> int:
        return self.results.total()

    @property
    def stills_per_second(self) -> float:
        return self.written / self.busy if self.busy else 0.0


Progress = Callable[[DrainReport], None]


def drain(
    bench: Workbench, scope: Scope, *, follow: bool = False, on_progress: Progress = lambda report: None
) -> DrainReport:
    """Process every still of the scope that is pending now, and wait for those another process holds.

    Args:
        scope: the stills to process.
        follow: go on with newer stills of the scope until none has come for ``idle_seconds``, at most
            for ``follow_seconds``; those that were there at that time are still finished.
        on_progress: called after every commit with the report so far.
    """
    return _Drain(bench, scope, on_progress).run(follow)


class _Drain:
    def __init__(self, bench: Workbench, scope: Scope, on_progress: Progress) -> None:
        self._bench = bench
        self._scope = scope
        self._on_progress = on_progress
        settings = bench.settings
        self._claims = Claims(bench.database, settings.lease_seconds, settings.max_attempts)
        self._report = DrainReport()

    def run(self, follow: bool) -> DrainReport:
        begin = self._bench.monotonic()
        self._release()
        self._report.stock = take_stock(self._bench.database, self._scope)
        highest_id = self._report.stock.highest_id
        if follow:
            self._follow(begin)
            highest_id = take_stock(self._bench.database, self._scope).highest_id
        self._finish(self._scope.up_to(highest_id))
        self._report.seconds = self._bench.monotonic() - begin
        return self._report

    def _follow(self, begin: float) -> None:
        """Take stills as they come, until a pause or the deadline."""
        settings = self._bench.settings
        last_work = last_release = begin
        while (now := self._bench.monotonic()) - begin < settings.follow_seconds:
            if now - last_release >= settings.lease_seconds:
                self._release()
                last_release = now
            if self._work_once(self._scope):
                last_work = self._bench.monotonic()
            elif now - last_work >= settings.idle_seconds:
                return
            else:
                self._bench.heartbeat()
                self._bench.sleep(_POLL_SECONDS)

    def _finish(self, stock: Scope) -> None:
        """Process what is left of the stock; wait for what others hold, and take it over if they die."""
        while True:
            if self._work_once(stock):
                continue
            if not self._claims.held_elsewhere(stock):
                return
            self._bench.heartbeat()
            self._bench.sleep(_POLL_SECONDS)
            self._release()

    def _release(self) -> None:
        released = self._claims.release_expired(self._scope)
        before = self._report.released
        self._report.released = Released(before.returned + released.returned, before.failed + released.failed)

    def _work_once(self, scope: Scope) -> bool:
        """Claim and process one batch; False where nothing was pending."""
        claim = self._claims.claim(scope, self._bench.settings.claim_size)
        if not claim.stills:
            return False
        self._report.hours.update(floor_hour(still.capture_time) for still in claim.stills if still.capture_time)
        begin = self._bench.monotonic()
        try:
            _Batch(self._bench, self._claims, claim, self._report, self._on_progress).process()
        except BaseException:
            # Stopped or failed: others need not wait for the lease.
            self._claims.give_back(claim)
            raise
        self._report.busy += self._bench.monotonic() - begin
        return True


class _Batch:
    """One claim on its way: outcomes gather here and are written a few at a time."""

    def __init__(
        self, bench: Workbench, claims: Claims, claim: Claim, report: DrainReport, on_progress: Progress
    ) -> None:
        self._bench = bench
        self._claims = claims
        self._claim = claim
        self._report = report
        self._on_progress = on_progress
        self._gathered: list[StillOutcome] = []
        self._written_at = self._renewed_at = bench.monotonic()

    def process(self) -> None:
        lan_ids = {still.lan_id for still in self._claim.stills if still.lan_id}
        references = find_references(self._bench, sorted(lan_ids), self._claim.token)
        self._renew()  # benchmarks that had to be encoded first may have taken most of the lease
        missing = Reference(ReferenceState.MISSING)
        comparable: dict[int, tuple[ClaimedStill, Reference]] = {}
        for still in self._claim.stills:
            reference = references.get(agent_key(still.lan_id), missing)
            if reference.state is ReferenceState.READY:
                comparable[still.id] = still, reference
            else:
                self._add(not_comparable(still, reference, self._bench.settings))
        stored = pictures(self._bench.database, StreamImage, list(comparable), self._bench.settings.max_image_bytes)
        for still_id, examination in self._bench.examine(stored):
            self._count_time(examination)
            self._add(judge(*comparable[still_id], examination, self._bench.settings))
        self._write()

    def _add(self, outcome: StillOutcome) -> None:
        settings = self._bench.settings
        self._gathered.append(outcome)
        now = self._bench.monotonic()
        if now - self._renewed_at > settings.lease_seconds / 3:
            self._renew()
        if len(self._gathered) >= settings.commit_size or now - self._written_at >= settings.commit_seconds:
            self._write()

    def _renew(self) -> None:
        self._claims.renew(self._claim)
        self._renewed_at = self._bench.monotonic()

    def _write(self) -> None:
        written = write_outcomes(
            self._bench.database,
            self._claim.token,
            self._gathered,
            model_id=self._bench.model_id,
            run_id=self._bench.run_id,
            processed_time=self._bench.local_now(),
        )
        self._report.lost += len(self._gathered) - len(written)
        for outcome in written:
            if outcome.status is Status.PENDING:
                self._report.retried += 1
                continue
            self._report.results[outcome.result] += 1
            if outcome.comparison and outcome.comparison.distance is not None:
                self._report.distances.append(outcome.comparison.distance)
        self._gathered = []
        self._written_at = self._bench.monotonic()
        self._on_progress(self._report)

    def _count_time(self, examination: Examination) -> None:
        if examination.fault is None:
            self._report.milliseconds.append(sum(examination.milliseconds.values()))
            for stage, value in examination.milliseconds.items():
                self._report.stages.setdefault(stage, []).append(value)
