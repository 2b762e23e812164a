"""The encoder against dlib itself, its cache, and the device."""

import multiprocessing
from pathlib import Path

import dlib
import numpy as np
import platformdirs
import pytest
from PIL import Image, ImageEnhance

from biosense_pipeline.choices import Device
from biosense_pipeline.demo.frames import Person, training_picture
from biosense_pipeline.errors import ModelFileMissing
from biosense_pipeline.vision import model_cache
from biosense_pipeline.vision.decode import decode
from biosense_pipeline.vision.dlib_weights import read_resnet
from biosense_pipeline.vision.encoders import DeviceUnavailable, DlibEncoder, EncoderUnusable, session
from biosense_pipeline.vision.model_cache import cached
from biosense_pipeline.vision.model_files import LANDMARKS_5, RESNET, model_file
from biosense_pipeline_tests.vision.conftest import LIMITS

#: Portraits of many people, beside the checkout; not part of it.
PORTRAITS = Path(__file__).resolve().parents[3] / "shared" / "data" / "portraits"
CHIPS = 101


@pytest.fixture(scope="module")
def encoder() -> DlibEncoder:
    """The default encoder."""
    return DlibEncoder()


@pytest.mark.slow
def test_parity_with_dlib_on_many_people(encoder: DlibEncoder) -> None:
    """On chips of more than 100 people no component differs from dlib's own by more than 1e-5."""
    files = sorted(PORTRAITS.glob("*.jpg"))
    if len(files) < CHIPS:
        pytest.skip(f"the development data are not there: {PORTRAITS} has {len(files)} portraits")
    chips = _chips([np.asarray(Image.open(file).convert("RGB")) for file in files[: CHIPS + 20]])[:CHIPS]
    assert len(chips) == CHIPS
    _assert_parity(encoder, chips)


def test_parity_with_dlib_on_the_bundled_people(encoder: DlibEncoder) -> None:
    """On the bundled faces, in several lights, the encoder gives dlib's own encodings within 1e-5."""
    pictures = [Image.fromarray(decode(training_picture(person), LIMITS)) for person in Person]
    lights = [ImageEnhance.Brightness(picture).enhance(light) for picture in pictures for light in (0.4, 1.0, 1.6)]
    _assert_parity(encoder, _chips([np.asarray(picture) for picture in lights]))


def test_encodings_do_not_depend_on_the_batch(encoder: DlibEncoder) -> None:
    """A face has the same encoding alone, among others, and in a batch larger than is run at once."""
    chips = _chips([decode(training_picture(person), LIMITS) for person in Person]) * 9
    together = encoder.encode(chips)
    alone = np.concatenate([encoder.encode([chip]) for chip in chips[:4]])
    assert together.shape == (36, 128)
    assert np.abs(together[:4] - alone).max() < 1e-5
    assert np.abs(together[:4] - together[32:]).max() < 1e-5


def test_what_is_no_resnet_is_refused(tmp_path: Path) -> None:
    """Another model, a torn file and an empty one are told in one sentence that names the file."""
    whole = model_file(RESNET).read_bytes()
    for content in (b"", whole[:100_000], whole[: len(whole) - 50_000], model_file(LANDMARKS_5).read_bytes()):
        file = tmp_path / RESNET
        file.write_bytes(content)
        with pytest.raises(ModelFileMissing, match=rf"{RESNET} cannot be read .*BIOSENSE_MODEL_DIR\.$"):
            read_resnet(file)


def test_a_model_is_built_once(own_cache: Path, tmp_path: Path) -> None:
    """The first call builds, the next ones read; another source or version builds anew."""
    source, built = tmp_path / "source.dat", []

    def build() -> bytes:
        built.append(source.read_bytes())
        return b"graph of " + source.read_bytes()

    source.write_bytes(b"one")
    assert [cached(source, 1, build), cached(source, 1, build)] == [b"graph of one"] * 2
    assert built == [b"one"]
    source.write_bytes(b"two")
    assert cached(source, 1, build) == b"graph of two"
    cached(source, 2, build)
    assert built == [b"one", b"two", b"two"]
    assert {path.suffix for path in own_cache.iterdir()} == {".model"}


def test_a_damaged_cache_is_built_anew(own_cache: Path, tmp_path: Path) -> None:
    """A cached model that was cut or changed is not used."""
    source = tmp_path / "source.dat"
    source.write_bytes(b"one")
    cached(source, 1, lambda: b"graph")
    (file,) = own_cache.iterdir()
    for damaged in (b"", file.read_bytes()[:-1], file.read_bytes() + b"x"):
        file.write_bytes(damaged)
        assert cached(source, 1, lambda: b"graph") == b"graph"
        assert file.read_bytes() != damaged


def test_a_cache_that_cannot_be_written(own_cache: Path, tmp_path: Path) -> None:
    """Where the cache folder cannot be made, the model is built and used all the same."""
    source = tmp_path / "source.dat"
    source.write_bytes(b"one")
    own_cache.write_text("a file where the folder should be")
    assert cached(source, 1, lambda: b"graph") == b"graph"


@pytest.mark.slow
def test_processes_that_start_at_once(own_cache: Path, tmp_path: Path) -> None:
    """Several processes that find no cache each get the whole model, and one whole file stays."""
    source = tmp_path / "source.dat"
    source.write_bytes(b"one")
    # Not forked: a process with threads, as tests that ran before leave them, would hand on locks that nobody opens.
    with multiprocessing.get_context("spawn").Pool(6, _keep_in, (own_cache,)) as pool:
        models = pool.starmap(_build_slowly, [(source,)] * 6)
    assert set(models) == {b"graph" * 100_000}
    (file,) = own_cache.iterdir()
    assert model_cache._checked(file.read_bytes()) == b"graph" * 100_000


def test_no_cuda_is_told(encoder: DlibEncoder) -> None:
    """Where onnxruntime has no CUDA, asking for it ends in a sentence that says what to do."""
    import onnxruntime

    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this onnxruntime has CUDA")
    with pytest.raises(DeviceUnavailable, match=r"^BIOSENSE_DEVICE is cuda, .*BIOSENSE_DEVICE=cpu\.$"):
        DlibEncoder(Device.CUDA)


def test_bytes_that_are_no_model() -> None:
    """What onnxruntime cannot load is told in a sentence."""
    with pytest.raises(EncoderUnusable, match=r"^onnxruntime cannot load the model \(.*\)\.$"):
        session(b"no graph", Device.CPU)


@pytest.fixture
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty cache folder, not made yet."""
    folder = tmp_path / "cache"
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda name: folder)
    return folder


def _keep_in(folder: Path) -> None:
    platformdirs.user_cache_path = lambda name: folder  # type: ignore[assignment,misc]


def _build_slowly(source: Path) -> bytes:
    return cached(source, 1, lambda: b"graph" * 100_000)


def _assert_parity(encoder: DlibEncoder, chips: list[np.ndarray]) -> None:
    network = dlib.face_recognition_model_v1(str(model_file(RESNET)))
    expected = np.array([network.compute_face_descriptor(chip) for chip in chips])
    assert np.abs(encoder.encode(chips) - expected).max() <= 1e-5


def _chips(pictures: list[np.ndarray]) -> list[np.ndarray]:
    detect, predict = dlib.get_frontal_face_detector(), dlib.shape_predictor(str(model_file(LANDMARKS_5)))
    return [
        dlib.get_face_chip(pixels, predict(pixels, box), 150, 0.25) for pixels in pictures for box in detect(pixels)[:1]
    ]
