"""An operator's own ONNX model that tells attacks from persons: a score for each face.

Whatever is wrong with it costs its own scores and no more.
"""

from typing import TYPE_CHECKING, Protocol

import numpy as np
from PIL import Image

from biosense_pipeline.choices import Device
from biosense_pipeline.errors import BiosenseError
from biosense_pipeline.vision.encoders import session
from biosense_pipeline.vision.faces import Box

if TYPE_CHECKING:
    from biosense_pipeline.vision.attack_descriptor import AttackDescriptor

#: Log-odds beyond are cut: a model that is sure of everything would have no spread to be judged by.
_MOST_LOG_ODDS = 9.0


class AttackModelUnusable(BiosenseError):
    """The model does not do what its descriptor says."""


class AttackScorer(Protocol):
    """Scores faces, higher for an attack; scores of different model ids never meet."""

    model_id: str

    def score(self, pixels: np.ndarray, box: Box) -> float:
        """Of a face in a picture, uint8 (height, width, 3), RGB.

        Raises:
            BiosenseError: there is none.
        """
        ...


class AttackModel:
    """Cuts out a face as the descriptor says and runs its model.

    Raises:
        AttackModelUnusable: the model gives something else than the descriptor says.
        EncoderUnusable, DeviceUnavailable: see :func:`biosense_pipeline.vision.encoders.session`.
    """

    def __init__(self, descriptor: "AttackDescriptor", device: Device = Device.CPU) -> None:
        self.model_id = descriptor.model_id
        self._descriptor = descriptor
        self._session = session(descriptor.file.read_bytes(), device)
        self._output = self._named_output()
        # A wrong size or index shows here and not in every still.
        self.score(np.full((64, 64, 3), 128, dtype=np.uint8), (16, 16, 48, 48))

    def score(self, pixels: np.ndarray, box: Box) -> float:
        """Of a face in a picture; where the square reaches beyond the picture its edge goes on."""
        wanted = self._descriptor.input
        part = _square(pixels, box, self._descriptor.crop).resize(
            (wanted.width, wanted.height), Image.Resampling.BILINEAR
        )
        given = np.ascontiguousarray(wanted.prepared(np.asarray(part))[None], dtype=np.float32)
        try:
            (name,) = (node.name for node in self._session.get_inputs())
            (found,) = self._session.run([self._output], {name: given})
        except Exception as error:  # onnxruntime raises a class of its own for each of its status codes
            raise self._unusable(
                f"does not take what its descriptor says ({str(error).splitlines()[0][:300]})"
            ) from error
        return self._told(np.asarray(found, dtype=np.float64).ravel())

    def _told(self, numbers: np.ndarray) -> float:
        wanted = self._descriptor.output
        if wanted.index >= len(numbers):
            raise self._unusable(
                f"gives {len(numbers)} numbers, and its descriptor names the one of index {wanted.index}"
            )
        if not np.isfinite(numbers).all():
            raise self._unusable("gives no number (NaN or infinity)")
        value = float(numbers[wanted.index])
        if wanted.values == "probabilities":
            if not -1e-3 <= value <= 1 + 1e-3:
                raise self._unusable(f"gives {value:.3g}, which is no probability: see `values` in its descriptor")
            value = float(np.log(max(value, 1e-9)) - np.log(max(1 - value, 1e-9)))
        elif wanted.values == "logits" and len(numbers) > 1:
            value -= float(np.logaddexp.reduce(np.delete(numbers, wanted.index)))
        if wanted.values != "score":
            value = float(np.clip(value, -_MOST_LOG_ODDS, _MOST_LOG_ODDS))
        return value if wanted.attack == "high" else -value

    def _named_output(self) -> str:
        names = [node.name for node in self._session.get_outputs()]
        wanted = self._descriptor.output.name
        if wanted and wanted not in names:
            raise self._unusable(f"has no output {wanted}, only {', '.join(names)}")
        return wanted or names[0]

    def _unusable(self, reason: str) -> AttackModelUnusable:
        return AttackModelUnusable(f"The model {self._descriptor.file} {reason}.")


class BrokenAttackModel:
    """Stands for a model that could not be loaded: recognition goes on, and each still says why it has no score."""

    model_id = "none"

    def __init__(self, reason: BiosenseError) -> None:
        self._reason = reason

    def score(self, pixels: np.ndarray, box: Box) -> float:
        """There is none."""
        raise self._reason


def _square(pixels: np.ndarray, box: Box, widths: float) -> Image.Image:
    """The square around a face."""
    left, top, right, bottom = box
    side = max(2, round(widths * max(right - left, bottom - top)))
    first = [round((low + high - side) / 2) for low, high in ((left, right), (top, bottom))]
    columns, rows = (
        np.clip(np.arange(begin, begin + side), 0, size - 1)
        for begin, size in zip(first, (pixels.shape[1], pixels.shape[0]), strict=True)
    )
    return Image.fromarray(np.ascontiguousarray(pixels[np.ix_(rows, columns)]))
