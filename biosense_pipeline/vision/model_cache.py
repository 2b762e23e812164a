"""Models that are built once on a machine and kept in the user's cache folder."""

import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import platformdirs


def cached(source: Path, version: int, build: Callable[[], bytes]) -> bytes:
    """What ``build`` makes of ``source``, built on the first call only.

    The cache is keyed by the source's content: another file gets another entry. Processes that start at
    once each build and put a whole file in place, the last one stays. Where the folder cannot be written,
    as in a read-only container, each process builds its own.

    Args:
        source: the file that the model is made of.
        version: of the way it is made.
        build: makes the model.
    """
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    file = platformdirs.user_cache_path("biosense_pipeline") / f"{source.stem}-{digest[:32]}-v{version}.model"
    try:
        return _checked(file.read_bytes())
    except (OSError, ValueError):
        model = build()
        _keep(file, model)
        return model


def _keep(file: Path, model: bytes) -> None:
    """Write so that a reader finds the whole file or none."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=file.stem, suffix=".tmp")
    except OSError:
        return
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(hashlib.sha256(model).digest() + model)
        Path(temporary).replace(file)
    except OSError:
        Path(temporary).unlink(missing_ok=True)


def _checked(content: bytes) -> bytes:
    """The model after its own hash, which tells a file that a full disk or a person has changed.

    Raises:
        ValueError: the hash is another.
    """
    digest, model = content[:32], content[32:]
    if hashlib.sha256(model).digest() != digest:
        raise ValueError("the cached model is damaged")
    return model
