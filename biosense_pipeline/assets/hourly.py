"""What all assets of an hour have in common: partitions, backfills, and one materialisation for each hour of a run."""

from collections.abc import Callable, Sequence
from typing import Any

import dagster as dg

from biosense_pipeline.assets.metadata import Metadata
from biosense_pipeline.runs.partitions import BACKFILL, HOURS, Hour, hour_of_key


def hourly_asset(
    *,
    group: str,
    owner: str,
    deps: Sequence[dg.AssetsDefinition | dg.AssetSpec],
    description: str,
    also: str | None = None,
    freshness: dg.FreshnessPolicy | None = None,
) -> Callable[[Callable[..., None]], dg.AssetsDefinition]:
    """An asset of hourly partitions, of which a backfill does up to a day in one run.

    Args:
        also: what it is made with beside Python and MySQL.
    """
    return dg.asset(
        partitions_def=HOURS,
        backfill_policy=BACKFILL,
        group_name=group,
        kinds={"python", "mysql", *([also] if also else [])},
        owners=[owner],
        deps=deps,
        description=description,
        freshness_policy=freshness,
    )


def materialise_hours(context: dg.AssetExecutionContext, told: Callable[[Hour], Metadata]) -> None:
    """Do the work of each hour of the run and materialise it with its figures."""
    for key in context.partition_keys:
        metadata: dict[str, Any] = told(hour_of_key(key))
        context.add_asset_metadata(metadata, partition_key=key)
