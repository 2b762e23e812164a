"""What reviewers made of an hour's findings."""

from collections.abc import Sequence

import dagster as dg

from biosense_pipeline.assets.hourly import hourly_asset, materialise_hours
from biosense_pipeline.assets.metadata import Metadata, column_schema, plot, table
from biosense_pipeline.assets.recognition import recognition_results
from biosense_pipeline.assets.summaries import hourly_agent_summary
from biosense_pipeline.plots.agents import verdict_bars
from biosense_pipeline.resources import DatabaseResource, told_plainly
from biosense_pipeline.runs.partitions import Hour
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.review.outcomes import ReviewOutcomes, newest_verdict
from biosense_pipeline.store.review.outcomes import review_outcomes as read_outcomes
from biosense_pipeline.store.tables.desk import Review
from biosense_pipeline.workflows.report_tables import Table

#: Agents in the table and in the plot, those with the most verdicts.
_MOST_AGENTS = 20
#: Name of the entry that tells of which verdicts the figures were made.
NEWEST_VERDICT = "newest_verdict_id"


@hourly_asset(
    group="review",
    owner="team:supervisors",
    deps=[recognition_results, hourly_agent_summary],
    description="What reviewers said of the hour's findings, per agent: correct, false alarm or not sure, and the "
    "false-alarm rate, the share of false alarms among the findings that could be decided. Verdicts come hours "
    "after the stills: `review_schedule` renews the hours that got some.",
)
def review_outcomes(context: dg.AssetExecutionContext, database: DatabaseResource) -> None:
    """Count the verdicts on the hour's findings."""
    with told_plainly(), database.connected() as opened:
        materialise_hours(context, lambda hour: _metadata(opened, hour))


def _metadata(database: Database, hour: Hour) -> Metadata:
    # Read before the verdicts: what is said meanwhile is said after this one.
    newest = newest_verdict(database, hour.start, hour.end)
    rows = read_outcomes(database, hour.start, hour.end) if hour.start < hour.end else []
    correct, false_alarms = sum(row.correct for row in rows), sum(row.false_alarm for row in rows)
    shown = sorted(rows, key=lambda row: (-row.reviewed, -row.findings, row.lan_id))[:_MOST_AGENTS]
    return {
        "dagster/row_count": sum(row.reviewed for row in rows),
        NEWEST_VERDICT: newest or 0,
        "agents": len(rows),
        "findings": sum(row.findings for row in rows),
        "correct": correct,
        "false_alarms": false_alarms,
        "not_sure": sum(row.not_sure for row in rows),
        "awaiting_second_reviewer": sum(row.awaiting_second for row in rows),
        "reviewers_disagreed": sum(row.disagreed for row in rows),
        "false_alarm_rate": _rate(false_alarms / (correct + false_alarms) if correct + false_alarms else None),
        "per_agent": _table(shown),
        "verdicts": plot(_bars([row for row in shown if row.reviewed])),
        "dagster/column_schema": column_schema(Review),
    }


def _table(rows: Sequence[ReviewOutcomes]) -> dg.MarkdownMetadataValue:
    headings = [
        "agent",
        "findings",
        "reviewed",
        "correct",
        "false alarm",
        "not sure",
        "awaiting second",
        "false-alarm rate",
    ]
    cells = [
        (
            row.lan_id,
            row.findings,
            row.reviewed,
            row.correct,
            row.false_alarm,
            row.not_sure,
            row.awaiting_second,
            _rate(row.false_alarm_rate),
        )
        for row in rows
    ]
    return table(Table(headings, cells))


def _bars(rows: Sequence[ReviewOutcomes]) -> str | None:
    return verdict_bars(
        [row.lan_id for row in rows],
        {
            "correct": [row.correct for row in rows],
            "false alarm": [row.false_alarm for row in rows],
            "not sure": [row.not_sure for row in rows],
        },
    )


def _rate(share: float | None) -> str:
    return "undecided" if share is None else f"{share:.1%}"


default_assets = [review_outcomes]
