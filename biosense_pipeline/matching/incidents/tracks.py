"""The sequential test of one species: a sum of evidence that never falls below zero (CUSUM; Page, 1954).

An incident opens where the sum reaches the bound and closes where it is back at zero. The sum is not let above
the bound, so that a long incident closes as soon as a short one: after some stills that speak against it, not
after one (hysteresis).

Evidence for an incident is discounted by its correlation with that of the still before, which depends on the
time between them: stills of the same moment add nothing, and far apart each counts in full. Evidence against
an incident counts in full: a person who is recognised is there. Only of presence a single still may be an
exception: a face found where nobody is.

Where the evidence is that of whole windows, as of a print, the next window has all but one of its stills in common
with the one before, and says the same again, better or worse. It counts for what it says beyond all that the windows
have said so far, or by its discount where that is more. That discount goes by the sitting: light and place that make
a genuine agent look like a print stay for as long.

After a gap the test begins anew, and what was open closes with the last still before it. Nothing is closed by
the mere passing of time: it takes a later still, so that the outcome follows from the stills alone.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from biosense_pipeline.codes import Species
from biosense_pipeline.matching.incidents.assumptions import as_exception, discount
from biosense_pipeline.matching.incidents.incident import FIRST_STEPS, LAST_STEPS, Incident, Step
from biosense_pipeline.matching.incidents.stills import IncidentStill


@dataclass(frozen=True)
class Limits:
    """What the test of a species is held to.

    Attributes:
        bound: LLR at which an incident opens.
        correlation_seconds: time in which the correlation of an ordinary agent's evidence falls to 1/e; 0: stills
            do not hang together; None: what is new in a still is told with it.
        gap_seconds: after so long without evidence the test begins anew.
        exceptions: a still that speaks against the incident after one that speaks for it may be by chance.
        restated: what a still says is what its window says, the windows before it counted.
    """

    bound: float
    correlation_seconds: float | None
    gap_seconds: float
    exceptions: bool = False
    restated: bool = False

    def correlation(self, seconds: float | None) -> float:
        """Of stills so far apart, exp(-seconds / correlation_seconds); None: there was no still before."""
        if self.correlation_seconds is None or seconds is None:
            return 0.0
        if self.correlation_seconds == 0:
            return 0.0 if seconds > 0 else 1.0
        return math.exp(-seconds / self.correlation_seconds)

    def discount(self, seconds: float | None) -> float:
        """What evidence for the incident is worth, from the time since the evidence before it; None: there was none."""
        return discount(self.correlation(seconds))

    def discount_against(self, llr: float, seconds: float | None, after_evidence_for: bool) -> float:
        """What evidence against the incident is worth."""
        if not (self.exceptions and after_evidence_for) or llr == 0:
            return 1.0
        return as_exception(llr, self.correlation(seconds)) / llr


@dataclass(frozen=True)
class Track:
    """Where the test of one species stands after some stills.

    Attributes:
        statistic: the sum, 0 to the bound.
        heard: capture time of the last evidence; None: there was none since a gap.
        first_still_id and what follows: since the sum was last at zero; None and 0 where it is.
        raised: the sum since then without the bound's limit, ``peak`` the largest it was.
        said: of that, what windows have said.
        opened: None: no incident is open.
    """

    statistic: float = 0.0
    heard: datetime | None = None
    first_still_id: int | None = None
    last_still_id: int | None = None
    stills: int = 0
    raised: float = 0.0
    peak: float = 0.0
    said: float = 0.0
    opened: datetime | None = None
    first_steps: tuple[Step, ...] = ()
    last_steps: tuple[Step, ...] = ()
    steps: int = 0

    def add(
        self, still: IncidentStill, llr: float, rests_on: str, novelty: float | None, limits: Limits
    ) -> tuple["Track", "Track | None", datetime | None]:
        """The track after a still's evidence.

        Args:
            novelty: share of the evidence that no earlier still has brought; None: by the time since then.

        Returns:
            The track; the track with an incident that has just closed, if one has; and when.
        """
        last = self._last
        if last is not None and (still.captured - last).total_seconds() > limits.gap_seconds:
            after, ended, _ = Track().add(still, llr, rests_on, novelty, limits)
            # A fresh track cannot close an incident: it has none before this still.
            assert ended is None
            return after, (self if self.opened else None), last
        if llr <= 0 and self.statistic == 0:
            # Only a discount by time needs to know when it was.
            return (self if limits.correlation_seconds is None else Track(heard=still.captured)), None, None
        # What a finding adds to evidence that is discounted by time is not such evidence itself.
        beside = novelty is not None and limits.correlation_seconds is not None
        heard = self.heard if beside else still.captured
        worth = self._discount(still, llr, novelty, limits)
        moved = llr * worth
        statistic = min(limits.bound, self.statistic + moved)
        if statistic <= 0:
            step = Step(still.still_id, still.captured, rests_on, llr, worth, 0.0)
            return Track(heard=heard), (self._with(step) if self.opened else None), still.captured
        step = Step(still.still_id, still.captured, rests_on, llr, worth, statistic)
        raised = self.raised + moved
        speaks_for = llr > 0
        return (
            replace(
                self._with(step),
                statistic=statistic,
                heard=heard,
                first_still_id=still.still_id if self.first_still_id is None else self.first_still_id,
                last_still_id=still.still_id if speaks_for or self.last_still_id is None else self.last_still_id,
                # One still may speak twice: of the person, and of the source.
                stills=self.stills + (speaks_for and still.still_id != self.last_still_id),
                raised=raised,
                peak=max(self.peak, raised),
                said=max(0.0, self.said + moved) if limits.restated and not beside else self.said,
                opened=self.opened or (still.captured if statistic >= limits.bound else None),
            ),
            None,
            None,
        )

    @property
    def _last_step(self) -> Step | None:
        steps = self.last_steps or self.first_steps
        return steps[-1] if steps else None

    @property
    def _last(self) -> datetime | None:
        return self._last_step.captured if self._last_step else self.heard

    def _discount(self, still: IncidentStill, llr: float, novelty: float | None, limits: Limits) -> float:
        seconds = None if self.heard is None else (still.captured - self.heard).total_seconds()
        if llr <= 0:
            step = self._last_step
            return limits.discount_against(llr, seconds, step is not None and step.llr > 0)
        if novelty is not None:
            return novelty
        worth = limits.discount(seconds)
        return max(worth, 1.0 - self.said / llr) if limits.restated else worth

    def _with(self, step: Step) -> "Track":
        if len(self.first_steps) < FIRST_STEPS:
            return replace(self, first_steps=(*self.first_steps, step), steps=self.steps + 1)
        return replace(self, last_steps=(*self.last_steps, step)[-LAST_STEPS:], steps=self.steps + 1)

    def incident(self, species: Species, bound: float, closed: datetime | None) -> Incident:
        """The incident that is open on the track, closed as given."""
        assert self.opened is not None
        assert self.first_still_id is not None
        assert self.last_still_id is not None
        kept = (*self.first_steps, *self.last_steps)
        return Incident(
            species,
            self.first_still_id,
            self.last_still_id,
            self.opened,
            closed,
            self.peak,
            self.stills,
            bound,
            kept,
            self.steps - len(kept),
        )

    def stored(self) -> dict[str, Any]:
        """Fit for JSON."""
        return {
            **vars(self),
            "heard": self.heard and self.heard.isoformat(),
            "opened": self.opened and self.opened.isoformat(),
            "first_steps": [step.stored() for step in self.first_steps],
            "last_steps": [step.stored() for step in self.last_steps],
        }

    @classmethod
    def from_stored(cls, values: Mapping[str, Any]) -> "Track":
        """The track that was stored."""
        times = {name: values[name] and datetime.fromisoformat(values[name]) for name in ("heard", "opened")}
        steps = {name: tuple(map(Step.from_stored, values[name])) for name in ("first_steps", "last_steps")}
        return cls(**{**values, **times, **steps})
