"""What reports show to people: headings and rows, once for the command's tables and for Dagster's."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from biosense_pipeline.matching.differences import Differences, Tally
from biosense_pipeline.store.calibration.calibrations import Separability


class Table(NamedTuple):
    """Headings, and rows of as many cells; how it is drawn is the business of who shows it."""

    headings: Sequence[str]
    rows: Sequence[Sequence[Any]]

    def first(self, most: int) -> "Table":
        """The same with so many rows at most."""
        return Table(self.headings, self.rows[:most])


def separability_table(agents: Iterable[Separability]) -> Table:
    """Agents with look-alikes."""
    return Table(
        ["agent", "nearest colleague", "median distance", "own tolerance", "FMR", "FNMR", "reaches target"],
        [
            (
                agent.lan_id,
                agent.nearest_lan_id,
                f"{agent.nearest_distance:.3f}",
                f"{agent.tolerance:.3f}",
                f"{agent.fmr:.3%}",
                "unknown" if agent.fnmr is None else f"{agent.fnmr:.1%}",
                "yes" if agent.reaches_target else "no",
            )
            for agent in agents
        ],
    )


def pair_table(pairs: Iterable[Mapping[str, Any]]) -> Table:
    """Pairs of agents, as a calibration's ``material`` names them."""
    return Table(["agent", "agent", "median distance"], [(*pair["agents"], pair["distance"]) for pair in pairs])


def result_table(differences: Differences) -> Table:
    """Stills by the result they had and the one they would have, most first."""
    return Table(["old result", "new result", "stills"], [(*key, n) for key, n in differences.results.most_common()])


def agent_table(agents: Mapping[str, Tally]) -> Table:
    """What differs for each agent."""
    return Table(
        ["agent", "stills", "changed", "newly matched", "newly unmatched", "other number of faces"],
        [
            (
                lan_id,
                tally.stills,
                tally.changed,
                tally.newly_matched,
                tally.newly_unmatched,
                tally.face_counts_changed,
            )
            for lan_id, tally in agents.items()
        ],
    )


def telling_table(differences: Differences) -> Table:
    """The stills most worth a look."""
    return Table(
        ["still", "agent", "old", "new", "shift in tolerances"],
        [(still.still_id, still.lan_id, still.old, still.new, round(still.shift, 2)) for still in differences.telling],
    )
