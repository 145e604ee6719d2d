"""Matrices of h5ad files, dense or sparse, filled into one dense array in blocks."""

from collections.abc import Iterator

import h5py
import numpy as np
import scipy.sparse

_BLOCK_VALUES = 4 << 20


class LayoutError(ValueError):
    """The file's own description of a matrix contradicts itself."""


def matrix_shape(node: h5py.Group | h5py.Dataset) -> tuple[int, int]:
    """Return the shape that a dense or sparse matrix states, (samples, genes)."""
    shape = node.shape if isinstance(node, h5py.Dataset) else node.attrs.get("shape", node.attrs.get("h5sparse_shape"))
    if shape is None or len(shape) != 2:
        raise LayoutError("it is no matrix of two dimensions")
    return int(shape[0]), int(shape[1])


def read_matrix_values(node: h5py.Group | h5py.Dataset) -> np.ndarray:
    """Read a dense, CSR or CSC matrix.

    Returns
    -------
    float32 array, (samples, genes), C-contiguous
        What a sparse matrix leaves out is 0. Values too large for single precision are infinite.

    Raises
    ------
    LayoutError
        It holds no real numbers, or its parts do not fit each other.
    """
    shape = matrix_shape(node)
    blocks = _dense_blocks(node) if isinstance(node, h5py.Dataset) else _sparse_blocks(node, shape)
    values = np.zeros(shape, np.float32)
    with np.errstate(over="ignore"):
        for rows, columns, block in blocks:
            values[rows, columns] = block
    return values


def _plain(node: object, what: str) -> h5py.Dataset:
    """Return a dataset of real numbers that lie in this file."""
    if not isinstance(node, h5py.Dataset) or node.dtype.kind not in "fiub":
        raise LayoutError(f"{what} holds no real numbers")
    if node.is_virtual or node.external:
        raise LayoutError(f"{what} refers to another file")
    return node


def _dense_blocks(node: h5py.Dataset) -> Iterator[tuple[slice, slice, np.ndarray]]:
    """Give blocks made of whole chunks, so that each is unpacked once."""
    node = _plain(node, "it")
    rows, columns = node.chunks or (1, max(1, node.shape[1]))
    columns *= max(1, min(-(-node.shape[1] // columns), _BLOCK_VALUES // (rows * columns)))
    rows *= max(1, _BLOCK_VALUES // (rows * columns))
    for top in range(0, node.shape[0], rows):
        for left in range(0, node.shape[1], columns):
            place = slice(top, top + rows), slice(left, left + columns)
            yield *place, node[place]


def _sparse_blocks(node: h5py.Group, shape: tuple[int, int]) -> Iterator[tuple[slice, slice, np.ndarray]]:
    encoding = str(node.attrs.get("encoding-type", node.attrs.get("h5sparse_format", "")))
    if not encoding.startswith(("csr", "csc")):
        raise LayoutError(f"it is stored as {encoding or 'something unknown'}, neither dense nor CSR nor CSC")
    by_rows = encoding.startswith("csr")
    long, wide = shape if by_rows else shape[::-1]
    data, indices, starts = (_plain(node.get(name), name) for name in ("data", "indices", "indptr"))
    if len(starts) != long + 1 or len(data) != len(indices):
        raise LayoutError("its parts are of lengths that do not fit")
    starts = starts[:].astype(np.int64)
    if starts[0] != 0 or starts[-1] != len(data) or (np.diff(starts) < 0).any():
        raise LayoutError("its indptr does not count its values")
    everything = slice(None)
    for first, last in _steps(starts, wide):
        block = _dense_part(data, indices, starts[first : last + 1], wide)
        yield (slice(first, last), everything, block) if by_rows else (everything, slice(first, last), block.T)


def _steps(starts: np.ndarray, wide: int) -> Iterator[tuple[int, int]]:
    step = max(1, _BLOCK_VALUES // max(1, wide))
    for first in range(0, len(starts) - 1, step):
        yield first, min(first + step, len(starts) - 1)


def _dense_part(data: h5py.Dataset, indices: h5py.Dataset, starts: np.ndarray, wide: int) -> np.ndarray:
    place = slice(int(starts[0]), int(starts[-1]))
    columns = indices[place].astype(np.int64)
    if len(columns) and (columns.min() < 0 or columns.max() >= wide):
        raise LayoutError("its indices lie outside of the matrix")
    content = data[place].astype(np.float32)
    # Repeated places are added up, as every library of sparse matrices does.
    return scipy.sparse.csr_matrix((content, columns, starts - starts[0]), shape=(len(starts) - 1, wide)).toarray()
