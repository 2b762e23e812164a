"""The descriptor of an operator's own model that tells attacks: a short TOML file beside the ONNX file.

See ``docs/attacks.md`` for an example.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from biosense_pipeline.vision.descriptor import Input, ModelDescriptor, Positive, read_model

#: Changed with every change of how a face is prepared for such a model, or its numbers are read.
_PREPARATION = b"1"


class Output(BaseModel):
    """Which number of the graph's output tells an attack.

    Attributes:
        name: of the output, where the graph has several; empty: the first.
        index: of the number in it.
        values: ``logits`` and ``probabilities`` of classes become log-odds; a ``score`` counts as it is.
        attack: whether an attack makes the number high or low.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = ""
    index: Annotated[int, Field(ge=0, le=4095)]
    values: Literal["logits", "probabilities", "score"]
    attack: Literal["high", "low"]


class Stated(BaseModel):
    """What is known of the score before it is measured here, in its own units: log-odds, or as a score is.

    Attributes:
        mean, spread: over genuine webcam stills, turned so that attacks are high.
        separation: by how many of these spreads attacks of a species lie above genuine stills.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    mean: Annotated[float, Field(allow_inf_nan=False)]
    spread: Annotated[Positive, Field(allow_inf_nan=False)]
    separation: dict[Literal["print", "screen"], Annotated[Positive, Field(le=20)]]


class AttackDescriptor(ModelDescriptor):
    """A model that tells attacks.

    Attributes:
        crop: side of the square that it looks at, around the middle of the face's box, in widths of that box.
        stated: nothing: its scores are stored, and count once `biosense attacks train` has measured them.
    """

    crop: Annotated[float, Field(ge=0.5, le=5)]
    input: Input
    output: Output
    stated: Stated | None = None

    @property
    def model_id(self) -> str:
        """Whatever changes a score changes the id."""
        return self.id_with(self.model_dump_json(exclude={"file", "stated"}).encode() + _PREPARATION)


def read_attack_descriptor(path: Path) -> AttackDescriptor:
    """Read and check a descriptor.

    Raises:
        WrongUse: it cannot be read, says something that cannot be meant, or its model is not there.
    """
    return read_model(path, AttackDescriptor, "BIOSENSE_ATTACK_MODEL", "docs/attacks.md")
