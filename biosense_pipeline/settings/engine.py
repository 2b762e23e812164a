"""What examines pictures, and how closely."""

import os
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings

from biosense_pipeline.choices import Detection, Device, EngineName


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class EngineSettings(BaseSettings):
    """What examines pictures, and how closely."""

    engine: EngineName = Field(
        EngineName.DLIB,
        description="dlib: 5-point alignment and dlib's ResNet, on public-domain weights. onnx: the same faces, "
        "encoded by your own model, which BIOSENSE_ENCODER names. face_recognition: the library itself, as the "
        "reference to compare with.",
    )
    encoder: Path | None = Field(
        None,
        description="Descriptor (TOML) of the model of engine onnx: file, input size, colour order, normalisation, "
        "alignment, dimension, metric and tolerance; docs/encoders.md tells the format.",
    )
    device: Device = Field(
        Device.CPU,
        description="What encodes: cpu, one thread a process; cuda, where onnxruntime-gpu and a GPU are there.",
    )
    detection: Detection = Field(
        Detection.ADAPTIVE,
        description="adaptive: HOG at half size, at the still's own size once a minute per agent and wherever the "
        "quick look does not show exactly the agent. full: always at its own size, enlarged only where that finds no "
        "face. reference: always enlarged, as face_recognition does; finds smaller faces and costs several times as "
        "much.",
    )
    model_dir: Path | None = Field(
        None,
        description="Folder with the .dat model files of the engine dlib. Default: those of face_recognition_models.",
    )
    workers: int = Field(
        default_factory=_cores,
        ge=0,
        le=256,
        description="Processes that decode and encode, and that judge agents where there are many; 0 works inside the "
        "calling process. Default: one per core this process may use, since dlib uses one core each.",
    )
