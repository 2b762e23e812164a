"""Stored pictures as the desk shows them: decoded under the pipeline's limits and made anew, never passed through."""

import io
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

from biosense_pipeline.vision.decode import ImageLimits, UnreadableImage, decode
from biosense_pipeline.vision.faces import Box

#: Pixels that either side of a shown picture has at most.
LARGEST_SIDE = 4096
_QUALITY = 85
#: Pillow's numbers for 4:4:4 and 4:2:0.
_FULL_COLOUR, _HALF_COLOUR = 0, 2
_INNER, _OUTER = "#ffd400", "#101010"


def as_shown(data: bytes | None, limits: ImageLimits, boxes: Sequence[Box] = (), width: int | None = None) -> bytes:
    """The picture as a JPEG without metadata, or a grey one that says it cannot be read.

    Args:
        boxes: drawn where faces were found, in pixels of the stored picture.
        width: scale down to this many pixels, never up.
    """
    try:
        picture = Image.fromarray(decode(data, limits))
    except UnreadableImage:
        return _placeholder(width)
    full = picture.width
    picture.thumbnail((min(width or LARGEST_SIDE, LARGEST_SIDE), LARGEST_SIDE), Image.Resampling.BICUBIC)
    scale = picture.width / full
    for box in boxes:
        _draw(picture, [round(edge * scale) for edge in box])
    # Thin coloured lines need the colours of every pixel.
    return _jpeg(picture, subsampling=_FULL_COLOUR if boxes else _HALF_COLOUR)


def _draw(picture: Image.Image, box: list[int]) -> None:
    """A light line within a dark one, to be seen on any picture."""
    left, top, right, bottom = box
    if right <= left or bottom <= top:
        return
    line = max(2, round(picture.width / 250))
    canvas = ImageDraw.Draw(picture)
    canvas.rectangle((left - line, top - line, right + line, bottom + line), outline=_OUTER, width=3 * line)
    canvas.rectangle((left, top, right, bottom), outline=_INNER, width=line)


def _placeholder(width: int | None) -> bytes:
    size = min(width or 320, 320)
    picture = Image.new("RGB", (size, size * 3 // 4), "#8a8f94")
    font = ImageFont.load_default(max(9, size // 14))
    centre = (size / 2, size * 3 / 8)
    text = "This picture\ncannot be read"
    ImageDraw.Draw(picture).multiline_text(centre, text, "#000", font, "mm", align="center")
    return _jpeg(picture)


def _jpeg(picture: Image.Image, subsampling: int = _HALF_COLOUR) -> bytes:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=_QUALITY, subsampling=subsampling)
    return file.getvalue()
