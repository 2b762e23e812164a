"""Schedules: what is due by the clock and not by what lies in the tables."""

import dagster as dg

from biosense_pipeline.jobs import calibration_job
from biosense_pipeline.settings import load_settings

calibration_schedule = dg.ScheduleDefinition(
    name="calibration_schedule",
    job=calibration_job,
    # The quietest hours of the week: a calibration encodes some thousands of stills.
    cron_schedule="0 4 * * 0",
    execution_timezone=load_settings().timezone,
    # Running by default, as the sensors are: a calibration that its check does not pass changes nothing.
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Calibrates on the newest stills, Sundays at 4.",
)

default_schedules = [calibration_schedule]
