"""The rule that stills are decided by: which distance is near enough, and how sure that makes us."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from biosense_pipeline.choices import AccuracyScale
from biosense_pipeline.lan_ids import agent_key, registered_form
from biosense_pipeline.matching.accuracy import NORMALISERS
from biosense_pipeline.matching.calibration import Calibration, probability
from biosense_pipeline.matching.results import Decision, decide


@dataclass(frozen=True)
class Certainty:
    """How sure a distance makes us: the natural log-likelihood ratio, and the probability of one person (0-1)."""

    llr: float
    p_genuine: float


@dataclass(frozen=True)
class Judgement:
    """All that follows from a still's distances under a rule.

    Attributes:
        tolerance: the limit that was in force for the agent.
        accuracy: per cent; None without a face, or where the scale has no value for it.
        certainty: of the nearest face, as if it was alone; None without a face or a calibration.
        calibration_id: the calibration that tolerance and certainty come from.
    """

    decision: Decision
    tolerance: float
    accuracy: float | None
    certainty: Certainty | None
    calibration_id: int | None


@dataclass(frozen=True)
class Rule:
    """Tolerances, scale and calibration in force: with a still's distances, all that its result follows from.

    Attributes:
        tolerance: the largest distance at which a face is the agent.
        scale: what the percentage is; ``auto`` means ``calibrated`` with a calibration and ``bands`` without.
        prior_genuine: the probability of one person before the comparison, for p_genuine.
        calibration: the one in force, or None; ``calibration_id`` is its row.
        own_tolerances: stricter tolerances of single agents, by :func:`agent_key` of their registered form.
    """

    tolerance: float
    scale: AccuracyScale = AccuracyScale.AUTO
    prior_genuine: float = 0.5
    calibration: Calibration | None = None
    calibration_id: int | None = None
    own_tolerances: Mapping[str, float] = field(default_factory=dict)

    def tolerance_for(self, lan_id: str | None) -> float:
        """The tolerance of an agent: the agent's own where that is stricter."""
        return min(self.tolerance, self.own_tolerances.get(agent_key(registered_form(lan_id)), self.tolerance))

    def certainty(self, distance: float) -> Certainty | None:
        """How sure a distance makes us; None without a calibration."""
        if self.calibration is None:
            return None
        llr = float(self.calibration.llr(distance))
        return Certainty(llr, probability(llr, self.prior_genuine))

    def accuracy(self, distance: float, tolerance: float) -> float | None:
        """The percentage of a distance; None on the scale ``calibrated`` before there is a calibration."""
        scale = self.scale
        if scale is AccuracyScale.AUTO:
            scale = AccuracyScale.CALIBRATED if self.calibration else AccuracyScale.BANDS
        if scale is not AccuracyScale.CALIBRATED:
            return NORMALISERS[scale](distance, tolerance)
        certainty = self.certainty(distance)
        return None if certainty is None else 100.0 * certainty.p_genuine

    def judge(self, lan_id: str | None, distances: Sequence[float]) -> Judgement:
        """Decide a still of an agent.

        Args:
            distances: from the agent's benchmark to each face of the still, none to any number.
        """
        tolerance = self.tolerance_for(lan_id)
        decision = decide(distances, tolerance)
        nearest = decision.distance
        return Judgement(
            decision,
            tolerance,
            None if nearest is None else self.accuracy(nearest, tolerance),
            None if nearest is None else self.certainty(nearest),
            self.calibration_id,
        )

    @property
    def source(self) -> str:
        """Where the tolerance comes from, in a few words."""
        if self.calibration_id is None:
            return "BIOSENSE_TOLERANCE, not calibrated on this site"
        return f"calibration {self.calibration_id}"
