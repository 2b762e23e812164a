"""Where the weights are.

They are looked up without importing ``face_recognition_models``: that module imports pkg_resources,
which newer setuptools no longer have.
"""

from importlib.util import find_spec
from pathlib import Path

from biosense_pipeline.errors import ModelFileMissing

#: Public domain, as dlib's author states at github.com/davisking/dlib-models.
LANDMARKS_5 = "shape_predictor_5_face_landmarks.dat"
MMOD = "mmod_human_face_detector.dat"
RESNET = "dlib_face_recognition_resnet_model_v1.dat"


def model_file(name: str, folder: Path | None = None) -> Path:
    """The path of a model file in ``folder``, or else in the package face_recognition_models.

    Raises:
        ModelFileMissing: it is not there.
    """
    if folder is None:
        spec = find_spec("face_recognition_models")
        if spec is None or not spec.submodule_search_locations:
            raise ModelFileMissing(
                f"The model file {name} is missing because face_recognition_models is not installed: "
                "run `make install`, or name a folder that holds the files in BIOSENSE_MODEL_DIR."
            )
        folder = Path(next(iter(spec.submodule_search_locations))) / "models"
    path = folder / name
    if not path.is_file():
        raise ModelFileMissing(
            f"The model file {path} is missing: reinstall face_recognition_models, or name the folder "
            "that holds it in BIOSENSE_MODEL_DIR."
        )
    return path
