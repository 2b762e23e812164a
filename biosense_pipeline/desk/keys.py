"""The key that signs cookies: made once per database, in a file that its owner alone may read."""

import hashlib
import os
import secrets
import tempfile
from pathlib import Path

from platformdirs import user_data_path

from biosense_pipeline.errors import BiosenseError
from biosense_pipeline.store.database import Database

_BYTES = 32


class KeyUnusable(BiosenseError):
    """The key file cannot be made, is damaged, or others may read it."""


def signing_key(database: Database) -> bytes:
    """The key of this database's desk, made where there is none yet.

    Raises:
        KeyUnusable: the file cannot be made or read, or is not this user's alone.
    """
    path = key_path(database)
    try:
        if not path.exists():
            _make(path)
        if os.name == "posix" and path.stat().st_mode & 0o077:
            raise KeyUnusable(f"Others may read the desk's key {path}: delete it, and a new one will be made.")
        key = path.read_bytes()
    except OSError as error:
        raise KeyUnusable(
            f"The desk's key {path} cannot be kept ({error.strerror}): make its folder writable."
        ) from error
    if len(key) != _BYTES:
        raise KeyUnusable(f"The desk's key {path} is damaged: delete it, and a new one will be made.")
    return key


def key_path(database: Database) -> Path:
    """Beside an SQLite file; for a server's database, in the user's data folder, named by its address."""
    if database.is_sqlite:
        return Path(f"{database.url.database}.desk-key")
    address = f"{database.url.host}:{database.url.port}/{database.url.database}"
    return user_data_path("biosense_pipeline") / f"desk-{hashlib.sha256(address.encode()).hexdigest()[:16]}.key"


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent)  # readable by its owner alone
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_bytes(_BYTES))
        os.link(name, path)  # whole or not at all; refused where another process was quicker
    except FileExistsError:
        pass
    finally:
        Path(name).unlink()
