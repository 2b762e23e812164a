"""Hashes of a picture: of its bytes, of its pixels, and one that pictures which look alike nearly share."""

import hashlib
from functools import lru_cache

import numpy as np
from PIL import Image

#: Side of the grey picture that the perceptual hash is made of, and of the block of slow waves that it keeps.
_SIDE, _KEPT = 32, 8
#: Sums that the pixels are folded into before they are hashed.
_SUMS = 256


def byte_hash(data: bytes) -> bytes:
    """SHA-256 of the stored bytes: 32 bytes."""
    return hashlib.sha256(data).digest()


def pixel_hash(pixels: np.ndarray) -> bytes:
    """BLAKE2b of shape and pixels: 16 bytes, equal for the same pixels in another file.

    Over all pixels BLAKE2b alone would take 1.4 ms at 640x480, more than all else here. So they are folded first, by
    a multilinear hash (Carter and Wegman, 1979): eight bytes make a word, and each of 256 runs of words becomes the
    sum of its words, times odd constants, modulo 2^64. Pictures that differ by chance then differ in a sum; it takes
    intent to make two that do not, and nobody gains by passing for frozen.
    """
    stored = np.ascontiguousarray(pixels).reshape(-1)
    run = stored.size // (8 * _SUMS)
    folded = stored[: run * 8 * _SUMS].view("<u8").reshape(_SUMS, run)
    digest = hashlib.blake2b(repr(pixels.shape).encode(), digest_size=16)
    digest.update(np.einsum("ij,j->i", folded, _odd_constants(run)).astype("<u8").tobytes())
    digest.update(stored[run * 8 * _SUMS :].tobytes())
    return digest.digest()


@lru_cache(maxsize=8)
def _odd_constants(count: int) -> np.ndarray:
    """Odd numbers of 64 bits without a pattern, always the same (the mixing of SplitMix64; Steele et al., 2014)."""
    mixed = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    odd: np.ndarray = (mixed ^ (mixed >> np.uint64(31))) | np.uint64(1)
    return odd


def perceptual_hash(pixels: np.ndarray) -> int:
    """64 signs of the slowest waves of the grey picture, as an unsigned number (a DCT hash; Zauner, 2010).

    Bit ``8 * row + column``, counted from the highest, says whether the coefficient of that many half waves down and
    across exceeds the median of all; the mean of the picture, coefficient (0, 0), takes no part in the median.
    Pictures that are scaled, compressed anew or a little brighter differ in a few bits.

    Args:
        pixels: uint8 (height, width, 3), RGB.
    """
    waves = _WAVES @ _grey_thumbnail(pixels) @ _WAVES.T
    bits = waves.ravel() > np.median(waves.ravel()[1:])
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


def _grey_thumbnail(pixels: np.ndarray) -> np.ndarray:
    """The whole picture in grey levels at 32 by 32, float64, each a mean over what it covers.

    Green alone, which makes up most of the luminance, and of a large picture every few pixels, evenly spaced: each
    mean is still one of sixteen or more, and the picture is read once instead of three times.
    """
    height, width = pixels.shape[:2]
    step_down, step_across = max(1, height // (4 * _SIDE)), max(1, width // (4 * _SIDE))
    grey = Image.fromarray(np.ascontiguousarray(pixels[::step_down, ::step_across, 1]))
    return np.asarray(grey.resize((_SIDE, _SIDE), Image.Resampling.BOX), dtype=np.float64)


def _cosines() -> np.ndarray:
    """Rows of the discrete cosine transform of type II with ortho-normal rows: (8, 32)."""
    places = (np.arange(_SIDE) + 0.5) * np.pi / _SIDE
    rows: np.ndarray = np.cos(np.outer(np.arange(_KEPT), places)) * np.sqrt(2 / _SIDE)
    rows[0] /= np.sqrt(2)
    return rows


_WAVES = _cosines()
