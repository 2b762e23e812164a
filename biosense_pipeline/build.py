"""Composes the code location. Tests hand in other resources."""

import dagster as dg

from biosense_pipeline.assets import default_assets
from biosense_pipeline.automation.schedules import default_schedules
from biosense_pipeline.automation.sensors import default_sensors
from biosense_pipeline.checks import default_checks
from biosense_pipeline.jobs import default_jobs
from biosense_pipeline.resources import default_resources


def build_definitions(**resources: object) -> dg.Definitions:
    """The definitions, with ``resources`` in place of the default ones of the same name.

    Steps run in the run's own process: a process per step would cost more than most hours' stills, and
    the work itself is done in the recogniser's processes.
    """
    return dg.Definitions(
        assets=default_assets,
        asset_checks=default_checks,
        jobs=default_jobs,
        schedules=default_schedules,
        sensors=default_sensors,
        resources={**default_resources(), **resources},
        executor=dg.in_process_executor,
    )
