"""Each hour summed up per agent."""

from collections import defaultdict
from datetime import datetime, timedelta

import dagster as dg
import numpy as np

from biosense_pipeline.assets.candidates import redecided_results
from biosense_pipeline.assets.hourly import hourly_asset, materialise_hours
from biosense_pipeline.assets.metadata import Metadata, column_schema, count_table, plot
from biosense_pipeline.assets.recognition import recognition_results
from biosense_pipeline.assets.sources import employee
from biosense_pipeline.codes import VERIFIED_RESULTS
from biosense_pipeline.plots.agents import agent_hour_heat_map
from biosense_pipeline.resources import DatabaseResource, told_plainly
from biosense_pipeline.runs.partitions import Hour
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.stills.summaries import SummaryRow, read_summary, summarise
from biosense_pipeline.store.tables.pipeline import AgentHourSummary

#: The heat map reaches this far back and shows this many agents, those least often verified.
_MAP_HOURS, _MAP_AGENTS = 12, 20

#: A site rests at night, so only a day without any summary is a failure; two hours are worth a look.
FRESHNESS = dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=26), warn_window=timedelta(hours=2))


@hourly_asset(
    group="summaries",
    owner="team:data-engineering",
    deps=[recognition_results, redecided_results, employee],
    freshness=FRESHNESS,
    description="How many stills of each agent had which result in the hour, counted from the rows anew, so "
    "that a late still mends its hour in the run that processes it.",
)
def hourly_agent_summary(context: dg.AssetExecutionContext, database: DatabaseResource) -> None:
    """Sum up the hour."""
    with told_plainly(), database.connected() as opened:

        def sum_up(hour: Hour) -> Metadata:
            if hour.start < hour.end:  # the second of two equal hours holds no naive time
                summarise(opened, hour.start, hour.end)
            return _metadata(opened, hour)

        materialise_hours(context, sum_up)


def _metadata(database: Database, hour: Hour) -> Metadata:
    recent = read_summary(database, hour.end - timedelta(hours=_MAP_HOURS), hour.end)
    rows = [row for row in recent if hour.start <= row.hour < hour.end]
    results: dict[str, int] = defaultdict(int)
    for row in rows:
        results[row.result] += row.stills
    return {
        "dagster/row_count": len(rows),
        "agents": len({row.lan_id for row in rows}),
        "stills": sum(results.values()),
        "results": count_table(dict(sorted(results.items(), key=lambda item: -item[1])), "result"),
        "verified_share": plot(_heat_map(recent)),
        "dagster/column_schema": column_schema(AgentHourSummary),
    }


def _heat_map(rows: list[SummaryRow]) -> str | None:
    stills: dict[tuple[str, datetime], int] = defaultdict(int)
    verified: dict[tuple[str, datetime], int] = defaultdict(int)
    for row in rows:
        stills[row.lan_id, row.hour] += row.stills
        verified[row.lan_id, row.hour] += row.stills if row.result in VERIFIED_RESULTS else 0
    hours = sorted({hour for _, hour in stills})

    def share(agent: str) -> float:
        own = [cell for cell in stills if cell[0] == agent]
        return sum(verified[cell] for cell in own) / sum(stills[cell] for cell in own)

    agents = sorted({agent for agent, _ in stills}, key=lambda agent: (share(agent), agent))[:_MAP_AGENTS]
    shares = np.full((len(agents), len(hours)), np.nan)
    for line, agent in enumerate(agents):
        for column, hour in enumerate(hours):
            if total := stills.get((agent, hour)):
                shares[line, column] = verified[agent, hour] / total
    return agent_hour_heat_map(agents, [f"{hour:%d %H}h" for hour in hours], shares)


default_assets = [hourly_agent_summary]
