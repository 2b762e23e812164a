"""What checks of partitioned assets share: each hour of the run is looked at, and the first that fails is shown."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from biosense_pipeline.resources import DatabaseResource, told_plainly
from biosense_pipeline.runs.partitions import Hour, hour_of_key
from biosense_pipeline.store.database import Database


@dataclass(frozen=True)
class Finding:
    """What a check found in one hour, or over all."""

    passed: bool
    numbers: dict[str, Any] = field(default_factory=dict)


def over_hours(
    context: dg.AssetCheckExecutionContext,
    database: DatabaseResource,
    look: Callable[[Database, Hour], Finding],
    severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.ERROR,
) -> dg.AssetCheckResult:
    """Look at each hour of the run; passes where all do, and shows the numbers of the first that does not."""
    with told_plainly(), database.connected() as opened:
        findings = [(key, look(opened, hour_of_key(key))) for key in context.partition_keys]
    failed = [(key, finding) for key, finding in findings if not finding.passed]
    key, shown = (failed or findings)[0]
    return dg.AssetCheckResult(
        passed=not failed,
        severity=severity,
        metadata={**shown.numbers, "hour": key, "hours_failed": len(failed), "hours": len(findings)},
    )
