"""A session's folder: the plan, the stills taken, and what is left; it goes on where it was interrupted.

Stills of people are personal data: folders are for their owner alone (0700), files too (0600). No still is ever
written over another one.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from biosense_pipeline.errors import WrongUse
from biosense_pipeline.evaluation.collection.plan import Plan, Step

SESSION_FILE = "session.json"
_PRIVATE_FILE, _PRIVATE_FOLDER = 0o600, 0o700
_PNG = b"\x89PNG"


class Session:
    """Stills collected by a plan.

    Attributes:
        plan: what is asked for.
        taken: hash of the pixels of each still taken, by its place below the folder.
    """

    def __init__(self, folder: Path, plan: Plan, taken: Mapping[str, str]) -> None:
        self.folder = folder
        self.plan = plan
        self.taken = dict(taken)

    def left(self, step: Step) -> int:
        """Stills of a step that are not taken yet; one whose file was deleted is asked for again."""
        own = [name for name in self.taken if _belongs(name, step) and (self.folder / name).exists()]
        return max(0, step.stills - len(own))

    def same_as(self, pixels: str) -> str | None:
        """The still taken whose pixels are these, if there is one."""
        return next((name for name, own in self.taken.items() if own == pixels), None)

    def keep(self, step: Step, data: bytes, pixels: str) -> Path:
        """Write a still, byte for byte as it came, and note that it was taken.

        Raises:
            WrongUse: the folder cannot be written to.
        """
        try:
            return self._keep(step, data, pixels)
        except OSError as error:
            raise _cannot_write(self.folder, error) from error

    def save(self) -> None:
        """Write the session down: wholly, or as it was."""
        value = {"plan": asdict(self.plan), "taken": self.taken}
        written = self.folder / f".{SESSION_FILE}"
        written.unlink(missing_ok=True)
        _write_private(written, (json.dumps(value, indent=1) + "\n").encode())
        written.replace(self.folder / SESSION_FILE)

    def _keep(self, step: Step, data: bytes, pixels: str) -> Path:
        target = self.folder
        for part in Path(step.folder).parts:
            target /= part
            target.mkdir(mode=_PRIVATE_FOLDER, exist_ok=True)
        ending = "png" if data.startswith(_PNG) else "jpg"
        numbers = {name.stem for name in target.iterdir()}
        number = next(n for n in range(1, len(numbers) + 2) if f"{step.sitting}_{n:02}" not in numbers)
        file = target / f"{step.sitting}_{number:02}.{ending}"
        _write_private(file, data)
        self.taken[str(file.relative_to(self.folder))] = pixels
        self.save()
        return file


def stored_plan(folder: Path) -> Plan | None:
    """The plan of the session in a folder; None where there is none.

    Raises:
        WrongUse: what lies there is no session.
    """
    return _resumed(folder).plan if (folder / SESSION_FILE).exists() else None


def open_session(folder: Path, plan: Plan) -> Session:
    """The session in a folder, or a new one.

    Raises:
        WrongUse: the folder holds something else, cannot be written to, or its session has another plan.
    """
    planned = stored_plan(folder)
    if planned is not None:
        if plan != planned:
            raise WrongUse(
                f"The session in {folder} was planned with {planned.people} people, {planned.stills} stills each and "
                f"{', '.join(planned.species)}: leave these options out to go on with it, or name another folder."
            )
        return _resumed(folder)
    try:
        if folder.exists() and any(folder.iterdir()):
            raise WrongUse(f"{folder} holds something else than a session: name a new or an empty folder.")
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(_PRIVATE_FOLDER)
        # Should the folder lie in a repository: nothing of it is ever added to one by mistake.
        _write_private(folder / ".gitignore", b"*\n")
        session = Session(folder, plan, {})
        session.save()
    except OSError as error:
        raise _cannot_write(folder, error) from error
    return session


def repository_of(folder: Path) -> Path | None:
    """The git repository in which the folder lies or would lie, if it does."""
    whole = folder.resolve()
    return next((parent for parent in (whole, *whole.parents) if (parent / ".git").exists()), None)


def _resumed(folder: Path) -> Session:
    file = folder / SESSION_FILE
    try:
        value = json.loads(file.read_text())
        stored = value["plan"]
        plan = Plan(int(stored["people"]), int(stored["stills"]), tuple(stored["species"]))
        return Session(folder, plan, value["taken"])
    except OSError as error:
        raise _cannot_write(folder, error) from error
    except (ValueError, KeyError, TypeError) as error:
        raise WrongUse(f"{file} is no session of this command ({error}): name another folder.") from error


def _belongs(name: str, step: Step) -> bool:
    folder, _, file = name.rpartition("/")
    return folder == step.folder and file.startswith(f"{step.sitting}_")


def _write_private(file: Path, data: bytes) -> None:
    """A file that only its owner may read; one that is there already is left alone, as an error."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE_FILE)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(data)


def _cannot_write(folder: Path, error: OSError) -> WrongUse:
    return WrongUse(f"The session in {folder} cannot be read or written ({error.strerror}): name another folder.")
