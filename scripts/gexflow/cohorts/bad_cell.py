"""Where and what is wrong in a text table that fast reading refused: the slow path, line by line."""

import csv
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa

from gexflow.cohorts.text_file import decode, open_bytes
from gexflow.errors import InputError, plain, shorten

MISSING = frozenset({"", "NA", "NaN", "nan", "null", "NULL", "N/A"})


def split_line(line: str, delimiter: str, path: Path, number: int) -> list[str]:
    """Split a line into cells; quotes may hold delimiters."""
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error as error:
        raise InputError(
            f"{path}, line {number} cannot be split into cells ({plain(str(error))}): export it again."
        ) from None


def explain_failure(
    path: Path,
    names: list[str],
    delimiter: str,
    numeric: set[str],
    id_column: str,
    first_line: int,
    remedy: Callable[[str], str] | None,
) -> None:
    """Raise an `InputError` for the first row with a wrong number of cells or with a cell that is no number, if any.

    Parameters
    ----------
    path, names, delimiter
        File, names of all columns, delimiter.
    numeric : set of str
        Names of the columns that must hold numbers.
    id_column : str
        Column of row ids.
    first_line : int
        Line of the file that names the columns, from 1.
    remedy : callable or None
        Says what to do about a column with a cell that is no number.
    """
    positions = [position for position, name in enumerate(names) if name in numeric]
    id_position = names.index(id_column)
    for number, line in _lines(path, first_line):
        cells = split_line(line, delimiter, path, number)
        if len(cells) != len(names):
            raise InputError(
                f"{path}, line {number} has {len(cells)} cells where {len(names)} are expected "
                f"(it begins {shorten(line)}): is the file cut off, or does a cell hold a stray delimiter or quote?"
            )
        bad = _first_bad([cells[position] for position in positions])
        if bad is not None:
            position = positions[bad]
            _refuse_cell(path, number, cells[id_position], names[position], cells[position], remedy)


def _lines(path: Path, first_line: int) -> Iterator[tuple[int, str]]:
    """Give the numbered lines after the header, without empty ones, up to the end of a GEO table."""
    number = 0
    with open_bytes(path) as file:
        for raw in file:
            for piece in raw.splitlines():
                number += 1
                if number <= first_line or not piece.strip(b"\r\n"):
                    continue
                if first_line > 1 and piece.lower().startswith(b"!series_matrix_table_end"):
                    return
                yield number, decode(piece)


def _first_bad(cells: list[str]) -> int | None:
    filled = [cell for cell in cells if cell not in MISSING]
    if _are_numbers(filled):
        return None
    return next(index for index, cell in enumerate(cells) if cell not in MISSING and not _are_numbers([cell]))


def _are_numbers(cells: list[str]) -> bool:
    # The parser of the fast path decides, so that both always agree.
    try:
        pa.array([cell.strip() for cell in cells], pa.string()).cast(pa.float32())
    except pa.ArrowException:
        return False
    return True


def _refuse_cell(
    path: Path, number: int, row: str, column: str, cell: str, remedy: Callable[[str], str] | None
) -> None:
    advice = remedy(column) if remedy else "correct the cell, or leave it empty if the value is missing"
    if re.fullmatch(r"\s*-?\d+,\d+\s*", cell):
        advice = "write decimals with a point"
    raise InputError(
        f"{path}, line {number}: row {shorten(row)}, column {shorten(column)} holds {shorten(cell)}, "
        f"which is no number: {advice}."
    )
