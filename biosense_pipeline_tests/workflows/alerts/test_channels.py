"""Channels: read from one setting, and known by names from which no secret can be told."""

from collections.abc import Callable

import pytest

from biosense_pipeline.errors import WrongUse
from biosense_pipeline.settings import Settings
from biosense_pipeline.workflows.alerts.channels import channels
from biosense_pipeline_tests.alerting import PASSWORD, SECRETS, TOKEN

UseSettings = Callable[..., Settings]
MAIL = f"mailto://ann:{PASSWORD}@example.com?to=a@example.com,b@example.com"
HOOK = f"jsons://example.com/{TOKEN}"


def test_no_channels() -> None:
    """Nothing set, or nothing but separators, is no channel."""
    assert channels(Settings()) == ()
    assert channels(Settings.model_validate({"alert_urls": " ,\n "})) == ()


@pytest.mark.parametrize("between", [",", "\n", " , ", "\r\n\r\n", ",\n  "])
def test_separators(use_settings: UseSettings, between: str) -> None:
    """Commas and line breaks separate URLs; a comma within one does not end it."""
    found = channels(use_settings(alert_urls=f"{MAIL}{between}{HOOK},"))
    assert [channel.url for channel in found] == [MAIL, HOOK]
    assert [(channel.scheme, channel.position) for channel in found] == [("mailto", 1), ("jsons", 2)]


def test_names_tell_channels_apart_and_no_secret(use_settings: UseSettings) -> None:
    """A name is scheme and hash: the same for the same URL whatever its password, another for another."""
    one, other = channels(use_settings(alert_urls=f"{MAIL},{HOOK}"))
    (renewed,) = channels(use_settings(alert_urls=MAIL.replace(PASSWORD, "another")))
    (elsewhere,) = channels(use_settings(alert_urls=MAIL.replace("b@", "c@")))
    assert one.name == renewed.name
    assert len({one.name, other.name, elsewhere.name}) == 3
    assert one.name.startswith("mailto-")
    assert not any(secret in f"{one!r} {other!r} {one} {other}" for secret in SECRETS)


@pytest.mark.parametrize(
    ("urls", "told"),
    [
        (TOKEN, "position 1 has no scheme://"),
        (f"{TOKEN},{HOOK}", "position 1 has no scheme://"),
        (f"{HOOK}\n{TOKEN}", "position 1 is no Apprise URL although it begins with jsons://"),
        (f"{MAIL},jsons://", "position 2 is no Apprise URL although it begins with jsons://"),
        (f"jsons:// {TOKEN}", "position 1 is no Apprise URL although it begins with jsons://"),
        (f"{MAIL},{HOOK},{MAIL.replace(PASSWORD, TOKEN)}", "one channel (mailto://) at positions 1 and 3"),
    ],
)
def test_mistakes(use_settings: UseSettings, urls: str, told: str) -> None:
    """A mistake is told by position and scheme, and what stands there is not repeated."""
    with pytest.raises(WrongUse) as raised:
        channels(use_settings(alert_urls=urls))
    assert told in str(raised.value)
    assert "BIOSENSE_ALERT_URLS" in str(raised.value)
    assert not any(secret in str(raised.value) for secret in SECRETS)
