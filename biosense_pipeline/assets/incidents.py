"""What supervisors are told of: incidents, and the messages about them."""

from collections import Counter
from datetime import UTC, datetime

import dagster as dg

from biosense_pipeline.assets.hourly import hourly_asset
from biosense_pipeline.assets.impersonation import REACH, impersonation_findings
from biosense_pipeline.assets.metadata import Metadata, column_schema, count_table, table
from biosense_pipeline.assets.recognised import Beat, each_hour, plot_once_over
from biosense_pipeline.assets.recognition import recognition_results
from biosense_pipeline.plots.presentation import evidence_lines
from biosense_pipeline.resources import DatabaseResource, told_plainly
from biosense_pipeline.runs.partitions import Hour
from biosense_pipeline.settings import load_settings
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.incidents.rows import IncidentRow, incidents_during
from biosense_pipeline.store.tables.incidents import AlertDelivery, Incident
from biosense_pipeline.workflows.alerts.channels import channels
from biosense_pipeline.workflows.alerts.deliver import deliver_alerts
from biosense_pipeline.workflows.alerts.sender import AppriseSender
from biosense_pipeline.workflows.incidents import IncidentReport, detect_incidents
from biosense_pipeline.workflows.report_tables import Table

GROUP = "incidents"
#: Incidents in the table, agents whose evidence is drawn over time.
_MOST_ROWS, _MOST_DRAWN = 20, 5


@hourly_asset(
    group=GROUP,
    owner="team:supervisors",
    deps=[recognition_results, impersonation_findings],
    description="Where the evidence of an agent's stills, of who sits there, whether anybody does and whether it is a "
    "person, passes the bound set from the tolerated false alarms. One incident, not one alert a still.",
)
def incidents(context: dg.AssetExecutionContext, database: DatabaseResource) -> None:
    """Look for incidents in the hour.

    An hour starts from the state at the end of the last one analysed before it, and yet does not depend on it as a
    partition: where an hour ends in another state than it did, the workflow itself analyses the following ones
    again, so that any order of hours comes to the same. With a dependency of each hour on the one before, a
    backfill would run this asset in runs of its own, each waiting for the last, and one failed hour
    would keep all later ones from being analysed.
    """
    settings = load_settings()
    with told_plainly(), database.connected() as opened:

        def look(hour: Hour, beat: Beat) -> Metadata:
            report = detect_incidents(opened, settings, hour.full_hours(), run_id=context.run.run_id, on_progress=beat)
            return _metadata(opened, hour, report)

        each_hour(context, opened, look, REACH)


def _metadata(database: Database, hour: Hour, report: IncidentReport) -> Metadata:
    rows = incidents_during(database, hour.start, hour.end)
    return {
        "dagster/row_count": len(rows),
        "agents": report.agents,
        "stills": report.stills,
        "opened": sum(hour.start <= row.opened < hour.end for row in rows),
        "open_at_the_end": sum(row.closed is None or row.closed >= hour.end for row in rows),
        "rows_entered": report.written.entered,
        "rows_changed": report.written.changed,
        "rows_withdrawn": report.written.withdrawn,
        "agent_hours_analysed_again": report.followed,
        "species": count_table(dict(Counter(str(row.species) for row in rows).most_common()), "species", "incidents"),
        "incidents": _table(rows),
        "evidence_over_time": plot_once_over(hour, lambda: _evidence_plot(hour, rows)),
        "dagster/column_schema": column_schema(Incident),
    }


def _table(rows: list[IncidentRow]) -> dg.MarkdownMetadataValue:
    cells = [
        (
            row.id,
            row.lan_id,
            row.species,
            f"{row.opened:%Y-%m-%d %H:%M:%S}",
            "open" if row.closed is None else f"{row.closed:%Y-%m-%d %H:%M:%S}",
            row.stills,
            f"{row.peak:.1f}",
        )
        for row in rows[-_MOST_ROWS:]
    ]
    headings = ["incident", "agent", "species", "opened", "closed", "stills", "peak"]
    return table(Table(headings, cells))


def _evidence_plot(hour: Hour, rows: list[IncidentRow]) -> str | None:
    """The accumulated evidence that each decision of the hour follows from, of the agents with the highest peaks."""
    lines: dict[str, dict[str, list[tuple[datetime, float]]]] = {}
    bounds: dict[str, float] = {}
    for row in sorted(rows, key=lambda row: -row.peak):
        if row.lan_id not in lines and len(lines) == _MOST_DRAWN:
            continue
        steps = [(datetime.fromisoformat(step["captured"]), step["statistic"]) for step in row.steps["steps"]]
        line = lines.setdefault(row.lan_id, {}).setdefault(str(row.species), [])
        line += [(moment, statistic) for moment, statistic in steps if hour.start <= moment < hour.end]
        bounds[str(row.species)] = row.steps["bound"]
    ordered = {agent: {name: sorted(line) for name, line in own.items()} for agent, own in lines.items()}
    return evidence_lines(ordered, hour.start, hour.end, bounds, "Accumulated evidence of the hour's incidents")


@dg.asset(
    group_name=GROUP,
    kinds={"python", "mysql"},
    owners=["team:supervisors"],
    deps=[incidents],
    description="Messages about incidents, to the channels of the settings: entered once, tried until they arrive. No "
    "picture and no name, only a link to the desk.",
)
def alert_deliveries(context: dg.AssetExecutionContext, database: DatabaseResource) -> None:
    """Send what is due.

    In runs of its own: a channel that hangs or refuses neither fails the analysis nor holds it up, and what is to be
    repeated, or told when it is over, is due while nothing new comes in.
    """
    settings = load_settings()
    with told_plainly(), database.connected() as opened:
        sender = AppriseSender(channels(settings), settings.alert_timeout_seconds)
        report = deliver_alerts(opened, settings, datetime.now(UTC), sender)
    failures = [(failed.channel, failed.message_id, failed.attempt, failed.reason) for failed in report.failures]
    headings = ["channel", "message", "attempt", "reason"]
    context.add_output_metadata(
        {
            "channels": report.channels,
            "entered": report.entered,
            "delivered": report.delivered,
            "failed": len(report.failures),
            "given_up": report.given_up,
            "failures": table(Table(headings, failures)),
            "dagster/column_schema": column_schema(AlertDelivery),
        }
    )


default_assets = [incidents, alert_deliveries]
