"""The folders of an evaluation: subjects, sequences and their stills, by the names of folders and files."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from biosense_pipeline.errors import WrongUse
from biosense_pipeline.evaluation.pictures import is_picture, natural

#: Files that systems leave in folders; what begins with a dot is passed over too.
_NO_STILLS = frozenset({"thumbs.db", "desktop.ini"})


@dataclass(frozen=True)
class StillFile:
    """A still as it lies in a folder.

    Attributes:
        sequence: the part of its name before the last underscore; empty where there is none.
        place: among all stills of its sequence, from 0.
    """

    path: Path
    subject: str
    sequence: str
    place: int


@dataclass(frozen=True)
class StillFolder:
    """All stills below a folder.

    Attributes:
        name: of the folder: of an attack, its species.
        empty_subjects: sub-folders without a still.
        left_out: files whose names are not those of pictures.
    """

    path: Path
    name: str
    stills: tuple[StillFile, ...]
    empty_subjects: tuple[str, ...]
    left_out: tuple[Path, ...] = ()

    @property
    def subjects(self) -> tuple[str, ...]:
        """Those who have stills, in the order of their names."""
        return tuple(dict.fromkeys(still.subject for still in self.stills))


def read_folder(folder: Path) -> StillFolder:
    """The stills below a folder: each direct sub-folder is a subject, each picture in it a still.

    Raises:
        WrongUse: the folder is not there, cannot be read or holds no subject with a still.
    """
    # Of `.` and of `prints/` too.
    name = folder.resolve().name
    try:
        subjects = sorted(
            (path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")),
            key=lambda path: natural(path.name),
        )
        files = {subject.name: _files(subject) for subject in subjects}
    except OSError as error:
        raise WrongUse(
            f"The folder {folder} cannot be read ({error.strerror}): name one that holds a folder for each subject."
        ) from error
    found = {subject: _stills(subject, own) for subject, own in files.items()}
    stills = tuple(still for own in found.values() for still in own)
    left_out = tuple(path for own in files.values() for path in own if not is_picture(path))
    if not stills:
        raise WrongUse(
            f"{folder} holds no stills: make a folder for each subject in it, with the subject's stills as JPEG or PNG."
        )
    return StillFolder(folder, name, stills, tuple(subject for subject, own in found.items() if not own), left_out)


def read_species(folders: Sequence[Path]) -> list[StillFolder]:
    """The folders of attacks, each of a species named after it.

    Raises:
        WrongUse: as :func:`read_folder`, or two folders have one name.
    """
    species = [read_folder(folder) for folder in folders]
    names = [folder.name for folder in species]
    for name in names:
        if names.count(name) > 1:
            raise WrongUse(f"Two folders of attacks are called {name}: rename one, species are told apart by it.")
    return species


def sequence_of(file_name: str) -> str:
    """The part of a file's name that its sequence has in common: all before the last underscore."""
    before, underscore, _ = Path(file_name).stem.rpartition("_")
    return before if underscore else ""


def _files(subject: Path) -> list[Path]:
    return sorted(
        (
            path
            for path in subject.iterdir()
            if path.is_file() and not path.name.startswith(".") and path.name.lower() not in _NO_STILLS
        ),
        key=lambda path: natural(path.name),
    )


def _stills(subject: str, files: Sequence[Path]) -> list[StillFile]:
    lengths: dict[str, int] = {}
    stills = []
    for path in filter(is_picture, files):
        sequence = sequence_of(path.name)
        place = lengths.get(sequence, 0)
        lengths[sequence] = place + 1
        stills.append(StillFile(path, subject, sequence, place))
    return stills
