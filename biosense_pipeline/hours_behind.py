"""Hours whose analysis lags behind recognition: stills were recognised since, or done again."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

import dagster as dg

from biosense_pipeline.assets.recognised import RECOGNISED, recognised
from biosense_pipeline.partitions import hour_of_key
from biosense_pipeline.store.database import Database

_NONE = timedelta()


def hours_behind(
    instance: dg.DagsterInstance,
    database: Database,
    assets: Sequence[dg.AssetKey],
    keys: Iterable[str],
    reach: timedelta = _NONE,
) -> list[str]:
    """Those of the partitions in which something is recognised and one of the assets was not made of just that.

    Args:
        reach: with which the assets are made (``recognised``): a late still of one hour changes what is found at the
            beginning of the next.

    What an asset was made of stands in its last materialisation, written down before the analysis began: what was
    recognised meanwhile makes the hour lag behind again, and so does a run that failed half way.
    """
    return [key for key in keys if _lags(instance, assets, key, recognised(database, hour_of_key(key), reach))]


def _lags(instance: dg.DagsterInstance, assets: Sequence[dg.AssetKey], key: str, now: dict[str, Any]) -> bool:
    return bool(now) and any(_made_of(instance, asset, key) != now for asset in assets)


def _made_of(instance: dg.DagsterInstance, asset: dg.AssetKey, key: str) -> object:
    records = instance.fetch_materializations(
        dg.AssetRecordsFilter(asset_key=asset, asset_partitions=[key]), limit=1
    ).records
    if not records:
        return None
    materialization = records[0].asset_materialization
    entry = materialization.metadata.get(RECOGNISED) if materialization else None
    return None if entry is None else entry.value
