"""Reading of MATLAB 5 files: full real matrices, texts and cells of texts.

Format: "MAT-File Format", The MathWorks, chapter 1 (level 5). Every length is checked before it is used, because
`scipy.io.loadmat` takes the whole process down on some damaged files.
"""

import zlib
from collections.abc import Iterator
from math import prod
from typing import NamedTuple

import numpy as np

from gexflow.errors import shorten

_NUMBERS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_TEXTS = {1: "latin-1", 2: "latin-1", 4: "utf-16", 16: "utf-8", 17: "utf-16", 18: "utf-32"}
_MATRIX, _COMPRESSED = 14, 15
_CELL, _CHAR, _NUMERIC = 1, 4, range(6, 16)
_DEEPEST = 3

Value = np.ndarray | list


class MatError(ValueError):
    """Why a MATLAB file cannot be read, in words."""


class _Element(NamedTuple):
    kind: int
    data: memoryview


def read_mat5(content: bytes, names: tuple[str, ...]) -> dict[str, Value]:
    """Read variables of a MATLAB 5 file.

    Parameters
    ----------
    content : bytes
        The whole file.
    names : tuple of str
        Variables to read; others are passed over.

    Returns
    -------
    dict of str to value
        A numeric matrix is a 2-d array, a text a list of its rows, a cell array a list of its values (column by
        column). Variables that the file lacks are missing.

    Raises
    ------
    MatError
        The file is damaged, or of another version, or a variable is of another kind (sparse, complex, a struct).
    """
    order = {b"IM": "<", b"MI": ">"}.get(content[126:128])
    if order is None:
        raise MatError("it has no MATLAB 5 header")
    version = content[125] if order == "<" else content[124]
    if version != 1:
        raise MatError("it is of MATLAB version 7.3; save it again with `save -v7`")
    found: dict[str, Value] = {}
    for element in _elements(memoryview(content)[128:], order):
        if element.kind == _COMPRESSED:
            try:
                element = next(_elements(memoryview(zlib.decompress(element.data)), order), element)
            except zlib.error as error:
                raise MatError(f"a compressed part is damaged: {error}") from None
        if element.kind == _MATRIX:
            name = _name(element.data, order)
            if name in names:
                found[name] = _array(element.data, order)
    return found


def _elements(data: memoryview, order: str) -> Iterator[_Element]:
    """Give the data elements that lie one after the other in `data`."""
    start = 0
    while start + 8 <= len(data):
        first, size = (int(number) for number in np.frombuffer(data, f"{order}u4", 2, start))
        begin, kind = start + 8, first
        if first >> 16:  # a small element: kind, size and up to four bytes share eight bytes
            begin, kind, size = start + 4, first & 0xFFFF, first >> 16
            if size > 4:
                raise MatError("a length is impossible")
            start += 8
        else:
            start = begin + (size if kind == _COMPRESSED else -(-size // 8) * 8)
        if begin + size > len(data):
            raise MatError("it ends too early or a length is wrong")
        yield _Element(kind, data[begin : begin + size])


def _parts(data: memoryview, order: str) -> tuple[int, list[int], str, list[_Element]]:
    """Split a matrix into its class, dimensions, name and values."""
    parts = list(_elements(data, order))
    if len(parts) < 3:
        raise MatError("a variable is incomplete")
    flags, shape = _numbers(parts[0], order), _numbers(parts[1], order)
    if flags.size < 1 or shape.size < 2 or flags.dtype.kind == "f" or shape.dtype.kind == "f" or (shape < 0).any():
        raise MatError("a variable has impossible dimensions")
    if int(flags[0]) & 0x0800:
        raise MatError("a variable is complex")
    name = bytes(parts[2].data).decode("latin-1")
    return int(flags[0]) & 0xFF, [int(size) for size in shape], name, parts[3:]


def _name(data: memoryview, order: str) -> str:
    parts = [element for _, element in zip(range(3), _elements(data, order), strict=False)]
    return bytes(parts[2].data).decode("latin-1") if len(parts) == 3 else ""


def _array(data: memoryview, order: str, depth: int = 0) -> Value:
    if not len(data):
        return []
    kind, shape, name, values = _parts(data, order)
    size = prod(shape)
    if kind == _CELL and depth < _DEEPEST:
        if len(values) != size or any(value.kind != _MATRIX for value in values):
            raise MatError(f"{shorten(name)} has {len(values)} cells instead of {size}")
        return [_array(value.data, order, depth + 1) for value in values]
    if size == 0 and (kind == _CHAR or kind in _NUMERIC):
        return np.empty(shape) if kind in _NUMERIC else []
    if len(values) != 1:
        raise MatError(f"{shorten(name)} is no full matrix of numbers, text or cells")
    if kind == _CHAR:
        return _rows(values[0], shape, order)
    numbers = _numbers(values[0], order)
    if kind not in _NUMERIC or numbers.size != size:
        raise MatError(f"{shorten(name)} is no full matrix of numbers, text or cells")
    return numbers.reshape(shape, order="F")


def _numbers(element: _Element, order: str) -> np.ndarray:
    code = _NUMBERS.get(element.kind)
    if code is None or len(element.data) % int(code[1]):
        raise MatError("numbers are stored in an unknown way")
    return np.frombuffer(element.data, order + code)


def _rows(element: _Element, shape: list[int], order: str) -> list[str]:
    """Return the rows of a character matrix, which is stored column by column."""
    coding = _TEXTS.get(element.kind)
    if coding is None:
        raise MatError("a text is stored in an unknown way")
    if coding in ("utf-16", "utf-32"):
        coding += "-le" if order == "<" else "-be"
    try:
        text = bytes(element.data).decode(coding)
    except UnicodeDecodeError:
        raise MatError("a text is damaged") from None
    rows = shape[0]
    if len(text) % rows:
        raise MatError("a text is damaged")
    return [text[row::rows].rstrip() for row in range(rows)]
