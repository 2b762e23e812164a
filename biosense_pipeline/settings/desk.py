"""The supervisors' desk: how it is reached, and how long a session lasts."""

from pydantic import Field
from pydantic_settings import BaseSettings


class DeskSettings(BaseSettings):
    """The supervisors' desk: how it is reached, and how long a session lasts."""

    desk_idle_minutes: float = Field(
        30.0,
        gt=0,
        le=1440,
        description="A session of the desk ends after this long without a request: a screen that was left alone "
        "shows faces for no longer.",
    )
    desk_session_hours: float = Field(
        12.0,
        gt=0,
        le=168,
        description="A session of the desk ends after this long in any case: one shift, and no other day's.",
    )
    desk_hosts: str = Field(
        "",
        description="Names, separated by commas, under which browsers reach the desk where that is not this machine "
        "alone, as desk.example.com; requests for any other name are refused.",
    )
    desk_secure_cookie: bool | None = Field(
        None,
        description="Send the desk's cookie over TLS only. Default: wherever the desk is reached under another name "
        "than localhost, so that there it works behind a proxy with TLS and not without.",
    )
