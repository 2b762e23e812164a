"""Where and how incidents are told."""

import re
from pathlib import Path

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings


class AlertSettings(BaseSettings):
    """Where and how incidents are told."""

    alert_urls: SecretStr = Field(
        SecretStr(""),
        description="Where incidents are told: Apprise URLs, separated by commas or line breaks, such as mailto:// for "
        "mail, slack://, workflows:// for Teams, jsons:// for a webhook. One recipient each: where one of several "
        "refuses, all get the message again. They hold passwords and tokens and are shown nowhere. Empty: no alerts.",
    )
    desk_url: str = Field(
        "",
        description="Address of the desk as people reach it, as https://desk.example.com, for the links in alerts. "
        "Empty: alerts carry no link.",
    )
    alert_template: Path | None = Field(
        None,
        description="File with a Jinja2 template of the alerts: the first line is the title, the rest the text. "
        "Default: a text that names the LAN id and the team, since a message leaves the house: no name, no picture.",
    )
    alert_quiet_minutes: float = Field(
        30.0,
        ge=0,
        le=1440,
        description="Incidents of one agent and kind with shorter pauses between them are told as one: who leaves and "
        "returns is not news each time. That an incident is over is told after this long without another.",
    )
    alert_hours: float = Field(
        24.0,
        gt=0,
        le=720,
        description="Nothing that happened longer ago is told, and a message that has not arrived for this long is "
        "given up: neither a backfill nor a new channel sends the past out.",
    )
    alert_timeout_seconds: float = Field(
        20.0,
        gt=0,
        # A run may go on for a minute and begin one more message; it must end before it is taken for dead.
        le=120,
        description="A channel that does not answer for this long has failed. Within it, Apprise waits 4 s for a web "
        "server (cto and rto in a URL change that) and 15 s for a mail server.",
    )
    alert_retry_seconds: float = Field(
        60.0,
        gt=0,
        le=86_400,
        description="Wait before a message is tried again; doubled with each attempt, so that a service that is down "
        "is not knocked at without end.",
    )
    alert_retry_longest_minutes: float = Field(
        30.0,
        gt=0,
        le=1440,
        description="Longest wait between two attempts: a service that is back gets its messages by then.",
    )

    @field_validator("desk_url")
    @classmethod
    def _web_address(cls, url: str) -> str:
        if url and (not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", url, re.ASCII)):
            raise ValueError("write it as https://desk.example.com, without a user, a query or blanks")
        return url.rstrip("/")
