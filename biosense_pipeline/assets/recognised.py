"""What was recognised of an hour when it was analysed: how one tells later that there is more by now."""

from collections.abc import Callable
from typing import Any

import dagster as dg

from biosense_pipeline.assets.metadata import Metadata
from biosense_pipeline.partitions import Hour, hour_of_key
from biosense_pipeline.settings import load_settings
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.heartbeats import Heartbeat
from biosense_pipeline.store.results import count_results

#: Name of the entry in the metadata of every asset that analyses stored stills.
RECOGNISED = "recognised_stills"


def recognised(database: Database, hour: Hour) -> dict[str, int]:
    """Finished stills of the hour by result: another still or another result changes them."""
    return dict(sorted(count_results(database, hour.scope()).items())) if hour.start < hour.end else {}


def each_hour(
    context: dg.AssetExecutionContext,
    database: Database,
    analyse: Callable[[Hour, Callable[[], None]], Metadata],
) -> None:
    """Analyse each hour of the run and materialise it with its figures, and with what was recognised before it began.

    Args:
        analyse: is given the hour and a sign of life to give now and then, without which a run is taken for dead. An
            hour that holds no time, the second of two equal ones, is not analysed.
    """
    heartbeat = Heartbeat(database, context.run.run_id, load_settings().lease_seconds / 3)
    for key in context.partition_keys:
        hour = hour_of_key(key)
        heartbeat.beat()
        before: dict[str, Any] = {RECOGNISED: dg.MetadataValue.json(recognised(database, hour))}
        told = analyse(hour, heartbeat.beat) if hour.start < hour.end else {"dagster/row_count": 0}
        context.add_asset_metadata({**told, **before}, partition_key=key)
