"""`biosense settings` and `biosense doctor`: what is set, and whether everything is in place."""

from collections.abc import Callable
from typing import Any

import click
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from biosense_pipeline.cli.opening import open_database
from biosense_pipeline.cli.output import as_json_option, print_json, print_table
from biosense_pipeline.errors import BiosenseError
from biosense_pipeline.settings import ENV_PREFIX, Settings, load_settings
from biosense_pipeline.store.schema import schema_state
from biosense_pipeline.store.scope import Scope
from biosense_pipeline.store.stills.backlog import count_by_status
from biosense_pipeline.vision.attack_model import AttackModel
from biosense_pipeline.workflows.alerts.channels import channels
from biosense_pipeline.workflows.alerts.message import load_template
from biosense_pipeline.workflows.alerts.sender import AppriseSender
from biosense_pipeline.workflows.own_scores import attack_descriptor, attack_score, own_scores
from biosense_pipeline.workflows.workbench import engine_spec

#: Defaults that depend on the machine, in words.
_COMPUTED_DEFAULTS = {"database_url": "sqlite file under data/", "workers": "cores"}


@click.command()
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "markdown", "env"]),
    default="table",
    show_default=True,
    help="table: the values in force. markdown: for the README. env: an example .env.",
)
@as_json_option
def settings(form: str, as_json: bool) -> None:
    """List every setting with its value, default and reason."""
    if as_json:
        values = load_settings()
        print_json({variable(name): _shown(values, name) for name in Settings.model_fields})
    elif form == "markdown":
        click.echo(settings_markdown())
    elif form == "env":
        click.echo(settings_env(), nl=False)
    else:
        values = load_settings()
        print_table(
            "Settings",
            ["variable", "value", "what for"],
            [
                (variable(name), _shown(values, name), field.description)
                for name, field in Settings.model_fields.items()
            ],
        )


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return f"{ENV_PREFIX}{name.upper()}"


def settings_markdown() -> str:
    """The README's table of settings."""
    rows = [
        f"| `{variable(name)}` | {_default(name, field)} | {field.description} |"
        for name, field in Settings.model_fields.items()
    ]
    return "\n".join(["| variable | default | what for, and why |", "|---|---|---|", *rows])


def settings_env() -> str:
    """The text of `.env.example`."""
    blocks = [
        f"# {field.description}\n#{variable(name)}={_default(name, field) if name not in _COMPUTED_DEFAULTS else ''}\n"
        for name, field in Settings.model_fields.items()
    ]
    return "# Copy to .env and uncomment what you change.\n\n" + "\n".join(blocks)


@click.command()
@as_json_option
def doctor(as_json: bool) -> None:
    """Check database, schema, model files, backlog, alerts, own scores; exit code 1 where something needs mending."""
    values = load_settings()
    findings = [
        _finding("database", lambda: _reached(values)),
        _finding("schema", lambda: _schema(values)),
        _finding("engine", lambda: f"{engine_spec(values).make().model_id} loads"),
        _finding("stills", lambda: _backlog(values)),
        _finding("alerts", lambda: _alerts(values)),
        _finding("attack score", lambda: _attack_score(values)),
        _finding("attack model", lambda: _attack_model(values)),
    ]
    sound = all(finding["ok"] for finding in findings)
    if as_json:
        print_json({"ok": sound, "findings": findings})
    else:
        print_table(
            "Doctor",
            ["what", "", "finding"],
            [(finding["what"], "ok" if finding["ok"] else "MEND", finding["finding"]) for finding in findings],
        )
    if not sound:
        raise SystemExit(1)


def _finding(what: str, look: Callable[[], str]) -> dict[str, Any]:
    try:
        return {"what": what, "ok": True, "finding": look()}
    except BiosenseError as error:
        return {"what": what, "ok": False, "finding": str(error)}


def _reached(values: Settings) -> str:
    database = open_database(values, migrated=False)
    with database.read():
        return f"{database} answers"


def _schema(values: Settings) -> str:
    database = open_database(values)
    return f"at {schema_state(database).newest}, the newest"


def _backlog(values: Settings) -> str:
    counts = count_by_status(open_database(values), Scope())
    return ", ".join(f"{count} {status}" for status, count in sorted(counts.items())) or "none yet"


def _alerts(values: Settings) -> str:
    to = channels(values)
    AppriseSender(to, values.alert_timeout_seconds)
    load_template(values)
    return ", ".join(channel.name for channel in to) or "to nobody: BIOSENSE_ALERT_URLS is empty"


def _attack_score(values: Settings) -> str:
    score = attack_score(values)
    if score is None:
        return "none: BIOSENSE_ATTACK_SCORE is empty"
    return f"{score.score_id} counts for {', '.join(score.measured) or 'nothing but what it says of your model'}"


def _attack_model(values: Settings) -> str:
    descriptor = attack_descriptor(values)
    if descriptor is None:
        return "none: BIOSENSE_ATTACK_MODEL is empty"
    model_id = AttackModel(descriptor, values.device).model_id
    known = [own.measured.distances for own in own_scores(values) if own.score_id == model_id]
    if not known:
        return f"{model_id} loads; its scores are stored and count nothing until `biosense attacks train` measures it"
    return f"{model_id} loads and counts for {', '.join(known[0]) or 'nothing, as it tells none of the attacks'}"


def _shown(values: Settings, name: str) -> Any:
    value = getattr(values, name)
    if name == "database_url":
        return str(open_database(values, migrated=False))
    if name == "alert_urls":
        return ", ".join(channel.name for channel in channels(values))
    return "" if isinstance(value, SecretStr) else value


def _default(name: str, field: FieldInfo) -> Any:
    if name in _COMPUTED_DEFAULTS:
        return _COMPUTED_DEFAULTS[name]
    return "" if field.default is None else field.default
