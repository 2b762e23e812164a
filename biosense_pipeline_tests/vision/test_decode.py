"""What counts as a picture, and what is refused with which reason."""

import io
import struct
import tracemalloc
import zlib
from collections.abc import Iterator
from functools import cache

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile

from biosense_pipeline.demo import frames
from biosense_pipeline.demo.frames import Person
from biosense_pipeline.vision.decode import ImageLimits, UnreadableImage, decode
from biosense_pipeline_tests.pictures import chunk, deep_png, jpeg_claiming, png_claiming, saved
from biosense_pipeline_tests.vision.conftest import LIMITS

SIZE = (160, 120)
_TRANSPOSED = 6  # EXIF: turn a quarter clockwise to see it upright

# Pillow warns of nonsense in EXIF, which some of these pictures hold on purpose.
pytestmark = pytest.mark.filterwarnings("ignore:Corrupt EXIF data", "ignore:Invalid APNG")


@pytest.fixture
def torn_pictures_allowed() -> Iterator[None]:
    """What importing face_recognition does to the whole process."""
    before = ImageFile.LOAD_TRUNCATED_IMAGES
    ImageFile.LOAD_TRUNCATED_IMAGES = True
    yield
    ImageFile.LOAD_TRUNCATED_IMAGES = before


@cache
def _face() -> Image.Image:
    return Image.open(io.BytesIO(frames.own_frame(Person.HOPPER, 1))).convert("RGB").resize(SIZE)


@cache
def _jpeg() -> bytes:
    return saved(_face(), "JPEG", quality=85)


@cache
def _png() -> bytes:
    return saved(_face(), "PNG")


def _likeness(one: np.ndarray, other: np.ndarray) -> float:
    """Mean difference of grey levels."""
    return float(np.abs(one.astype(float) - other.astype(float)).mean())


def test_png_comes_back_exactly() -> None:
    """A PNG decodes to the very pixels that were stored."""
    assert np.array_equal(decode(_png(), LIMITS), np.asarray(_face()))


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}, {"optimize": True}])
def test_jpeg_comes_back_alike(options: dict[str, object]) -> None:
    """A JPEG, progressive or not, decodes to a picture that looks like the stored one."""
    pixels = decode(saved(_face(), "JPEG", quality=95, **options), LIMITS)
    assert pixels.shape == (SIZE[1], SIZE[0], 3)
    assert pixels.dtype == np.uint8
    assert _likeness(pixels, np.asarray(_face())) < 4


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_greyscale_becomes_three_equal_channels(form: str) -> None:
    """A greyscale picture gets three equal channels."""
    grey = _face().convert("L")
    pixels = decode(saved(grey, form), LIMITS)
    assert pixels.shape == (SIZE[1], SIZE[0], 3)
    assert np.array_equal(pixels[..., 0], pixels[..., 1])
    assert np.array_equal(pixels[..., 0], pixels[..., 2])
    assert _likeness(pixels[..., 0], np.asarray(grey)) < 3


def test_cmyk_keeps_its_colours() -> None:
    """A CMYK JPEG comes out in its own colours, not inverted."""
    pixels = decode(saved(_face().convert("CMYK"), "JPEG", quality=95), LIMITS)
    assert _likeness(pixels, np.asarray(_face())) < 6


def test_sixteen_bits_are_scaled_not_clipped() -> None:
    """A PNG of 16 bits a pixel keeps its shades."""
    grey = np.asarray(_face().convert("L"))
    deep = saved(Image.fromarray(grey.astype(np.uint16) * 257), "PNG")
    assert struct.unpack(">B", deep[24:25]) == (16,)
    assert np.array_equal(decode(deep, LIMITS)[..., 0], grey)


def test_sixteen_bit_colour_png() -> None:
    """A colour PNG of 16 bits a channel decodes to 8 bits a channel."""
    deep = deep_png(_face())
    assert struct.unpack(">BB", deep[24:26]) == (16, 2)
    assert _likeness(decode(deep, LIMITS), np.asarray(_face())) < 1


@pytest.mark.parametrize("mode", ["P", "1", "LA", "RGBA"])
def test_other_modes_become_rgb(mode: str) -> None:
    """Palette, black-and-white and transparent PNGs become RGB."""
    pixels = decode(saved(_face().convert(mode), "PNG"), LIMITS)
    assert pixels.shape == (SIZE[1], SIZE[0], 3)
    assert pixels.dtype == np.uint8
    assert abs(float(pixels.mean()) - float(np.asarray(_face()).mean())) < 12


