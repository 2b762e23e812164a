"""Stills to measure with: agents, each with a benchmark and the stills of one camera in order of capture."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from biosense_pipeline.demo.day import AGENTS, plan
from biosense_pipeline.errors import WrongUse
from biosense_pipeline.evaluation.pictures import is_picture

#: How often a webcam writes a still.
STEP = timedelta(seconds=10)
_START = datetime(2026, 3, 2, 9)


@dataclass(frozen=True)
class Camera:
    """An agent's benchmark and stills, as encoded pictures, each still with a name to be called by."""

    lan_id: str
    benchmark: bytes
    stills: tuple[tuple[str, bytes], ...]


@dataclass(frozen=True)
class Capture:
    """One still as it would be claimed."""

    number: int
    camera: Camera
    name: str
    captured: datetime
    image: bytes


def demo_cameras() -> list[Camera]:
    """The enrolled agents of the demo with the stills of their day."""
    stills: dict[str, list[tuple[str, bytes]]] = {}
    for still in plan():
        own = stills.setdefault(still.lan_id, [])
        own.append((f"{still.lan_id} {still.capture_time:%H:%M:%S}", still.image))
    return [
        Camera(agent.lan_id, agent.training(), tuple(stills[agent.lan_id]))
        for agent in AGENTS
        if agent.training and agent.lan_id != "AP\\cup0042"
    ]


def folder_cameras(folder: Path) -> list[Camera]:
    """The agents of a folder: each subfolder is one, its first picture by name the benchmark.

    Raises:
        WrongUse: there is no subfolder with two pictures.
    """
    cameras = []
    for agent in sorted(path for path in folder.iterdir() if path.is_dir()):
        files = sorted(filter(is_picture, agent.iterdir()))
        if len(files) >= 2:
            stills = tuple((f"{agent.name}/{path.name}", path.read_bytes()) for path in files[1:])
            cameras.append(Camera(agent.name, files[0].read_bytes(), stills))
    if not cameras:
        raise WrongUse(
            f"{folder} holds no agents: make a folder for each, with the benchmark as the first JPEG or PNG "
            "by name and the stills after it."
        )
    return cameras


def captures(cameras: Sequence[Camera], most: int | None = None) -> list[Capture]:
    """The stills of all cameras in order of capture, one a camera every ten seconds."""
    return list(itertools.islice(_captures(cameras), most))


def _captures(cameras: Sequence[Camera]) -> Iterator[Capture]:
    number = itertools.count()
    for position in range(max(len(camera.stills) for camera in cameras)):
        for camera in cameras:
            if position < len(camera.stills):
                name, image = camera.stills[position]
                yield Capture(next(number), camera, name, _START + position * STEP, image)
