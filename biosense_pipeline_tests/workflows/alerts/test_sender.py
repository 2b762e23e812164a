"""Messages arrive at a real web server and a real mail server; what goes wrong is told without a secret."""

import io
import logging
import re
import threading
from collections.abc import Callable, Iterator
from html import unescape

import pytest

from biosense_pipeline.errors import WrongUse
from biosense_pipeline.settings import Settings
from biosense_pipeline.workflows.alerts.channels import Channel, channels
from biosense_pipeline.workflows.alerts.message import Message
from biosense_pipeline.workflows.alerts.sender import AppriseSender
from biosense_pipeline_tests.alerting import PASSWORD, QUERY, SECRETS, TOKEN, USER, mail_server, webhook

UseSettings = Callable[..., Settings]
Send = Callable[..., str | None]
MESSAGE = Message("id-1", "Please look: NA\\vep5898", "<b>One</b> & two\nthree :smile: \\n\n\nid-1")


@pytest.fixture
def everything_logged() -> Iterator[io.StringIO]:
    """What any logger of this process says, down to the least."""
    said = io.StringIO()
    handler, root = logging.StreamHandler(said), logging.getLogger()
    before = root.level
    root.setLevel(logging.NOTSET)
    root.addHandler(handler)
    yield said
    root.removeHandler(handler)
    root.setLevel(before)


@pytest.fixture
def send(use_settings: UseSettings, everything_logged: io.StringIO) -> Iterator[Send]:
    """Sends to the URL; whatever comes of it, no secret of it is logged or told."""

    def to(url: str, message: Message = MESSAGE, seconds: float = 10) -> str | None:
        (channel,) = channels(use_settings(alert_urls=url))
        reason = AppriseSender([channel], seconds).send(channel, message)
        assert not any(secret in f"{reason}" for secret in SECRETS)
        return reason

    yield to
    assert not any(secret in everything_logged.getvalue() for secret in SECRETS)


def test_webhook_gets_the_message(send: Send) -> None:
    """A webhook gets title and text as they are, nothing attached, under the credentials of its URL."""
    with webhook() as hook:
        assert send(hook.url) is None
        assert (hook.bodies[0]["title"], hook.bodies[0]["message"]) == (MESSAGE.title, MESSAGE.body)
        assert hook.bodies[0]["attachments"] == []
        assert hook.paths == [f"/{TOKEN}?key={QUERY}"]
        assert hook.credentials == [f"{USER}:{PASSWORD}"]


def test_mail_arrives(send: Send) -> None:
    """A mail has the title as its subject and the text as its only part."""
    with mail_server() as server:
        assert send(server.url) is None
        (mail,) = server.mails
        assert mail["Subject"] == MESSAGE.title
        assert mail["From"].addresses[0].addr_spec == "biosense@desk.example.com"
        assert not mail.is_multipart()
        assert [line.rstrip() for line in mail.get_content().splitlines()] == MESSAGE.body.splitlines()
        assert server.logins == [f"\0{USER}\0{PASSWORD}"]


def test_mail_in_html_is_escaped(send: Send) -> None:
    """Where a mail is HTML, the text is escaped in it, and it refers to nothing elsewhere."""
    with mail_server() as server:
        assert send(server.url.replace("format=text", "format=html")) is None
        page = server.mails[0].get_body(("html",))
        assert page is not None
        text = page.get_content()
        assert set(re.findall("<[^>]*>", text)) == {"<br/>"}
        assert unescape(text.replace("<br/>", "\n")).replace("\xa0", " ").strip() == MESSAGE.body
        assert not re.search("https?://|src=", text)


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (401, "the server answered 401 Unauthorized"),
        (404, "the server answered 404 Not Found"),
        (500, "the server answered 500 Internal Server Error"),
        (302, "the server answered 302 Found"),
        (599, "the server answered 599"),
    ],
)
def test_server_that_refuses(send: Send, code: int, told: str) -> None:
    """An answer other than success is a failure, a redirect too; its number is told."""
    with webhook() as hook:
        hook.answers = [code]
        assert send(hook.url) == told
        assert len(hook.bodies) == 1


def test_numbers_of_the_url_are_not_told(send: Send) -> None:
    """The number that is told is the server's, also where the URL holds what looks like one."""
    with webhook() as hook:
        hook.answers = [500]
        assert send(f"json://127.0.0.1:{hook.port}/error=777") == "the server answered 500 Internal Server Error"


def test_nobody_there(send: Send) -> None:
    """A server that is not there, and one of a name that is not known, are told as that."""
    with webhook() as hook, mail_server() as server:
        urls = hook.url, server.url
    for url in urls:
        assert send(url) == "the connection was refused"
        assert send(re.sub(r"127\.0\.0\.1:\d+", "nowhere.invalid", url), seconds=30) in (
            "the server's name is not known",
            "the connection failed",
        )


def test_server_that_is_silent(send: Send) -> None:
    """A server that takes the message and says nothing has failed after the given time."""
    with webhook() as hook:
        hook.delay = threading.Event()
        assert send(hook.url, seconds=0.3) == "no answer within 0.3 s"
        hook.delay.set()


def test_mail_server_that_refuses(send: Send) -> None:
    """A refused login and a refused recipient are told, without either."""
    with mail_server() as server:
        server.refuses_login = True
        assert send(server.url) == "the mail server did not accept the user or the password (535)"
        server.refuses_login, server.refuses_recipients = False, True
        assert send(server.url) == "the mail server did not take the message (550)"
        assert server.mails == []


@pytest.mark.parametrize("url", [f"nosuch://{TOKEN}", f"slack://{TOKEN}@", f"mailto://{USER}:{PASSWORD}@"])
def test_url_that_apprise_does_not_understand(
    use_settings: UseSettings, everything_logged: io.StringIO, capfd: pytest.CaptureFixture[str], url: str
) -> None:
    """A URL of no service, or not as the service has it, is wrong use: position and scheme are told, not the URL."""
    found = channels(use_settings(alert_urls=f"json://127.0.0.1,{url}"))
    with pytest.raises(WrongUse, match=rf"position 2 \({url.partition(':')[0]}://\)") as raised:
        AppriseSender(found, 1)
    said = f"{raised.value}{everything_logged.getvalue()}{capfd.readouterr()}"
    assert not any(secret in said for secret in SECRETS)


def test_fault_of_a_service_is_a_failure(use_settings: UseSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error inside Apprise fails the message and not the run, and is told by its kind alone."""
    (channel,) = channels(use_settings(alert_urls="json://127.0.0.1"))
    sender = AppriseSender([channel], 1)

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError(TOKEN)

    monkeypatch.setattr("apprise.Apprise.notify", broken)
    assert sender.send(channel, MESSAGE) == "the service did not take the message (RuntimeError)"


def test_without_channels_apprise_is_not_needed() -> None:
    """With nothing to send to, nothing is loaded; a channel that it was not made with is a mistake of the caller."""
    sender = AppriseSender([], 1)
    with pytest.raises(KeyError):
        sender.send(Channel("json-0", "json", 1, "json://127.0.0.1"), MESSAGE)
