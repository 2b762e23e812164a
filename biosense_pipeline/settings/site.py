"""Where the tables are, and the site's time."""

from datetime import date
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings

from biosense_pipeline.settings.environment import project_folder


def _embedded_database() -> SecretStr:
    return SecretStr(f"sqlite:///{project_folder() / 'data' / 'biosense.sqlite'}")


class SiteSettings(BaseSettings):
    """Where the tables are, and the site's time."""

    database_url: SecretStr = Field(
        default_factory=_embedded_database,
        description="SQLAlchemy URL. Default: an SQLite file under data/, so that nothing has to be "
        "installed; in production mysql+pymysql://user:password@host/database.",
    )
    timezone: str = Field(
        "UTC",
        description="IANA zone in which the capture clients write capture_time, which carries no zone. "
        "Hours and partitions follow it.",
    )
    partitions_start: date = Field(
        date(2024, 1, 1),
        description="First day with hourly partitions. Each year adds 8,760; Dagster advises at most "
        "100,000. Older stills are reached with `biosense drain`.",
    )

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"{name!r} is not an IANA time zone such as UTC or America/New_York") from None
        return name

    @property
    def zone(self) -> ZoneInfo:
        """The zone of ``capture_time``."""
        return ZoneInfo(self.timezone)
