"""The descriptors of an operator's own models: a short TOML file beside each ONNX file.

See ``docs/encoders.md`` for an example of an encoder's.
"""

import hashlib
import tomllib
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import numpy as np
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

    def prepared(self, part: np.ndarray) -> np.ndarray:
        """A part of a picture, uint8 (height, width, 3), RGB, as the graph takes it: float32, without the batch."""
        levels = part.astype(np.float32)
        if self.colours == "BGR":
            levels = levels[:, :, ::-1]
        levels = (levels - np.asarray(self.mean, dtype=np.float32)) * np.asarray(self.scale, dtype=np.float32)
        return levels.transpose(2, 0, 1) if self.layout == "NCHW" else levels


class Alignment(BaseModel):
    """Where the eyes' centres and the base of the nose come to lie, in pixels of the input.

    ``left_eye`` is the one on the left of the picture.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    left_eye: Point
    right_eye: Point
    nose: Point


class ModelDescriptor(BaseModel):
    """A model that an operator brings along.

    Attributes:
        name: the first part of the model id.
        file: the ONNX file; relative names start from the descriptor's folder.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,39}$")]
    file: Path

    def id_with(self, settings: bytes) -> str:
        """Name and a hash of graph and settings."""
        stamp = self.file.stat()
        digest = hashlib.sha256(_digest(self.file, stamp.st_mtime_ns, stamp.st_size) + settings).hexdigest()
        return f"{self.name}-{digest[:12]}"


class Descriptor(ModelDescriptor):
    """An encoder that an operator brings along.

    Attributes:
        dimension: how many numbers an encoding has.
        metric: ``euclidean`` compares encodings as they are; ``cosine`` brings them to length 1 first, so
            that their distance is sqrt(2 - 2 cos).
        tolerance: the largest distance at which two faces are one person, until a calibration exists.
    """

    dimension: Annotated[int, Field(ge=2, le=4096)]
    metric: Literal["euclidean", "cosine"]
    tolerance: Positive
    input: Input
    alignment: Alignment

    @property
    def model_id(self) -> str:
        """Whatever changes an encoding changes the id."""
        return self.id_with(self.model_dump_json(exclude={"file", "tolerance"}).encode() + _PREPARATION)


Some = TypeVar("Some", bound=ModelDescriptor)


def read_descriptor(path: Path) -> Descriptor:
    """Read and check an encoder's descriptor.

    Raises:
        WrongUse: it cannot be read, says something that cannot be meant, or its model is not there.
    """
    return read_model(path, Descriptor, "BIOSENSE_ENCODER", "docs/encoders.md")


def read_model(path: Path, kind: type[Some], variable: str, told_in: str) -> Some:
    """Read and check a descriptor of some kind.

    Args:
        variable: that names it. told_in: where its format is told.

    Raises:
        WrongUse: as above.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        found = kind.model_validate(content, strict=False)
    except OSError as error:
        raise WrongUse(f"The descriptor {path} named by {variable} cannot be read ({error.strerror}).") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise WrongUse(f"The descriptor {path} is not TOML ({error}): see {told_in}.") from error
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors(include_url=False)
        )
        raise WrongUse(f"Correct the descriptor {path}: {faults}. {told_in} shows an example.") from error
    found = found.model_copy(update={"file": path.parent / found.file})
    if not found.file.is_file():
        raise WrongUse(f"The descriptor {path} names the model {found.file}, which is not there.")
    return found


@cache
def _digest(file: Path, changed: int, size: int) -> bytes:
    # Keyed by time and size, so that a model of hundreds of megabytes is read once and not for every question.
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").digest()
