"""The assets: thin adapters, one module per stage. What a stage does stands in ``workflows``."""

import dagster as dg

from biosense_pipeline.assets import (
    calibration,
    candidates,
    enrolment,
    impersonation,
    incidents,
    motion,
    recognition,
    review,
    sources,
    summaries,
)

default_assets: list[dg.AssetsDefinition | dg.AssetSpec] = [
    *sources.default_assets,
    *enrolment.default_assets,
    *recognition.default_assets,
    *candidates.default_assets,
    *summaries.default_assets,
    *impersonation.default_assets,
    *motion.default_assets,
    *incidents.default_assets,
    *calibration.default_assets,
    *review.default_assets,
]
