"""A random webcam: what it does to whatever is before it, a face or a picture of one."""

import io
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image


@dataclass(frozen=True)
class Webcam:
    """One camera in one light.

    Attributes:
        defocus: standard deviation of its blur in pixels. motion: length of the motion blur, at most.
        balance: factors of red, green and blue. exposure: a factor. gamma, contrast, colour: 1 for none.
        sharpening: strength of the unsharp mask and its radius. noise: at a middle grey and a share in proportion
            to the signal. smoothed: whether the noise is low-passed as by a demosaicing or a noise filter.
        coarse: whether the camera's own picture has half the size and is enlarged.
        quality, chroma: of the JPEG (0 full, 2 quarter).
    """

    defocus: float
    motion: float
    balance: tuple[float, float, float]
    exposure: float
    gamma: float
    contrast: float
    colour: float
    sharpening: float
    radius: float
    noise: float
    smoothed: float
    coarse: bool
    quality: int
    chroma: int

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> "Webcam":
        """A camera at random."""
        warm, tint = rng.normal(0, 0.09), rng.normal(0, 0.03)
        return cls(
            defocus=float(abs(rng.normal(0.3, 0.5))),
            motion=float(rng.choice([0, 0, 1.5, 4.0])),
            balance=(float(np.exp(warm)), float(np.exp(tint)), float(np.exp(-warm))),
            exposure=float(np.exp(rng.normal(0, 0.22))),
            gamma=float(np.exp(rng.normal(0, 0.18))),
            contrast=float(np.exp(rng.normal(0, 0.15))),
            colour=float(np.exp(rng.normal(-0.1, 0.28))),
            sharpening=float(rng.choice([0, rng.uniform(0.2, 1.6)])),
            radius=float(rng.uniform(0.8, 2.0)),
            noise=float(rng.uniform(0.8, 6.5)),
            smoothed=float(rng.choice([0.0, 0.5, 0.8])),
            coarse=bool(rng.random() < 0.15),
            quality=int(rng.integers(50, 96)),
            chroma=int(rng.choice([0, 2, 2])),
        )

    def another_day(self, rng: np.random.Generator) -> "Webcam":
        """The same camera in another light, to which its own settings follow."""
        other = Webcam.drawn(rng)
        return replace(
            self,
            motion=other.motion,
            balance=other.balance,
            exposure=other.exposure,
            gamma=float(np.sqrt(self.gamma * other.gamma)),
            noise=float(np.sqrt(self.noise * other.noise)),
        )

    def still(self, scene: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """One still of a scene, float (height, width, 3) of 0-255: uint8 of the same shape, through a JPEG."""
        from scipy import ndimage

        levels: np.ndarray = np.asarray(scene, dtype=np.float32)
        if self.coarse:
            levels = levels.reshape(levels.shape[0] // 2, 2, levels.shape[1] // 2, 2, 3).mean(axis=(1, 3))
        if self.defocus > 0.25:
            levels = ndimage.gaussian_filter(levels, (self.defocus, self.defocus, 0), truncate=2.5)
        moved = self.motion * rng.random()
        if moved > 1:
            levels = ndimage.uniform_filter1d(levels, round(moved) + 1, axis=int(rng.integers(2)))
        levels = levels / 255 * np.array(self.balance, dtype=np.float32) * np.float32(self.exposure)
        levels = np.clip(levels, 0, 1.05) ** np.float32(self.gamma)
        grey = levels @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
        levels = grey[..., None] + (levels - grey[..., None]) * np.float32(self.colour)
        levels = (0.5 + (levels - 0.5) * np.float32(self.contrast)) * 255
        noise = rng.standard_normal(levels.shape, dtype=np.float32)
        if self.smoothed:
            noise = ndimage.gaussian_filter(noise, (self.smoothed, self.smoothed, 0), truncate=2.5) * np.float32(1.8)
        # Shot noise grows with the light, and the gamma makes it less where it is bright: about even in the end.
        levels += noise * np.float32(self.noise) * (1.2 - 0.4 * grey)[..., None]
        if self.sharpening:
            blurred = ndimage.gaussian_filter(levels, (self.radius, self.radius, 0), truncate=2.0)
            levels += np.float32(self.sharpening) * (levels - blurred)
        picture = Image.fromarray(np.clip(levels, 0, 255).astype(np.uint8))
        if self.coarse:
            picture = picture.resize((scene.shape[1], scene.shape[0]), Image.Resampling.BILINEAR)
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=self.quality, subsampling=self.chroma)
        buffer.seek(0)
        return np.asarray(Image.open(buffer))
