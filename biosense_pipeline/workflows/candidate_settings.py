"""A candidate in terms of settings: those in force, with what is to be tried changed."""

from pathlib import Path
from typing import Any

from biosense_pipeline.choices import Detection, EngineName
from biosense_pipeline.errors import WrongUse
from biosense_pipeline.settings import ENV_PREFIX, Settings


def candidate_settings(
    present: Settings,
    *,
    engine: EngineName | None = None,
    encoder: Path | None = None,
    detection: Detection | None = None,
    tolerance: float | None = None,
) -> Settings:
    """The settings of a candidate: those in force, with what is named changed.

    Args:
        encoder: descriptor of an own model; the engine is ``onnx`` then.
        tolerance: of all agents; a calibration in force is set aside for it. Another model without one named
            gets its own, whatever the present model's is.

    Raises:
        WrongUse: nothing is named, or nothing that is not in force already.
    """
    named: dict[str, Any] = {"engine": engine, "encoder": encoder, "detection": detection, "tolerance": tolerance}
    changes = {name: value for name, value in named.items() if value is not None}
    if not changes:
        raise WrongUse("Name what the candidate changes: engine, encoder, detection or tolerance.")
    if encoder is not None:
        changes.setdefault("engine", EngineName.ONNX)
    if tolerance is not None:
        changes["use_calibration"] = False
    candidate = present.model_copy(update=changes)
    if tolerance is None and (candidate.engine, candidate.encoder) != (present.engine, present.encoder):
        candidate = candidate.model_copy(update={"tolerance": Settings.model_fields["tolerance"].default})
        candidate.model_fields_set.discard("tolerance")  # so that an own model's descriptor may name it
    if candidate == present:
        raise WrongUse(f"All of this is in force already ({_named(changes)}): name something else to compare with.")
    return candidate


def changed_variables(present: Settings, candidate: Settings, *, calibrated: bool) -> dict[str, str]:
    """The variables in which the two differ, with the candidate's values: to set these is to bring it into force.

    Args:
        calibrated: the candidate's model has a calibration. Without one nobody need switch calibrations off,
            and would forget to switch them on again.
    """
    values = {name: getattr(candidate, name) for name in Settings.model_fields}
    if not calibrated:
        del values["use_calibration"]
    return {
        f"{ENV_PREFIX}{name.upper()}": str(value) for name, value in values.items() if value != getattr(present, name)
    }


def _named(changes: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in changes.items())