def test_palette_with_transparent_colour() -> None:
    """A palette PNG with a transparent entry keeps its colours."""
    palette = _face().quantize(32)
    assert _likeness(decode(saved(palette, "PNG", transparency=3), LIMITS), np.asarray(palette.convert("RGB"))) == 0


def test_exif_rotation_is_applied() -> None:
    """A picture that EXIF calls turned comes out upright."""
    exif = Image.Exif()
    exif[0x0112] = _TRANSPOSED
    lying = _face().transpose(Image.Transpose.ROTATE_90)
    pixels = decode(saved(lying, "JPEG", quality=95, exif=exif), LIMITS)
    assert pixels.shape == (SIZE[1], SIZE[0], 3)
    assert _likeness(pixels, np.asarray(_face())) < 4


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_smallest_picture(form: str) -> None:
    """A picture of one pixel is a picture."""
    pixels = decode(saved(Image.new("RGB", (1, 1), (255, 255, 255)), form), LIMITS)
    assert pixels.tolist() == [[[255, 255, 255]]]


def test_the_caps_themselves_are_allowed() -> None:
    """A picture exactly at both caps is decoded."""
    limits = ImageLimits(max_bytes=len(_jpeg()), max_pixels=SIZE[0] * SIZE[1])
    assert decode(_jpeg(), limits).shape == (SIZE[1], SIZE[0], 3)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (None, "empty"),
        (b"", "empty"),
        (b"\0", "neither JPEG nor PNG"),
        (b"\0" * 5000, "neither JPEG nor PNG"),
        (frames.not_an_image(7), "neither JPEG nor PNG"),
        (b"\xff\xd8\xff", "neither JPEG nor PNG|broken or truncated"),
        (b"\x89PNG\r\n\x1a\n", "neither JPEG nor PNG|broken or truncated"),
    ],
    ids=["none", "empty", "one-zero", "zeros", "html", "jpeg-magic", "png-magic"],
)
def test_what_is_no_picture_is_refused(data: bytes | None, reason: str) -> None:
    """Nothing, zeros, web pages and bare signatures are refused with the reason."""
    with pytest.raises(UnreadableImage, match=reason):
        decode(data, LIMITS)


@pytest.mark.parametrize("form", ["GIF", "BMP", "WEBP", "TIFF", "PPM", "ICO"])
def test_other_formats_are_refused(form: str) -> None:
    """A picture in another format is refused, however good it is."""
    with pytest.raises(UnreadableImage, match="neither JPEG nor PNG"):
        decode(saved(_face(), form), LIMITS)


