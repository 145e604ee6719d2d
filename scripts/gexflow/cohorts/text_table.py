"""Fast reading of a large tab- or comma-separated table of numbers: row ids x columns."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv

from gexflow.cohorts.bad_cell import MISSING, explain_failure, shorten, split_line
from gexflow.cohorts.text_file import check_text, decode, is_gzip, open_bytes
from gexflow.errors import InputError

_LONGEST_HEADER_BYTES = 256 << 20
_BLOCK_BYTES = 32 << 20  # a block holds many rows even where a row has 10,000 cells


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
        Missing values are NaN. Its transpose is C-contiguous.
    text : dict of str to list of str
        Columns that were asked for as text.
    """

    ids: list[str]
    columns: list[str]
    values: np.ndarray
    text: dict[str, list[str]]


@dataclass
class Header:
    """First line of a text table.

    Attributes
    ----------
    names : list of str
        One name a column; the first may be "".
    delimiter : str
        Tab or comma.
    """

    names: list[str]
    delimiter: str


def read_header(path: str | Path) -> Header:
    """Read the column names of a text table and find out its delimiter."""
    path = check_text(path)
    with open_bytes(path) as file:
        start = file.read(1 << 20)
        while len(start) < _LONGEST_HEADER_BYTES and start.count(b"\n") + start.count(b"\r") < 3:
            more = file.read(1 << 24)
            if not more:
                break
            start += more
    return parse_header(start, path)


def parse_header(start: bytes, path: Path) -> Header:
    """Return the column names that the first bytes of a text table hold."""
    lines = start.removeprefix(b"\xef\xbb\xbf").splitlines()
    line = decode(lines[0])
    if not line.strip():
        raise InputError(f"{path} begins with an empty line: its first line must name the columns.")
    if any(character < " " and character != "\t" for character in line):
        raise InputError(f"{path}, line 1 holds control characters, so it is damaged or no text: fetch it again.")
    if "\t" not in line and "," not in line:
        raise InputError(
            f"{path} has one column only (line 1: {shorten(line)}): its columns must be separated by tabs or commas."
        )
    delimiter = "\t" if "\t" in line else ","
    names = [name.strip() for name in split_line(line, delimiter, path, 1)]
    # R's write.table leaves out the name of the column of row ids.
    second = split_line(decode(lines[1]), delimiter, path, 2) if len(lines) > 2 else names
    if len(second) == len(names) + 1:
        names.insert(0, "")
    _check_header(names, path)
    return Header(names, delimiter)


def _check_header(names: list[str], path: Path) -> None:
    for position, name in enumerate(names[1:], 2):
        if not name:
            raise InputError(f"{path}, line 1: column {position} has no name: name it or remove the column.")
    check_unique(names, "column", path)


def check_unique(ids: Iterable[str], what: str, path: Path) -> None:
    """Raise an `InputError` that names an id which is empty or occurs more than once."""
    counts = Counter(ids)
    if what != "column" and "" in counts:
        raise InputError(f"{path} has {counts['']} {what}s without an id: give each an id or remove them.")
    repeated = [(name, count) for name, count in counts.items() if count > 1]
    if repeated:
        name, count = repeated[0]
        more = f" ({len(repeated) - 1} further ids are repeated too)" if len(repeated) > 1 else ""
        raise InputError(
            f"{path} has the {what} id {shorten(name)} {count} times{more}: ids must be unique; rename or remove."
        )


def read_text_table(
    path: str | Path,
    text: Iterable[str] = (),
    id_column: str | None = None,
    ignore: Iterable[str] = (),
    remedy: Callable[[str], str] | None = None,
) -> TextTable:
    """Read a text table of numbers.

    Parameters
    ----------
    path : path
        Tab- or comma-separated, gzipped or not (found out); the first line names the columns.
    text : names of columns
        Read as text, not as numbers.
    id_column : str, optional
        Column of row ids, the first one by default.
    ignore : names of columns
        Left unread.
    remedy : callable, optional
        Says what to do about a column (its name is given) with a cell that is no number.

    Returns
    -------
    TextTable

    Raises
    ------
    InputError
        For whatever is wrong with the file, with the place.
    """
    path = check_text(path)
    header = read_header(path)

    def stream() -> pa.NativeFile:
        return pa.input_stream(str(path), compression="gzip" if is_gzip(path) else None)

    return parse_table(stream, header, path, list(text), id_column, list(ignore), remedy)


def read_ids(path: str | Path, id_column: str | None = None) -> list[str]:
    """Read the row ids of a text table alone."""
    header = read_header(path)
    id_column = header.names[0] if id_column is None else id_column
    return read_text_table(path, id_column=id_column, ignore=[name for name in header.names if name != id_column]).ids


def parse_table(
    stream: Callable[[], pa.NativeFile],
    header: Header,
    path: Path,
    text: list[str] | None = None,
    id_column: str | None = None,
    ignore: list[str] | None = None,
    remedy: Callable[[str], str] | None = None,
    first_line: int = 1,
) -> TextTable:
    """Parse the text table that `stream()` gives from its header line on (line `first_line` of the file)."""
    id_column = header.names[0] if id_column is None else id_column
    texts = [id_column, *(name for name in text or [] if name != id_column)]
    numeric = [name for name in header.names if name not in {*texts, *(ignore or [])}]
    try:
        table = _read_arrow(stream(), header, texts, numeric)
    except (pa.ArrowException, OSError, ValueError) as error:
        explain_failure(path, header.names, header.delimiter, set(numeric), id_column, first_line, remedy)
        reason = str(error).splitlines()[0]
        raise InputError(f"{path} cannot be read as a table ({shorten(reason)}): export or fetch it again.") from None
    if table.num_rows == 0:
        raise InputError(f"{path} has column names but no rows: export or fetch it again.")
    words = {name: [decode(cell or b"").strip() for cell in table.column(name).to_pylist()] for name in texts}
    ids = words[id_column]
    check_unique(ids, "row", path)
    values = _to_numpy(table, numeric)
    _refuse_infinite(values, ids, numeric, path)
    return TextTable(ids, numeric, values.T, words)


def _read_arrow(source: pa.NativeFile, header: Header, texts: list[str], numeric: list[str]) -> pa.Table:
    types = dict.fromkeys(numeric, pa.float32()) | dict.fromkeys(texts, pa.binary())
    with source:
        return pyarrow.csv.read_csv(
            source,
            pyarrow.csv.ReadOptions(column_names=header.names, skip_rows=1, block_size=_BLOCK_BYTES),
            pyarrow.csv.ParseOptions(delimiter=header.delimiter),
            pyarrow.csv.ConvertOptions(
                column_types=types, include_columns=texts + numeric, null_values=sorted(MISSING)
            ),
        )


def _to_numpy(table: pa.Table, names: list[str]) -> np.ndarray:
    """Return (columns, rows) float32; null becomes NaN."""
    values = np.empty((len(names), table.num_rows), dtype=np.float32)
    for row, name in zip(values, names, strict=True):
        row[:] = table.column(name).to_numpy()
    return values


def _refuse_infinite(values: np.ndarray, ids: list[str], columns: list[str], path: Path) -> None:
    for column, row in zip(columns, values, strict=True):
        infinite = np.isinf(row)
        if infinite.any():
            place = f"row {shorten(ids[int(infinite.argmax())])}, column {shorten(column)}"
            count = f" ({int(infinite.sum())} in this column)" if infinite.sum() > 1 else ""
            raise InputError(
                f"{path}, {place}: the value is infinite or too large{count}: correct it, or leave the cell empty."
            )
