"""How often Dagster looks, and what its checks warn of."""

from pydantic import Field
from pydantic_settings import BaseSettings


class WatchSettings(BaseSettings):
    """How often Dagster looks, and what its checks warn of."""

    sensor_seconds: int = Field(
        5, ge=1, description="Pause between two looks of a sensor at the database; each asks a few indexed queries."
    )
    sensor_hours: int = Field(
        24, ge=1, le=1000, description="Most hours with pending stills that one tick of the sensor names."
    )
    outdated_runs_days: float = Field(
        2.0,
        ge=1,
        le=365,
        description="Days for which Dagster keeps runs of motion_job and impersonation_job whose hours a later run has "
        "done again. Those of every minute are about a thousand a day.",
    )
    max_unknown_share: float = Field(
        0.2, ge=0, le=1, description="Share of unknown persons in an hour above which the check warns."
    )
    max_no_faces_share: float = Field(
        0.5, ge=0, le=1, description="Share of stills without a face in an hour above which the check warns."
    )
