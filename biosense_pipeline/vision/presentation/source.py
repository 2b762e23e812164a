"""What encoded a picture, told by the header of its file: another camera, client or injected picture has another."""

import hashlib
import io

from PIL import Image, JpegImagePlugin

from biosense_pipeline.vision.decode import FORMATS

#: Segments that a client writes or does not; what stands in them may differ from still to still.
_MARKERS = ("jfif", "exif", "adobe", "icc_profile", "comment", "dpi", "gamma", "srgb", "interlace", "progressive")


def source_signature(data: bytes) -> str:
    """Format, size, sampling and a short hash of all else that the encoder chose; no pixel is decoded.

    Of a JPEG ``JPEG 640x480 2x2,1x1,1x1 9f2c64d08a11``: how often each component is sampled across and down, and a
    hash of the quantisation tables and of which optional segments there are. Of a PNG ``PNG 640x480 RGB`` with the
    mode and a hash of the segments.

    Args:
        data: a JPEG or PNG that was decoded before.

    Returns:
        64 characters at most.
    """
    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        width, height = image.size
        present = [name for name in _MARKERS if name in image.info]
        if isinstance(image, JpegImagePlugin.JpegImageFile):
            layout = ",".join(f"{across}x{down}" for _, across, down, _ in image.layer)
            chosen = repr((sorted(image.quantization.items()), present))
        else:
            layout, chosen = image.mode, repr(present)
        digest = hashlib.blake2b(chosen.encode(), digest_size=6).hexdigest()
        return f"{image.format} {width}x{height} {layout} {digest}"[:64]
