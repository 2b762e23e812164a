"""Whether incidents are more than the tolerated rate of false alarms explains."""

import numpy as np

#: Rare enough to be told: once in a hundred looks at a site that keeps to its rate.
CONFIDENCE = 0.99


def most_by_chance(expected: float, confidence: float = CONFIDENCE) -> int:
    """The most incidents that come by chance where so many are expected: a Poisson distribution's quantile.

    Args:
        expected: 0 or more.
        confidence: share of cases that have no more, below 1.
    """
    from scipy.special import pdtr

    counts = np.arange(int(expected + 10.0 * np.sqrt(expected)) + 30)
    return int(np.searchsorted(pdtr(counts, expected), confidence))
