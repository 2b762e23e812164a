"""The text of alerts: what it says, what it must not say, and names that do nothing."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from biosense_pipeline.codes import AlertEvent, Species
from biosense_pipeline.errors import WrongUse
from biosense_pipeline.settings import Settings
from biosense_pipeline.workflows.alerts.message import Alert, Template, inert, load_template

UseSettings = Callable[..., Settings]
ALERT = Alert(
    12,
    AlertEvent.OPENED,
    Species.PRINT,
    "NA\\vep5898",
    "O'Neil",
    datetime(2026, 3, 2, 9, 4, 10),
    None,
    "Europe/Berlin",
    12,
    "https://desk.example.com/agents/3?still=77",
)
PLAIN = Template()


def test_what_an_alert_says() -> None:
    """LAN id, team, species in words, since when, how many stills, the link and an id."""
    message = PLAIN.compose(ALERT)
    assert message.title == "Please look: NA\\vep5898, print"
    assert message.body.startswith("A printed picture of a face.\n\nAgent NA\\vep5898, team O'Neil, since ")
    assert "since 2026-03-02 09:04 (Europe/Berlin), 12 stills." in message.body
    assert "\n\nhttps://desk.example.com/agents/3?still=77\n\n" in message.body
    assert message.body.endswith(message.id)
    assert message.id == "biosense-incident-12-opened"


def test_what_the_end_says() -> None:
    """The message that it is over has the whole span, and its own id."""
    until = datetime(2026, 3, 2, 9, 30)
    message = PLAIN.compose(replace(ALERT, event=AlertEvent.CLOSED, until=until, stills=1, team=None, link=None))
    assert message.title == "Over: NA\\vep5898, print"
    assert "Agent NA\\vep5898, from 2026-03-02 09:04 to 2026-03-02 09:30 (Europe/Berlin), 1 still." in message.body
    assert "http" not in message.body
    assert message.id == "biosense-incident-12-closed"


@pytest.mark.parametrize("species", [*Species, "SOMETHING_NEW"])
def test_every_species_is_told_in_words(species: str) -> None:
    """Each species is named in plain words, also one that this release does not know."""
    message = PLAIN.compose(replace(ALERT, species=species))
    assert message.title.endswith(species.lower().replace("_", " "))
    assert message.body.splitlines()[0]


class _Tags(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)


names = st.text(st.characters(codec="utf-8"), max_size=100)


@given(names, names, names)
@example("<img src=x onerror=alert(1)>", "{{ lan_id }}{% for x in y %}", "{{ ''.__class__ }}")
@example("a\r\nBcc: all@example.com\n\n", "@everyone <!channel> <@U123>", "[x](http://evil.example)")
@example("\u202eNA\\abc\u2066", "http://evil.example/x", "*a* _b_ `c` ~d~ | # >")
@example("\x00\x1b[31m", "x" * 100, "é\u0301ﬁ👩‍💻")
def test_names_are_inert(lan_id: str, team: str, species: str) -> None:
    """Whatever a LAN id, a team or a species holds: no further line, no tag, mention, address or instruction."""
    from apprise import NotifyFormat
    from apprise.conversion import convert_between

    plain = PLAIN.compose(replace(ALERT, team="team"))
    message = PLAIN.compose(replace(ALERT, lan_id=lan_id, team=team, species=species))
    assert message.title.isprintable()
    assert len(message.body.splitlines()) == len(plain.body.splitlines())
    for sign in '<>@:/{}[]()`*~|#%"\t\r\x00\x1b\u202e\u2066':
        assert (message.title + message.body).count(sign) == (plain.title + plain.body).count(sign), sign
    page = convert_between(NotifyFormat.TEXT, NotifyFormat.HTML, message.body)  # type: ignore[no-untyped-call]
    assert set(_Tags(page).tags) <= {"br"}


@given(names)
def test_inert_names_keep_what_lan_ids_consist_of(name: str) -> None:
    """Letters, digits and the signs of LAN ids stay, each other sign becomes one question mark; it stops at 64."""
    shown = inert(name)
    assert len(shown) <= 64
    assert inert(shown.replace("…", "")) == shown.replace("…", "")
    for before, after in zip(name, shown, strict=False):
        assert after in (before, "?", "…")
    assert inert("NA\\john.o'neil-x_1$") == "NA\\john.o'neil-x_1$"


def test_own_template(use_settings: UseSettings, tmp_path: Path) -> None:
    """A template of the settings takes the place of the text: its first line is the title."""
    (tmp_path / "alert.txt").write_text("{{ event }} {{ finding }}\n\n{{ lan_id }} {{ message_id }}\n")
    message = load_template(use_settings(alert_template=tmp_path / "alert.txt")).compose(ALERT)
    assert (message.title, message.body) == ("opened print", "NA\\vep5898 biosense-incident-12-opened")


@pytest.mark.parametrize(
    "source",
    [
        "{{ name }}",
        "{% if %}",
        "{{ lan_id.x.y }}",
        "{{ lan_id.__class__.__mro__ }}",
        "{{ link.split('/')[2] }}",
        "{{ 1 // (team | length) }}",
    ],
)
def test_template_that_is_none(use_settings: UseSettings, tmp_path: Path, source: str) -> None:
    """A template that asks for what there is not, or is not one, is refused before anything is sent."""
    (tmp_path / "alert.txt").write_text(source)
    with pytest.raises(WrongUse, match=re.escape(str(tmp_path / "alert.txt"))):
        load_template(use_settings(alert_template=tmp_path / "alert.txt"))


def test_template_that_cannot_be_read(use_settings: UseSettings, tmp_path: Path) -> None:
    """A file that is not there, or is no text, is wrong use."""
    with pytest.raises(WrongUse, match="BIOSENSE_ALERT_TEMPLATE"):
        load_template(use_settings(alert_template=tmp_path / "none.txt"))
    (tmp_path / "alert.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(WrongUse, match="not UTF-8"):
        load_template(use_settings(alert_template=tmp_path / "alert.txt"))


@pytest.mark.parametrize(
    "url",
    ["desk.example.com", "ftp://desk", "https://user:pw@desk", "https://desk/?a=b", "https://de sk", "javascript:1"],
)
def test_desk_address(use_settings: UseSettings, url: str) -> None:
    """The desk's address is a web address without user and query; a slash at its end does not matter."""
    with pytest.raises(WrongUse, match="BIOSENSE_DESK_URL"):
        use_settings(desk_url=url)
    assert use_settings(desk_url="https://desk.example.com/").desk_url == "https://desk.example.com"
