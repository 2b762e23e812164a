"""The engine through a database, from claim to committed result."""

from collections.abc import Sequence
from typing import Any

import click
from rich.progress import Progress

from biosense_pipeline.evaluation.cameras import Camera, captures
from biosense_pipeline.evaluation.machine import machine
from biosense_pipeline.evaluation.throughput import Throughput, measure_throughput
from biosense_pipeline.settings import Settings


def end_to_end(settings: Settings, cameras: Sequence[Camera], server: str, count: int, bar: Progress) -> dict[str, Any]:
    """Measure ``count`` stills on a database of their own on the server, and the engine alone."""
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


def print_end_to_end(numbers: dict[str, Any]) -> None:
    """The same for people."""
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
