"""How stills are claimed, read and written."""

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings

from biosense_pipeline.settings.environment import ENV_PREFIX


class ProcessingSettings(BaseSettings):
    """How stills are claimed, read and written."""

    max_image_bytes: int = Field(
        8 * 2**20, ge=1024, description="Larger images are refused unread: 8 MiB holds any webcam still."
    )
    max_image_megapixels: float = Field(
        # Pillow itself refuses 179 megapixels and more.
        12.0,
        gt=0,
        le=178,
        description="Images with more pixels are refused before they are decoded.",
    )
    claim_size: int = Field(
        200, ge=1, le=5000, description="Stills claimed in one short transaction and held under one lease."
    )
    commit_size: int = Field(50, ge=1, le=5000, description="Results written in one transaction.")
    commit_seconds: float = Field(
        1.0, gt=0, le=60, description="Longest time a finished result waits for others before it is written."
    )
    lease_seconds: float = Field(
        60.0,
        gt=0,
        le=86_400,
        description="How long a claim outlives its process. Claims are renewed while work goes on, so "
        "this is the wait after a crash, not the limit of a batch.",
    )
    image_timeout_seconds: float = Field(
        20.0,
        gt=0,
        description="A picture that keeps a worker longer is given up and the worker replaced. A third "
        "of the lease at most, so that a slow picture in a worker process never lets the lease lapse.",
    )
    max_attempts: int = Field(3, ge=1, le=100, description="Attempts after which a still fails with PROCESSING_ERROR.")
    idle_seconds: float = Field(
        20.0, ge=0, le=86_400, description="A run of the current hour ends after this long without a new still."
    )
    follow_seconds: float = Field(
        600.0,
        ge=0,
        le=86_400,
        description="Longest time a run of the current hour goes on taking new stills. The start of a "
        "run costs seconds; following pays it once in ten minutes instead of once a still.",
    )

    @model_validator(mode="after")
    def _timeout_within_lease(self) -> "ProcessingSettings":
        if self.image_timeout_seconds > self.lease_seconds / 3 + 1e-9:
            raise ValueError(
                f"{ENV_PREFIX}IMAGE_TIMEOUT_SECONDS may be a third of {ENV_PREFIX}LEASE_SECONDS at most, or a slow "
                "picture lets the lease lapse"
            )
        return self
