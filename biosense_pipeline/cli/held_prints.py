"""`biosense evaluate held-prints`: ring motion and frame on prints that a hand holds, in figures."""

from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

import click

from biosense_pipeline.cli.output import as_json_option, print_json, print_table, progress_bar
from biosense_pipeline.errors import WrongUse
from biosense_pipeline.evaluation.life.clips import find_clips
from biosense_pipeline.evaluation.machine import machine
from biosense_pipeline.evaluation.recapture.held import HeldRun, measure_held, numbers
from biosense_pipeline.evaluation.recapture.sources import read_sources
from biosense_pipeline.evaluation.recapture.trials import Trial, clip_trials, portrait_trials, write_trial

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_HALVES = ("development", "held-out")


@click.command(name="held-prints")
@click.option("--sources", type=_FOLDER, help="Folder with portraits, as for `biosense evaluate recapture`.")
@click.option(
    "--half",
    type=click.Choice(_HALVES),
    default="held-out",
    show_default=True,
    help="Which half of the people by name: the cues were developed on portraits of the first.",
)
@click.option("--people", type=click.IntRange(2), default=30, show_default=True, help="Of these so many at most.")
@click.option("--clips", type=_FOLDER, help="Folder with clips of people, as for `biosense evaluate life`.")
@click.option("--cameras", type=click.IntRange(1), default=4, show_default=True, help="Before each person of a clip.")
@click.option("--stills", type=click.IntRange(4), default=16, show_default=True, help="Of each sitting made.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Other stills by another seed.")
@click.option(
    "--write", "folder", type=click.Path(file_okay=False, path_type=Path),
    help="Folder into which to write the stills, as `biosense evaluate attacks` reads them.",
)  # fmt: skip
@as_json_option
def held_prints(
    sources: Path | None,
    half: str,
    people: int,
    clips: Path | None,
    cameras: int,
    stills: int,
    seed: int,
    folder: Path | None,
    as_json: bool,
) -> None:
    """Measure how well what moves with a face tells a print that a hand holds from a person.

    People sit before a room and move, prints of them are moved and slowly tilted before somebody else, all before
    webcams drawn at random. Portraits are put before rooms; people in clips are shown as they were filmed.
    """
    if sources is None and clips is None:
        raise WrongUse("There is nobody to show: name a folder with --sources, with --clips, or both.")
    with progress_bar() as bar:
        task = bar.add_task("trials", total=None)

        def done(trial: Trial) -> None:
            if folder is not None:
                write_trial(folder, trial)
            bar.update(task, advance=1)

        of_portraits = _portraits(sources, half, people, stills, seed) if sources else iter(())
        of_clips = clip_trials(find_clips(clips), cameras, stills, seed) if clips else iter(())
        run = measure_held(chain(of_portraits, of_clips), done)
    told = {**numbers(run), "stills_written_to": None if folder is None else str(folder), "machine": machine()}
    if as_json:
        print_json(told)
        return
    _print(run, told)


def _portraits(folder: Path, half: str, people: int, stills: int, seed: int) -> Iterator[Trial]:
    sources = read_sources(folder)
    names = sorted({source.person for source in sources.people})
    halves = set(names[: len(names) // 2]), set(names[len(names) // 2 :])
    chosen = [source for source in sources.people if source.person in halves[_HALVES.index(half)]]
    return islice(portrait_trials(chosen, sources.rooms, stills, seed), people)


def _print(run: HeldRun, told: dict[str, Any]) -> None:
    print_table(
        "Windows of prints against genuine ones",
        ["cue", "print", "AUC", "95 %", "told", "of", "median"],
        [
            (row["cue"], row["style"], row["auc"], _ends(row["interval"]), row["told"], row["windows"], row["median"])
            for row in told["cues"]
        ],
    )
    print_table(
        "Genuine windows",
        ["cue", "told", "of", "5 %", "median", "95 %"],
        [(row["cue"], row["told"], row["windows"], row["p5"], row["median"], row["p95"]) for row in told["genuine"]],
    )
    click.echo(f"{len(run.people)} people. A window is told of where the face moved in it and the camera did not.")
    if told["stills_written_to"]:
        click.echo(f"The stills are in {told['stills_written_to']}.")


def _ends(interval: list[float | None]) -> str:
    return " to ".join("" if end is None else f"{end:.2f}" for end in interval)
