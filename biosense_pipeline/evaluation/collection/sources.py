"""Where the stills of a session come from: the stills that a camera in service writes, or a folder.

Only what comes after the person is ready counts: what was shown before is another kind.
"""

from pathlib import Path
from typing import Protocol

from biosense_pipeline.errors import WrongUse
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.stills.pictures import arrived_since, newest_id, pictures
from biosense_pipeline.store.tables.pipeline import StreamImage


class Source(Protocol):
    """Gives pictures as they come.

    Attributes:
        words: what it is, in plain words.
    """

    words: str

    def begin(self) -> None:
        """Pass over what is there."""
        ...

    def look(self) -> list[bytes]:
        """What has come since the last look, in order; empty bytes for what cannot be read."""
        ...


class CameraSource:
    """The stills that arrive in ``stream_img`` under a LAN id, whatever its spelling.

    The first one that arrives is passed over: it may have been on its way when the person was not ready yet.

    Args:
        max_bytes: larger ones are not read.
    """

    def __init__(self, database: Database, lan_id: str, max_bytes: int) -> None:
        self.words = f"the camera of {lan_id}"
        self._database, self._lan_id, self._max_bytes = database, lan_id, max_bytes
        self._last, self._on_its_way = 0, 1

    def begin(self) -> None:
        self._last, self._on_its_way = newest_id(self._database), 1

    def look(self) -> list[bytes]:
        arrived, self._last = arrived_since(self._database, self._lan_id, self._last)
        ids = arrived[self._on_its_way :]
        self._on_its_way = max(0, self._on_its_way - len(arrived))
        return [picture.data or b"" for picture in pictures(self._database, StreamImage, ids, self._max_bytes)]


class FolderSource:
    """The pictures that are put into a folder, or written over there; they are read and left as they are.

    A file counts when it is the same in two looks: one that is still being copied is no whole picture.
    """

    def __init__(self, folder: Path) -> None:
        self.words = f"the folder {folder}"
        self._folder = folder
        self._seen: dict[str, tuple[int, int]] = {}
        self._growing: dict[str, tuple[int, int]] = {}

    def begin(self) -> None:
        self._seen, self._growing = self._files(), {}

    def look(self) -> list[bytes]:
        new = {name: stamp for name, stamp in self._files().items() if self._seen.get(name) != stamp}
        whole = sorted((stamp, name) for name, stamp in new.items() if self._growing.get(name) == stamp)
        self._growing = new
        found = []
        for stamp, name in whole:
            self._seen[name] = stamp
            try:
                found.append((self._folder / name).read_bytes())
            except OSError:
                found.append(b"")
        return found

    def _files(self) -> dict[str, tuple[int, int]]:
        """Time of change and size of each file, by name."""
        try:
            paths = list(self._folder.iterdir())
        except OSError as error:
            raise WrongUse(f"{self._folder} cannot be read any more ({error.strerror}).") from error
        found = {}
        for path in paths:
            try:
                stamp = path.stat()
            except OSError:  # taken away meanwhile
                continue
            if path.is_file() and not path.name.startswith("."):
                found[path.name] = stamp.st_mtime_ns, stamp.st_size
        return found
