"""Arrays of a gigabyte: assembled, shortened and looked through without a second copy."""

import mmap
from collections.abc import Iterator

import numpy as np

_ROWS_BYTES = 32 << 20


def new_array(rows: int, columns: int) -> np.ndarray:
    """Return a C-contiguous float32 array of zeros, (rows, columns), whose untouched pages take no memory.

    It goes back to the system as soon as nobody holds it, which heap memory does not always do. Huge pages are
    declined: with them the first columns written would make all pages real.
    """
    size_bytes = max(4 * rows * columns, 1)
    memory = mmap.mmap(-1, size_bytes, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if hasattr(mmap, "MADV_NOHUGEPAGE"):
        memory.madvise(mmap.MADV_NOHUGEPAGE)
    return np.frombuffer(memory, dtype=np.float32, count=rows * columns).reshape(rows, columns)


def copied(values: np.ndarray) -> np.ndarray:
    """Copy a block into memory of its own, which goes back to the system with it."""
    block = new_array(*values.shape)
    block[:] = values
    return block


def join_columns(blocks: list[np.ndarray]) -> np.ndarray:
    """Put blocks (rows, some columns) side by side; the list is emptied on the way, so that one copy is held."""
    whole = new_array(len(blocks[0]), sum(block.shape[1] for block in blocks))
    first = 0
    blocks.reverse()
    while blocks:
        block = blocks.pop()
        whole[:, first : first + block.shape[1]] = block
        first += block.shape[1]
    return whole


def join_rows(blocks: list[np.ndarray]) -> np.ndarray:
    """Put blocks (some rows, columns) below each other; the list is emptied on the way."""
    whole = new_array(sum(len(block) for block in blocks), blocks[0].shape[1])
    first = 0
    blocks.reverse()
    while blocks:
        block = blocks.pop()
        whole[first : first + len(block)] = block
        first += len(block)
    return whole


def keep_rows(values: np.ndarray, keep: np.ndarray) -> np.ndarray:
    """Move the rows that stay to the front, in place, and return that front (C-contiguous)."""
    kept = np.flatnonzero(keep)
    for new, old in enumerate(kept):
        if new != old:
            values[new] = values[old]
    return values[: len(kept)]


def keep_columns(values: np.ndarray, keep: np.ndarray) -> np.ndarray:
    """Move the columns that stay together, in place, and return them (C-contiguous)."""
    count, flat = int(np.count_nonzero(keep)), values.reshape(-1)
    for row, line in enumerate(values):
        flat[row * count : (row + 1) * count] = line[keep]  # never overtakes the row that is read
    return flat[: len(values) * count].reshape(len(values), count)


def row_blocks(values: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """Give a large array by blocks of rows, so that what is computed of a block stays small."""
    step = max(1, _ROWS_BYTES // max(values.shape[1] * values.itemsize, 1))
    for first in range(0, len(values), step):
        rows = slice(first, min(first + step, len(values)))
        yield rows, values[rows]


def count_missing(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return how many values are missing in every row and in every column."""
    rows, columns = np.zeros(len(values), dtype=int), np.zeros(values.shape[1], dtype=int)
    for place, block in row_blocks(values):
        missing = np.isnan(block)
        rows[place] = missing.sum(axis=1)
        columns += missing.sum(axis=0)
    return rows, columns
