"""Drop columns and reorder rows of a large table within its own memory."""

import numpy as np


def drop_columns(values: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Return the kept columns of a table, in the memory of the table, which is lost.

    Parameters
    ----------
    values : array (rows, columns), whose rows, or else columns, stand side by side in memory
    kept : bool array (columns,)
    """
    columns = np.flatnonzero(kept)
    if values.flags.f_contiguous:
        for place, column in enumerate(columns):
            values[:, place] = values[:, column]
        return values[:, : len(columns)]
    flat, width = values.reshape(-1), len(columns)
    for row in range(len(values)):
        flat[row * width : (row + 1) * width] = values[row].take(columns)
    return flat[: len(values) * width].reshape(len(values), width)


def reorder_rows(values: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Move row i of a table to row `places[i]`, cycle by cycle, in the memory of the table.

    Parameters
    ----------
    values : array (rows, columns)
    places : int array (rows,), a permutation
    """
    waiting = places != np.arange(len(places))
    for start in np.flatnonzero(waiting):
        if not waiting[start]:
            continue
        carried, place = values[start].copy(), places[start]
        while True:
            values[place], carried = carried, values[place].copy()
            waiting[place] = False
            if place == start:
                break
            place = places[place]
    return values
