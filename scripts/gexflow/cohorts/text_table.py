"""Reading of a large tab- or comma-separated table of numbers, row ids x columns, in a stream."""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pandas as pd
import pyarrow as pa

from gexflow.cohorts.bad_cell import MISSING, explain_failure, split_line
from gexflow.cohorts.big_arrays import copied, join_columns, join_rows
from gexflow.cohorts.block_parser import Columns, Rows, parse_block, without_blank_rows
from gexflow.cohorts.line_blocks import LineTooLongError, line_blocks
from gexflow.cohorts.text_file import Packed, decode, open_text
from gexflow.cohorts.text_header import (
    Header,
    check_unique,
    comment_lines,
    empty_ends,
    missing_name,
    parse_header,
    refuse_filled,
    refuse_infinite,
    refuse_nameless,
    skip_first_lines,
    split_lines,
)
from gexflow.errors import InputError, counted, shorten

_THREADS = 2  # as the rule read_cohort asks for


@dataclass
class TextTable:
    """Numbers of a text table.

    Attributes
    ----------
    ids : list of str
        Row ids.
    columns : list of str
        Names of the numeric columns.
    values : float32 array, (ids, columns)
        Missing values are NaN. Either it or its transpose is C-contiguous: that one whose rows are samples.
    text : dict of str to list of str
        Columns that were asked for as text.
    notes : list of str
        What was passed over.
    """

    ids: list[str]
    columns: list[str]
    values: np.ndarray
    text: dict[str, list[str]]
    notes: list[str] = field(default_factory=list)


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
        Whether repeated and missing ids of genes are refused; those of samples always are.
    if_empty : str
        What to do about a table without rows.
    skip_lines : int
        Lines below the header that are no rows.
    nameless_ids : bool
        Whether it is settled that ids have no name where rows have one cell more than there are names.
    """

    samples_in_rows: bool = False
    text: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    id_column: str | None = None
    remedy: Callable[[str], str] | None = None
    unique: bool = True
    if_empty: str = "export or fetch it again"
    skip_lines: int = 0
    nameless_ids: bool = False


DEFAULT = Layout()


def read_header(path: str | Path | Packed) -> Header:
    """Read what a text table says of its columns; where its first row leaves that open, its other rows decide."""
    with open_text(path) as file:
        header, blocks = _take_header(_guarded(line_blocks(file, size_bytes=1 << 20), path), path)
        if header.either and not all(empty_ends(block.split(b"\n"), header) for block in blocks):
            shifted = header.without_id_name()
            header = header if shifted.names_ids else shifted  # the parser says which cell has no name
    return header


def read_ids(path: str | Path | Packed, id_column: str | None = None) -> list[str]:
    """Read the row ids of a text table alone; they may repeat."""
    header = read_header(path)
    id_column = header.names[0] if id_column is None else id_column
    ignore = tuple(name for name in header.names if name != id_column)
    return read_text_table(path, Layout(id_column=id_column, ignore=ignore, unique=False, nameless_ids=True)).ids


def read_sample_fields(path: str | Path, samples: list[str]) -> pd.DataFrame:
    """Read what a GCT 1.3 file says of its samples in the rows below its column names: one column per row."""
    with open_text(path) as file:
        blocks = line_blocks(file)
        header, _ = _take_header(blocks, path)
    with open_text(path) as file:
        lines = [decode(line) for line in islice(file, header.lines + header.skip_lines)][header.lines :]
    rows = [split_line(line.rstrip("\r\n"), header.delimiter, path, header.lines + 1) for line in lines]
    first = 1 + header.described
    fields = {
        row[0]: ["" if cell in MISSING else cell.strip() for cell in row[first : len(header.names)]] for row in rows
    }
    return pd.DataFrame(fields, index=header.names[first:], dtype=str).reindex(samples)


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
    header = read_header(path)
    if header.names_ids and not layout.nameless_ids:
        raise missing_name(header, path)
    with open_text(path) as file:
        return parse_table(file, path, layout, header=header)


def parse_table(
    file: BinaryIO,
    path: str | Path | Packed,
    layout: Layout = DEFAULT,
    first_line: int = 1,
    end: bytes = b"",
    header: Header | None = None,
) -> TextTable:
    """Parse the text table that an open file holds from its header (line `first_line`) on, up to a line `end`.

    Parameters
    ----------
    header : Header, optional
        What `read_header` knows of the columns; by default what the first row tells.

    Raises
    ------
    EOFError
        There is no line `end`.
    """
    found, blocks = _take_header(_guarded(line_blocks(file, end), path), path, layout.skip_lines)
    header = header or found
    id_column = header.names[0] if layout.id_column is None else layout.id_column
    texts = [id_column, *(name for name in layout.text if name != id_column)]
    described = set(header.names[: header.described + 1]) if header.gct else set()
    columns = Columns.named(header, texts, {*layout.ignore, *described})
    _check_names(header, columns, layout, path)
    words, parts, blank = [[] for _ in columns.texts], [], 0

    def parse(block: bytes) -> Rows:
        rows = without_blank_rows(parse_block(block, columns))
        refuse_infinite(rows.values, rows.texts[0], columns.numeric_names, path)
        for position, cells in enumerate(rows.texts[len(texts) :], len(header.names) + 1):
            refuse_filled(zip(rows.texts[0], cells, strict=True), position, path)
        rows.values = copied(rows.values if layout.samples_in_rows else rows.values.T)
        return rows

    try:
        for rows in _in_order(parse, blocks):
            parts.append(rows.values)
            blank += rows.blank
            for column, cells in zip(words, rows.texts, strict=True):
                column += cells
    except pa.ArrowException as error:
        first_row = first_line - 1 + header.lines + layout.skip_lines + header.skip_lines
        explain_failure(path, columns, header.names.index(id_column), first_row, layout.remedy)
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"{path} cannot be read as a table ({shorten(reason)}): export or fetch it again.") from None
    if not words[0]:
        raise InputError(f"{path} has column names but no rows: {layout.if_empty}.")
    if layout.samples_in_rows or layout.unique:
        check_unique(words[0], "row", path)
    values = join_rows(parts) if layout.samples_in_rows else join_columns(parts).T
    _check_size(header, values, path)
    named = dict(zip(texts, words[: len(texts)], strict=True))
    name = Path(str(path)).name
    notes = header.notes(name) + [f"{name}: {counted(blank, 'entirely empty row')} left out."] * bool(blank)
    return TextTable(words[0], columns.numeric_names, values, named, notes)


def _check_names(header: Header, columns: Columns, layout: Layout, path: str | Path | Packed) -> None:
    """Refuse columns without a name and names that repeat, but for those of genes where they may."""
    texts = [header.names[position] for position in columns.texts if position < len(header.names)]
    if (layout.samples_in_rows and not layout.unique) or not columns.numeric.any():
        repeated = Counter(header.names)
        check_unique((name for name in texts if name for _ in range(repeated[name])), "column", path)
        return
    refuse_nameless(header, path)
    check_unique([*texts, *columns.numeric_names], "column", path)


def _check_size(header: Header, values: np.ndarray, path: str | Path | Packed) -> None:
    """Compare a GCT file with the size that it states."""
    gct = header.gct
    if gct and values.shape[1] and values.shape != (gct.rows, gct.samples):
        raise InputError(
            f"{path} states {gct.rows} rows and {gct.samples} samples, but has {values.shape[0]} and "
            f"{values.shape[1]}: is it cut off? Export or fetch it again."
        )


def _guarded(blocks: Iterator[bytes], path: str | Path | Packed) -> Iterator[bytes]:
    try:
        yield from blocks
    except LineTooLongError:
        raise InputError(f"{path} has a line of more than 256 MB, so it is no table: fetch it again.") from None


def _take_header(
    blocks: Iterator[bytes], path: str | Path | Packed, skip_lines: int = 0
) -> tuple[Header, Iterator[bytes]]:
    """Return the header and the blocks below it (and below `skip_lines` further lines)."""
    start = _grown(b"", blocks, 1)
    start = _grown(start, blocks, comment_lines(start) + 3)
    header = parse_header(start, path)
    above = header.lines + skip_lines + header.skip_lines
    start = _grown(start, blocks, above + 1)
    below = skip_first_lines(start, above)
    return header, chain([below] if below else [], blocks)


def _grown(start: bytes, blocks: Iterator[bytes], lines: int) -> bytes:
    """Add blocks to the start of a file until it has so many lines, or is whole."""
    while len(split_lines(start)) < lines and (more := b"".join(islice(blocks, 1))):
        start += more
    return start


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
