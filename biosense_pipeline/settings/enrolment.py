"""What a training image must be like, and who approves it."""

from pydantic import Field
from pydantic_settings import BaseSettings

from biosense_pipeline.choices import Approval


class EnrolmentSettings(BaseSettings):
    """What a training image must be like, and who approves it."""

    approval: Approval | None = Field(
        None,
        description="Who approves a training image that passed its checks. auto: nobody has to; team_lead: it waits at "
        "the desk. Default: auto on the embedded SQLite, team_lead on a database server, which is what production "
        "runs on: whom a benchmark shows, no check can tell.",
    )
    training_min_face_width: int = Field(
        80,
        ge=1,
        description="Pixels that the face in a training image must be wide: from there on the detector finds it at the "
        "picture's own size, and it is enlarged for the encoder by half at most.",
    )
    training_min_sharpness: float = Field(
        25.0,
        ge=0,
        allow_inf_nan=False,
        description="Least variance of the Laplacian of the aligned face in a training image. Measured for the "
        "design on the demo's: 288 to 2,006, 54 or more at 86 pixels under strong compression, and 6 to 24 where they "
        "are blurred so that their own stills lie 0.14 to 0.24 farther off.",
    )
    training_max_clipped: float = Field(
        0.25,
        ge=0,
        le=1,
        description="Largest share of a training image's face that may be black, and that may be white. Measured "
        "for the design on the demo's: 1 % at most; at a tenth of their light, where their own stills lie 0.1 to 0.4 "
        "farther off, over 30 % are black. Dark skin and a black beard in ordinary light must pass.",
    )
    training_max_nose_offset: float = Field(
        0.35,
        gt=0,
        allow_inf_nan=False,
        description="How far the base of the nose may lie from the middle between the eyes, in halves of their "
        "distance: a head turned by some 30 degrees. The demo's have 0.17 at most (measured for the design).",
    )
    training_max_roll: float = Field(
        25.0,
        gt=0,
        le=90,
        description="Degrees by which the line through the eyes may be tilted in a training image. Alignment levels "
        "them; beyond some 30 degrees faces and landmarks are no longer found reliably.",
    )
    requeue_hours: float = Field(
        720.0,
        ge=0,
        le=87_600,
        description="When a training image is approved, the agent's stills of this many hours that "
        "failed for want of one are processed again; older ones no longer matter to anybody.",
    )