@pytest.mark.parametrize("share", [0.02, 0.3, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_truncated_is_refused(form: str, share: float) -> None:
    """A picture whose upload broke off is refused wherever it broke off."""
    whole = _jpeg() if form == "JPEG" else _png()
    with pytest.raises(UnreadableImage, match=r"broken or truncated|neither JPEG nor PNG"):
        decode(whole[: int(len(whole) * share)], LIMITS)


@pytest.mark.usefixtures("torn_pictures_allowed")
@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_truncated_is_refused_though_the_process_allows_it(form: str) -> None:
    """Torn pictures are refused even after another library told Pillow to accept them."""
    whole = _jpeg() if form == "JPEG" else _png()
    with pytest.raises(UnreadableImage, match="broken or truncated"):
        decode(whole[: len(whole) // 2], LIMITS)


def test_the_demos_torn_frame_is_refused() -> None:
    """The demo's torn frame is refused, and its whole is not."""
    decode(frames.own_frame(Person.OBAMA, 3), LIMITS)
    with pytest.raises(UnreadableImage, match="broken or truncated"):
        decode(frames.truncated_frame(Person.OBAMA, 3), LIMITS)


def test_over_the_byte_cap() -> None:
    """One byte more than the cap is refused, with both numbers."""
    with pytest.raises(UnreadableImage, match=f"{len(_jpeg())} bytes, more than the limit of {len(_jpeg()) - 1}"):
        decode(_jpeg(), ImageLimits(len(_jpeg()) - 1, 12_000_000))


def test_over_the_pixel_cap() -> None:
    """One pixel more than the cap is refused, with the size."""
    with pytest.raises(UnreadableImage, match="160x120 pixels, more than the limit of 19199"):
        decode(_jpeg(), ImageLimits(8 * 2**20, SIZE[0] * SIZE[1] - 1))


def test_the_demos_oversized_frame_is_over_the_default_cap() -> None:
    """The demo's oversized frame is over the default cap of 12 megapixels."""
    with pytest.raises(UnreadableImage, match="4200x3000 pixels"):
        decode(frames.oversized_frame(), LIMITS)


@pytest.mark.parametrize(
    ("form", "width", "height"),
    [
        ("JPEG", 4_000, 4_000),
        ("JPEG", 20_000, 20_000),
        ("JPEG", 65_500, 65_500),
        ("PNG", 4_000, 4_000),
        ("PNG", 20_000, 20_000),
        ("PNG", 2**31 - 1, 2**31 - 1),
    ],
)
def test_a_bomb_is_refused_by_its_header(form: str, width: int, height: int) -> None:
    """A picture over the cap is refused by its header, without memory for its pixels."""
    data = jpeg_claiming(_jpeg(), width, height) if form == "JPEG" else png_claiming(width, height)
    tracemalloc.start()
    try:
        with pytest.raises(UnreadableImage, match="more than the limit of 12000000"):
            decode(data, LIMITS)
        assert tracemalloc.get_traced_memory()[1] < 5 * 2**20
    finally:
        tracemalloc.stop()


def test_a_text_bomb_is_refused() -> None:
    """A PNG whose compressed text would fill the memory is refused or passed over, not unpacked."""
    text = b"Comment\0\0" + zlib.compress(b"a" * 200_000_000)
    data = _png()
    bomb = data[:33] + chunk(b"zTXt", text) + data[33:]
    tracemalloc.start()
    try:
        with pytest.raises(UnreadableImage, match="broken or truncated"):
            decode(bomb, LIMITS)
        assert tracemalloc.get_traced_memory()[1] < 20 * 2**20
    finally:
        tracemalloc.stop()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    form=st.sampled_from(["JPEG", "PNG"]),
    changes=st.lists(st.tuples(st.integers(0, 100_000), st.integers(0, 255)), max_size=12),
    cut=st.none() | st.integers(0, 100_000),
    inserted=st.tuples(st.integers(0, 100_000), st.binary(max_size=40)),
)
def test_damage_never_raises_anything_else(
    form: str, changes: list[tuple[int, int]], cut: int | None, inserted: tuple[int, bytes]
) -> None:
    """However a picture is damaged, it is refused or decodes to uint8 (height, width, 3)."""
    data = bytearray(_jpeg() if form == "JPEG" else _png())
    for position, value in changes:
        data[position % len(data)] = value
    where = inserted[0] % len(data)
    data[where:where] = inserted[1]
    _refused_or_decoded(bytes(data if cut is None else data[: cut % (len(data) + 1)]))


@settings(max_examples=150, deadline=None)
@given(
    kind=st.sampled_from([b"IHDR", b"PLTE", b"tRNS", b"eXIf", b"iCCP", b"gAMA", b"acTL", b"fcTL", b"pHYs", b"iTXt"]),
    body=st.binary(max_size=60),
)
def test_odd_chunks_never_raise_anything_else(kind: bytes, body: bytes) -> None:
    """A PNG with a well-formed chunk of nonsense is refused or decoded."""
    _refused_or_decoded(_png()[:33] + chunk(kind, body) + _png()[33:])


@settings(max_examples=100, deadline=None)
@given(marker=st.integers(0xC0, 0xFE), body=st.binary(max_size=60))
def test_odd_segments_never_raise_anything_else(marker: int, body: bytes) -> None:
    """A JPEG with a well-formed segment of nonsense is refused or decoded."""
    segment = bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body
    _refused_or_decoded(_jpeg()[:2] + segment + _jpeg()[2:])


@settings(max_examples=100, deadline=None)
@given(body=st.binary(max_size=80))
def test_odd_exif_never_raises_anything_else(body: bytes) -> None:
    """A JPEG with nonsense for EXIF is refused or decoded."""
    for header in (b"", b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08"):
        exif = b"Exif\0\0" + header + body
        segment = b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif
        _refused_or_decoded(_jpeg()[:2] + segment + _jpeg()[2:])


def _refused_or_decoded(data: bytes) -> None:
    try:
        pixels = decode(data, ImageLimits(8 * 2**20, 4_000_000))
    except UnreadableImage:
        return
    assert pixels.dtype == np.uint8
    assert pixels.ndim == 3
    assert pixels.shape[2] == 3
