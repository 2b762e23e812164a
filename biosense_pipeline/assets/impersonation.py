"""Is this a person or a picture of one? What recognition kept of the stills, and what it says."""

from collections import Counter
from datetime import timedelta

import dagster as dg

from biosense_pipeline.assets.hourly import hourly_asset
from biosense_pipeline.assets.metadata import Metadata, column_schema, count_table, table
from biosense_pipeline.assets.recognised import Beat, each_hour, plot_once_over
from biosense_pipeline.assets.recognition import recognition_results
from biosense_pipeline.codes import Species
from biosense_pipeline.matching.evidence.ordering import LOOKBACK
from biosense_pipeline.plots.agents import GOOD, NEITHER, agent_bars
from biosense_pipeline.plots.presentation import evidence_lines
from biosense_pipeline.resources import DatabaseResource, told_plainly
from biosense_pipeline.runs.partitions import Hour
from biosense_pipeline.settings import Settings, load_settings
from biosense_pipeline.store.agents.employees import employee_lan_ids
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.evidence.coverage import AgentCoverage, baselines_of_day, evidence_coverage
from biosense_pipeline.store.evidence.findings import FindingRow, read_findings
from biosense_pipeline.store.evidence.site_baselines import read_site_baseline
from biosense_pipeline.store.tables.evidence import ImpersonationFinding, PresentationEvidence
from biosense_pipeline.vision.presentation.features import FEATURES_ID
from biosense_pipeline.workflows.evidence_over_time import evidence_over_time
from biosense_pipeline.workflows.impersonation import ImpersonationReport, detect_impersonation
from biosense_pipeline.workflows.report_tables import Table

GROUP = "presentation"
#: The first windows of an hour begin in the one before, and each of their stills is held against those up to an hour
#: earlier still.
REACH = LOOKBACK + timedelta(hours=1)
#: Rows in tables and agents in bars; agents whose evidence is drawn over time.
_MOST_ROWS, _MOST_DRAWN = 20, 5
#: Findings that began no longer ago are shown in the hours that they last in.
_LASTING = timedelta(hours=24)


@hourly_asset(
    group=GROUP,
    owner="team:data-engineering",
    deps=[recognition_results],
    description="What recognition kept of the hour's stills besides their results: hashes, the face's chip and "
    "landmarks, features. Written with the results; here it is told how many stills have it.",
)
def presentation_evidence(context: dg.AssetExecutionContext, database: DatabaseResource) -> None:
    """Tell the coverage of the hour."""
    with told_plainly(), database.connected() as opened:
        each_hour(context, opened, lambda hour, beat: _coverage(opened, hour))


def _coverage(database: Database, hour: Hour) -> Metadata:
    agents = evidence_coverage(database, hour.start, hour.end, FEATURES_ID)
    one_face, usable = sum(agent.one_face for agent in agents), sum(agent.usable for agent in agents)
    shown = agents[:_MOST_ROWS]
    return {
        "dagster/row_count": sum(agent.with_evidence for agent in agents),
        "agents": len(agents),
        "processed": sum(agent.processed for agent in agents),
        "one_face": one_face,
        "usable": usable,
        "usable_share": f"{usable / one_face:.1%}" if one_face else "no still with one face",
        "features_id": FEATURES_ID,
        "per_agent": _coverage_table(shown),
        "coverage": plot_once_over(
            hour,
            lambda: agent_bars(
                [agent.lan_id for agent in shown],
                {"usable": [agent.usable for agent in shown], "missing": [agent.missing for agent in shown]},
                (GOOD, NEITHER),
                "stills with one face",
                "Stills with one face that windows can be judged by",
            ),
        ),
        "dagster/column_schema": column_schema(PresentationEvidence),
    }


def _coverage_table(agents: list[AgentCoverage]) -> dg.MarkdownMetadataValue:
    cells = [(agent.lan_id, agent.processed, agent.with_evidence, agent.one_face, agent.usable) for agent in agents]
    headings = ["agent", "processed", "with evidence", "one face", "usable"]
    return table(Table(headings, cells))


