"""Calibration: fits the certainty of a distance to the site's own pictures, and sets tolerances by error rate."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from biosense_pipeline.lan_ids import agent_key
from biosense_pipeline.matching.acceptance import Support, objections
from biosense_pipeline.matching.calibration import Calibration
from biosense_pipeline.matching.comparisons import AgentPair, Comparisons, Kind
from biosense_pipeline.matching.held_out import FEWEST_PEOPLE, HeldOut, hold_out
from biosense_pipeline.matching.llr_fit import fit, supported_bounds
from biosense_pipeline.matching.thresholds import LookAlikes, look_alikes, supported_fmr, tolerance_at_fmr
from biosense_pipeline.store.agents.employees import employee_ids
from biosense_pipeline.store.calibration.calibrations import (
    Candidate,
    OwnTolerance,
    Separability,
    StoredCalibration,
    calibration_in_force,
    store_candidate,
)
from biosense_pipeline.workflows.calibration_material import Material, Source, confirmed, gather, presumed_stills
from biosense_pipeline.workflows.workbench import Workbench

#: Pairs of agents that are named as the nearest: one of them may be a person with two accounts.
_NEAREST_NAMED = 10


@dataclass(frozen=True)
class Fitted:
    """A calibration with its tolerances, and what it was worth on people it had not seen.

    Attributes:
        cllr_in_force: what the calibration in force costs on the same comparisons, in bits; None without one.
    """

    calibration: Calibration
    tolerance: float
    held_out: HeldOut
    look_alikes: list[LookAlikes]
    cllr_in_force: float | None


@dataclass(frozen=True)
class CalibrationReport:
    """What a calibration came to.

    Attributes:
        id: of its row; None in a dry run.
        candidate: what the row holds.
        fitted: None where there was too little to fit anything to.
        comparisons: what it was fitted to.
        in_force: the calibration in force before it.
    """

    id: int | None
    candidate: Candidate
    fitted: Fitted | None
    support: Support
    comparisons: Comparisons
    in_force: StoredCalibration | None

    @property
    def genuine_pairs(self) -> str:
        """How it is known that the genuine pairs are of one person, in words."""
        confirmed = self.support.genuine_by_kind[Kind.CONFIRMED]
        if not confirmed:
            return "presumed, not confirmed"
        return f"{confirmed} of {self.support.genuine} confirmed by supervisors"

    @property
    def separability(self) -> list[Separability]:
        """The agents with look-alikes, by name, the worst first."""
        people = self.comparisons.people
        return [
            Separability(
                people[entry.person],
                people[entry.nearest],
                entry.tolerance,
                entry.fmr,
                entry.fnmr,
                entry.nearest_distance,
                entry.reaches_target,
            )
            for entry in (self.fitted.look_alikes if self.fitted else [])
        ]


#: Where stills of known people come from: what supervisors said comes before what is presumed.
SOURCES: tuple[Source, ...] = (confirmed, presumed_stills)


def calibrate(bench: Workbench, *, dry_run: bool = False, sources: Sequence[Source] = SOURCES) -> CalibrationReport:
    """Fit a calibration and store it as a candidate: it takes effect by ``store.calibrations.activate`` only.

    Args:
        dry_run: store no calibration. Benchmarks that lack an encoding are encoded all the same.
    """
    settings = bench.settings
    material = gather(bench, sources)
    comparisons = material.comparisons
    support = Support.of(comparisons)
    in_force = calibration_in_force(bench.database, bench.model_id)
    against = support.objections(settings.target_fmr, settings.calibration_min_people)
    fitted = None
    if support.people_with_stills >= FEWEST_PEOPLE:
        fitted = _fit(comparisons, support, settings.target_fmr, in_force)
        rival = (in_force.id, fitted.cllr_in_force) if in_force and fitted.cllr_in_force is not None else None
        against += objections(fitted.held_out, fitted.tolerance, settings.target_fmr, rival)
    candidate = _candidate(bench, material, support, fitted, in_force, against)
    stored = None
    if not dry_run:
        own = _own_tolerances(bench, comparisons, fitted.look_alikes) if fitted else []
        stored = store_candidate(bench.database, candidate, own, bench.run_id)
    return CalibrationReport(stored, candidate, fitted, support, comparisons, in_force)


def _fit(comparisons: Comparisons, support: Support, target_fmr: float, in_force: StoredCalibration | None) -> Fitted:
    # Too few pairs for the target, which is an objection: the nearest impostor sets the tolerance then.
    observed = supported_fmr(support.pairs_of_people, target_fmr) or 0.0
    held_out = hold_out(comparisons, observed)
    calibration = fit(held_out.method, comparisons, supported_bounds(comparisons))
    tolerance = calibration.limited(tolerance_at_fmr(comparisons, observed))
    return Fitted(
        calibration,
        tolerance,
        held_out,
        look_alikes(comparisons, tolerance, target_fmr),
        held_out.cllr_of(Calibration.from_parameters(in_force.parameters)) if in_force else None,
    )


def _candidate(
    bench: Workbench,
    material: Material,
    support: Support,
    fitted: Fitted | None,
    in_force: StoredCalibration | None,
    against: list[str],
) -> Candidate:
    comparisons, target_fmr = material.comparisons, bench.settings.target_fmr
    figures: dict[str, float | int | None] = {}
    if fitted is not None:
        figures = {
            **fitted.held_out.figures(),
            **{f"cllr_{method}": value for method, value in fitted.held_out.cllrs.items()},
            "cllr_in_force": fitted.cllr_in_force,
            "agents_with_look_alikes": len(fitted.look_alikes),
            "agents_not_separable": sum(not entry.reaches_target for entry in fitted.look_alikes),
        }
    start, end = material.window or (None, None)
    return Candidate(
        bench.model_id,
        fitted.calibration.parameters() if fitted else None,
        target_fmr,
        fitted.tolerance if fitted else None,
        figures,
        {
            **asdict(support),
            **material.notes,
            "suspected_one_person": _named(comparisons, material.one_person),
            "nearest_pairs": _named(comparisons, comparisons.nearest_pairs(_NEAREST_NAMED)),
        },
        support.genuine_by_kind[Kind.CONFIRMED] > 0,
        start,
        end,
        in_force.id if in_force else None,
        against,
    )


def _named(comparisons: Comparisons, pairs: Sequence[AgentPair]) -> list[dict[str, Any]]:
    return [
        {
            "agents": [comparisons.people[pair.first], comparisons.people[pair.second]],
            "distance": round(pair.distance, 4),
        }
        for pair in pairs
    ]


def _own_tolerances(bench: Workbench, comparisons: Comparisons, found: Sequence[LookAlikes]) -> list[OwnTolerance]:
    involved = {comparisons.people[position] for entry in found for position in (entry.person, entry.nearest)}
    ids = employee_ids(bench.database, involved) if involved else {}

    def employee(position: int) -> int:
        return ids[agent_key(comparisons.people[position])]

    return [
        OwnTolerance(
            employee(entry.person),
            entry.tolerance,
            entry.fmr,
            entry.fnmr,
            entry.fleet_fmr,
            employee(entry.nearest),
            entry.nearest_distance,
            entry.reaches_target,
        )
        for entry in found
    ]
