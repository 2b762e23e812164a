"""Pictures as they lie in folders: which files are some, in which order they come, and their bytes."""

import re
from pathlib import Path

#: How the names of pictures end that can be read (see ``vision.decode``).
SUFFIXES = frozenset({".jpg", ".jpeg", ".png"})
_NUMBER = re.compile(r"(\d+)")


def is_picture(path: Path) -> bool:
    """Whether the name is a picture's."""
    return path.suffix.lower() in SUFFIXES


def natural(name: str) -> list[tuple[int, int, str]]:
    """A key that sorts numbers within names by their value: still_9 before still_10."""
    return [
        (0, int(part), part) if part.isdecimal() else (1, 0, part.casefold()) for part in _NUMBER.split(name) if part
    ] + [(2, 0, name)]


def bytes_of(path: Path) -> bytes | None:
    """What is in a file; None where it was taken away or is not to be read by us, which costs itself alone."""
    try:
        return path.read_bytes()
    except OSError:
        return None