@hourly_asset(
    group=GROUP,
    owner="team:supervisors",
    deps=[presentation_evidence],
    description="Where the last stills of an agent up to some still show a picture instead of a person: frozen, "
    "repeated, printed, or from another source. Computed from stored evidence; no picture is read again.",
)
def impersonation_findings(context: dg.AssetExecutionContext, database: DatabaseResource) -> None:
    """Judge the windows of the hour's stills."""
    settings = load_settings()
    with told_plainly(), database.connected() as opened:

        def judge(hour: Hour, beat: Beat) -> Metadata:
            report = detect_impersonation(
                opened, settings, hour.start, hour.end, run_id=context.run.run_id, on_progress=beat
            )
            return _findings(opened, settings, hour, report)

        each_hour(context, opened, judge, REACH)


def _findings(database: Database, settings: Settings, hour: Hour, report: ImpersonationReport) -> Metadata:
    rows = [
        (employee, row)
        for employee, row in read_findings(database, hour.start - _LASTING, hour.end)
        if row.last_captured >= hour.start
    ]
    lan_ids = employee_lan_ids(database, {employee for employee, _ in rows})
    own_baseline, too_few = baselines_of_day(database, hour.start.date())
    return {
        "dagster/row_count": len(rows),
        "begun": sum(row.captured >= hour.start for _, row in rows),
        "agents": report.agents,
        "stills": report.stills,
        "rows_changed": report.rows_changed,
        "seconds": round(report.seconds, 2),
        "species": count_table(dict(Counter(str(row.species) for _, row in rows).most_common()), "species", "findings"),
        "findings": _findings_table(rows, lan_ids),
        "baselines_of_their_own": own_baseline,
        "baselines_of_the_site": too_few,
        "site_baseline": _site_baseline(database, hour),
        "not_judged": _not_judged(report.not_judged),
        "evidence_over_time": plot_once_over(hour, lambda: _evidence_plot(database, settings, hour, rows, lan_ids)),
        "dagster/column_schema": column_schema(ImpersonationFinding),
    }


def _site_baseline(database: Database, hour: Hour) -> str:
    stored = read_site_baseline(database, hour.start.date())
    if stored is None:
        return "not asked for"
    agents = f"{stored.agents} agents with a baseline of their own"
    return f"development's figures: there are {agents}" if stored.parameters is None else f"of {agents}"


def _findings_table(rows: list[tuple[int, FindingRow]], lan_ids: dict[int, str]) -> dg.MarkdownMetadataValue:
    cells = [(lan_ids[employee], row.species, *_times(row), f"{row.llr:.1f}") for employee, row in rows[:_MOST_ROWS]]
    headings = ["agent", "species", "from", "until", "log-likelihood ratio"]
    return table(Table(headings, cells))


def _times(row: FindingRow) -> tuple[str, str]:
    return f"{row.captured:%Y-%m-%d %H:%M:%S}", f"{row.last_captured:%H:%M:%S}"


def _not_judged(reasons: dict[Species, str]) -> dg.MarkdownMetadataValue:
    return table(Table(["species", "reason"], sorted(reasons.items())))


def _evidence_plot(
    database: Database, settings: Settings, hour: Hour, rows: list[tuple[int, FindingRow]], lan_ids: dict[int, str]
) -> str | None:
    """Evidence over the hour of the agents with the most findings."""
    worst = [employee for employee, _ in Counter(employee for employee, _ in rows).most_common(_MOST_DRAWN)]
    lines = {
        lan_ids[employee]: {
            str(species): line
            for species, line in evidence_over_time(database, settings, employee, hour.start, hour.end).items()
        }
        for employee in worst
    }
    # A print is judged by spreads above the agent's own level, a change of source by that it speaks for one at all.
    bounds = {str(species): settings.impersonation_bound for species in (Species.FROZEN, Species.LOOP)}
    return evidence_lines(lines, hour.start, hour.end, bounds, "Evidence of the agents with the most findings")


default_assets = [presentation_evidence, impersonation_findings]
