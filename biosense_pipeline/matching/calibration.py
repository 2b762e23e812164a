"""How much more likely a distance is between pictures of one person than of two."""

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Calibration:
    """A log-likelihood ratio (LLR, natural logarithm) as a function of distance, which never rises with it.

    Within ``range`` it is ``c0 + c1 d + c2 d²``: a line from logistic regression (c2 = 0), a parabola from
    two normal distributions. Outside, the value at the nearer edge holds: nothing is read into distances
    that were not seen, and of the parabola only the falling branch is used.

    Attributes:
        method: what fitted it, ``logistic`` or ``bi_gaussian``.
        coefficients: c0, c1, c2.
        range: the smallest and the largest distance at which the polynomial is used.
        bounds: the lowest and the highest LLR that the material supports.
    """

    method: str
    coefficients: tuple[float, float, float]
    range: tuple[float, float]
    bounds: tuple[float, float]

    def llr(self, distances: np.ndarray | float) -> np.ndarray:
        """The LLR of each distance: float64, of the shape of ``distances``."""
        c0, c1, c2 = self.coefficients
        d = np.clip(np.asarray(distances, dtype=np.float64), *self.range)
        return np.asarray(np.clip(c0 + d * (c1 + d * c2), *self.bounds))

    @property
    def even_distance(self) -> float:
        """The largest distance that does not speak against the same person; infinite where none does.

        Where all do, the smallest distance seen: at that tolerance nothing is accepted, which no check lets pass.
        """
        low, high = self.range
        if self.llr(high) >= 0:
            return math.inf
        if self.llr(low) < 0:
            return low
        while (middle := (low + high) / 2) not in (low, high):
            low, high = (middle, high) if self.llr(middle) >= 0 else (low, middle)
        return low

    def limited(self, tolerance: float) -> float:
        """The tolerance, but none at which a face that is accepted is more likely somebody else's.

        Where both kinds hardly overlap, a rate of false matches alone would reach far into the gap between them.
        """
        return min(tolerance, self.even_distance)

    def parameters(self) -> dict[str, Any]:
        """What is stored of it, fit for JSON."""
        return asdict(self)

    @classmethod
    def from_parameters(cls, parameters: dict[str, Any]) -> "Calibration":
        """The calibration that was stored."""
        return cls(
            parameters["method"],
            tuple(parameters["coefficients"]),
            tuple(parameters["range"]),
            tuple(parameters["bounds"]),
        )


def probability(llr: float, prior: float) -> float:
    """The probability that both are one person, from an LLR and the probability before the comparison (0-1)."""
    log_odds = llr + math.log(prior / (1.0 - prior))
    # Either form on its own overflows at one end.
    return 1.0 / (1.0 + math.exp(-log_odds)) if log_odds >= 0 else math.exp(log_odds) / (1.0 + math.exp(log_odds))
