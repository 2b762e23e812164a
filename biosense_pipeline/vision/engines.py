"""Which engines there are, and how each process makes its own."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from biosense_pipeline.choices import Detection, Device, EngineName
from biosense_pipeline.errors import BiosenseError, WrongUse
from biosense_pipeline.vision.attack_model import AttackModel, AttackScorer, BrokenAttackModel
from biosense_pipeline.vision.decode import ImageLimits
from biosense_pipeline.vision.detector import HogDetector
from biosense_pipeline.vision.encoders import DlibEncoder
from biosense_pipeline.vision.engine import Engine
from biosense_pipeline.vision.faces import FaceEngine
from biosense_pipeline.vision.reference_engine import ReferenceEngine

if TYPE_CHECKING:
    from biosense_pipeline.vision.descriptor import Descriptor


@dataclass(frozen=True)
class EngineSpec:
    """How to make an engine; small and picklable, so that each worker makes its own.

    Attributes:
        limits: the largest pictures decoded.
        detection: see :class:`HogDetector`; the engine face_recognition has a way of its own.
        descriptor: file that describes the model of the engine ``onnx``.
        model_dir: folder with the weights of the engine ``dlib``.
        attack_model: file that describes the operator's own model that tells attacks, if there is one.
    """

    name: EngineName
    limits: ImageLimits
    detection: Detection = Detection.FULL
    descriptor: Path | None = None
    device: Device = Device.CPU
    model_dir: Path | None = None
    attack_model: Path | None = None

    @property
    def model_id(self) -> str:
        """The id under which this engine's encodings are stored; no model is loaded for it.

        Raises:
            WrongUse: the engine ``onnx`` has no descriptor, or a faulty one.
        """
        if self.name is EngineName.FACE_RECOGNITION:
            return ReferenceEngine.model_id
        return self.own().model_id if self.name is EngineName.ONNX else DlibEncoder.model_id

    def make(self) -> FaceEngine:
        """Load the models.

        Raises:
            ModelFileMissing: the weights are not there.
            EncoderUnusable, DeviceUnavailable, WrongUse: the operator's own model or the device cannot be used.
        """
        if self.name is EngineName.FACE_RECOGNITION:
            return ReferenceEngine()
        detector = HogDetector(self.detection, self.model_dir)
        if self.name is EngineName.ONNX:
            from biosense_pipeline.vision.own_encoder import OwnEncoder

            return Engine(detector, OwnEncoder(self.own(), self.device))
        return Engine(detector, DlibEncoder(self.device, self.model_dir))

    def make_attack_model(self) -> AttackScorer | None:
        """Load the operator's own model that tells attacks; one that cannot be used scores nothing and says why."""
        if self.attack_model is None:
            return None
        from biosense_pipeline.vision.attack_descriptor import read_attack_descriptor

        try:
            return AttackModel(read_attack_descriptor(self.attack_model), self.device)
        except BiosenseError as error:
            return BrokenAttackModel(error)

    def own(self) -> "Descriptor":
        """The descriptor of the engine ``onnx``.

        Raises:
            WrongUse: there is none, or a faulty one.
        """
        if self.descriptor is None:
            raise WrongUse("BIOSENSE_ENGINE is onnx: name the model's descriptor in BIOSENSE_ENCODER.")
        # Here and not above: pydantic takes as long to import as the models to load, in every worker.
        from biosense_pipeline.vision.descriptor import read_descriptor

        return read_descriptor(self.descriptor)
