"""Every setting of the pipeline: its environment variable, its default and the reason for it, a module a topic.

A field ``lease_seconds`` is read from ``BIOSENSE_LEASE_SECONDS``. The descriptions are what ``biosense settings``,
``.env.example`` and the README show.
"""

from functools import cache

from pydantic import ValidationError
from pydantic_settings import SettingsConfigDict

from biosense_pipeline.choices import Approval
from biosense_pipeline.errors import WrongUse
from biosense_pipeline.settings.alerts import AlertSettings
from biosense_pipeline.settings.deciding import DecisionSettings
from biosense_pipeline.settings.desk import DeskSettings
from biosense_pipeline.settings.engine import EngineSettings
from biosense_pipeline.settings.enrolment import EnrolmentSettings
from biosense_pipeline.settings.environment import ENV_PREFIX, project_folder
from biosense_pipeline.settings.findings import FindingSettings
from biosense_pipeline.settings.processing import ProcessingSettings
from biosense_pipeline.settings.site import SiteSettings
from biosense_pipeline.settings.watching import WatchSettings

__all__ = ["ENV_PREFIX", "Settings", "load_settings", "project_folder"]


class Settings(
    FindingSettings,
    AlertSettings,
    DeskSettings,
    WatchSettings,
    EnrolmentSettings,
    ProcessingSettings,
    DecisionSettings,
    EngineSettings,
    SiteSettings,
):
    """The pipeline's settings, read once from the environment and from ``.env``.

    The topics stand here in reverse: pydantic takes the fields of the last base first.
    """

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX, env_file=(project_folder() / ".env", ".env"), extra="ignore", frozen=True
    )

    @property
    def approved_by(self) -> Approval:
        """Who approves training images, the default resolved."""
        embedded = self.database_url.get_secret_value().startswith("sqlite")
        return self.approval or (Approval.AUTO if embedded else Approval.TEAM_LEAD)


@cache
def load_settings() -> Settings:
    """The settings of this process.

    Raises:
        WrongUse: a variable has a value that cannot be meant; the text names it.
    """
    try:
        return Settings()
    except ValidationError as error:
        faults = (
            f"{ENV_PREFIX}{'_'.join(map(str, fault['loc'])).upper()}: {fault['msg']}" if fault["loc"] else fault["msg"]
            for fault in error.errors(include_input=False, include_url=False)
        )
        raise WrongUse(f"Correct the environment or .env: {'; '.join(faults)}.") from None
