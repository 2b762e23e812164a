"""The words that settings choose from, apart from the settings themselves: workers need these and no more."""

from enum import StrEnum


class EngineName(StrEnum):
    """Which library detects and encodes faces."""

    DLIB = "dlib"
    ONNX = "onnx"
    FACE_RECOGNITION = "face_recognition"


class Detection(StrEnum):
    """How faces are searched for; ``vision.detector`` tells what each can miss."""

    ADAPTIVE = "adaptive"
    FULL = "full"
    REFERENCE = "reference"


class Approval(StrEnum):
    """Who approves a training image that passed its checks."""

    AUTO = "auto"
    TEAM_LEAD = "team_lead"


class Device(StrEnum):
    """What encodes faces."""

    CPU = "cpu"
    CUDA = "cuda"


class AccuracyScale(StrEnum):
    """How a distance becomes the percentage in ``stream_img.accuracy``."""

    AUTO = "auto"
    CALIBRATED = "calibrated"
    BANDS = "bands"
    FACE_RECOGNITION = "face_recognition"
