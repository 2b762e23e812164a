"""What a drain did, in figures that grow while it works."""

from collections import Counter, defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from biosense_pipeline.codes import StillResult
from biosense_pipeline.store.stills.backlog import Stock
from biosense_pipeline.store.stills.claims import Released
from biosense_pipeline.store.stills.outcomes import StillOutcome
from biosense_pipeline.vision.examine import Examination

#: Values kept of each kind: a day's drain must not grow with its stills, and percentiles need no more.
_KEPT = 10_000


def _latest() -> deque[float]:
    return deque(maxlen=_KEPT)


@dataclass
class DrainReport:
    """What a drain did.

    Attributes:
        results: stills written, by result.
        hours: full hours of ``capture_time`` in which stills were claimed.
        distances: of the nearest face of each compared still, the latest of them.
        milliseconds: of each still examined, all stages, the latest of them.
        stages: milliseconds of each still by stage, the latest of them.
        retried: attempts that failed and left their still pending.
        lost: results not written because the claim had passed to another process.
        released: what became of expired leases at the start and on the way.
        quick: stills that a quick look settled.
        without_evidence: stills written of whose pictures nothing could be kept, by the kind of failure.
        without_attack_score: stills written that lack the score of the operator's own model, by the reason.
        further_looks: looks that had to follow another one; a still may need more than one of them.
        seconds: from the first look to the last, waiting included; ``busy`` without waiting.
    """

    stock: Stock = field(default_factory=Stock)
    results: Counter[StillResult] = field(default_factory=Counter)
    hours: set[datetime] = field(default_factory=set)
    distances: deque[float] = field(default_factory=_latest)
    milliseconds: deque[float] = field(default_factory=_latest)
    stages: dict[str, deque[float]] = field(default_factory=lambda: defaultdict(_latest))
    quick: int = 0
    further_looks: int = 0
    without_evidence: Counter[str] = field(default_factory=Counter)
    without_attack_score: Counter[str] = field(default_factory=Counter)
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

    def count_time(self, examination: Examination) -> None:
        """Note what an examination cost, unless there was nothing to examine."""
        if examination.fault is None:
            self.milliseconds.append(sum(examination.milliseconds.values()))
            for stage, value in examination.milliseconds.items():
                self.stages[stage].append(value)

    def count_evidence(self, outcome: StillOutcome) -> None:
        """Note that nothing was kept of a picture, or not all of it, where that is so."""
        if outcome.evidence_failure:
            self.without_evidence[outcome.evidence_failure.partition(":")[0]] += 1
        if outcome.attack_failure:
            self.without_attack_score[outcome.attack_failure] += 1


Progress = Callable[[DrainReport], None]
