"""Hands messages to Apprise, and says in words of our own why one was not taken.

What Apprise logs of a failure holds hosts, paths and addresses, and of some services tokens. So its logger ends
here, and of its text come out only sentences that stand below and numbers that servers answered.
"""

import logging
import re
from collections.abc import Iterable, Sequence
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol

from biosense_pipeline.errors import WrongUse
from biosense_pipeline.workflows.alerts.channels import VARIABLE, Channel
from biosense_pipeline.workflows.alerts.message import Message

if TYPE_CHECKING:
    from apprise import Apprise, AppriseResult

#: In this order; the first that is found is the reason.
_REASONS: Sequence[tuple[str, str]] = (
    (r"certificate verify failed|CERTIFICATE_VERIFY_FAILED", "the server's certificate could not be verified"),
    (r"Connection refused", "the connection was refused"),
    (r"Name or service not known|NameResolutionError|getaddrinfo|name resolution", "the server's name is not known"),
    (r"timed out|Timeout", "the server did not answer in time"),
    (r"[Uu]nreachable|No route to host", "the server cannot be reached"),
    (r"[Cc]onnection", "the connection failed"),
)
#: Seconds between two messages to a service. Apprise's own 5.5 would make 100 mails ten minutes; no chat service
#: that we know takes offence at one a second, and one that does gets the rest in the next run.
_LONGEST_PAUSE = 1.0
#: RFC 4954: authentication required, mechanism too weak, credentials invalid, encryption required.
_REFUSED_LOGIN = frozenset({530, 534, 535, 538})
_UNKNOWN = "the service did not take the message"


class Sender(Protocol):
    """What takes messages."""

    def send(self, channel: Channel, message: Message) -> str | None:
        """Send; returns None when the channel took the message, else why not, in words without any secret."""


class AppriseSender:
    """Sends through Apprise, to channels whose URLs are understood when it is made.

    Args:
        timeout_seconds: after this a channel has failed, whatever it still does.

    Raises:
        WrongUse: Apprise does not understand a URL; the text names its position and scheme.
    """

    def __init__(self, channels: Iterable[Channel], timeout_seconds: float) -> None:
        self._timeout = timeout_seconds
        self._services = {channel.name: _service(channel, timeout_seconds) for channel in channels}

    def send(self, channel: Channel, message: Message) -> str | None:
        """As :class:`Sender` says; a channel that this was not made with raises KeyError."""
        from apprise import AppriseResultStatus, NotifyFormat, NotifyType

        service = self._services[channel.name]
        try:
            with service.notify(
                message.body,
                message.title,
                # Apprise escapes plain text for what the channel shows, be it HTML or Markdown.
                body_format=NotifyFormat.TEXT,
                notify_type=NotifyType.WARNING,
                interpret_escapes=False,
                log_level=logging.DEBUG,
            ) as result:
                if result.status == AppriseResultStatus.SUCCESS:
                    return None
                if result.status == AppriseResultStatus.TIMEOUT:
                    return f"no answer within {self._timeout:g} s"
                return _reason(result)
        except Exception as error:  # a fault of one service must not keep the others from their messages
            return f"{_UNKNOWN} ({type(error).__name__})"


def _service(channel: Channel, timeout_seconds: float) -> "Apprise":
    from apprise import Apprise, AppriseAsset

    _silence()
    asset = AppriseAsset(
        app_id="biosense",
        app_desc="biosense alerts",
        app_url="",
        # No pictures from elsewhere: whoever serves them would learn of every message that is read.
        image_url_mask="",
        image_url_logo="",
        # A redirected POST arrives as a GET, without the message, and takes the credentials along.
        http_redirects=False,
        interpret_escapes=False,
        interpret_emojis=False,
        async_mode=False,
        service_timeout=timeout_seconds,
    )
    service = Apprise(asset=asset)
    if not service.add(channel.url) or len(service) != 1:
        raise WrongUse(
            f"{VARIABLE}: Apprise does not understand the URL at position {channel.position} ({channel.scheme}://): "
            "see https://github.com/caronc/apprise/wiki for how that service is written."
        )
    for plugin in service:
        plugin.request_rate_per_sec = min(plugin.request_rate_per_sec, _LONGEST_PAUSE)
    return service


@cache
def _silence() -> None:
    """For the rest of the process, what Apprise logs reaches no handler but those that it attaches for its results."""
    logger = logging.getLogger("apprise")
    logger.propagate = False
    logger.addHandler(logging.NullHandler())
    # Or reasons, which are told at this level, would not come to be.
    logger.setLevel(logging.DEBUG)
    # Logs the path of every request, which for many services is the token.
    logging.getLogger("urllib3.connectionpool").setLevel(logging.WARNING)


def _reason(result: "AppriseResult") -> str:
    entries = list(result.logs())
    # Only in these: what is logged below holds the URL, and any number may be in that.
    told = "\n".join(entry.message for entry in entries if entry.level in ("WARNING", "ERROR", "CRITICAL"))
    answered = re.search(r"\berror=(\d{3})\b", told)
    if answered:
        code = int(answered[1])
        phrase = f" {HTTPStatus(code).phrase}" if code in set(HTTPStatus) else ""
        return f"the server answered {code}{phrase}"
    everything = "\n".join(entry.message for entry in entries)
    # As smtplib has it; in the text that follows, servers repeat addresses.
    replied = re.search(r"\((\d{3}), b['\"]|was refused: (\d{3})\b", everything)
    if replied:
        code = int(replied[1] or replied[2])
        what = "did not accept the user or the password" if code in _REFUSED_LOGIN else "did not take the message"
        return f"the mail server {what} ({code})"
    return next((reason for pattern, reason in _REASONS if re.search(pattern, everything)), _UNKNOWN)
