"""The simulation as a whole: shifts as the test assumes them, worse ones, and what it costs to assume more."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from biosense_pipeline.codes import Species
from biosense_pipeline.evaluation.incidents.prints import FAINT, PLAIN, PrintWorld, usual_world
from biosense_pipeline.evaluation.incidents.scenarios import (
    LOOK_ALIKE_ACCEPTED,
    NOISY_REJECTED,
    NOISY_SHARE,
    NOISY_STILLS,
    Detections,
    FalseIncidents,
    absence,
    ordinary,
    ordinary_prints,
    shown_print,
    swap,
)
from biosense_pipeline.evaluation.incidents.shifts import Kind, World
from biosense_pipeline.matching.incidents.assumptions import Assumptions
from biosense_pipeline.matching.incidents.bounds import bounds

#: What is to be reached: a swap found in a median of so many seconds at so many false incidents per agent-month.
GOAL_SECONDS, GOAL_FALSE_INCIDENTS = 60.0, 1.0
CORRELATIONS = (0.0, 0.1, 0.2, 0.3, 0.5)
#: Of those scenarios that only show how much worse it may get, a share of the agent-months is enough.
_SHARE = 10


@dataclass(frozen=True)
class Correlated:
    """The test in a world whose stills have this correlation; with the bound as set, and with one made for it."""

    correlation: float
    kind: Kind
    bound: float
    as_set: FalseIncidents
    bound_for_it: float
    assumed: FalseIncidents
    found_assumed: Detections


@dataclass(frozen=True)
class Simulation:
    """All scenarios; ``world`` is the one that the test assumes."""

    seed: int
    assumptions: Assumptions
    world: World
    bounds: dict[Species, float]
    genuine: FalseIncidents
    noisy_camera: FalseIncidents
    swap: Detections
    look_alike: Detections
    absent: Detections
    print_world: PrintWorld
    faint_print: Detections
    plain_print: Detections
    correlated: list[Correlated]

    @property
    def reached(self) -> bool:
        """Whether the goal is."""
        return self.swap.percentile(50)[0] <= GOAL_SECONDS and self.genuine.per_agent_month <= GOAL_FALSE_INCIDENTS


def simulate_incidents(
    assumptions: Assumptions,
    kind: Kind,
    *,
    world: World | None = None,
    agent_months: int = 300,
    swaps: int = 4000,
    seed: int = 0,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Simulation:
    """Run all scenarios; the same seed gives the same figures.

    Args:
        world: how stills really are; None: as the test assumes.
    """
    # Of each scenario its own: more agent-months of one leave the others as they were.
    generators = iter(np.random.default_rng(seed).spawn(5 + 3 * len(CORRELATIONS) * len(Kind) + 3))
    world = world or World.as_assumed(assumptions, kind)
    some = max(1, agent_months // _SHARE)
    total = 8 + len(CORRELATIONS) * len(Kind)
    done = 0

    def told(result: Any) -> Any:
        nonlocal done
        done += 1
        on_progress(done, total)
        return result

    genuine = told(ordinary(next(generators), agent_months, world, assumptions))
    noisy = told(ordinary(next(generators), some, world, assumptions, noisy=True))
    swapped = told(swap(next(generators), swaps, world, assumptions))
    alike = replace(world, fmr=LOOK_ALIKE_ACCEPTED)
    look_alike = told(swap(next(generators), swaps // 4, alike, assumptions))
    absent = told(absence(next(generators), max(1, swaps // 4), world, assumptions))
    correlated = []
    for each in Kind:
        for correlation in CORRELATIONS:
            there = replace(world, correlation=correlation, kind=each)
            for_it = replace(assumptions, correlation=correlation)
            correlated.append(
                told(
                    Correlated(
                        correlation,
                        each,
                        bounds(assumptions)[Species.UNKNOWN_PERSON],
                        ordinary(next(generators), some, there, assumptions),
                        bounds(for_it)[Species.UNKNOWN_PERSON],
                        ordinary(next(generators), some, there, for_it),
                        swap(next(generators), swaps // 4, there, for_it),
                    )
                )
            )
    prints = usual_world(assumptions.still_seconds)
    false_prints = told(ordinary_prints(next(generators), agent_months, prints, assumptions))
    faint, plain = (
        told(shown_print(next(generators), max(1, swaps // 4), prints, assumptions, strength))
        for strength in (FAINT, PLAIN)
    )
    return Simulation(
        seed,
        assumptions,
        world,
        bounds(assumptions),
        replace(genuine, by_species={**genuine.by_species, Species.PRINT: false_prints}),
        noisy,
        swapped,
        look_alike,
        absent,
        prints,
        faint,
        plain,
        correlated,
    )


def numbers(run: Simulation) -> dict[str, Any]:
    """The simulation as the command's JSON object."""
    return {
        "agent_months": run.genuine.agent_months,
        "false_incidents_per_agent_month": round(run.genuine.per_agent_month, 4),
        "false_incidents_interval": _interval(run.genuine),
        "seconds_to_detection_median": _finite(run.swap.percentile(50)[0]),
        "seconds_to_detection_p95": _finite(run.swap.percentile(95)[0]),
        "stills_to_detection_median": _finite(run.swap.percentile(50)[1]),
        "stills_to_detection_p95": _finite(run.swap.percentile(95)[1]),
        "goal": {"seconds": GOAL_SECONDS, "false_incidents": GOAL_FALSE_INCIDENTS, "reached": run.reached},
        "seed": run.seed,
        "evidence": str(run.world.kind),
        "fnmr": run.world.fnmr,
        "fmr": run.world.fmr,
        "correlation": run.world.correlation,
        "correlation_assumed": run.assumptions.correlation,
        "false_alarms_tolerated": run.assumptions.false_alarms_per_month,
        "bounds": {str(species): round(bound, 3) for species, bound in run.bounds.items()},
        "genuine": _false(run.genuine),
        "noisy_camera": {
            **_false(run.noisy_camera),
            "share_of_time": round(NOISY_SHARE, 4),
            "stills_at_a_time": NOISY_STILLS,
            "rejected_then": NOISY_REJECTED,
        },
        "swap": _found(run.swap),
        "swap_by_look_alike": {**_found(run.look_alike), "accepted": LOOK_ALIKE_ACCEPTED},
        "absent": _found(run.absent),
        "prints": {
            "separation": round(run.print_world.separation, 3),
            "of_the_sitting": round(run.print_world.lasting, 3),
            "sitting_stills": run.print_world.sitting_stills,
            "faint": {**_found(run.faint_print), "separations": FAINT},
            "plain": {**_found(run.plain_print), "separations": PLAIN},
        },
        "correlated": [
            {
                "correlation": entry.correlation,
                "evidence": str(entry.kind),
                "as_set": {"bound": entry.bound, **_false(entry.as_set)},
                "assumed": {
                    "bound": entry.bound_for_it,
                    **_false(entry.assumed),
                    **_found(entry.found_assumed),
                },
            }
            for entry in run.correlated
        ],
    }


def _false(incidents: FalseIncidents) -> dict[str, Any]:
    return {
        "agent_months": incidents.agent_months,
        "false_incidents": incidents.count,
        "false_incidents_per_agent_month": round(incidents.per_agent_month, 4),
        "interval": _interval(incidents),
        "by_species": {str(species): count for species, count in incidents.by_species.items()},
    }


def _found(detections: Detections) -> dict[str, Any]:
    (seconds, stills), (seconds_p95, stills_p95) = detections.percentile(50), detections.percentile(95)
    return {
        "cases": len(detections.seconds),
        "seconds_median": _finite(seconds),
        "seconds_p95": _finite(seconds_p95),
        "stills_median": _finite(stills),
        "stills_p95": _finite(stills_p95),
        "not_found_within_two_hours": round(detections.missed, 5),
        "left_out_with_one_open_before": detections.open_before,
    }


def _interval(incidents: FalseIncidents) -> list[float]:
    return [round(end, 4) for end in incidents.interval]


def _finite(value: float) -> float | None:
    return round(value, 2) if np.isfinite(value) else None
