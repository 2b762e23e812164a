"""`biosense db`: the schema of the database."""

import click

from biosense_pipeline.cli.opening import open_database
from biosense_pipeline.cli.output import as_json_option, print_json, print_table
from biosense_pipeline.settings import load_settings
from biosense_pipeline.store.schema import schema_state, upgrade_schema
from biosense_pipeline.store.scope import Scope
from biosense_pipeline.store.stills.backlog import count_by_status


@click.group()
def db() -> None:
    """Create, adopt and inspect the database."""


@db.command()
@as_json_option
def upgrade(as_json: bool) -> None:
    """Bring the database to this release's schema.

    Existing stream_img, train_img and employee tables are adopted: missing columns and indexes are
    added, rows stay as they are. May be run again at any time.
    """
    database = open_database(load_settings(), migrated=False)
    before, after = upgrade_schema(database)
    if as_json:
        print_json({"database": str(database), "before": before, "after": after, "changed": before != after})
    elif before == after:
        click.echo(f"{database} is at schema {after} already.")
    else:
        click.echo(f"{database}: schema {before or 'none'} -> {after}.")


@db.command()
@as_json_option
def status(as_json: bool) -> None:
    """Show the schema and how many stills wait, are claimed, done and failed."""
    database = open_database(load_settings(), migrated=False)
    state = schema_state(database)
    counts = count_by_status(database, Scope()) if state.up_to_date else {}
    if as_json:
        print_json(
            {
                "database": str(database),
                "schema": state.current,
                "newest": state.newest,
                "up_to_date": state.up_to_date,
                "stills": counts,
            }
        )
        return
    click.echo(f"{database}: schema {state.current or 'none'}, newest {state.newest}.")
    if not state.up_to_date:
        click.echo("Run `biosense db upgrade`.")
        return
    print_table("Stills by status", ["status", "stills"], sorted(counts.items()))
