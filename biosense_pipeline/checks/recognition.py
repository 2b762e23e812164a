"""Checks of recognition: leases, results, shares, sums and encodings after a run."""

from collections.abc import Sequence

import dagster as dg

from biosense_pipeline.assets.enrolment import benchmark_encodings
from biosense_pipeline.assets.recognition import pending_stream_batch, recognition_results
from biosense_pipeline.assets.summaries import hourly_agent_summary
from biosense_pipeline.checks.by_hour import Finding, over_hours
from biosense_pipeline.codes import StillResult
from biosense_pipeline.resources import DatabaseResource, RecogniserResource, told_plainly
from biosense_pipeline.runs.partitions import HOURS, Hour
from biosense_pipeline.settings import load_settings
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.enrolment.images import benchmark_counts
from biosense_pipeline.store.runs.due import due_hours
from biosense_pipeline.store.stills.backlog import forgotten_leases
from biosense_pipeline.store.stills.results import count_results, stills_without_result
from biosense_pipeline.store.stills.summaries import read_summary


@dg.asset_check(
    asset=pending_stream_batch,
    partitions_def=HOURS,
    description="No still of the hour lies under a lease that ran out: whoever died, its stills are pending again.",
)
def no_forgotten_lease(context: dg.AssetCheckExecutionContext, database: DatabaseResource) -> dg.AssetCheckResult:
    """No lease is expired and forgotten."""

    def look(opened: Database, hour: Hour) -> Finding:
        forgotten = forgotten_leases(opened, hour.scope())
        return Finding(forgotten == 0, {"forgotten_leases": forgotten})

    return over_hours(context, database, look)


@dg.asset_check(
    asset=recognition_results,
    partitions_def=HOURS,
    description="Every finished still has a result, and every processed one the numbers it follows from.",
)
def every_still_has_one_result(
    context: dg.AssetCheckExecutionContext, database: DatabaseResource
) -> dg.AssetCheckResult:
    """No finished still lacks its result."""

    def look(opened: Database, hour: Hour) -> Finding:
        without = stills_without_result(opened, hour.scope())
        return Finding(without == 0, {"stills_without_result": without})

    return over_hours(context, database, look)


@dg.asset_check(
    asset=recognition_results,
    partitions_def=HOURS,
    description="The shares of unknown persons and of stills without a face lie within the bounds of the "
    "settings. Outside of them something is wrong with many people, or with the camera, the enrolment or us.",
)
def shares_within_bounds(context: dg.AssetCheckExecutionContext, database: DatabaseResource) -> dg.AssetCheckResult:
    """Warn where too many stills are of unknown persons or show no face."""
    settings = load_settings()

    def look(opened: Database, hour: Hour) -> Finding:
        results = count_results(opened, hour.scope())
        total = sum(results.values()) or 1
        unknown = (
            results.get(StillResult.UNKNOWN_PERSON, 0) + results.get(StillResult.UNKNOWN_MULTIPLE_FACES, 0)
        ) / total
        empty = results.get(StillResult.NO_FACES_FOUND, 0) / total
        return Finding(
            unknown <= settings.max_unknown_share and empty <= settings.max_no_faces_share,
            {
                "unknown_share": round(unknown, 4),
                "no_faces_share": round(empty, 4),
                "max_unknown_share": settings.max_unknown_share,
                "max_no_faces_share": settings.max_no_faces_share,
            },
        )

    return over_hours(context, database, look, dg.AssetCheckSeverity.WARN)


@dg.asset_check(
    asset=hourly_agent_summary,
    partitions_def=HOURS,
    description="The summary's sums equal the rows: result by result, no still is missing or counted twice. "
    "An hour that has changed since is due again and not judged.",
)
def sums_equal_rows(context: dg.AssetCheckExecutionContext, database: DatabaseResource) -> dg.AssetCheckResult:
    """The sums of the summary are the counts of the rows."""

    def look(opened: Database, hour: Hour) -> Finding:
        counted = count_results(opened, hour.scope())
        summed: dict[str, int] = {}
        for row in read_summary(opened, hour.start, hour.end):
            summed[row.result] = summed.get(row.result, 0) + row.stills
        due = len(due_hours(opened, hour.start, hour.end))
        return Finding(
            counted == summed or due > 0,
            {
                "stills_counted": sum(counted.values()),
                "stills_summed": sum(summed.values()),
                "hours_due_again": due,
            },
        )

    return over_hours(context, database, look)


@dg.asset_check(
    asset=benchmark_encodings,
    description="Every benchmark was encoded, or failed with a reason, under the model in force; encodings of "
    "other models are never compared with.",
)
def encodings_of_current_model(database: DatabaseResource, recogniser: RecogniserResource) -> dg.AssetCheckResult:
    """No benchmark waits for its encoding under the present model."""
    with told_plainly(), database.connected() as opened:
        counts = benchmark_counts(opened, recogniser.model_id)
    waiting = counts["benchmarks"] - counts["encoded"] - counts["failed"]
    return dg.AssetCheckResult(
        passed=waiting == 0, metadata={**counts, "waiting": waiting, "model_id": recogniser.model_id}
    )


recognition_checks: Sequence[dg.AssetChecksDefinition] = [
    no_forgotten_lease,
    every_still_has_one_result,
    shares_within_bounds,
    sums_equal_rows,
    encodings_of_current_model,
]
