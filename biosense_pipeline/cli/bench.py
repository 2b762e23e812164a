"""`biosense bench`: how fast the engine is, against face_recognition and through the database."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import numpy as np
from rich.progress import Progress

from biosense_pipeline.choices import EngineName
from biosense_pipeline.cli.evaluate import server_option
from biosense_pipeline.cli.output import as_json_option, print_json, print_table, progress_bar
from biosense_pipeline.evaluation.cameras import Camera, Capture, captures, demo_cameras, folder_cameras
from biosense_pipeline.evaluation.machine import machine
from biosense_pipeline.evaluation.speed import Contender, alternate, compare, quick_and_full
from biosense_pipeline.evaluation.throughput import Throughput, measure_throughput
from biosense_pipeline.settings import Settings, load_settings
from biosense_pipeline.vision.faces import Picture
from biosense_pipeline.workflows.workbench import make_examiner


@click.command()
@click.option(
    "--images",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder for each agent, with the benchmark as its first picture by name; default: the demo's stills.",
)
@click.option(
    "--baseline",
    type=click.Choice([EngineName.FACE_RECOGNITION]),
    default=EngineName.FACE_RECOGNITION,
    show_default=True,
    help="The engine to compare with.",
)
@click.option("--stills", type=click.IntRange(min=1), help="Most stills to take; default: all, end to end 1,000.")
@click.option("--end-to-end", is_flag=True, help="Measure the way through a database instead of the baseline.")
@server_option
@as_json_option
def bench(images: Path | None, baseline: str, stills: int | None, end_to_end: bool, server: str, as_json: bool) -> None:
    """Measure the engine of the settings, in turns with the baseline, over the same stills.

    Each camera is taken to write a still every ten seconds. Both engines run in one process each, so that
    stills a second are stills a second and core. End to end, stills go through a database of their own
    with BIOSENSE_WORKERS processes, from claim to committed result, beside the same engine's rate on
    pictures in memory.
    """
    settings = load_settings()
    with progress_bar() as bar:
        task = bar.add_task("reading stills", total=None)
        cameras = folder_cameras(images) if images else demo_cameras()
        bar.remove_task(task)
        if end_to_end:
            numbers = _end_to_end(settings, cameras, server, stills or 1000, bar)
        else:
            numbers = _against(settings, EngineName(baseline), cameras, captures(cameras, stills), bar)
    if as_json:
        print_json(numbers)
    elif end_to_end:
        _print_end_to_end(numbers)
    else:
        _print(numbers)


def _against(
    settings: Settings, baseline: EngineName, cameras: Sequence[Camera], stills: Sequence[Capture], bar: Progress
) -> dict[str, Any]:
    ours = settings.model_copy(update={"workers": 1})
    theirs = ours.model_copy(update={"engine": baseline})
    with ExitStack() as stack:
        contenders = []
        for values in (ours, theirs):
            contenders.append(Contender(make_examiner(values), values))
            stack.callback(contenders[-1].examiner.close)
            contenders[-1].enrol(cameras)
        enrolled = contenders[0].references.keys() & contenders[1].references.keys()
        stills = [still for still in stills if still.camera.lan_id in enrolled]
        one_face, others = _by_faces(contenders[0], stills)
        figures = {}
        for name, some in (("one_face", one_face), ("others", others)):
            task = bar.add_task(f"stills, {name.replace('_', ' ')}", total=len(some))
            for contender in contenders:
                contender.turns = []
            alternate(contenders, some, lambda done, task=task: bar.update(task, completed=done))  # type: ignore[misc]
            figures[name] = _rates(contenders)
        agreement = compare(contenders[0], contenders[1], stills)
        differences = quick_and_full(contenders[0].examiner, contenders[0], one_face)
    return {
        "machine": machine(),
        "engine": f"{contenders[0].examiner.model_id}, {ours.detection}",
        "baseline": contenders[1].examiner.model_id,
        "tolerance": ours.tolerance,
        "stills": len(stills),
        **figures,
        "milliseconds": {
            name: {stage: _percentiles(times) for stage, times in contender.stages.items()}
            for name, contender in zip(("engine", "baseline"), contenders, strict=True)
        },
        "decisions": agreement.decisions,
        "decisions_agreeing": agreement.agreeing,
        "disagreements": [asdict(entry) for entry in agreement.disagreements],
        "settled_by_a_quick_look": len(differences),
        "quick_look_farther_by": _percentiles(differences, digits=4) if differences else None,
    }


def _by_faces(contender: Contender, stills: Sequence[Capture]) -> tuple[list[Capture], list[Capture]]:
    """The stills with exactly one face, as a full look counts them, and the others."""
    found = dict(contender.examiner.examine([Picture(still.number, still.image) for still in stills]))
    one_face = [still for still in stills if len(found[still.number].faces) == 1]
    return one_face, [still for still in stills if len(found[still.number].faces) != 1]


def _rates(contenders: Sequence[Contender]) -> dict[str, Any]:
    """Medians over the turns: a machine that is slowed down from outside for a while then counts for little."""
    ours, theirs = (np.array(contender.rates) for contender in contenders)
    if not len(ours):
        return {"stills": 0}
    return {
        "stills": sum(stills for stills, _ in contenders[0].turns),
        "engine_per_second_and_core": round(float(np.median(ours)), 2),
        "baseline_per_second_and_core": round(float(np.median(theirs)), 2),
        "ratio": round(float(np.median(ours / theirs)), 2),
        "ratio_of_turns": [round(float(ratio), 2) for ratio in ours / theirs],
    }


def _percentiles(values: Sequence[float], digits: int = 2) -> dict[str, float]:
    return {
        "min": round(float(np.min(values)), digits),
        "p50": round(float(np.percentile(values, 50)), digits),
        "p95": round(float(np.percentile(values, 95)), digits),
        "max": round(float(np.max(values)), digits),
    }


def _print(numbers: dict[str, Any]) -> None:
    print_table(
        f"Stills a second and core ({numbers['machine']})",
        ["stills", "number", numbers["engine"], numbers["baseline"], "ratio"],
        [
            (title, *(figures[key] for key in list(figures)[:4]))
            for title, figures in (("one face", numbers["one_face"]), ("none or several", numbers["others"]))
            if figures["stills"]
        ],
    )
    stages = {name: numbers["milliseconds"][name] for name in ("engine", "baseline")}
    print_table(
        "Milliseconds a still",
        ["stage", "engine p50", "p95", "baseline p50", "p95"],
        [
            (stage, *(stages[name][stage][point] for name in stages for point in ("p50", "p95")))
            for stage in stages["engine"]
        ],
    )
    if numbers["disagreements"]:
        print_table(
            f"Different decisions at {numbers['tolerance']}",
            ["still", "compared with", "faces", "distance, engine", "distance, baseline"],
            [
                (entry["still"], entry["compared_with"], "/".join(map(str, entry["faces"])), *entry["distances"])
                for entry in numbers["disagreements"]
            ],
        )
    click.echo(
        f"{numbers['decisions_agreeing']} of {numbers['decisions']} decisions agree "
        f"({numbers['stills']} stills, each with every agent)."
    )
    if farther := numbers["quick_look_farther_by"]:
        click.echo(
            f"{numbers['settled_by_a_quick_look']} stills were settled by a quick look; its distance was larger than "
            f"a full look's by {farther['p50']:.3f} (p50), at least by {farther['min']:.3f}."
        )


def _end_to_end(
    settings: Settings, cameras: Sequence[Camera], server: str, count: int, bar: Progress
) -> dict[str, Any]:
    settings = settings.model_copy(update={"workers": max(1, settings.workers)})
    rounds = -(-count // sum(len(camera.stills) for camera in cameras))
    longer = [Camera(c.lan_id, c.benchmark, c.stills * rounds) for c in cameras] if rounds > 1 else list(cameras)
    stills = captures(longer, count)
    tasks: dict[str, Any] = {}

    def show(what: str, done: int) -> None:
        if what not in tasks:
            tasks[what] = bar.add_task(what, total=len(stills))
        bar.update(tasks[what], completed=done)

    found: Throughput = measure_throughput(server, settings, cameras, stills, show)
    return {
        "machine": machine(),
        "processes": settings.workers,
        "stills": found.stills,
        "engine_per_second": round(found.engine, 2),
        "end_to_end_per_second": round(found.database, 2),
        "share": round(found.database / found.engine, 3),
        "settled_by_a_quick_look": found.quick,
        "resident_mib": [{"stills": written, "mib": round(mib)} for written, mib in found.memory],
    }


def _print_end_to_end(numbers: dict[str, Any]) -> None:
    memory = numbers["resident_mib"]
    click.echo(
        f"{numbers['stills']} stills with {numbers['processes']} processes ({numbers['machine']}): "
        f"{numbers['end_to_end_per_second']} a second from claim to committed result, "
        f"{numbers['engine_per_second']} a second in the engine alone: {numbers['share']:.0%}."
    )
    click.echo(
        f"Resident memory: {memory[0]['mib']} MiB after {memory[0]['stills']} stills, at most "
        f"{max(entry['mib'] for entry in memory)} MiB, {memory[-1]['mib']} MiB after {memory[-1]['stills']}."
    )
