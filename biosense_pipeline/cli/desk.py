"""`biosense desk`: serves the supervisors' desk, and says who may sign in there."""

import getpass
import socket
import sys
from typing import Any

import click

from biosense_pipeline.cli.opening import open_database
from biosense_pipeline.cli.output import as_json_option, print_json, print_table
from biosense_pipeline.codes import Action, Role
from biosense_pipeline.errors import WrongUse
from biosense_pipeline.settings import Settings, load_settings
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.users.accounts import (
    StoredUser,
    add_user,
    all_users,
    has_users,
    set_active,
    set_password_hash,
)
from biosense_pipeline.store.users.audit import AuditRecord, write_audit
from biosense_pipeline.workflows.workbench import naive_utc_now

_FIRST_USER = "Nobody can sign in yet: enter the first user with `biosense desk add-user NAME --role admin`."
password_option = click.option(
    "--password-stdin", is_flag=True, help="Read the password from the first line of standard input, unasked."
)


@click.group(invoke_without_command=True)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option("--port", type=click.IntRange(0, 65535), default=8050, show_default=True, help="Port; 0: any free one.")
@click.option(
    "--proxy",
    metavar="ADDRESSES",
    help="Addresses of a proxy before the desk, whose word on browsers' addresses counts.",
)
@click.pass_context
def desk(context: click.Context, host: str, port: int, proxy: str | None) -> None:
    """Serve the supervisors' desk, until Ctrl-C.

    It speaks no TLS itself. To reach it from other machines, put a proxy with TLS before it and name the
    proxy's host name in BIOSENSE_DESK_HOSTS.
    """
    if context.invoked_subcommand is None:
        _serve(load_settings(), host, port, proxy)


@desk.command("add-user")
@click.argument("name")
@click.option("--role", type=click.Choice([role.value for role in Role]), required=True, help="What the user may do.")
@click.option("--team", help="For a team_lead: the employee.team_lead whose agents are the team.")
@password_option
@as_json_option
def add(name: str, role: str, team: str | None, password_stdin: bool, as_json: bool) -> None:
    """Enter a user, with a password that is asked for twice.

    viewer: sees results and numbers of all agents, no faces. team_lead: sees and decides for the agents of the
    own team. admin: for all.
    """
    from biosense_pipeline.desk.accounts import hash_password
    from biosense_pipeline.store.agents.visible import agents, teams_of

    database = open_database(load_settings())
    password_hash = hash_password(name, _password(password_stdin))
    user_id = add_user(database, name, password_hash, Role[role.upper()], team, created=naive_utc_now())
    user = next(user for user in all_users(database) if user.id == user_id)
    _note(database, Action.ADD_USER, user_id, {"name": user.name, "role": role, "team": team})
    if as_json:
        print_json(_object(user))
        return
    click.echo(f"{user.name} may sign in as {role}{f' of {team}' if team else ''}.")
    if team is not None and team not in teams_of(agents(database, None)):
        click.echo(f"No agent has the team lead {team!r} yet: fill in employee.team_lead.")


@desk.command()
@as_json_option
def users(as_json: bool) -> None:
    """List who may sign in."""
    found = all_users(open_database(load_settings()))
    if as_json:
        print_json({"users": [_object(user) for user in found]})
    elif not found:
        click.echo(_FIRST_USER)
    else:
        print_table(
            "Users of the desk",
            ["name", "role", "team", "may sign in", "since"],
            [
                (user.name, user.role, user.team or "", "yes" if user.active else "no", f"{user.created:%Y-%m-%d}")
                for user in found
            ],
        )


@desk.command("disable-user")
@click.argument("name")
@as_json_option
def disable(name: str, as_json: bool) -> None:
    """Let a user in no more, and end the user's sessions at once."""
    _set_active(name, False, as_json)


@desk.command("enable-user")
@click.argument("name")
@as_json_option
def enable(name: str, as_json: bool) -> None:
    """Let a disabled user in again."""
    _set_active(name, True, as_json)


@desk.command("set-password")
@click.argument("name")
@password_option
@as_json_option
def set_password(name: str, password_stdin: bool, as_json: bool) -> None:
    """Give a user another password, and end the user's sessions at once."""
    from biosense_pipeline.desk.accounts import hash_password

    database = open_database(load_settings())
    password_hash = hash_password(name, _password(password_stdin))
    user_id = set_password_hash(database, name, password_hash, now=naive_utc_now())
    _note(database, Action.SET_PASSWORD, user_id, {"name": name})
    _tell(database, user_id, "has a new password, and no session goes on", as_json)


def _set_active(name: str, active: bool, as_json: bool) -> None:
    database = open_database(load_settings())
    user_id = set_active(database, name, active, now=naive_utc_now())
    _note(database, Action.ENABLE_USER if active else Action.DISABLE_USER, user_id, {"name": name})
    _tell(database, user_id, "may sign in again" if active else "cannot sign in any more", as_json)


def _tell(database: Database, user_id: int, told: str, as_json: bool) -> None:
    user = next(user for user in all_users(database) if user.id == user_id)
    if as_json:
        print_json(_object(user))
    else:
        click.echo(f"{user.name} {told}.")


def _object(user: StoredUser) -> dict[str, Any]:
    return {"name": user.name, "role": user.role, "team": user.team, "active": user.active, "created": user.created}


def _note(database: Database, action: Action, user_id: int, detail: dict[str, Any]) -> None:
    """Write it down under the account of this machine, which is no user of the desk."""
    try:
        account = getpass.getuser()
    except (OSError, KeyError):  # an account without a name, as in some containers
        account = "unknown"
    write_audit(
        database,
        AuditRecord(
            naive_utc_now(),
            action,
            user_name=f"shell:{account}",
            subject_kind="USER",
            subject_id=user_id,
            detail=detail,
        ),
    )


def _password(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    return str(click.prompt("Password", hide_input=True, confirmation_prompt="The same again"))


def _serve(settings: Settings, host: str, port: int, proxy: str | None) -> None:
    # Here and not above: a web server takes a while to import, and other commands need none.
    import uvicorn

    from biosense_pipeline.desk.app import make_app
    from biosense_pipeline.desk.hosts import host_names

    database = open_database(settings)
    app = make_app(settings, database, hosts=host_names(settings, host))
    listening = _listen(host, port)
    address = f"[{host}]" if ":" in host else host
    click.echo(f"The desk is at http://{address}:{listening.getsockname()[1]}/ (Ctrl-C stops it).")
    if not has_users(database):
        click.echo(_FIRST_USER)
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        # Without a proxy, whoever is on this machine could name any address and so escape the throttle.
        proxy_headers=proxy is not None,
        forwarded_allow_ips=proxy,
    )
    try:
        uvicorn.Server(config).run(sockets=[listening])
    except KeyboardInterrupt:
        click.echo("The desk has stopped.")
    finally:
        listening.close()
        database.dispose()


def _listen(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise WrongUse(
            f"The desk cannot listen at {host}, port {port} ({error.strerror or error}): "
            "choose another --host or --port."
        ) from error
