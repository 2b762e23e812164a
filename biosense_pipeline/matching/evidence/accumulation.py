"""Evidence that gathers from still to still: how much there is at the end of a window, and where it began."""

from collections.abc import Sequence


def accumulated(llrs: Sequence[float]) -> tuple[float, int]:
    """The sum that never falls below 0 (CUSUM; Page, 1954), at the end of the window.

    So what was seen before an attack began does not stand against it, and what passed long ago fades.

    Returns:
        The sum, and the position of the first still in it; as many as there are where the sum is 0.
    """
    total, first = 0.0, len(llrs)
    for position, llr in enumerate(llrs):
        if total == 0.0:
            first = position
        total = max(0.0, total + llr)
    return (total, first) if total > 0.0 else (0.0, len(llrs))
