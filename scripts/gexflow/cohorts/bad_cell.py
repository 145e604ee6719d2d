"""Where and what is wrong in a text table that fast reading refused: the slow path, line by line."""

import csv
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from gexflow.cohorts.text_file import decode, open_bytes
from gexflow.errors import InputError, plain, shorten

if TYPE_CHECKING:
    from gexflow.cohorts.block_parser import Columns

# GDC writes '--, cBioPortal words in brackets, pandas <NA>, Excel #N/A.
_OF_SOURCES = {"'--", "[Not Available]", "[Not Applicable]", "<NA>", "#N/A"}
MISSING = frozenset({"", "NA", "NaN", "nan", "null", "NULL", "N/A", *_OF_SOURCES})


def split_line(line: str, delimiter: str, path: Path, number: int) -> list[str]:
    """Split a line into cells; quotes may hold delimiters."""
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error as error:
        raise InputError(
            f"{path}, line {number} cannot be split into cells ({plain(str(error))}): export it again."
        ) from None


def explain_failure(
    path: Path, columns: "Columns", id_position: int, above: int, remedy: Callable[[str], str] | None
) -> None:
    """Raise an `InputError` for the first row with a wrong number of cells or with a cell that is no number, if any.

    Parameters
    ----------
    path : path
    columns : Columns
    id_position : int
        Position of the column of row ids.
    above : int
        Lines of the file above its rows.
    remedy : callable or None
        Says what to do about a column with a cell that is no number.
    """
    header, positions = columns.header, np.flatnonzero(columns.numeric)
    for number, line in _lines(path, above):
        cells = split_line(line, header.delimiter, path, number)
        if len(cells) != header.width:
            raise InputError(
                f"{path}, line {number} has {len(cells)} cells where {header.width} are expected "
                f"(it begins {shorten(line)}): is the file cut off, or does a cell hold a stray delimiter or quote?"
            )
        bad = _first_bad([cells[position] for position in positions])
        if bad is not None:
            position = positions[bad]
            _refuse_cell(path, number, cells[id_position], header.names[position], cells[position], remedy)


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
    if re.fullmatch(r"\s*-?\d{1,3}([,' \xa0\u2009\u202f]\d{3})+(\.\d+)?\s*", cell):
        advice = f"write numbers without separators of thousands, as {re.sub('[^-.0-9]', '', cell)}"
        if cell.count(",") == 1 and "." not in cell:
            advice += " (or, if this is a decimal comma, with a point)"
    elif re.fullmatch(r"\s*-?(\d+,\d+|\d{1,3}(\.\d{3})+(,\d+)?)\s*", cell):
        advice = "write decimals with a point, and no separators of thousands"
    raise InputError(
        f"{path}, line {number}: row {shorten(row)}, column {shorten(column)} holds {shorten(cell)}, "
        f"which is no number: {advice}."
    )
