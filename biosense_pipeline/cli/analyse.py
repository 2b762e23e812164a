"""`biosense analyse`: motion, impersonation and incidents without Dagster, for a shell or cron."""

from typing import Any

import click

from biosense_pipeline.cli.opening import open_database
from biosense_pipeline.cli.output import as_json_option, print_json, print_table, progress_bar
from biosense_pipeline.cli.scope_options import scope_options
from biosense_pipeline.settings import load_settings
from biosense_pipeline.store.scope import Scope
from biosense_pipeline.workflows.analyse import Analysis
from biosense_pipeline.workflows.analyse import analyse as analyse_stills


@click.command()
@scope_options
@as_json_option
def analyse(scope: Scope, as_json: bool) -> None:
    """Look for motion, impersonation and incidents in what `biosense drain` has stored.

    The same work as Dagster's motion_job and impersonation_job, on full hours: of the last 24 where no time is given.
    What was judged before and rests on the same is not judged again. Messages are sent by `biosense alerts send`.
    """
    settings = load_settings()
    database = open_database(settings)
    try:
        with progress_bar() as bar:
            tasks = {what: bar.add_task(what, total=None) for what in ("motion", "impersonation", "incidents")}
            found = analyse_stills(database, settings, scope, lambda what: bar.advance(tasks[what]))
    finally:
        database.dispose()
    if as_json:
        print_json(_numbers(found))
    else:
        _print(found)


def _print(found: Analysis) -> None:
    motion, impersonation, incidents = found.motion, found.impersonation, found.incidents
    print_table("Motion", ["outcome", "windows"], motion.outcomes.most_common())
    print_table("Impersonation", ["species", "findings begun"], impersonation.findings.most_common())
    print_table("Incidents open at the end", ["species", "incidents"], incidents.open.most_common())
    for species, reason in sorted(impersonation.not_judged.items()):
        click.echo(f"{species} was not looked for: {reason}.")
    written = incidents.written
    click.echo(
        f"Looked at {motion.windows} windows, {impersonation.stills} stills not judged before and "
        f"{incidents.stills} stills for incidents, from {found.start:%Y-%m-%d %H:%M} to {found.end:%Y-%m-%d %H:%M}: "
        f"{written.entered} incidents are new, {written.changed} changed, {written.withdrawn} withdrawn."
    )


def _numbers(found: Analysis) -> dict[str, Any]:
    motion, impersonation, incidents = found.motion, found.impersonation, found.incidents
    return {
        "start": found.start.isoformat(),
        "end": found.end.isoformat(),
        "motion": {
            "agents": motion.agents,
            "windows": motion.windows,
            "outcomes": {str(outcome): windows for outcome, windows in motion.outcomes.items()},
            "rows_changed": motion.rows_changed,
        },
        "impersonation": {
            "agents": impersonation.agents,
            "stills": impersonation.stills,
            "findings": {str(species): begun for species, begun in impersonation.findings.items()},
            "rows_changed": impersonation.rows_changed,
            "not_judged": {str(species): reason for species, reason in impersonation.not_judged.items()},
        },
        "incidents": {
            "agents": incidents.agents,
            "stills": incidents.stills,
            "open": {str(species): still_open for species, still_open in incidents.open.items()},
            "entered": incidents.written.entered,
            "changed": incidents.written.changed,
            "withdrawn": incidents.written.withdrawn,
            "agent_hours_analysed_again": incidents.followed,
        },
    }
