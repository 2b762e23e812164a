"""What an alert says: a title and a text from a template, with an agent's names made inert.

A message leaves the house and stays in mailboxes and chats. So it names the LAN id and the team and neither name nor
number of the agent, holds no picture and no attachment, and leads to the desk, where roles and the audit log apply.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

from biosense_pipeline.codes import AlertEvent, Species
from biosense_pipeline.errors import WrongUse
from biosense_pipeline.settings import ENV_PREFIX, Settings

#: The first line is the title. Paragraphs are apart by an empty line, since Markdown takes one line break for a blank.
DEFAULT_TEMPLATE = """\
{{ "Over" if event == "closed" else "Please look" }}: {{ lan_id }}, {{ finding }}
{{ meaning }}.

Agent {{ lan_id }}{% if team %}, team {{ team }}{% endif %}, \
{% if until %}from {{ since }} to {{ until }}{% else %}since {{ since }}{% endif %} ({{ timezone }}), \
{{ stills }} still{{ "" if stills == 1 else "s" }}.

{% if event == "closed" %}It is over; what it was remains to be reviewed.\
{% else %}This is what the numbers say and no proof: look at the stills before anything follows from it.{% endif %}

{% if link %}{{ link }}

{% endif %}{{ message_id }}
"""
#: What a name may consist of beside letters and digits; none of these begins markup, a mention or an address.
_HARMLESS = frozenset(" \\._-$'")
_LONGEST_NAME, _LONGEST_TITLE, _LONGEST_BODY = 64, 200, 4000
_MEANINGS: Mapping[str, str] = {species.value: species.meaning for species in Species}


@dataclass(frozen=True)
class Alert:
    """What a message tells.

    Attributes:
        species: a word of :class:`Species`.
        since, until: naive, local to ``timezone``; ``until`` is None while it goes on.
        link: to the agent's page at the desk; None where its address is not set.
    """

    incident_id: int
    event: AlertEvent
    species: str
    lan_id: str
    team: str | None
    since: datetime
    until: datetime | None
    timezone: str
    stills: int
    link: str | None

    @property
    def message_id(self) -> str:
        """The same whenever this is sent again, and to every channel."""
        return f"biosense-incident-{self.incident_id}-{self.event}"


@dataclass(frozen=True)
class Message:
    """Plain text: what sends it adapts it to what the channel shows. ``title`` is one line."""

    id: str
    title: str
    body: str


class Template:
    """The text of alerts.

    A template is given ``event`` (opened or closed), ``lan_id``, ``team`` (may be empty), ``species``, ``finding``
    (the species in lower-case words), ``meaning`` (a sentence without its full stop), ``since``, ``until`` (empty
    while it goes on), ``timezone``, ``stills``, ``link`` (may be empty) and ``message_id``.

    Raises:
        WrongUse: the file cannot be read, or is no template of these.
    """

    def __init__(self, source: str = DEFAULT_TEMPLATE, name: str = "the default template") -> None:
        environment = ImmutableSandboxedEnvironment(undefined=jinja2.StrictUndefined)
        try:
            self._template = environment.from_string(source)
            self._name = name
            for event in AlertEvent:
                for complete in (True, False):
                    self.compose(_sample(event, complete))
        except Exception as error:  # an expression of a template may raise anything
            raise WrongUse(
                f"{ENV_PREFIX}ALERT_TEMPLATE: {name} is no template of an alert ({error}): correct it, or leave the "
                "setting empty for the default text."
            ) from None

    def compose(self, alert: Alert) -> Message:
        """The message."""
        meaning = _MEANINGS.get(alert.species, inert(alert.species))
        text = self._template.render(
            event=alert.event.value,
            lan_id=inert(alert.lan_id),
            team=inert(alert.team or ""),
            species=inert(alert.species),
            finding=inert(alert.species).replace("_", " ").lower(),
            meaning=meaning,
            since=_moment(alert.since),
            until=_moment(alert.until),
            timezone=alert.timezone,
            stills=alert.stills,
            link=alert.link or "",
            message_id=alert.message_id,
        )
        title, _, body = text.strip().partition("\n")
        return Message(alert.message_id, " ".join(title.split())[:_LONGEST_TITLE], body.strip()[:_LONGEST_BODY])


def load_template(settings: Settings) -> Template:
    """The template of the settings.

    Raises:
        WrongUse: the file cannot be read, or is no template of an alert.
    """
    path = settings.alert_template
    if path is None:
        return Template()
    try:
        source = path.read_text("utf-8")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise WrongUse(f"{ENV_PREFIX}ALERT_TEMPLATE: {path} cannot be read ({reason}): name another file.") from None
    return Template(source, str(path))


def inert(name: str) -> str:
    """A name as a message shows it: nothing in it is markup, a mention, an address, a line break or invisible.

    Capture clients write LAN ids and we do not control them; what no LAN id needs becomes a question mark. What
    is sent is escaped for its format besides.
    """
    shown = "".join(c if c.isalnum() or c in _HARMLESS else "?" for c in name[: _LONGEST_NAME + 1])
    return shown if len(shown) <= _LONGEST_NAME else f"{shown[: _LONGEST_NAME - 1]}…"


def _moment(time: datetime | None) -> str:
    return f"{time:%Y-%m-%d %H:%M}" if time else ""


def _sample(event: AlertEvent, complete: bool) -> Alert:
    """An alert to try a template on; an incomplete one has neither team nor link."""
    team, link = ("team", "https://desk.example.com") if complete else (None, None)
    since = datetime(2026, 3, 2, 9)
    until = since if event is AlertEvent.CLOSED else None
    return Alert(1, event, Species.ABSENT, "NA\\agent", team, since, until, "UTC", 1, link)
