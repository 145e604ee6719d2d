"""Reading of a large tab- or comma-separated table of numbers, row ids x columns, in a stream."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa

from gexflow.cohorts.bad_cell import explain_failure
from gexflow.cohorts.big_arrays import copied, join_columns, join_rows
from gexflow.cohorts.block_parser import Columns, Rows, parse_block
from gexflow.cohorts.line_blocks import LineTooLongError, line_blocks
from gexflow.cohorts.text_file import Packed, open_text
from gexflow.cohorts.text_header import Header, check_unique, parse_header, refuse_infinite
from gexflow.errors import InputError, shorten

_THREADS = 2  # as the rule read_cohort asks for


@dataclass
class TextTable:
    """Numbers of a text table.

    Attributes
    ----------
    ids : list of str
        Row ids, unique.
    columns : list of str
        Names of the numeric columns, unique.
    values : float32 array, (ids, columns)
        Missing values are NaN. Either it or its transpose is C-contiguous: that one whose rows are samples.
    text : dict of str to list of str
        Columns that were asked for as text.
    """

    ids: list[str]
    columns: list[str]
    values: np.ndarray
    text: dict[str, list[str]]


@dataclass(frozen=True)
class Layout:
    """How a table is to be read.

    Attributes
    ----------
    samples_in_rows : bool
        What becomes contiguous in memory: the rows, or (False) the columns.
    text, ignore : tuple of str
        Columns read as text; columns left unread.
    id_column : str or None
        Column of row ids, the first one by default.
    remedy : callable or None
        Says what to do about a column (its name is given) with a cell that is no number.
    unique : bool
        Whether a repeated row id is refused.
    if_empty : str
        What to do about a table without rows.
    skip_lines : int
        Lines below the header that are no rows.
    """

    samples_in_rows: bool = False
    text: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    id_column: str | None = None
    remedy: Callable[[str], str] | None = None
    unique: bool = True
    if_empty: str = "export or fetch it again"
    skip_lines: int = 0


DEFAULT = Layout()


def read_header(path: str | Path | Packed) -> Header:
    """Read the column names of a text table and find out its delimiter."""
    with open_text(path) as file:
        return _take_header(_guarded(line_blocks(file, size_bytes=1 << 20), path), path)[0]


def read_ids(path: str | Path | Packed, id_column: str | None = None) -> list[str]:
    """Read the row ids of a text table alone."""
    header = read_header(path)
    id_column = header.names[0] if id_column is None else id_column
    ignore = tuple(name for name in header.names if name != id_column)
    return read_text_table(path, Layout(True, id_column=id_column, ignore=ignore)).ids


def read_text_table(path: str | Path | Packed, layout: Layout = DEFAULT) -> TextTable:
    """Read a text table of numbers.

    Memory stays near that of the values: blocks of lines are parsed as they come.

    Parameters
    ----------
    path : path or Packed
        Tab- or comma-separated, gzipped or not (found out); the first line names the columns.
    layout : Layout

    Raises
    ------
    InputError
        For whatever is wrong with the file, with the place.
    """
    with open_text(path) as file:
        return parse_table(file, path, layout)


def parse_table(
    file: BinaryIO, path: str | Path | Packed, layout: Layout = DEFAULT, first_line: int = 1, end: bytes = b""
) -> TextTable:
    """Parse the text table that an open file holds from its header (line `first_line`) on, up to a line `end`.

    Raises
    ------
    EOFError
        There is no line `end`.
    """
    header, blocks = _take_header(_guarded(line_blocks(file, end), path), path, layout.skip_lines)
    id_column = header.names[0] if layout.id_column is None else layout.id_column
    texts = [id_column, *(name for name in layout.text if name != id_column)]
    columns = Columns.named(header, texts, list(layout.ignore))
    words, parts = [[] for _ in texts], []

    def parse(block: bytes) -> Rows:
        rows = parse_block(block, columns)
        refuse_infinite(rows.values, rows.texts[0], columns.numeric_names, path)
        rows.values = copied(rows.values if layout.samples_in_rows else rows.values.T)
        return rows

    try:
        for rows in _in_order(parse, blocks):
            parts.append(rows.values)
            for column, cells in zip(words, rows.texts, strict=True):
                column += cells
    except pa.ArrowException as error:
        numeric = set(columns.numeric_names)
        first_row = first_line + layout.skip_lines
        explain_failure(path, header.names, header.delimiter, numeric, id_column, first_row, layout.remedy)
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"{path} cannot be read as a table ({shorten(reason)}): export or fetch it again.") from None
    if not words[0]:
        raise InputError(f"{path} has column names but no rows: {layout.if_empty}.")
    if layout.unique:
        check_unique(words[0], "row", path)
    values = join_rows(parts) if layout.samples_in_rows else join_columns(parts).T
    return TextTable(words[0], columns.numeric_names, values, dict(zip(texts, words, strict=True)))


def _guarded(blocks: Iterator[bytes], path: str | Path | Packed) -> Iterator[bytes]:
    try:
        yield from blocks
    except LineTooLongError:
        raise InputError(f"{path} has a line of more than 256 MB, so it is no table: fetch it again.") from None


def _take_header(
    blocks: Iterator[bytes], path: str | Path | Packed, skip_lines: int = 0
) -> tuple[Header, Iterator[bytes]]:
    """Return the header and the blocks below it (and below `skip_lines` further lines)."""
    start = b"".join(islice(blocks, 1))
    while len(start.splitlines()) < 2 + skip_lines and (more := b"".join(islice(blocks, 1))):
        start += more
    header = parse_header(start, path)
    first = start.splitlines(keepends=True)[: 1 + skip_lines]
    below = start[sum(map(len, first)) :]
    return header, chain([below] if below else [], blocks)


def _in_order(work: Callable[[bytes], Rows], blocks: Iterable[bytes]) -> Iterator[Rows]:
    """Work on blocks in threads and give the results in order; few blocks are on their way at a time."""
    waiting: deque[Future[Rows]] = deque()
    with ThreadPoolExecutor(_THREADS) as threads:
        try:
            for block in blocks:
                waiting.append(threads.submit(work, block))
                if len(waiting) > 2 * _THREADS:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
