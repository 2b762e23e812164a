"""Does the agent move at all? Every ten minutes of each agent."""

from collections import Counter

import dagster as dg

from biosense_pipeline.assets.hourly import hourly_asset
from biosense_pipeline.assets.impersonation import GROUP, presentation_evidence
from biosense_pipeline.assets.metadata import Metadata, column_schema, count_table, table
from biosense_pipeline.assets.recognised import Beat, each_hour, plot_once_over
from biosense_pipeline.codes import MotionOutcome
from biosense_pipeline.plots.agents import BAD, GOOD, NEITHER, agent_bars
from biosense_pipeline.resources import DatabaseResource, told_plainly
from biosense_pipeline.runs.partitions import Hour
from biosense_pipeline.store.agents.employees import employee_lan_ids
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.evidence.motion import MotionRow, read_motion
from biosense_pipeline.store.tables.evidence import MotionWindow
from biosense_pipeline.workflows.motion import MotionReport, detect_motion
from biosense_pipeline.workflows.report_tables import Table

#: Windows in the table, agents in the plot.
_MOST_WINDOWS, _MOST_AGENTS = 20, 20
#: What comes first is shown first, and in these colours.
_OUTCOMES = (MotionOutcome.STATIC, MotionOutcome.INSUFFICIENT, MotionOutcome.LIVE)
_COLOURS = (BAD, NEITHER, GOOD)


@hourly_asset(
    group=GROUP,
    owner="team:supervisors",
    deps=[presentation_evidence],
    description="Whether each agent's stills of every ten minutes show life: LIVE, STATIC or INSUFFICIENT, with the "
    "numbers. STATIC asks for a look at them and accuses nobody.",
)
def motion_windows(context: dg.AssetExecutionContext, database: DatabaseResource) -> None:
    """Look for life in the hour's windows."""
    with told_plainly(), database.connected() as opened:

        def look(hour: Hour, beat: Beat) -> Metadata:
            report = detect_motion(opened, hour.start, hour.end, run_id=context.run.run_id, on_progress=beat)
            return _metadata(opened, hour, report)

        each_hour(context, opened, look)


def _metadata(database: Database, hour: Hour, report: MotionReport) -> Metadata:
    rows = read_motion(database, hour.start, hour.end)
    lan_ids = employee_lan_ids(database, {employee for employee, _ in rows})
    return {
        "dagster/row_count": len(rows),
        "agents": report.agents,
        "rows_changed": report.rows_changed,
        "seconds": round(report.seconds, 2),
        "outcomes": count_table(
            {str(outcome): report.outcomes[outcome] for outcome in _OUTCOMES}, "outcome", "windows"
        ),
        "static": _static(rows, lan_ids),
        "by_agent": plot_once_over(hour, lambda: _bars(rows, lan_ids)),
        "dagster/column_schema": column_schema(MotionWindow),
    }


def _static(rows: list[tuple[int, MotionRow]], lan_ids: dict[int, str]) -> dg.MarkdownMetadataValue:
    shown = [(employee, row) for employee, row in rows if row.outcome is MotionOutcome.STATIC][:_MOST_WINDOWS]
    cells = [
        (lan_ids[employee], f"{row.start:%H:%M}", row.stills, row.usable_stills, _in_words(row))
        for employee, row in shown
    ]
    return table(Table(["agent", "from", "stills", "usable", "numbers"], cells))


def _in_words(row: MotionRow) -> str:
    numbers = {name: value for name, value in row.numbers.items() if isinstance(value, int | float)}
    return ", ".join(f"{name} {value:.3g}" for name, value in numbers.items())


def _bars(rows: list[tuple[int, MotionRow]], lan_ids: dict[int, str]) -> str | None:
    counts: dict[int, Counter[MotionOutcome]] = {employee: Counter() for employee, _ in rows}
    for employee, row in rows:
        counts[employee][row.outcome] += 1
    worst = sorted(counts, key=lambda employee: ([-counts[employee][o] for o in _OUTCOMES], lan_ids[employee]))
    shown = worst[:_MOST_AGENTS]
    by_outcome = {str(outcome): [counts[employee][outcome] for employee in shown] for outcome in _OUTCOMES}
    return agent_bars(
        [lan_ids[employee] for employee in shown], by_outcome, _COLOURS, "windows", "Windows by outcome and agent"
    )


default_assets = [motion_windows]
