"""An incident: a stretch of an agent's stills, and how the decision follows from stored numbers."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from biosense_pipeline.codes import Species

#: Steps that are kept from the beginning, and from the end: an incident of a whole night stays readable.
FIRST_STEPS, LAST_STEPS = 12, 12


@dataclass(frozen=True)
class Step:
    """One still's part in a decision: ``statistic`` is the sum so far plus ``llr * discount``, kept within 0 and bound.

    Attributes:
        rests_on: the still's result, or the species of a finding.
    """

    still_id: int
    captured: datetime
    rests_on: str
    llr: float
    discount: float
    statistic: float

    def stored(self) -> dict[str, Any]:
        """Fit for JSON."""
        return {**vars(self), "captured": self.captured.isoformat()}

    @classmethod
    def from_stored(cls, values: dict[str, Any]) -> "Step":
        """The step that was stored."""
        return cls(**{**values, "captured": datetime.fromisoformat(values["captured"])})


@dataclass(frozen=True)
class Incident:
    """What a supervisor is told of.

    Attributes:
        first_still_id: the first still after which the evidence never fell back to nothing.
        last_still_id: the last still that spoke for it.
        opened: capture time of the still at which the evidence passed the bound.
        closed: that of the still at which it had fallen back to nothing; of the last still before a gap; None: open.
        peak: the largest sum of discounted evidence since the first still, not kept below the bound.
        stills: those that spoke for it, first to last.
        steps: the first and the last; ``steps_left_out`` between them are not kept.
    """

    species: Species
    first_still_id: int
    last_still_id: int
    opened: datetime
    closed: datetime | None
    peak: float
    stills: int
    bound: float
    steps: tuple[Step, ...]
    steps_left_out: int

    def explained(self) -> dict[str, Any]:
        """How the decision follows, fit for JSON."""
        return {
            "bound": self.bound,
            "left_out": self.steps_left_out,
            "steps": [step.stored() for step in self.steps],
        }
