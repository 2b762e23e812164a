"""The `biosense` command."""

import logging
import signal
import sys

import click

from biosense_pipeline.cli.alerts import alerts
from biosense_pipeline.cli.analyse import analyse
from biosense_pipeline.cli.bench import bench
from biosense_pipeline.cli.calibrate import calibrate
from biosense_pipeline.cli.candidates import compare, redecide
from biosense_pipeline.cli.database import db
from biosense_pipeline.cli.demonstration import demo, seed, simulate
from biosense_pipeline.cli.desk import desk
from biosense_pipeline.cli.evaluate import evaluate
from biosense_pipeline.cli.inspection import doctor, settings
from biosense_pipeline.cli.own_attacks import attacks
from biosense_pipeline.cli.work import drain
from biosense_pipeline.errors import BiosenseError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="biosense_pipeline")
def cli() -> None:
    """Verify webcam stills against the agents' benchmark images.

    Settings come from the environment (BIOSENSE_...) and from .env; `biosense settings` lists them.
    """


for command in (
    alerts,
    analyse,
    attacks,
    bench,
    calibrate,
    compare,
    db,
    demo,
    desk,
    doctor,
    drain,
    evaluate,
    redecide,
    seed,
    settings,
    simulate,
):
    cli.add_command(command)


def main() -> None:
    """Run `biosense`."""
    run(cli, "biosense")


def run(command: click.Command, name: str) -> None:
    """Run a command; a person's mistake ends in one sentence on standard error, never in a traceback."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # to a service manager as to Ctrl-C
    try:
        code = command.main(prog_name=name, standalone_mode=False)
    except BiosenseError as error:
        _say(str(error))
        sys.exit(error.exit_code)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help() if error.ctx else "", err=True)
        sys.exit(2)
    except click.ClickException as error:
        _say(f"{error.format_message()} Try `biosense --help`." if error.exit_code == 2 else error.format_message())
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        _say("Stopped; nothing is lost, and what was claimed has been given back.")
        sys.exit(130)
    sys.exit(code if isinstance(code, int) else 0)


def _say(sentence: str) -> None:
    click.echo(f"biosense: {sentence}", err=True)
