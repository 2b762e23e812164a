"""`biosense calibrate`: the calibration without Dagster."""

from dataclasses import asdict
from typing import Any

import click

from biosense_pipeline.cli.opening import open_database, open_workbench
from biosense_pipeline.cli.output import as_json_option, print_json, print_table
from biosense_pipeline.cli.workers_option import workers_option
from biosense_pipeline.settings import Settings
from biosense_pipeline.store.calibration.calibrations import activate
from biosense_pipeline.workflows.calibrate import CalibrationReport
from biosense_pipeline.workflows.calibrate import calibrate as fit_calibration
from biosense_pipeline.workflows.report_tables import pair_table, separability_table

#: Agents named in the tables.
_MOST_NAMED = 20


@click.command()
@click.option("--dry-run", is_flag=True, help="Show what would come out; store no calibration, let none take effect.")
@workers_option
@as_json_option
def calibrate(settings: Settings, dry_run: bool, as_json: bool) -> None:
    """Fit certainty and tolerances to this site's own stills.

    The same as Dagster's calibration_job. The calibration takes effect if it rests on enough people and, tried
    on people it has not seen, costs no more than the one in force (Cllr, but for a small margin), is not shown
    to let too many impostors pass, and rejects at most a fifth of the agents' own pictures. Where one of these
    fails, it says which.
    """
    database = open_database(settings)
    with open_workbench(settings, database) as bench:
        report = fit_calibration(bench, dry_run=dry_run)
    objections = report.candidate.objections if report.id is None else activate(database, report.id)
    if as_json:
        print_json(_numbers(report, objections))
    else:
        _print(report, objections)


def _numbers(report: CalibrationReport, objections: list[str]) -> dict[str, Any]:
    candidate = report.candidate
    return {
        "calibration_id": report.id,
        "in_force": report.id is not None and not objections,
        "objections": objections,
        "model_id": candidate.model_id,
        "target_fmr": candidate.target_fmr,
        "tolerance": candidate.tolerance,
        "parameters": candidate.parameters,
        "figures": candidate.figures,
        "material": candidate.material,
        "confirmed": candidate.confirmed,
        "window_start": candidate.window_start,
        "window_end": candidate.window_end,
        "look_alikes": [asdict(agent) for agent in report.separability],
    }


def _print(report: CalibrationReport, objections: list[str]) -> None:
    candidate = report.candidate
    material = {**candidate.material, "genuine pairs are": report.genuine_pairs}
    doubles, nearest = material.pop("suspected_one_person"), material.pop("nearest_pairs")
    by_kind = material.pop("genuine_by_kind")
    print_table("Material", ["what", "value"], [(name, str(value)) for name, value in (material | by_kind).items()])
    if candidate.figures:
        print_table(
            "On people it has not seen",
            ["figure", "value"],
            [(name, "-" if value is None else f"{value:.5g}") for name, value in candidate.figures.items()],
        )
    for title, pairs in (("Suspected to be one person, and left out", doubles), ("Nearest pairs of agents", nearest)):
        if pairs:
            print_table(title, *pair_table(pairs).first(_MOST_NAMED))
    if alike := report.separability:
        print_table(f"Agents with look-alikes ({len(alike)})", *separability_table(alike).first(_MOST_NAMED))
    if candidate.tolerance is not None:
        click.echo(f"Tolerance {candidate.tolerance:.4f} for a false match rate of {candidate.target_fmr:.3g}.")
    for objection in objections:
        click.echo(f"Against it: {objection}")
    click.echo(_verdict(report, objections))


def _verdict(report: CalibrationReport, objections: list[str]) -> str:
    before = f"calibration {report.in_force.id}" if report.in_force else "BIOSENSE_TOLERANCE, which is not calibrated"
    if objections:
        return f"Refused; in force stays {before}."
    if report.id is None:
        return f"Dry run: it would take effect in place of {before}."
    return f"Calibration {report.id} is in force in place of {before}."
