"""`biosense evaluate attacks`: how well pictures of a face are told from the face, on folders of stills."""

from pathlib import Path
from typing import Any

import click

from biosense_pipeline.cli.output import as_json_option, print_json, print_table, progress_bar
from biosense_pipeline.cli.workers_option import workers_option
from biosense_pipeline.evaluation.attacks.numbers import numbers
from biosense_pipeline.evaluation.attacks.report import REPORT_FILE, write_report
from biosense_pipeline.evaluation.attacks.run import SECONDS_BETWEEN, AttackOptions, run_attacks
from biosense_pipeline.evaluation.page import interval, prepare_report, share
from biosense_pipeline.matching.evidence.baseline import FEWEST_STILLS
from biosense_pipeline.matching.evidence.presentation import WINDOW
from biosense_pipeline.settings import Settings

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command()
@click.option("--genuine", type=_FOLDER, required=True, help="Folder with genuine stills, a sub-folder each subject.")
@click.option(
    "--attack",
    "attack_folders",
    type=_FOLDER,
    required=True,
    multiple=True,
    help="Folder with attacks of one species, named after it; a sub-folder for each attacked subject. Repeatable.",
)
@click.option(
    "--genuine-reference",
    type=_FOLDER,
    help=f"Folder with earlier genuine stills, {FEWEST_STILLS} or more each subject, that make the subject's own "
    "baseline.",
)
@click.option("--window", type=click.IntRange(2), default=WINDOW, show_default=True, help="Stills judged together.")
@click.option("--step", type=click.IntRange(1), default=1, show_default=True, help="Stills from a window to the next.")
@click.option(
    "--seconds-between",
    type=click.FloatRange(0.001),
    default=SECONDS_BETWEEN,
    show_default=True,
    help="Seconds from a still to the next of its sequence.",
)
@click.option(
    "--baseline-stills",
    type=click.IntRange(2),
    default=FEWEST_STILLS,
    show_default=True,
    help="With fewer reference stills a subject is judged by the pooled baseline.",
)
@click.option(
    "--resamples",
    type=click.IntRange(100, 100_000),
    default=1000,
    show_default=True,
    help="Resamples of the subjects for the confidence intervals.",
)
@click.option(
    "--report", type=click.Path(file_okay=False, path_type=Path), help="Folder for the report, one HTML file."
)
@workers_option
@as_json_option
def attacks(
    settings: Settings,
    genuine: Path,
    attack_folders: tuple[Path, ...],
    genuine_reference: Path | None,
    window: int,
    step: int,
    seconds_between: float,
    baseline_stills: int,
    resamples: int,
    report: Path | None,
    as_json: bool,
) -> None:
    """Measure how well attacks with pictures of a face are detected, on stills in folders.

    Each direct sub-folder is a subject, its files in natural order of their names are the stills, and the part of
    a name before the last underscore tells sequences apart; a window never spans two. The figures that lead are
    those of the worst species.
    """
    file = prepare_report(report, REPORT_FILE) if report else None
    options = AttackOptions(window, step, seconds_between, baseline_stills, resamples)
    with progress_bar() as bar:
        task = bar.add_task("stills", total=None)
        run = run_attacks(
            settings,
            genuine,
            attack_folders,
            genuine_reference,
            options,
            on_progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    told = numbers(run)
    if file:
        write_report(file, run)
    if as_json:
        print_json({**told, "report": None if file is None else str(file)})
    else:
        _print(told)
        if file:
            click.echo(f"The report is {file}.")


def _print(told: dict[str, Any]) -> None:
    entries = [*told["species"], *([told["pooled"]] if len(told["species"]) > 1 else [])]
    shown = {
        "eer_single": "EER, single still",
        "apcer_at_bpcer_5_single": "APCER at BPCER 5 %, single still",
        "apcer_at_bpcer_1_single": "APCER at BPCER 1 %, single still",
        "eer_window": "EER, window",
        "apcer_at_bpcer_5_window": "APCER at BPCER 5 %, window",
        "apcer_at_bpcer_1_window": "APCER at BPCER 1 %, window",
        "apcer_in_use_window": f"APCER at {told['threshold_in_use']:g} spreads, window",
        "iapar": "IAPAR",
    }
    for entry in entries:
        print_table(
            f"{entry['species']}: {entry['stills']} stills with a face, {entry['windows']} windows",
            ["figure", "value", "95 % interval over subjects"],
            [
                (what, share(entry[name]), interval(entry["confidence_intervals"].get(name)))
                for name, what in shown.items()
            ],
        )
    click.echo(
        f"{told['genuine']['judged']} genuine stills, {told['genuine_windows']} windows of {told['window']}; "
        f"{told['subjects_with_own_baseline']} of {told['subjects']} subjects have a baseline of their own. "
        f"At {told['threshold_in_use']:g} spreads BPCER is {share(told['bpcer_in_use_window'])} of windows."
    )
    for remark in told["remarks"]:
        click.echo(f"Note: {remark}")
