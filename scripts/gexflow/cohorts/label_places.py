"""Labels on a crowded map: each stays near its place, and none covers another one."""

import numpy as np

_ROUNDS = 400


def spread_labels(places: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Move labels apart until no two boxes overlap, or as far as 400 rounds come.

    Parameters
    ----------
    places : float array (labels, 2)
        Where the labels should be, in shares of the map.
    sizes : float array (labels, 2)
        Widths and heights.

    Returns
    -------
    float array (labels, 2)
    """
    places = places.copy()
    for _ in range(_ROUNDS):
        moved = False
        for first in range(len(places)):
            for second in range(first + 1, len(places)):
                apart = places[second] - places[first]
                overlap = (sizes[first] + sizes[second]) / 2 - np.abs(apart)
                if (overlap <= 1e-9).any():
                    continue
                axis = 0 if overlap[0] < overlap[1] else 1
                step = np.zeros(2)
                step[axis] = overlap[axis] / 2 * (1 if apart[axis] >= 0 else -1)
                places[first] -= step
                places[second] += step
                moved = True
        places = np.clip(places, 0, 1)
        if not moved:
            break
    return places
