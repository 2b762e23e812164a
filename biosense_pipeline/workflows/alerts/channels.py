"""The channels of the settings: their URLs, which are secret, and the names by which tables and people know them.

Nothing here loads Apprise: the desk asks for the names with each page.
"""

import hashlib
import re
from dataclasses import dataclass, field

from biosense_pipeline.errors import WrongUse
from biosense_pipeline.settings import ENV_PREFIX, Settings

#: As messages to people call it.
VARIABLE = f"{ENV_PREFIX}ALERT_URLS"
_SCHEME = r"[A-Za-z][A-Za-z0-9+.-]{0,30}"
#: A comma or blank ends a URL only where another URL begins: addresses in a URL are separated by commas too.
_BETWEEN = re.compile(rf"[\s,]+(?={_SCHEME}://)")
_URL = re.compile(rf"({_SCHEME})://(\S+)")
_PASSWORD = re.compile(r"^([^/?#@:]*):[^/?#]*@")


@dataclass(frozen=True)
class Channel:
    """Where messages go.

    Attributes:
        name: scheme and short hash of the URL; tables and people see this.
        scheme: such as ``mailto``.
        position: in the setting, from 1.
        url: with its secrets; in no representation.
    """

    name: str
    scheme: str
    position: int
    url: str = field(repr=False)


def channels(settings: Settings) -> tuple[Channel, ...]:
    """The channels of the settings, in their order.

    Raises:
        WrongUse: something between two separators is no URL, or two are the same channel. The text names
            positions and schemes and never repeats what stands there.
    """
    text = settings.alert_urls.get_secret_value().strip(" \t\r\n,")
    found = tuple(_channel(position, url) for position, url in enumerate(_BETWEEN.split(text), 1)) if text else ()
    first: dict[str, Channel] = {}
    for channel in found:
        earlier = first.setdefault(channel.name, channel)
        if earlier is not channel:
            raise WrongUse(
                f"{VARIABLE} names one channel ({channel.scheme}://) at positions {earlier.position} and "
                f"{channel.position}: remove one of them."
            )
    return found


def _channel(position: int, url: str) -> Channel:
    matched = _URL.fullmatch(url)
    if matched is None:
        known = re.match(rf"({_SCHEME})://", url)
        what = f"is no Apprise URL although it begins with {known[1].lower()}://" if known else "has no scheme://"
        raise WrongUse(
            f"{VARIABLE}: what stands at position {position} {what}: write scheme://..., with blanks and other special "
            "characters percent-encoded, and separate URLs by commas or line breaks."
        )
    scheme = matched[1].lower()
    return Channel(f"{scheme}-{_short_hash(scheme, matched[2])}", scheme, position, url)


def _short_hash(scheme: str, rest: str) -> str:
    """32 bits of the URL without its password: a new password makes no new channel, and none can be told from it."""
    public = _PASSWORD.sub(r"\1@", rest)
    return hashlib.sha256(f"{scheme}://{public}".encode()).hexdigest()[:8]
