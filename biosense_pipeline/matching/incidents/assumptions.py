"""What the test takes for granted of an ordinary working day, and how many false alarms may come of it."""

import math
from dataclasses import dataclass

DAYS_A_MONTH = 30


@dataclass(frozen=True)
class Assumptions:
    """Each of these is a setting; the defaults are stated there with their reasons.

    Attributes:
        false_alarms_per_month: incidents that an agent about whom nothing is wrong may cause a month, in all.
        stills_per_day: of an agent, ``still_seconds`` apart.
        correlation: of the evidence of two stills ``still_seconds`` apart, of an agent who is there. It falls
            exponentially with time: genuine rejections come in runs (bad light, a turned head).
        fnmr, fmr: shares of stills of the agent that are rejected and of others that are accepted, for stills whose
            result was not calibrated.
        largest_llr: no still says more than this of who is there.
        no_face_share: of an agent's stills at work, those without a face.
        pause_seconds: mean length of a stretch without a face at work.
        sitting_seconds: time in which the correlation of what two windows say of a print falls to 1/e: light, place
            and clothes are those of the sitting.
        gap_seconds: after so long without evidence the test begins anew: who sat there before says nothing of
            who sits there afterwards.
    """

    false_alarms_per_month: float = 1.0
    stills_per_day: int = 2880
    still_seconds: float = 10.0
    correlation: float = 0.1
    fnmr: float = 0.05
    fmr: float = 0.01
    largest_llr: float = 5.0
    no_face_share: float = 0.1
    pause_seconds: float = 300.0
    sitting_seconds: float = 3600.0
    gap_seconds: float = 900.0

    @property
    def stills_per_false_alarm(self) -> float:
        """How many stills of an agent there have to be, in the mean, to one false alarm of any kind."""
        return DAYS_A_MONTH * self.stills_per_day / self.false_alarms_per_month

    @property
    def rejection(self) -> float:
        """LLR of a still whose face was rejected, for somebody else: ln((1 - FMR) / FNMR)."""
        return self._limited(math.log((1 - self.fmr) / self.fnmr))

    @property
    def acceptance(self) -> float:
        """LLR of a still whose face was accepted, for somebody else: ln(FMR / (1 - FNMR))."""
        return self._limited(math.log(self.fmr / (1 - self.fnmr)))

    @property
    def correlation_seconds(self) -> float:
        """Time in which the correlation of stills of an agent who is there falls to 1/e."""
        return -self.still_seconds / math.log(self.correlation) if self.correlation > 0 else 0.0

    @property
    def pause_correlation(self) -> float:
        """Correlation of having no face, of two stills ``still_seconds`` apart, of an agent at work."""
        return math.exp(-self.still_seconds / self.pause_seconds)

    @property
    def sitting_correlation(self) -> float:
        """Correlation of what the windows of two stills ``still_seconds`` apart say of a print, of an agent at work."""
        return math.exp(-self.still_seconds / self.sitting_seconds)

    def _limited(self, llr: float) -> float:
        return max(-self.largest_llr, min(self.largest_llr, llr))


def discount(correlation: float) -> float:
    """What a still is worth beside the one before it: (1 - r) / (1 + r).

    A long series with correlation r, r², r³ ... between its members tells as much of its mean as this share of
    independent ones would (Bayley and Hammersley, "The effective number of independent observations in an
    autocorrelated time series", 1946).
    """
    return (1 - correlation) / (1 + correlation)


def as_exception(llr: float, correlation: float) -> float:
    """What a still says against an incident that comes after one that speaks for it: llr - ln(1 - r), 0 at most.

    That an ordinary run ends just here has the probability 1 - r, beside which an exception by chance, as a picture
    on the wall that is taken for a face, is not so improbable. The next still, if it agrees, counts in full.
    """
    return min(0.0, llr - math.log(1 - correlation)) if correlation < 1 else 0.0
