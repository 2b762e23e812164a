"""Cuts a person out of a portrait before an even backdrop."""

import numpy as np

#: Deviations from the backdrop, in spreads, at which a pixel begins to be the person's and wholly is.
_BEGINS, _WHOLLY = 3.0, 7.0
_LEAST_SPREAD = 4.0
#: A backdrop less even than this is none.
_MOST_SPREAD = 14.0


def cut_out(pixels: np.ndarray, face: tuple[float, float, float]) -> tuple[np.ndarray, np.ndarray] | None:
    """The person's share of each pixel and his colours without the backdrop's.

    The backdrop is a polynomial of second degree over the picture, fitted to its upper and side margins; what is
    far from it and hangs together with the face is the person.

    Args:
        pixels: uint8 (height, width, 3). face: middle across and down, and width.

    Returns:
        uint8 (height, width), 255 where all is the person's, and uint8 (height, width, 3); None where the
        backdrop is not even or the cut fails.
    """
    from scipy import ndimage

    height, width = pixels.shape[:2]
    levels = pixels.astype(np.float32)
    down, across = np.mgrid[0:height, 0:width].astype(np.float32)
    down, across = down / height - 0.5, across / width - 0.5
    terms = np.stack([np.ones_like(down), down, across, down * across, down**2, across**2], axis=-1)
    margin = np.zeros((height, width), dtype=bool)
    margin[: max(2, height // 12)] = True
    margin[: height * 9 // 20, : max(2, width // 10)] = True
    margin[: height * 9 // 20, -max(2, width // 10) :] = True
    kept = margin
    for growth in range(6):
        used = 6 if growth > 1 else 3  # a slope first, then a curve
        fitted, *_ = np.linalg.lstsq(terms[kept][::3, :used], levels[kept][::3], rcond=None)
        off = np.linalg.norm(levels - terms[..., :used] @ fitted, axis=-1)
        spread = float(np.median(off[kept])) + 1e-3
        near = off < 4 * max(spread, _LEAST_SPREAD / 2)
        if growth < 2:
            kept = margin & near
        else:  # downwards from the margins, as far as the backdrop goes
            labels, _count = ndimage.label(ndimage.binary_opening(near))
            kept = near & np.isin(labels, np.unique(labels[margin & near])) & (labels > 0)
            if kept.sum() < 100:
                return None
    if (kept & margin).sum() < 0.5 * margin.sum() or spread > _MOST_SPREAD:
        return None
    share = np.clip((off / max(spread, _LEAST_SPREAD) - _BEGINS) / (_WHOLLY - _BEGINS), 0, 1)
    middle_x, middle_y, face_width = face
    labels, _count = ndimage.label(ndimage.binary_opening(share > 0.5, iterations=1))
    own = labels[int(np.clip(middle_y, 0, height - 1)), int(np.clip(middle_x, 0, width - 1))]
    if own == 0:
        return None
    whole = ndimage.binary_fill_holes(labels == own)
    # A person reaches to the picture's lower edge: what is enclosed by it and him is his.
    share = np.where(
        ndimage.binary_erosion(whole, iterations=2), 1.0, np.where(ndimage.binary_dilation(whole), share, 0)
    )
    share = ndimage.gaussian_filter(share.astype(np.float32), 0.6)
    y, x = np.mgrid[0:height, 0:width]
    inside = ((x - middle_x) / (0.34 * face_width)) ** 2 + ((y - middle_y) / (0.42 * face_width)) ** 2 < 1
    corners = share[: height // 6, : width // 6].mean() + share[: height // 6, -width // 6 :].mean()
    if share[inside].mean() < 0.97 or corners > 0.3 or share[-height // 8 :].mean() < 0.4:
        return None
    colours = (levels - (1 - share[..., None]) * (terms @ fitted)) / np.maximum(share[..., None], 0.2)
    return np.rint(255 * share).astype(np.uint8), np.clip(colours, 0, 255).astype(np.uint8)
