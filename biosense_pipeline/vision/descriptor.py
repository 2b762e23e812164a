"""The descriptor of an operator's own model: a short TOML file beside the ONNX file.

See ``docs/encoders.md`` for an example.
"""

import hashlib
import tomllib
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from biosense_pipeline.errors import WrongUse

Point = tuple[float, float]
Positive = Annotated[float, Field(gt=0)]
PerColour = float | tuple[float, float, float]

#: Changed with every change of how a face is prepared for an own model; version 1 was half a pixel off.
_PREPARATION = b"2"


class Input(BaseModel):
    """What the graph takes: levels 0-255 of each colour become ``(level - mean) * scale``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    width: Annotated[int, Field(ge=16, le=1024)]
    height: Annotated[int, Field(ge=16, le=1024)]
    colours: Literal["RGB", "BGR"] = "RGB"
    layout: Literal["NCHW", "NHWC"] = "NCHW"
    mean: PerColour = 0.0
    scale: PerColour = 1.0


class Alignment(BaseModel):
    """Where the eyes' centres and the base of the nose come to lie, in pixels of the input.

    ``left_eye`` is the one on the left of the picture.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    left_eye: Point
    right_eye: Point
    nose: Point


class Descriptor(BaseModel):
    """An encoder that an operator brings along.

    Attributes:
        name: the first part of the model id.
        file: the ONNX file; relative names start from the descriptor's folder.
        dimension: how many numbers an encoding has.
        metric: ``euclidean`` compares encodings as they are; ``cosine`` brings them to length 1 first, so
            that their distance is sqrt(2 - 2 cos).
        tolerance: the largest distance at which two faces are one person, until a calibration exists.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,39}$")]
    file: Path
    dimension: Annotated[int, Field(ge=2, le=4096)]
    metric: Literal["euclidean", "cosine"]
    tolerance: Positive
    input: Input
    alignment: Alignment

    @property
    def model_id(self) -> str:
        """Name and a hash of graph and descriptor: whatever changes an encoding changes the id."""
        settings = self.model_dump_json(exclude={"file", "tolerance"}).encode() + _PREPARATION
        stamp = self.file.stat()
        digest = hashlib.sha256(_digest(self.file, stamp.st_mtime_ns, stamp.st_size) + settings).hexdigest()
        return f"{self.name}-{digest[:12]}"


def read_descriptor(path: Path) -> Descriptor:
    """Read and check a descriptor.

    Raises:
        WrongUse: it cannot be read, says something that cannot be meant, or its model is not there.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        found = Descriptor.model_validate(content, strict=False)
    except OSError as error:
        raise WrongUse(f"The descriptor {path} named by BIOSENSE_ENCODER cannot be read ({error.strerror}).") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise WrongUse(f"The descriptor {path} is not TOML ({error}): see docs/encoders.md.") from error
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors(include_url=False)
        )
        raise WrongUse(f"Correct the descriptor {path}: {faults}. docs/encoders.md shows an example.") from error
    found = found.model_copy(update={"file": path.parent / found.file})
    if not found.file.is_file():
        raise WrongUse(f"The descriptor {path} names the model {found.file}, which is not there.")
    return found


@cache
def _digest(file: Path, changed: int, size: int) -> bytes:
    # Keyed by time and size, so that a model of hundreds of megabytes is read once and not for every question.
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").digest()
