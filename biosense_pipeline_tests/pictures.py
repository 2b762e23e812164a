"""Pictures as files may hold them: every mode, false headers, damage."""

import io
import struct
import zlib
from collections.abc import Callable
from itertools import pairwise

import numpy as np
from PIL import Image

_START_OF_SCAN = 0xDA


def saved(image: Image.Image, form: str, **options: object) -> bytes:
    """The picture as a file of that format."""
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def chunk(kind: bytes, body: bytes) -> bytes:
    """A well-formed chunk of a PNG."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_file(width: int, height: int, depth: int, colour: int, packed: bytes) -> bytes:
    """A PNG with that header and those compressed rows, whether they fit each other or not."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def deep_png(image: Image.Image) -> bytes:
    """An RGB picture as a PNG of 16 bits a channel, which Pillow reads but does not write."""
    levels = (np.asarray(image, dtype=np.uint16) * 257).astype(">u2")
    rows = b"".join(b"\0" + row.tobytes() for row in levels)
    return png_file(image.width, image.height, 16, 2, zlib.compress(rows))


def jpeg_claiming(data: bytes, width: int, height: int) -> bytes:
    """The baseline JPEG with another size in its header."""
    start = data.index(b"\xff\xc0")
    return data[: start + 5] + struct.pack(">HH", height, width) + data[start + 9 :]


def png_claiming(width: int, height: int) -> bytes:
    """A PNG with that size in its header and next to nothing behind it."""
    return png_file(width, height, 8, 2, zlib.compress(b"\0" * 100))


def damaged(data: bytes, rng: np.random.Generator) -> bytes:
    """The JPEG with one to three damages: bytes changed, cut off, inserted, lost or out of their order."""
    for damage in rng.choice(np.arange(len(_DAMAGES)), size=rng.integers(1, 4)):
        data = _DAMAGES[damage](data, rng)
    return data


def _change(data: bytes, rng: np.random.Generator) -> bytes:
    changed = bytearray(data)
    for position in rng.integers(0, len(data), size=rng.integers(1, 9)) if data else ():
        changed[position] ^= int(rng.integers(1, 256))
    return bytes(changed)


def _cut(data: bytes, rng: np.random.Generator) -> bytes:
    return data[: rng.integers(0, len(data) + 1)]


def _insert(data: bytes, rng: np.random.Generator) -> bytes:
    at = int(rng.integers(0, len(data) + 1))
    return data[:at] + rng.bytes(int(rng.integers(1, 200))) + data[at:]


def _lose(data: bytes, rng: np.random.Generator) -> bytes:
    at = int(rng.integers(0, len(data) + 1))
    return data[:at] + data[at + int(rng.integers(1, 200)) :]


def _swap_segments(data: bytes, rng: np.random.Generator) -> bytes:
    """Two of the segments before the scan, or else two runs of bytes, in each other's place."""
    ends = _segment_ends(data)
    if len(ends) > 2:
        pieces = [data[start:end] for start, end in pairwise(ends)]
        one, other = rng.choice(len(pieces), size=2, replace=False)
        pieces[one], pieces[other] = pieces[other], pieces[one]
        return data[: ends[0]] + b"".join(pieces) + data[ends[-1] :]
    first, second, third = sorted(int(at) for at in rng.integers(0, len(data) + 1, size=3))
    return data[:first] + data[second:third] + data[first:second] + data[third:]


def _segment_ends(data: bytes) -> list[int]:
    """Where the segments of a JPEG begin and end, from the first one up to its scan."""
    ends = [2]
    while (at := ends[-1]) + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != _START_OF_SCAN:
        ends.append(at + 2 + int(struct.unpack(">H", data[at + 2 : at + 4])[0]))
    return [end for end in ends if end <= len(data)]


_DAMAGES: list[Callable[[bytes, np.random.Generator], bytes]] = [_change, _cut, _insert, _lose, _swap_segments]
