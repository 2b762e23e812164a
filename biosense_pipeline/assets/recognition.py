"""The main job: take stock of an hour's pending stills, then verify each of them."""

from datetime import datetime

import dagster as dg
from pydantic import Field

from biosense_pipeline.assets.enrolment import benchmark_encodings
from biosense_pipeline.assets.hourly import hourly_asset, materialise_hours
from biosense_pipeline.assets.metadata import Metadata, column_schema, count_table, percentiles, plot
from biosense_pipeline.assets.sources import stream_img
from biosense_pipeline.local_time import local_now
from biosense_pipeline.matching.rule import Rule
from biosense_pipeline.plots.recognition import distance_histogram
from biosense_pipeline.resources import DatabaseResource, RecogniserResource, told_plainly
from biosense_pipeline.runs.partitions import Hour
from biosense_pipeline.settings import load_settings
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.stills.backlog import age, count_by_status, take_stock
from biosense_pipeline.store.stills.claims import Claims
from biosense_pipeline.store.stills.outcomes import reset_for_reprocessing
from biosense_pipeline.store.stills.results import count_results, distances_of
from biosense_pipeline.store.tables.pipeline import RecognitionResult, StreamImage
from biosense_pipeline.workflows.drain import drain
from biosense_pipeline.workflows.report import DrainReport
from biosense_pipeline.workflows.rules import load_rule
from biosense_pipeline.workflows.workbench import Workbench

GROUP = "recognition"


class StockConfig(dg.Config):
    """What a run is to take on."""

    lan_ids: list[str] = Field(default=[], description="Reprocess these agents' stills only; empty: all agents'")
    reprocess: bool = Field(
        default=False, description="Return stills that were processed or failed to pending, to be done again"
    )


class RecognitionConfig(dg.Config):
    """How a run works through its stills."""

    lan_ids: list[str] = Field(default=[], description="Process these agents' stills only; empty: all agents'")
    follow: bool = Field(
        default=False,
        description="Go on with new stills of the hour until none comes any more; the sensor sets this for "
        "the hour under way",
    )


@hourly_asset(
    group=GROUP,
    owner="team:data-engineering",
    deps=[stream_img],
    description="The hour's stills that wait: expired leases are returned to pending, and with `reprocess` "
    "finished stills too; then rows per agent are counted. What is counted here the run will finish.",
)
def pending_stream_batch(context: dg.AssetExecutionContext, config: StockConfig, database: DatabaseResource) -> None:
    """Take stock of the hour."""
    with told_plainly(), database.connected() as opened:
        materialise_hours(context, lambda hour: _take_stock(opened, hour, config))


def _take_stock(database: Database, hour: Hour, config: StockConfig) -> Metadata:
    settings = load_settings()
    released = Claims(database, settings.lease_seconds, settings.max_attempts).release_expired(hour.scope())
    reset = reset_for_reprocessing(database, hour.scope(config.lan_ids)) if config.reprocess else 0
    stock = take_stock(database, hour.scope())
    return {
        "dagster/row_count": stock.pending,
        "agents": len(stock.per_agent),
        "pending_per_agent": count_table(stock.per_agent, "agent"),
        "oldest_pending_seconds": _seconds_waited(stock.oldest),
        "highest_id": stock.highest_id or 0,
        "leases_returned": released.returned,
        "leases_exhausted": released.failed,
        "returned_for_reprocessing": reset,
        "dagster/column_schema": column_schema(StreamImage),
    }


@hourly_asset(
    group=GROUP,
    owner="team:data-engineering",
    also="dlib",
    deps=[stream_img, pending_stream_batch, benchmark_encodings],
    description="Each pending still of the hour, compared with its agent's benchmark: result, accuracy and "
    "number of faces in stream_img, the numbers behind them in recognition_result.",
)
def recognition_results(
    context: dg.AssetExecutionContext,
    config: RecognitionConfig,
    database: DatabaseResource,
    recogniser: RecogniserResource,
) -> None:
    """Drain the hour."""
    with told_plainly(), database.connected() as opened, recogniser.bench(opened, context.run.run_id) as bench:

        def recognise(hour: Hour) -> Metadata:
            report = drain(bench, hour.scope(config.lan_ids), follow=config.follow)
            context.log.info(f"{hour.key}: {report.written} stills written in {report.seconds:.1f} s")
            return _recognition_metadata(bench, hour, report)

        materialise_hours(context, recognise)


def _recognition_metadata(bench: Workbench, hour: Hour, report: DrainReport) -> Metadata:
    by_status = count_by_status(bench.database, hour.scope())
    results = count_results(bench.database, hour.scope())
    distances = distances_of(bench.database, hour.scope(), bench.model_id)
    rule = load_rule(bench.database, bench.settings, bench.model_id)
    return {
        "dagster/row_count": sum(results.values()),
        "stills_written": report.written,
        "stills_per_second": round(report.stills_per_second, 2),
        **percentiles(report.milliseconds, "milliseconds_per_still"),
        "oldest_pending_seconds": _seconds_waited(take_stock(bench.database, hour.scope()).oldest),
        "results": count_table(results, "result"),
        "rows_by_status": count_table(by_status, "status"),
        "distances": plot(distance_histogram(distances, rule.tolerance)),
        **_rule_metadata(rule),
        "model_id": bench.model_id,
        "settled_by_a_quick_look": report.quick,
        "further_looks": report.further_looks,
        "stills_without_evidence": report.without_evidence.total(),
        "stills_without_attack_score": report.without_attack_score.total(),
        "attempts_repeated": report.retried,
        "claims_lost": report.lost,
        "dagster/column_schema": column_schema(RecognitionResult),
    }


def _rule_metadata(rule: Rule) -> Metadata:
    if rule.calibration_id is None:
        note = (
            "This tolerance is not calibrated on this site: it is the setting's. On webcam pictures of 15 people 0.5 "
            "accepted 20 % of impostors. The asset match_calibration tells what a calibration lacks."
        )
    else:
        note = (
            "Set for the target false match rate by the calibration in force, whose figures match_calibration shows; "
            f"{len(rule.own_tolerances)} agents with look-alikes have stricter ones."
        )
    return {"tolerance": rule.tolerance, "tolerance_source": rule.source, "tolerance_note": note}


def _seconds_waited(oldest: datetime | None) -> float:
    return round(age(oldest, local_now(load_settings().zone)).total_seconds(), 1)


default_assets = [pending_stream_batch, recognition_results]
