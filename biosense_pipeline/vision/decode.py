"""Stored bytes to pixels. Whatever is not a whole JPEG or PNG within the limits is refused with a reason."""

import io
import warnings
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

# Pillow warns of large pictures before our own limit, which is lower, refuses them.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
# Nor does nonsense in EXIF, of which there may be thousands, have to fill the log.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")

FORMATS = ("JPEG", "PNG")


class UnreadableImage(Exception):
    """The bytes cannot be taken for a picture; the text says why in a few words."""


@dataclass(frozen=True)
class ImageLimits:
    """Largest picture that is decoded: stored bytes, and pixels as the file's header tells them."""

    max_bytes: int
    max_pixels: int


def decode(data: bytes | None, limits: ImageLimits) -> np.ndarray:
    """Decode a JPEG or PNG.

    Returns:
        uint8 array (height, width, 3), RGB, upright as the EXIF orientation says.

    Raises:
        UnreadableImage: empty, too large, another format, truncated or broken.
    """
    if not data:
        raise UnreadableImage("the image is empty")
    if len(data) > limits.max_bytes:
        raise UnreadableImage(f"{len(data)} bytes, more than the limit of {limits.max_bytes}")
    # Importing face_recognition switches this on for the whole process, and a torn JPEG then passes as grey.
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            width, height = image.size
            if width * height > limits.max_pixels:
                raise UnreadableImage(f"{width}x{height} pixels, more than the limit of {limits.max_pixels}")
            image.load()
            ImageOps.exif_transpose(image, in_place=True)
            return np.asarray(_rgb(image))
    except UnreadableImage:
        raise
    except Image.DecompressionBombError as error:
        raise UnreadableImage(f"more than the limit of {limits.max_pixels} pixels") from error
    except UnidentifiedImageError as error:
        raise UnreadableImage("neither JPEG nor PNG") from error
    except MemoryError:
        raise
    # A broken file makes decoders fail in many ways (OSError, SyntaxError, struct.error, ValueError, ...).
    except Exception as error:
        raise UnreadableImage(f"broken or truncated ({error})") from error


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16 bits a pixel, which convert() would clip instead of scale
        levels = np.asarray(image, dtype=np.float64) / 257.0
        return Image.fromarray(np.clip(np.round(levels), 0, 255).astype(np.uint8)).convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")
