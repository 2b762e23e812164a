"""Hours whose analysis lags behind recognition: stills were recognised since, or done again."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

import dagster as dg

from biosense_pipeline.assets.recognised import RECOGNISED, recognised
from biosense_pipeline.assets.summaries import hourly_agent_summary
from biosense_pipeline.runs.partitions import hour_of_key
from biosense_pipeline.store.database import Database

_NONE, _HOUR = timedelta(), timedelta(hours=1)


def hours_behind(
    instance: dg.DagsterInstance,
    database: Database,
    assets: Sequence[dg.AssetKey],
    keys: Iterable[str],
    reach: timedelta = _NONE,
) -> Iterator[str]:
    """Those of the partitions in which something is recognised and one of the assets was not made of just that.

    Args:
        reach: with which the assets are made (``recognised``): a late still of one hour changes what is found at the
            beginning of the next.

    What an asset was made of stands in its last materialisation, written down before the analysis began: what was
    recognised meanwhile makes the hour lag behind again, and so does a run that failed half way.
    """
    return (key for key in keys if _lags(instance, assets, key, recognised(database, hour_of_key(key), reach)))


def summed_up_since(
    instance: dg.DagsterInstance, assets: Sequence[dg.AssetKey], reach: timedelta = _NONE
) -> Iterator[str]:
    """Partitions whose stills, or those that far before, were summed up after one of the assets was made, newest first.

    Of any age, and told by the order of Dagster's events alone: those that may lag behind though nobody looks at their
    hours any more, after an outage, an import, or when old stills are decided again.
    """
    made = [_newest_events(instance, asset) for asset in assets]
    summed_up = _newest_events(instance, hourly_agent_summary.key)
    keys = sorted({*summed_up, *made[0]}, reverse=True)
    for place, key in enumerate(keys):
        analysed = min(events.get(key, 0) for events in made)
        others = [other for other in keys[place : place + 1 + reach // _HOUR] if summed_up.get(other, 0) > analysed]
        if any(other == key or hour_of_key(key).start - hour_of_key(other).end < reach for other in others):
            yield key


def _newest_events(instance: dg.DagsterInstance, asset: dg.AssetKey) -> Mapping[str, int]:
    return instance.get_latest_storage_id_by_partition(asset, dg.DagsterEventType.ASSET_MATERIALIZATION)


def _lags(instance: dg.DagsterInstance, assets: Sequence[dg.AssetKey], key: str, now: dict[str, Any]) -> bool:
    return bool(now) and any(noted(instance, asset, key).get(RECOGNISED) != now for asset in assets)


def noted(instance: dg.DagsterInstance, asset: dg.AssetKey, key: str) -> dict[str, Any]:
    """The entries of the last materialisation of an asset's partition, by their names; none where there is none."""
    records = instance.fetch_materializations(
        dg.AssetRecordsFilter(asset_key=asset, asset_partitions=[key]), limit=1
    ).records
    materialization = records[0].asset_materialization if records else None
    return {name: entry.value for name, entry in materialization.metadata.items()} if materialization else {}
