"""A block of lines of a text table becomes numbers: fast where cells are plain, through a CSV parser where not."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from itertools import compress

import numpy as np
import pyarrow as pa
import pyarrow.csv

from gexflow.cohorts.bad_cell import MISSING
from gexflow.cohorts.text_file import decode, unquote
from gexflow.cohorts.text_header import Header

_NEWLINE = 10


@dataclass(frozen=True)
class Columns:
    """Which columns of a text table are read, and as what.

    Attributes
    ----------
    header : Header
    texts : tuple of int
        Positions of the columns that are read as text.
    numeric : bool array (columns,)
        Columns that are read as numbers.
    """

    header: Header
    texts: tuple[int, ...]
    numeric: np.ndarray

    @classmethod
    def named(cls, header: Header, texts: list[str], ignore: Collection[str]) -> "Columns":
        """Take columns by name; those without one, behind all others, are texts, and what is left are numbers."""
        others = {*texts, *ignore}
        numeric = np.array([name not in others for name in header.names] + [False] * header.unnamed)
        unnamed = range(len(header.names), header.width)
        return cls(header, (*(header.names.index(name) for name in texts), *unnamed), numeric)

    @cached_property
    def numeric_names(self) -> list[str]:
        """Names of the columns of numbers."""
        return [self.header.names[position] for position in np.flatnonzero(self.numeric)]


@dataclass
class Rows:
    """What a block holds: `texts` (one list per text column) and `values`, float32 (rows, numeric columns).

    `blank` counts the rows that were left out because no cell of them holds anything.
    """

    texts: list[list[str]]
    values: np.ndarray
    blank: int = 0


def parse_block(block: bytes, columns: Columns) -> Rows:
    """Parse whole lines.

    Both ways convert numbers with the same routine of Arrow, so that they agree to the last bit; the fast one gives up
    on whatever it is not sure of.

    Raises
    ------
    pyarrow.ArrowException
        A row has another number of cells, or a cell is no number.
    """
    if b"\r" in block:  # one letter is found far faster than two
        block = block.replace(b"\r\n", b"\n")
    rows = _parse_plain(block if block.endswith(b"\n") else block + b"\n", columns)
    return _parse_csv(block, columns) if rows is None else rows


def without_blank_rows(rows: Rows) -> Rows:
    """Leave out rows without anything in a cell, as spreadsheets write them below a table; the first text is the id."""
    if "" not in rows.texts[0]:
        return rows
    blank = np.array([not any(cells) for cells in zip(*rows.texts, strict=True)], dtype=bool)
    blank[blank] = np.isnan(rows.values[blank]).all(axis=1)
    keep = ~blank
    return Rows([list(compress(column, keep)) for column in rows.texts], rows.values[keep], int(blank.sum()))


def _parse_plain(block: bytes, columns: Columns) -> Rows | None:
    """Parse cells that no quote, blank or empty line disturbs; None if there may be others.

    Arrow sees the block as strings, cells and separators in turn, the separators marked as missing: no byte is copied.
    """
    width = columns.header.width
    ends = _cell_ends(block, columns.header.delimiter, width)
    if ends is None or len(block) >= 1 << 31:
        return None
    offsets = np.empty(2 * len(ends) + 1, dtype=np.int32)
    offsets[0], offsets[1::2], offsets[2::2] = 0, ends, ends + 1
    starts = offsets[:-1:2]
    wanted = _filled(np.frombuffer(block, np.uint8), starts, offsets[1::2] - starts).reshape(-1, width)
    wanted &= columns.numeric
    valid = np.zeros((len(ends), 2), dtype=bool)
    valid[:, 0] = wanted.ravel()
    buffers = [pa.py_buffer(buffer) for buffer in (offsets, block, np.packbits(valid, bitorder="little"))]
    cells = pa.StringArray.from_buffers(2 * len(ends), *buffers)
    try:
        numbers = cells.cast(pa.float32())
    except pa.ArrowException:
        return None
    values = np.frombuffer(numbers.buffers()[1], np.float32)[: 2 * len(ends) : 2].reshape(-1, width)
    values = np.where(wanted, values, np.float32(np.nan))
    texts = [_plain_texts(block, offsets, width, position) for position in columns.texts]
    return Rows(texts, values if columns.numeric.all() else values[:, columns.numeric])


def _cell_ends(block: bytes, delimiter: str, width: int) -> np.ndarray | None:
    """Return where cells end; None unless every line has exactly `width` of them."""
    letters = np.frombuffer(block, np.uint8)
    code = ord(delimiter)
    # a tab, a line break, and control characters that the check below refuses
    ends = np.flatnonzero(letters <= _NEWLINE if code < _NEWLINE else (letters == code) | (letters == _NEWLINE))
    if len(ends) % width:
        return None
    found = letters[ends].reshape(-1, width)
    regular = (found[:, :-1] == code).all() and (found[:, -1] == _NEWLINE).all()
    return ends if regular else None


def _filled(letters: np.ndarray, starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Return a bool a cell: neither empty nor NA. Other words for a missing value are left to the parsers."""
    missing = (letters[starts] == ord("N")) & (lengths == 2)
    missing[missing] = letters[starts[missing] + 1] == ord("A")
    return (lengths > 0) & ~missing


def _plain_texts(block: bytes, offsets: np.ndarray, width: int, position: int) -> list[str]:
    starts, ends = offsets[2 * position :: 2 * width], offsets[2 * position + 1 :: 2 * width]
    return [unquote(decode(block[start:end])) for start, end in zip(starts, ends, strict=False)]


def _parse_csv(block: bytes, columns: Columns) -> Rows:
    positions = np.flatnonzero(columns.numeric).tolist()
    if block.isspace():
        return Rows([[] for _ in columns.texts], np.empty((0, len(positions)), dtype=np.float32))
    # columns go by their numbers: names may repeat
    numbers, texts = [str(position) for position in positions], [str(position) for position in columns.texts]
    types = dict.fromkeys(numbers, pa.float32()) | dict.fromkeys(texts, pa.binary())
    table = pyarrow.csv.read_csv(
        pa.BufferReader(block),
        pyarrow.csv.ReadOptions(
            column_names=[str(position) for position in range(columns.header.width)],
            block_size=len(block) + 1,
            use_threads=False,
        ),
        pyarrow.csv.ParseOptions(delimiter=columns.header.delimiter),
        pyarrow.csv.ConvertOptions(column_types=types, include_columns=list(types), null_values=sorted(MISSING)),
    )
    values = np.empty((table.num_rows, len(numbers)), dtype=np.float32)
    for index in range(len(numbers)):
        values[:, index] = table.column(index).to_numpy()
    cells = [table.column(index).to_pylist() for index in range(len(numbers), len(types))]
    delimiter, others = columns.header.delimiter.encode(), columns.header.width - 1
    if any(cell and b"\n" in cell and cell.count(delimiter) >= others for column in cells for cell in column):
        raise pa.ArrowInvalid("a cell holds a row")  # of a stray quote that another one closes, rows below
    return Rows([[decode(cell or b"").strip() for cell in column] for column in cells], values)
