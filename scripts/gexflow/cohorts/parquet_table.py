"""Reading of a Parquet table of numbers, row ids x columns, in blocks."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from gexflow.cohorts.big_arrays import new_array
from gexflow.cohorts.column_texts import as_texts
from gexflow.cohorts.text_header import Header, check_unique, refuse_infinite
from gexflow.cohorts.text_table import DEFAULT, Layout, TextTable
from gexflow.errors import InputError, nearest, shorten

_BLOCK_VALUES = 4 << 20  # values that are unpacked at a time
_UNNAMED_INDEX = "__index_level_0__"  # as pandas and pyarrow call an index without a name
# What damage makes pyarrow raise, beside its own exceptions: names and pandas' metadata are decoded in Python.
_DAMAGE = (pa.ArrowException, OSError, ValueError, KeyError, TypeError, MemoryError, OverflowError)


def read_header(path: str | Path) -> Header:
    """Read the column names of a Parquet table, that of the row ids first.

    The ids are the index that pandas or pyarrow wrote; without one, the first column. An index without a name is "".
    """
    path = _check(path)
    with _open(path) as file:
        return Header(list(_columns(file.schema_arrow, path)), delimiter="")


def read_ids(path: str | Path, id_column: str | None = None) -> list[str]:
    """Read the row ids of a Parquet table alone."""
    path = _check(path)
    with _open(path) as file:
        columns = _columns(file.schema_arrow, path)
        _, field = _id_field(columns, id_column, path)
        return _read_texts(file, field, path)


def read_parquet_table(path: str | Path, layout: Layout = DEFAULT) -> TextTable:
    """Read a Parquet table of numbers.

    Blocks of columns of one row group are unpacked at a time and filled into one array, so memory stays near its size.

    Parameters
    ----------
    path : path
    layout : Layout
        Its `id_column` is by default the index that pandas wrote, or the first column.

    Raises
    ------
    InputError
        For whatever is wrong with the file, with the place.
    """
    path = _check(path)
    with _open(path) as file:
        columns = _columns(file.schema_arrow, path)
        id_name, id_field = _id_field(columns, layout.id_column, path)
        texts = [_known(name, columns, path) for name in layout.text if name != id_name]
        others = {id_name, *texts, *layout.ignore}
        numeric = [name for name in columns if name not in others]
        _check_types(columns, numeric, path, layout.remedy)
        words = {id_name: _read_texts(file, id_field, path)}
        if layout.samples_in_rows or layout.unique:
            check_unique(words[id_name], "row", path)
        words |= {name: _read_texts(file, columns[name], path) for name in texts}
        fields = [columns[name].name for name in numeric]
        values = _read_values(file, fields, layout.samples_in_rows, path)
    _refuse_infinite(values, words[id_name], numeric, path)
    return TextTable(words[id_name], numeric, values, words)


def _check(path: str | Path) -> Path:
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path} does not exist or is no file: correct its path in the config.")
    with open(path, "rb") as file:
        if file.read(4) != b"PAR1":
            raise InputError(f"{path} is no Parquet file: export or fetch it again.")
    return path


def _open(path: Path) -> pq.ParquetFile:
    try:
        file = pq.ParquetFile(path, page_checksum_verification=True)
    except _DAMAGE as error:
        raise _damaged(path, error) from None
    if file.metadata.num_rows == 0:
        raise InputError(f"{path} has column names but no rows: export or fetch it again.")
    return file


def _damaged(path: Path, error: Exception) -> InputError:
    reason = shorten((str(error).splitlines() or [type(error).__name__])[0])
    return InputError(f"{path} is a damaged or unusual Parquet file ({reason}): export or fetch it again.")


def _columns(schema: pa.Schema, path: Path) -> dict[str, pa.Field]:
    """Return the columns by the names that users see; the index comes first."""
    index = _index_columns(schema, path)
    fields = [schema.field(name) for name in index] + [field for field in schema if field.name not in index]
    names = ["" if field.name in index and field.name == _UNNAMED_INDEX else field.name.strip() for field in fields]
    check_unique(names, "column", path)
    for position, name in enumerate(names[1:], 2):
        if not name:
            raise InputError(f"{path}: column {position} has no name: name it or remove the column.")
    if not names:
        raise InputError(f"{path} has no columns: export or fetch it again.")
    return dict(zip(names, fields, strict=True))


def _index_columns(schema: pa.Schema, path: Path) -> list[str]:
    """Return the column of the index that pandas wrote, if it is one (a range of numbers is not stored)."""
    try:
        written = json.loads((schema.metadata or {}).get(b"pandas", b"{}")).get("index_columns", [])
        names = [name for name in written if isinstance(name, str) and schema.get_field_index(name) >= 0]
    except (ValueError, AttributeError, TypeError) as error:
        raise _damaged(path, error) from None
    if len(names) > 1:
        raise InputError(
            f"{path} has an index of {len(names)} levels ({', '.join(map(shorten, names))}): "
            "write it with one column of ids as its index."
        )
    return names


def _id_field(columns: dict[str, pa.Field], id_column: str | None, path: Path) -> tuple[str, pa.Field]:
    name = next(iter(columns)) if id_column is None else _known(id_column, columns, path)
    field = columns[name]
    if not (_is_text(field.type) or pa.types.is_integer(field.type)):
        raise InputError(
            f"{path}: column {shorten(name)} should hold the row ids but is of the type {shorten(str(field.type))}: "
            "write the table with its ids as texts in its first column or its index, or name the column of ids."
        )
    return name, field


def _known(name: str, columns: dict[str, pa.Field], path: Path) -> str:
    if name not in columns:
        raise InputError(f"{path} has no column {shorten(name)}; {nearest(name, list(columns))}")
    return name


def _is_text(kind: pa.DataType) -> bool:
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)


def _is_number(kind: pa.DataType) -> bool:
    return any(
        test(kind) for test in (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_null)
    )


def _check_types(columns: dict[str, pa.Field], numeric: list[str], path: Path, remedy: Callable | None) -> None:
    for name in numeric:
        kind = columns[name].type
        if not _is_number(kind):
            advice = remedy(name) if remedy else "export its values as numbers"
            what = "a nested type" if pa.types.is_nested(kind) else f"the type {shorten(str(kind))}"
            raise InputError(f"{path}: column {shorten(name)} has {what}, which is no number: {advice}.")


def _read_texts(file: pq.ParquetFile, field: pa.Field, path: Path) -> list[str]:
    try:
        cells = []
        for group in range(file.num_row_groups):
            cells += file.read_row_group(group, columns=[field.name]).column(0).to_pylist()
        return as_texts(cells)
    except _DAMAGE as error:
        raise _damaged(path, error) from None


def _read_values(file: pq.ParquetFile, fields: list[str], samples_in_rows: bool, path: Path) -> np.ndarray:
    """Return (rows, columns) float32; null becomes NaN."""
    try:
        rows = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
        shape = (sum(rows), len(fields))
        values = new_array(*shape) if samples_in_rows else new_array(*shape[::-1]).T
        step = max(1, _BLOCK_VALUES // max(rows, default=1))
        end = 0
        for group, count in enumerate(rows):
            start, end = end, end + count
            for first in range(0, len(fields), step):
                table = file.read_row_group(group, columns=fields[first : first + step])
                _fill(values[start:end, first : first + step], table)
                del table
                pa.default_memory_pool().release_unused()  # Arrow would keep it for a next time
    except _DAMAGE as error:
        raise _damaged(path, error) from None
    return values


def _fill(part: np.ndarray, table: pa.Table) -> None:
    # Columns are put together first: single ones are a slow way to write a C-contiguous array.
    block = np.empty(part.shape[::-1], np.float32)
    with np.errstate(over="ignore"):  # what is too large becomes infinite and is refused as that
        for row, column in zip(block, table.columns, strict=True):
            if pa.types.is_decimal(column.type):
                column = column.cast(pa.float64())
            row[:] = np.nan if pa.types.is_null(column.type) else column.to_numpy()
    part[:] = block.T


def _refuse_infinite(values: np.ndarray, ids: list[str], columns: list[str], path: Path) -> None:
    step = max(1, _BLOCK_VALUES // max(len(ids), 1))
    for first in range(0, len(columns), step):
        refuse_infinite(values[:, first : first + step], ids, columns[first : first + step], path)
