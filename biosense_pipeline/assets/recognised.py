"""What was recognised of an hour when it was analysed: how one tells later that there is more by now."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import dagster as dg

from biosense_pipeline.assets.hourly import materialise_hours
from biosense_pipeline.assets.metadata import Metadata, plot
from biosense_pipeline.local_time import local_now
from biosense_pipeline.runs.partitions import Hour
from biosense_pipeline.settings import load_settings
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.evidence.coverage import count_evidence
from biosense_pipeline.store.runs.heartbeats import Heartbeat
from biosense_pipeline.store.scope import Scope
from biosense_pipeline.store.stills.results import count_results
from biosense_pipeline.store.stills.summaries import last_summed_up

#: Name of the entry in the metadata of every asset that analyses stored stills.
RECOGNISED = "recognised_stills"
_NONE = timedelta()


def recognised(database: Database, hour: Hour, reach: timedelta = _NONE) -> dict[str, Any]:
    """What is known of the hour's finished stills, and of those before it; empty where the hour has none.

    Args:
        reach: how far before the hour the stills lie that its own are judged with.
    """
    own = _known(database, hour.start, hour.end) if hour.start < hour.end else {}
    if not own.get("results"):
        return {}
    # When it has ended the hour is analysed once more, with its plots.
    own["over"] = _is_over(hour)
    return {**own, "before": _known(database, hour.start - reach, hour.start)} if reach else own


def plot_once_over(hour: Hour, draw: Callable[[], str | None]) -> dg.MarkdownMetadataValue:
    """The plot of an hour that has ended, in words that it will come while it is under way.

    Until then the hour is analysed every minute, and every plot would be stored for good.
    """
    return plot(draw()) if _is_over(hour) else dg.MetadataValue.md("drawn once the hour is over")


def _is_over(hour: Hour) -> bool:
    return hour.end <= local_now(load_settings().zone)


def _known(database: Database, start: datetime, end: datetime) -> dict[str, Any]:
    """Another still or result changes the counts.

    A still done again changes nothing in them where it comes out as before, though its evidence may be there only
    now, or be another; but whoever writes results has their hour summed up anew, and one time a row of the summary is
    cheaper to read than one a still.
    """
    summed_up = last_summed_up(database, start, end)
    return {
        "results": dict(sorted(count_results(database, Scope(start, end)).items())),
        "evidence": count_evidence(database, start, end),
        "summed_up": summed_up and summed_up.isoformat(),
    }


#: A sign of life to give now and then, without which a run is taken for dead. What a workflow reports it ignores.
Beat = Callable[..., None]


def each_hour(
    context: dg.AssetExecutionContext,
    database: Database,
    analyse: Callable[[Hour, Beat], Metadata],
    reach: timedelta = _NONE,
) -> None:
    """Analyse each hour of the run and materialise it with its figures, and with what was recognised before it began.

    Args:
        analyse: an hour. One that holds no time, the second of two equal ones, is not analysed.
        reach: as :func:`recognised` has it.
    """
    heartbeat = Heartbeat(database, context.run.run_id, load_settings().lease_seconds / 3)

    def beat(*_: object) -> None:
        heartbeat.beat()

    def told(hour: Hour) -> Metadata:
        beat()
        before = {RECOGNISED: dg.MetadataValue.json(recognised(database, hour, reach))}
        found = analyse(hour, beat) if hour.start < hour.end else {"dagster/row_count": 0}
        return {**found, **before}

    materialise_hours(context, told)
