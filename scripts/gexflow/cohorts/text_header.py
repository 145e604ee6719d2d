"""The line of a text table that names its columns."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gexflow.cohorts.bad_cell import split_line
from gexflow.cohorts.text_file import decode
from gexflow.errors import InputError, shorten


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


def parse_header(start: bytes, path: Path) -> Header:
    """Return the column names that the first bytes of a text table hold (two whole lines, if it has two)."""
    lines = start.removeprefix(b"\xef\xbb\xbf").splitlines()
    line = decode(lines[0]) if lines else ""
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
    second = split_line(decode(lines[1]), delimiter, path, 2) if len(lines) > 1 else names
    if len(second) == len(names) + 1:
        names.insert(0, "")
    _check_names(names, path)
    return Header(names, delimiter)


def _check_names(names: list[str], path: Path) -> None:
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


def refuse_infinite(values: np.ndarray, ids: list[str], columns: list[str], path: Path) -> None:
    """Raise an `InputError` that names the first infinite cell of `values` (ids, columns), if there is one."""
    infinite = np.isinf(values)
    if not infinite.any():
        return
    row, column = np.argwhere(infinite)[0]
    count = int(infinite[:, column].sum())
    more = f" ({count} in this column)" if count > 1 else ""
    raise InputError(
        f"{path}, row {shorten(ids[row])}, column {shorten(columns[column])}: the value is infinite or too "
        f"large{more}: correct it, or leave the cell empty."
    )
