"""Points of the plane onto the pixels of a rectangle, each on one of its own, neighbours close to each other."""

import numpy as np


def split_to_pixels(points: np.ndarray, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Halve a rectangle across its longer side until its parts are pixels, and share the points out each time.

    Each half gets its share of the points by the pixels that it has, those with the smaller coordinates the first half:
    a k-d tree over points and pixels at once. All parts of one depth are halved together, in O(n log n), and there are
    about log2(pixels) depths.

    Parameters
    ----------
    points : float array (points, 2)
        Coordinates along rows and columns; points at one place keep their order. At most height x width points.
    height, width : int

    Returns
    -------
    row, column : int arrays (points,)
        No pixel twice.
    """
    part = np.zeros(len(points), dtype=np.int64)  # of each point; what follows is of each part
    top, left = np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int64)
    high, wide = np.array([height]), np.array([width])
    while (high * wide).max(initial=0) > 1:
        tall, count, pixels = high >= wide, np.bincount(part, minlength=len(high)), high * wide
        # a part of one pixel has an empty first half, and stays as it is
        half = np.where(tall, high, wide) // 2
        first_pixels = half * np.where(tall, wide, high)
        share = (2 * count * first_pixels + pixels) // (2 * pixels)
        share = np.clip(share, count - (pixels - first_pixels), first_pixels)
        second = _rank_within(part, np.where(tall[part], points[:, 0], points[:, 1]), count) >= share[part]
        halves, part = np.unique(2 * part + second, return_inverse=True)
        parent, later = halves // 2, halves % 2 == 1
        tall, half = tall[parent], half[parent]
        top, left, high, wide = top[parent], left[parent], high[parent], wide[parent]
        top, left = top + np.where(later & tall, half, 0), left + np.where(later & ~tall, half, 0)
        high = np.where(tall, np.where(later, high - half, half), high)
        wide = np.where(tall, wide, np.where(later, wide - half, half))
    return top[part], left[part]


def _rank_within(part: np.ndarray, key: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Return each point's rank by `key` among the points of its part."""
    order = np.lexsort((key, part))
    rank = np.empty_like(part)
    rank[order] = np.arange(len(part))
    return rank - (np.cumsum(count) - count)[part]
