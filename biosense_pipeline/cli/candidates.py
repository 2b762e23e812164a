"""`biosense compare` and `redecide`: what other settings would decide, and bringing that into force."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from biosense_pipeline.choices import Detection, EngineName
from biosense_pipeline.cli.opening import open_database, open_workbench
from biosense_pipeline.cli.output import as_json_option, print_json, print_table, progress_bar
from biosense_pipeline.cli.scope_options import scope_options
from biosense_pipeline.cli.workers_option import workers_option
from biosense_pipeline.codes import Status
from biosense_pipeline.matching.differences import Differences
from biosense_pipeline.settings import Settings, load_settings
from biosense_pipeline.store.runs.due import due_hours
from biosense_pipeline.store.scope import Scope
from biosense_pipeline.store.stills.backlog import count_by_status
from biosense_pipeline.workflows.candidate import CandidateReport, LeftOut
from biosense_pipeline.workflows.candidate import compare as compare_stills
from biosense_pipeline.workflows.candidate_settings import candidate_settings
from biosense_pipeline.workflows.redecide import LeftAlone, RedecisionReport
from biosense_pipeline.workflows.redecide import redecide as redecide_stills
from biosense_pipeline.workflows.report_tables import agent_table, result_table, telling_table
from biosense_pipeline.workflows.summarise import summarise_hours

#: Agents listed for people; programs get all.
_MOST_AGENTS = 30


@click.command()
@click.option("--engine", type=click.Choice([engine.value for engine in EngineName]), help="Another engine.")
@click.option("--encoder", type=click.Path(path_type=Path), help="Descriptor (TOML) of another model; engine onnx.")
@click.option("--detection", type=click.Choice([detection.value for detection in Detection]), help="Another detection.")
@click.option(
    "--tolerance",
    type=click.FloatRange(0, 2, min_open=True),
    help="Another tolerance, for all agents; a calibration is set aside for it.",
)
@scope_options
@click.option("--again", is_flag=True, help="Examine also the stills that the candidate has a result for.")
@workers_option
@as_json_option
def compare(
    settings: Settings,
    scope: Scope,
    engine: str | None,
    encoder: Path | None,
    detection: str | None,
    tolerance: float | None,
    again: bool,
    as_json: bool,
) -> None:
    """Show what another engine, model, detection or tolerance would have decided.

    Looks at stills that were processed already and changes nothing that people see. Results of another model
    are kept beside those in force; stopped, it goes on where it ended.
    """
    candidate = candidate_settings(
        settings,
        engine=EngineName(engine) if engine else None,
        encoder=encoder,
        detection=Detection(detection) if detection else None,
        tolerance=tolerance,
    )
    database = open_database(settings)
    with open_workbench(candidate, database) as bench, progress_bar() as bar:
        task = bar.add_task("stills", total=count_by_status(database, scope).get(Status.PROCESSED, 0))

        def show(report: CandidateReport) -> None:
            bar.update(task, completed=report.differences.total.stills)

        report = compare_stills(bench, settings, scope, again=again, on_progress=show)
    if as_json:
        print_json(_candidate_numbers(report))
        return
    _print(report.differences, "left out", report.left_out)
    for name, model_id, rule in (
        ("In force", report.present_model_id, report.present_rule),
        ("Candidate", report.model_id, report.rule),
    ):
        click.echo(f"{name}: {model_id}, tolerance {rule.tolerance:g} ({rule.source}).")
    click.echo(f"{report.examined} stills examined, {report.decided_again} decided from stored distances.")
    if report.settings:
        variables = " ".join(f"{name}={value}" for name, value in report.settings.items())
        click.echo(f"To bring the candidate into force: set {variables}, then run `biosense redecide`.")


@click.command()
@scope_options
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@as_json_option
def redecide(scope: Scope, dry_run: bool, as_json: bool) -> None:
    """Decide processed stills again, from stored distances, by the settings and the calibration in force.

    For use after the engine, the tolerance or the calibration has changed; no picture is looked at. Stills of
    a new engine need results first: `biosense compare` with it, or reprocessing.
    """
    settings = load_settings()
    database = open_database(settings)
    with progress_bar() as bar:
        task = bar.add_task("stills", total=count_by_status(database, scope).get(Status.PROCESSED, 0))

        def show(report: RedecisionReport) -> None:
            bar.update(task, completed=report.differences.total.stills)

        report = redecide_stills(database, settings, scope, dry_run=dry_run, on_progress=show)
        summary_rows = 0 if dry_run else summarise_hours(database, due_hours(database))
    if as_json:
        print_json({**_redecision_numbers(report), "dry_run": dry_run, "summary_rows": summary_rows})
        return
    _print(report.differences, "left as they are", report.left_alone)
    click.echo(f"In force: {report.model_id}, tolerance {report.rule.tolerance:g} ({report.rule.source}).")
    rows = f"{report.rows_changed} rows of stream_img"
    if dry_run:
        click.echo(f"{rows} would change; nothing was written.")
    else:
        click.echo(f"{rows} changed; {len(report.hours)} hours had other results and were summed up again.")


def _print(differences: Differences, title: str, others: Mapping[Any, int]) -> None:
    total = differences.total
    print_table("Results", *result_table(differences))
    changing = {lan_id: tally for lan_id, tally in differences.agents.items() if tally.changed}
    if changing:
        print_table("Agents whose decisions change", *agent_table(changing).first(_MOST_AGENTS))
    if differences.telling:
        print_table("Most telling", *telling_table(differences))
    for reason, count in others.items():
        if count:
            click.echo(f"{count} stills {title}: {reason}.")
    click.echo(
        f"{total.stills} stills compared: {total.agreeing} agree, {total.changed} change "
        f"({total.newly_matched} newly matched, {total.newly_unmatched} newly unmatched)."
    )


def _differences_numbers(differences: Differences) -> dict[str, Any]:
    return {
        **asdict(differences.total),
        "agreeing": differences.total.agreeing,
        "results": [{"old": old, "new": new, "stills": n} for (old, new), n in differences.results.most_common()],
        "agents": {lan_id: asdict(tally) for lan_id, tally in differences.agents.items()},
        "most_telling": [
            {
                "still": still.still_id,
                "lan_id": still.lan_id,
                "old": asdict(still.old),
                "new": asdict(still.new),
                "shift": round(still.shift, 4),
            }
            for still in differences.telling
        ],
    }


def _candidate_numbers(report: CandidateReport) -> dict[str, Any]:
    return {
        **_differences_numbers(report.differences),
        "present": {"model_id": report.present_model_id, "tolerance": report.present_rule.tolerance},
        "candidate": {"model_id": report.model_id, "tolerance": report.rule.tolerance},
        "to_bring_into_force": report.settings,
        "examined": report.examined,
        "stored": report.written,
        "decided_again": report.decided_again,
        "left_out": _by_name(report.left_out),
        "without_reference": dict(report.without_reference),
    }


def _by_name(reasons: Mapping[LeftOut, int] | Mapping[LeftAlone, int]) -> dict[str, int]:
    return {reason.name.lower(): count for reason, count in reasons.items() if count}


def _redecision_numbers(report: RedecisionReport) -> dict[str, Any]:
    return {
        **_differences_numbers(report.differences),
        "model_id": report.model_id,
        "tolerance": report.rule.tolerance,
        "rows_changed": report.rows_changed,
        "hours": sorted(hour.isoformat() for hour in report.hours),
        "left_alone": _by_name(report.left_alone),
    }
