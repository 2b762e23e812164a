"""Asset checks of the calibration. They warn: whatever they find, stills go on being decided as before."""

from collections.abc import Sequence

import dagster as dg

from biosense_pipeline.assets.calibration import match_calibration
from biosense_pipeline.assets.metadata import table
from biosense_pipeline.resources import DatabaseResource, RecogniserResource, told_plainly
from biosense_pipeline.store.calibration.calibrations import (
    activate,
    calibration_in_force,
    newest_calibration,
    not_separable,
)
from biosense_pipeline.workflows.report_tables import separability_table

#: Agents named in one result.
_MOST_NAMED = 20


@dg.asset_check(
    asset=match_calibration,
    description="The newest calibration rests on enough people and, on people it has not seen, costs no more than the "
    "one in force (Cllr, but for a small margin), is not shown to let too many impostors pass and rejects at most a "
    "fifth of the agents' own pictures. Where that holds it takes effect now; where not, what was in force stays.",
)
def calibration_no_worse(database: DatabaseResource, recogniser: RecogniserResource) -> dg.AssetCheckResult:
    """Let the newest calibration take effect, if nothing speaks against it."""
    with told_plainly(), database.connected() as opened:
        candidate = newest_calibration(opened, recogniser.model_id)
        objections = ["There is no calibration yet."] if candidate is None else activate(opened, candidate)
        in_force = calibration_in_force(opened, recogniser.model_id)
    return dg.AssetCheckResult(
        passed=not objections,
        severity=dg.AssetCheckSeverity.WARN,
        description=" ".join(objections) or f"Calibration {candidate} is in force.",
        metadata={
            "calibration_id": candidate,
            "in_force": in_force.id if in_force else "none: BIOSENSE_TOLERANCE, which is not calibrated",
        },
    )


@dg.asset_check(
    asset=match_calibration,
    description="No agent has a colleague so alike that no tolerance keeps the two apart without rejecting every "
    "fifth of the agent's own stills. Named are those for whom it does not hold: look at their stills yourself.",
)
def every_agent_separable(database: DatabaseResource, recogniser: RecogniserResource) -> dg.AssetCheckResult:
    """Warn of agents whom no tolerance keeps apart from a colleague."""
    with told_plainly(), database.connected() as opened:
        newest = newest_calibration(opened, recogniser.model_id)
        agents = [] if newest is None else not_separable(opened, newest)
    return dg.AssetCheckResult(
        passed=not agents,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            "calibration_id": newest,
            "agents": len(agents),
            "not_separable": table(separability_table(agents).first(_MOST_NAMED)),
        },
    )


calibration_checks: Sequence[dg.AssetChecksDefinition] = [calibration_no_worse, every_agent_separable]
