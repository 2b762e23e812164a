"""The test over many agent-days at once: the same sums as for one agent's stills, a column of stills at a time."""

from dataclasses import dataclass

import numpy as np

from biosense_pipeline.matching.incidents.tracks import Limits


@dataclass(frozen=True)
class Openings:
    """When incidents of a species opened.

    Attributes:
        count: int (n,), how many in each row from ``since`` on.
        first: int (n,), the still at which the first of these opened; -1: none did.
        open_before: bool (n,), whether one was open just before ``since``.
    """

    count: np.ndarray
    first: np.ndarray
    open_before: np.ndarray


def openings(llrs: np.ndarray, heard: np.ndarray, limits: Limits, seconds: float, since: int = 0) -> Openings:
    """Run the test over rows of stills ``seconds`` apart.

    Args:
        llrs: (n, stills). heard: bool (n, stills), whether a still says anything.
        since: incidents are counted from this still on.
    """
    n, stills = llrs.shape
    longest = int(limits.gap_seconds / seconds)
    # By the number of stills since the last evidence; the last entry is for none at all, or none since a gap.
    discounts = np.array([*(limits.discount(k * seconds) for k in range(longest + 1)), limits.discount(None)])
    statistic, silent = np.zeros(n), np.full(n, longest)
    says_for = np.zeros(n, dtype=bool)
    is_open, open_before = np.zeros(n, dtype=bool), np.zeros(n, dtype=bool)
    count, first = np.zeros(n, dtype=int), np.full(n, -1)
    for still in range(stills):
        if still == since:
            open_before = is_open.copy()
        silent = np.minimum(silent + 1, longest + 1)
        says, llr = heard[:, still], llrs[:, still]
        begins = says & (silent > longest)
        statistic[begins], is_open[begins] = 0.0, False
        worth = np.where(llr > 0, discounts[silent], 1.0)
        exception = says & (llr < 0) & says_for & (statistic > 0) & limits.exceptions
        for row in np.flatnonzero(exception):
            worth[row] = limits.discount_against(llr[row], silent[row] * seconds, True)
        moved = np.minimum(limits.bound, statistic + llr * worth)
        says_for = np.where(says, llr > 0, says_for)
        statistic = np.where(says, np.maximum(moved, 0.0), statistic)
        silent = np.where(says, 0, silent)
        is_open &= statistic > 0
        opens = says & ~is_open & (statistic >= limits.bound)
        is_open |= opens
        if still >= since:
            count += opens
            first = np.where(opens & (first < 0), still, first)
    return Openings(count, first, open_before)
