"""`biosense evaluate recapture`: the recapture scores trained anew from genuine pictures, in figures."""

from pathlib import Path

import click

from biosense_pipeline.cli.output import as_json_option, print_json, print_table, progress_of_steps
from biosense_pipeline.evaluation.machine import machine
from biosense_pipeline.evaluation.page import prepare_report
from biosense_pipeline.evaluation.recapture.report import REPORT_FILE, write_model, write_report
from biosense_pipeline.evaluation.recapture.run import NOT_MEASURED, RecaptureRun, numbers, run_recapture
from biosense_pipeline.evaluation.recapture.styles import STYLES
from biosense_pipeline.evaluation.recapture.training import LEAST_AUC

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_REPORT = click.Path(file_okay=False, path_type=Path)
_MODEL = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.option(
    "--sources",
    type=_FOLDER,
    required=True,
    help="Folder with genuine pictures: one person a file or a sub-folder; `rooms` holds backgrounds, and the text of "
    "CREDITS files goes into the model.",
)
@click.option(
    "--trials",
    type=click.IntRange(10),
    default=1000,
    show_default=True,
    help="Trials in each half of the people: one person before one camera, live on two days and once in each style.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Other stills by another seed.")
@click.option("--write", "model", type=_MODEL, help="File into which to write the model.")
@click.option("--report", type=_REPORT, help="Folder into which to write the report, one HTML file.")
@as_json_option
def recapture(sources: Path, trials: int, seed: int, model: Path | None, report: Path | None, as_json: bool) -> None:
    """Train the scores that tell a person from a print or a screen, and measure how they carry over.

    Prints and screens are synthesised from the genuine pictures, in styles that share nothing but the random
    camera. The scores are trained on half of the people and measured on the others; a group of features is kept
    where its AUC from one style of print to the other is 0.80 or more. The model is then trained on all people.

    Not measured here: real prints (see `biosense evaluate attacks`), real screens, replayed video, masks.
    """
    file = prepare_report(report, REPORT_FILE) if report else None
    with progress_of_steps() as show:
        run = run_recapture(sources, trials, seed, show)
    if file:
        write_report(file, run)
    if model:
        write_model(model, run)
    written = {"model": None if model is None else str(model), "report": None if file is None else str(file)}
    if as_json:
        print_json({**numbers(run), **written, "machine": machine()})
        return
    _print(run)
    for what, path in written.items():
        if path:
            click.echo(f"The {what} is {path}.")


def _print(run: RecaptureRun) -> None:
    rows = [
        (
            group,
            trained,
            *(
                round(next(e.auc for e in run.carried if (e.group, e.trained, e.tested) == (group, trained, tested)), 3)
                for tested in STYLES
            ),
            "yes" if group in run.groups else "",
        )
        for group in dict.fromkeys(entry.group for entry in run.carried)
        for trained in STYLES
    ]
    print_table(
        "AUC on people not trained on, by the style trained on (down) and tested (across)",
        ["group", "trained on", *STYLES, "kept"],
        rows,
    )
    told = numbers(run)
    for key, against in (("auc_held_out", "the person's own stills"), ("auc_without_baseline", "anybody's stills")):
        print_table(
            f"Trained on both styles of print: AUC against {against}, on people not trained on but chosen on",
            ["group", *STYLES],
            [(name, *values.values()) for name, values in told[key].items()],
        )
    click.echo(
        f"{run.people} people in {run.sources} pictures; stills: "
        + ", ".join(f"{number} {style}" for style, number in run.stills.items())
        + f". A group is kept from an AUC of {LEAST_AUC:g} from either style of print to the other."
    )
    click.echo(NOT_MEASURED)
