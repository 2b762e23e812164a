"""Asset checks of the calibration. They warn: whatever they find, stills go on being decided as before."""

from collections.abc import Sequence

import dagster as dg

from biosense_pipeline.assets.calibration import match_calibration
from biosense_pipeline.assets.metadata import markdown_table
from biosense_pipeline.resources import DatabaseResource, RecogniserResource, told_plainly
from biosense_pipeline.store.calibrations import activate, calibration_in_force, newest_calibration, not_separable

#: Agents named in one result.
_MOST_NAMED = 20


@dg.asset_check(
    asset=match_calibration,
    description="The newest calibration rests on enough people and is no worse on unseen people than the one in "
    "force. Where that holds it takes effect now; where it does not, what was in force stays.",
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
    table = markdown_table(
        ["agent", "colleague", "median distance", "tolerance", "FMR", "FNMR"],
        [
            (
                agent.lan_id,
                agent.nearest_lan_id,
                f"{agent.nearest_distance:.3f}",
                f"{agent.tolerance:.3f}",
                f"{agent.fmr:.3%}",
                "unknown" if agent.fnmr is None else f"{agent.fnmr:.1%}",
            )
            for agent in agents[:_MOST_NAMED]
        ],
    )
    return dg.AssetCheckResult(
        passed=not agents,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            "calibration_id": newest,
            "agents": len(agents),
            "not_separable": dg.MetadataValue.md(table if agents else "none"),
        },
    )


calibration_checks: Sequence[dg.AssetChecksDefinition] = [calibration_no_worse, every_agent_separable]
