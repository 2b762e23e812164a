"""`biosense evaluate life`: frozen and looped feeds found, live ones taken for them, and proof of life."""

from pathlib import Path
from typing import Any

import click

from biosense_pipeline.cli.output import as_json_option, print_json, print_table, progress_bar
from biosense_pipeline.evaluation.life.run import BOUND, FRAMES_APART, WITHIN, LifeRun, measure_life, numbers
from biosense_pipeline.settings import load_settings
from biosense_pipeline.workflows.workbench import engine_spec


@click.command()
@click.option(
    "--clips",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    required=True,
    help="Folder of clips of people before a webcam: GIFs, a folder of frames for each, or videos where PyAV is "
    "installed. A file people.txt in it may tell who is in which: a line each, the person and then the clips.",
)
@click.option(
    "--prints", type=click.IntRange(0), default=10, show_default=True, help="Clips of which a frame becomes a print."
)
@click.option(
    "--apart",
    type=click.IntRange(1),
    default=FRAMES_APART,
    show_default=True,
    help="Frames between two stills: half a second of a webcam's video.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Other noise by another seed.")
@as_json_option
def life(clips: Path, prints: int, apart: int, seed: int, as_json: bool) -> None:
    """Measure frozen and looped feeds, and proof of life, on clips of people.

    Stills are taken closer together than any that a client writes, so that people differ less from still to still
    than they would. Recordings are encoded anew with noise, prints are moved as planes before a
    webcam drawn at random. Exit code 1 where a frozen or looped feed is not found within three stills of its
    repetition, or a live still is taken for one.
    """
    with progress_bar() as bar:
        task = bar.add_task("clips", total=None)
        run = measure_life(
            engine_spec(load_settings()),
            clips,
            apart=apart,
            prints=prints,
            seed=seed,
            on_progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    if as_json:
        print_json(numbers(run))
    else:
        _print(run, apart)
    if not run.reached:
        raise SystemExit(1)


def _print(run: LifeRun, apart: int) -> None:
    told = numbers(run)
    rows = [
        ("frozen feeds found", told["found_frozen"]),
        *((f"loops of {_round(name)} found", row) for name, row in told["found_loop"].items()),
        ("live windows taken for frozen", told["false_frozen"]),
        ("live windows taken for a loop", told["false_loop"]),
        ("live windows with any sign of a loop", told["loop_above_0"]),
        *((f"windows of {length} live stills that are LIVE", row) for length, row in told["live_windows"].items()),
        ("live sittings that are LIVE", told["live_sittings"]),
        *((f"prints {name.replace('_', ' ')} that are STATIC", row) for name, row in told["static_prints"].items()),
    ]
    print_table(
        "Frozen, looped, alive",
        ["what", "share", "count", "of", "at most (95 %)"],
        [(what, _cell(row["share"]), row["count"], row["of"], _cell(row["at_most"])) for what, row in rows],
    )
    print_table(
        "What is left of the still that differs most",
        ["window", "least", "median", "most"],
        [(name.replace("_", " "), row["least"], row["median"], row["most"]) for name, row in told["change"].items()],
    )
    click.echo(
        f"{run.people} people in {run.clips} clips, {run.stills} stills {apart} frames apart, of which "
        f"{run.compared} could be compared with earlier ones, in {run.pairs} pairs, and {run.matched} matched one. "
        f"A feed is found where the evidence reaches {BOUND:.1f} within {WITHIN} stills of its repetition."
    )


def _round(name: str) -> str:
    return "all stills" if name == "all" else f"{name} stills"


def _cell(value: Any) -> str:
    return "" if value is None else f"{value:g}"
