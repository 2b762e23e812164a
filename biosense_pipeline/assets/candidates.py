"""Another model or rule: what it would decide, beside what is in force; and what is stored, brought into force."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import Field

from biosense_pipeline.assets.hourly import hourly_asset, materialise_hours
from biosense_pipeline.assets.metadata import Metadata, column_schema, count_table, plot, table
from biosense_pipeline.assets.recognition import GROUP, recognition_results
from biosense_pipeline.choices import Detection, EngineName
from biosense_pipeline.matching.differences import SHARE_STEP, Differences
from biosense_pipeline.plots.recognition import share_map
from biosense_pipeline.resources import DatabaseResource, RecogniserResource, told_plainly
from biosense_pipeline.runs.partitions import Hour
from biosense_pipeline.store.tables.pipeline import RecognitionResult
from biosense_pipeline.workflows.candidate import CandidateReport, compare
from biosense_pipeline.workflows.candidate_settings import candidate_settings
from biosense_pipeline.workflows.redecide import RedecisionReport, redecide
from biosense_pipeline.workflows.report_tables import agent_table, result_table, telling_table

#: Agents listed in the metadata of one hour.
_MOST_AGENTS = 50


class CandidateConfig(dg.Config):
    """What to compare with what is in force; name at least one of the first four."""

    engine: EngineName | None = Field(default=None, description="Another engine: DLIB, ONNX or FACE_RECOGNITION")
    encoder: str | None = Field(default=None, description="Descriptor (TOML) of another model for the engine onnx")
    detection: Detection | None = Field(default=None, description="Another detection: ADAPTIVE, FULL or REFERENCE")
    tolerance: float | None = Field(
        default=None, gt=0, le=2, description="Another tolerance, for all agents; a calibration is set aside for it"
    )
    lan_ids: list[str] = Field(default=[], description="These agents' stills only; empty: all agents'")
    again: bool = Field(default=False, description="Examine also the stills that the candidate has a result for")


class RedecisionConfig(dg.Config):
    """Which stills to decide again."""

    lan_ids: list[str] = Field(default=[], description="These agents' stills only; empty: all agents'")
    dry_run: bool = Field(default=False, description="Report what would change, and change nothing")


@hourly_asset(
    group=GROUP,
    owner="team:data-engineering",
    also="dlib",
    deps=[recognition_results],
    description="The hour's processed stills under another model, detection or tolerance, which the run's config "
    "names: results stand in recognition_result under the candidate's model id, stream_img stays as it is, and the "
    "metadata tells which decisions would change. To bring the candidate into force, set what `to_bring_into_force` "
    "names, then run redecide_job.",
)
def candidate_results(
    context: dg.AssetExecutionContext,
    config: CandidateConfig,
    database: DatabaseResource,
    recogniser: RecogniserResource,
) -> None:
    """Compare the candidate with what is in force."""
    with told_plainly():
        present = recogniser.settings()
        settings = candidate_settings(
            present,
            engine=config.engine,
            encoder=Path(config.encoder) if config.encoder else None,
            detection=config.detection,
            tolerance=config.tolerance,
        )
        with (
            database.connected() as opened,
            recogniser.candidate_bench(opened, settings, context.run.run_id) as bench,
        ):
            materialise_hours(
                context,
                lambda hour: _candidate_metadata(
                    compare(bench, present, hour.scope(config.lan_ids), again=config.again)
                ),
            )


@hourly_asset(
    group=GROUP,
    owner="team:data-engineering",
    deps=[recognition_results, candidate_results],
    description="After a change of model, tolerance or calibration: the hour's processed stills, decided again from "
    "the distances stored under the model in force. No picture is looked at. Results, percentages and numbers of faces "
    "in stream_img change where the rule says so; stills under a claim and failed ones stay as they are.",
)
def redecided_results(
    context: dg.AssetExecutionContext,
    config: RedecisionConfig,
    database: DatabaseResource,
    recogniser: RecogniserResource,
) -> None:
    """Decide the hour again."""
    with told_plainly(), database.connected() as opened:

        def decide(hour: Hour) -> Metadata:
            scope, run_id = hour.scope(config.lan_ids), context.run.run_id
            report = redecide(opened, recogniser.settings(), scope, dry_run=config.dry_run, run_id=run_id)
            return {"dry_run": config.dry_run, **_redecision_metadata(report)}

        materialise_hours(context, decide)


def _candidate_metadata(report: CandidateReport) -> Metadata:
    settings = " ".join(f"{name}={value}" for name, value in report.settings.items())
    return {
        "dagster/row_count": report.differences.total.stills,
        **_differences(report.differences),
        "present_model_id": report.present_model_id,
        "present_tolerance": report.present_rule.tolerance,
        "present_tolerance_source": report.present_rule.source,
        "model_id": report.model_id,
        "tolerance": report.rule.tolerance,
        "tolerance_source": report.rule.source,
        "to_bring_into_force": settings,
        "examined": report.examined,
        "stored": report.written,
        "decided_again": report.decided_again,
        "left_out": _counts(report.left_out, "why"),
        "agents_without_reference": _counts(report.without_reference, "agent"),
        "dagster/column_schema": column_schema(RecognitionResult),
    }


def _redecision_metadata(report: RedecisionReport) -> Metadata:
    return {
        "dagster/row_count": report.differences.total.stills,
        **_differences(report.differences),
        "rows_changed": report.rows_changed,
        "model_id": report.model_id,
        "tolerance": report.rule.tolerance,
        "tolerance_source": report.rule.source,
        "left_alone": _counts(report.left_alone, "why"),
    }


def _differences(differences: Differences) -> Metadata:
    total = differences.total
    return {
        "stills": total.stills,
        "agreeing": total.agreeing,
        "changed": total.changed,
        "newly_matched": total.newly_matched,
        "newly_unmatched": total.newly_unmatched,
        "face_counts_changed": total.face_counts_changed,
        "results": table(result_table(differences)),
        "agents": table(agent_table(differences.agents).first(_MOST_AGENTS)),
        "most_telling": table(telling_table(differences)),
        "distances": plot(share_map(differences.share_counts, SHARE_STEP)),
    }


def _counts(counts: Mapping[Any, int], heading: str) -> dg.MarkdownMetadataValue:
    found = {str(name): count for name, count in Counter(counts).most_common() if count}
    return count_table(found, heading) if found else dg.MetadataValue.md("none")


default_assets = [candidate_results, redecided_results]
