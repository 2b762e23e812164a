"""Asset checks of what is told of agents: evidence, incidents, alerts. They warn: what was found stands."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import dagster as dg

from biosense_pipeline.assets.hours_behind import noted
from biosense_pipeline.assets.impersonation import presentation_evidence
from biosense_pipeline.assets.incidents import alert_deliveries, incidents
from biosense_pipeline.assets.metadata import table
from biosense_pipeline.checks.by_hour import Finding, over_hours
from biosense_pipeline.codes import Verdict
from biosense_pipeline.errors import WrongUse
from biosense_pipeline.matching.incidents.budget import most_by_chance
from biosense_pipeline.resources import DatabaseResource, told_plainly
from biosense_pipeline.runs.partitions import HOURS, Hour, hour_of_key
from biosense_pipeline.settings import load_settings
from biosense_pipeline.store.alerts.view import Delivery, failing_deliveries
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.incidents.rows import incidents_opened, stills_seen, verdicts_on
from biosense_pipeline.workflows.alerts.channels import channels
from biosense_pipeline.workflows.report_tables import Table
from biosense_pipeline.workflows.workbench import naive_utc_now

#: Of the stills with one face so many have to have evidence. Single pictures may defeat the measuring; hours that
#: were recognised before evidence was kept, or with other features, have none at all.
LEAST_COVERAGE = 0.95
#: The budget is looked at over so many days.
BUDGET_DAYS = 30
#: Deliveries named in one result.
_MOST_NAMED = 20


@dg.asset_check(
    asset=presentation_evidence,
    partitions_def=HOURS,
    description=f"At least {LEAST_COVERAGE:.0%} of the hour's stills with one face have evidence with the features in "
    "force. The others are judged by who is there alone; reprocess the hour in recognition_job to get theirs.",
)
def evidence_covers_stills(context: dg.AssetCheckExecutionContext, database: DatabaseResource) -> dg.AssetCheckResult:
    """Warn where evidence is missing of too many stills."""

    def look(opened: Database, hour: Hour) -> Finding:
        told = noted(context.instance, presentation_evidence.key, hour.key)
        one_face, usable = told.get("one_face", 0), told.get("usable", 0)
        numbers = {"one_face": one_face, "usable": usable, "least_share": LEAST_COVERAGE}
        return Finding(usable >= LEAST_COVERAGE * one_face, numbers)

    return over_hours(context, database, look, dg.AssetCheckSeverity.WARN)


@dg.asset_check(
    asset=incidents,
    partitions_def=HOURS,
    description=f"The incidents of the last {BUDGET_DAYS} days that no reviewer confirmed are no more than the "
    "tolerated false alarms (BIOSENSE_INCIDENT_FALSE_ALARMS_PER_MONTH) explain for the stills seen, up to what comes "
    "by chance once in a hundred. Below one agent-month of stills no rate can be told.",
)
def false_alarms_within_budget(
    context: dg.AssetCheckExecutionContext, database: DatabaseResource
) -> dg.AssetCheckResult:
    """Warn where there are more incidents than the settings tolerate of agents about whom nothing is wrong."""
    end = max(hour_of_key(key).end for key in context.partition_keys)
    with told_plainly(), database.connected() as opened:
        found = _budget(opened, end)
    return dg.AssetCheckResult(
        passed=found.passed,
        severity=dg.AssetCheckSeverity.WARN,
        metadata=found.numbers,
    )


def _budget(database: Database, end: datetime) -> Finding:
    settings, start = load_settings(), end - timedelta(days=BUDGET_DAYS)
    opened = incidents_opened(database, start, end)
    verdicts = list(verdicts_on(database, opened).values())
    confirmed, false_alarms = verdicts.count(Verdict.CORRECT), verdicts.count(Verdict.FALSE_ALARM)
    unconfirmed = len(opened) - confirmed
    months = stills_seen(database, start, end) / (settings.incident_stills_per_day * BUDGET_DAYS)
    tolerated = settings.incident_false_alarms_per_month * months
    most = most_by_chance(tolerated)
    return Finding(
        months < 1 or unconfirmed <= most,
        {
            "incidents": len(opened),
            "confirmed": confirmed,
            "false_alarms": false_alarms,
            "not_reviewed": unconfirmed - false_alarms,
            "agent_months": round(months, 3),
            "unconfirmed_per_agent_month": round(unconfirmed / months, 2) if months >= 1 else "too few stills",
            "tolerated": round(tolerated, 2),
            "most_by_chance": most,
        },
    )


@dg.asset_check(
    asset=alert_deliveries,
    description="No message about an incident has been under way for an hour or longer to a channel of the settings.",
)
def alerts_arrive(database: DatabaseResource) -> dg.AssetCheckResult:
    """Warn of messages that do not arrive."""
    try:
        names = [channel.name for channel in channels(load_settings())]
    except WrongUse:
        names = None  # the run itself tells what is wrong with them; here everything that fails is shown
    with told_plainly(), database.connected() as opened:
        failing = failing_deliveries(opened, naive_utc_now(), channels=names)
    return dg.AssetCheckResult(
        passed=not failing,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"failing": len(failing), "messages": _messages(failing[:_MOST_NAMED])},
    )


def _messages(failing: list[Delivery]) -> dg.MarkdownMetadataValue:
    cells = [
        (row.channel, row.incident_id, row.event, f"{row.created:%Y-%m-%d %H:%M}", row.attempts, row.last_error or "")
        for row in failing
    ]
    headings = ["channel", "incident", "event", "entered (UTC)", "attempts", "last reason"]
    return table(Table(headings, cells))


presentation_checks: Sequence[dg.AssetChecksDefinition] = [
    evidence_covers_stills,
    false_alarms_within_budget,
    alerts_arrive,
]
