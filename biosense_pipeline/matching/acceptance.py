"""Whether a calibration may take effect: enough material, hardly worse than the one in force, and usable."""

from dataclasses import dataclass

import numpy as np

from biosense_pipeline.matching.comparisons import GENUINE, Comparisons
from biosense_pipeline.matching.held_out import FEWEST_PEOPLE, HeldOut
from biosense_pipeline.matching.thresholds import MOST_FNMR, pairs_needed, people_needed, shown_fmr

#: Genuine comparisons without a false non-match that show a rate of 1 %: the rule of three again.
FEWEST_GENUINE = 300
#: Bits by which Cllr may exceed that of the one in force: refits to other pictures of some 60 people differ by less.
CLLR_MARGIN = 0.005


@dataclass(frozen=True)
class Support:
    """What there is to calibrate on.

    Attributes:
        people: agents with a benchmark, those suspected to be one person counted once.
        people_with_stills: those of them whom stills show.
        pairs_of_people: two different persons, compared by a still.
        genuine, impostor: comparisons; genuine_by_kind: see ``Kind``.
    """

    people: int
    people_with_stills: int
    pairs_of_people: int
    genuine: int
    impostor: int
    genuine_by_kind: dict[str, int]

    @classmethod
    def of(cls, comparisons: Comparisons) -> "Support":
        """Counts."""
        by_kind = {str(kind): int(comparisons.are([kind]).sum()) for kind in GENUINE}
        return cls(
            len(np.unique(comparisons.groups)),
            len(comparisons.shown),
            comparisons.pairs_of_people,
            sum(by_kind.values()),
            int(comparisons.impostors.sum()),
            by_kind,
        )

    def objections(self, target_fmr: float, min_people: int) -> list[str]:
        """What is missing, in sentences; nothing where there is enough."""
        found = []
        people = max(min_people, FEWEST_PEOPLE)
        if self.people_with_stills < people:
            found.append(
                f"Stills of {self.people_with_stills} people are there to calibrate on and {people} are needed: error "
                "rates differ from person to person, and few people say little about the others."
            )
        if self.pairs_of_people < pairs_needed(target_fmr):
            found.append(
                f"{self.pairs_of_people} pairs of people were compared and {pairs_needed(target_fmr)} are needed, as "
                f"{people_needed(target_fmr)} people make them: 3 / {target_fmr:.3g} pairs without a false match show "
                f"a rate of {target_fmr:.3g} at 95 % confidence, the pairs taken as independent (rule of three); "
                "stills of the same two people repeat each other."
            )
        if self.genuine < FEWEST_GENUINE:
            found.append(
                f"{self.genuine} genuine comparisons are there and {FEWEST_GENUINE} are needed to show a false "
                "non-match rate of 1 % (rule of three)."
            )
        return found


def objections(held_out: HeldOut, tolerance: float, target_fmr: float, in_force: tuple[int, float] | None) -> list[str]:
    """What speaks against a fitted calibration, in sentences.

    Args:
        in_force: id of the calibration in force and its Cllr on the same comparisons, or None.
    """
    found = []
    cllr = held_out.cllrs[held_out.method]
    if in_force is not None and cllr > in_force[1] + CLLR_MARGIN:
        found.append(
            f"It is worse than calibration {in_force[0]}, which is in force: Cllr {cllr:.4f} against {in_force[1]:.4f} "
            "bits on the same people."
        )
    if cllr >= 1.0:
        found.append(f"It says nothing: Cllr {cllr:.4f} bits on people it has not seen, and 1 is a guess.")
    # Among the few pairs of a fold a rate is uncertain by its own size: only what was not bad luck counts.
    if shown_fmr(held_out.fmr, held_out.pairs_of_people) > target_fmr:
        found.append(
            f"Its tolerance does not carry over to people it has not seen: {held_out.fmr:.3%} of impostor comparisons "
            f"match, each pair of people counting once, where {target_fmr:.3%} may. The excess is shown at 95 % "
            "confidence, pairs of people taken as independent."
        )
    if held_out.fnmr > MOST_FNMR:
        found.append(
            f"At its tolerance of {tolerance:.3f} {held_out.fnmr:.0%} of the agents' own pictures would be rejected, "
            f"and {MOST_FNMR:.0%} is the most: enrol better benchmarks, or allow more false matches with "
            "BIOSENSE_TARGET_FMR."
        )
    return found
