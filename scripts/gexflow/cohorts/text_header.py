"""The lines of a text table above its rows: comments, the format lines of GCT files, and the names of the columns."""

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from gexflow.cohorts.text_file import decode
from gexflow.errors import InputError, counted, plain, shorten
from gexflow.log import CAUTION

_DELIMITERS = {"\t": "tabs", ",": "commas"}
_GCT = re.compile(r'"?#1\.([23])"?[\s,]*')
# What the first column of a table is usually called where it holds ids.
_OF_IDS = re.compile(
    r"#?\W*([a-z]+[ _.-]+)*(gene|sample|probe|probe.?set|patient|case|subject|participant|individual|specimen|run|cell"
    r"|transcript|feature|locus|entrez|ensembl|hugo|hgnc|geo|aliquot|submitter|row|file|uniq|hybridization)?s?[ _.-]?"
    r"(ids?|names?|symbols?|barcodes?|accession|(id[ _.-])?ref)(\W.*)?"
    r"|#?(gene|sample|probe|patient|case|subject|participant|individual|specimen|run|cell|transcript|locus|hugo|no)s?\.?",
    re.IGNORECASE,
)
_MOST_HEADER_LINES = 20  # of one header whose quoted cells hold line breaks


@dataclass(frozen=True)
class Gct:
    """What the second line of a GCT file states: its rows, its samples, and the rows that annotate the samples."""

    rows: int
    samples: int
    sample_fields: int


@dataclass(frozen=True)
class Header:
    """What a text table says of its columns.

    Attributes
    ----------
    names : list of str
        One name per column, up to the last column that has one; the first may be "".
    delimiter : str
        Tab or comma.
    lines : int
        Lines of the file up to the names, these included.
    unnamed : int
        Further columns, behind the named ones: each of their cells must be empty.
    either : bool
        Whether the first row also fits R's `write.table`, which leaves out the name of the column of row ids: then
        the first unnamed column decides, which is empty throughout in a file whose rows end in a delimiter.
    nameless_ids : bool
        Whether the column of row ids was taken to have no name, since rows have one cell more than there are names.
    comments : int
        Comment lines above the names.
    gct : Gct or None
        Set for a GCT file.
    """

    names: list[str]
    delimiter: str
    lines: int = 1
    unnamed: int = 0
    either: bool = False
    nameless_ids: bool = False
    comments: int = 0
    gct: Gct | None = None

    @property
    def width(self) -> int:
        """Number of cells per row."""
        return len(self.names) + self.unnamed

    @property
    def described(self) -> int:
        """Columns behind the first one that describe the rows of a GCT file."""
        return max(0, len(self.names) - 1 - self.gct.samples) if self.gct else 0

    @property
    def skip_lines(self) -> int:
        """Lines below the names that are no rows: a GCT file annotates its samples there."""
        return self.gct.sample_fields if self.gct else 0

    def without_id_name(self) -> "Header":
        """Return the header as R's `write.table` means it: the column of row ids has no name."""
        names, unnamed = ["", *self.names], self.unnamed - 1
        return replace(self, names=names, unnamed=unnamed, either=False, nameless_ids=True)

    @property
    def names_ids(self) -> bool:
        """Whether ids were taken to have no name although the first name is one that ids usually have."""
        return self.nameless_ids and is_name_of_ids(self.names[1])

    def notes(self, name: str) -> list[str]:
        """Say what was passed over in the file called `name`."""
        notes = []
        if self.comments:
            notes.append(f"{name}: {counted(self.comments, 'comment line')} above the column names skipped.")
        if self.either and not is_name_of_ids(self.names[0]):
            notes.append(
                f"{CAUTION}every row of {name} ends in a delimiter that its first line lacks. This was read as an "
                f"empty last column, so that {shorten(self.names[0])} heads the first one; a file of R's write.table "
                "whose last column is entirely empty would look the same."
            )
        elif self.unnamed:
            notes.append(f"{name}: {counted(self.unnamed, 'empty column')} at the ends of the rows left out.")
        return notes


def is_name_of_ids(name: str) -> bool:
    """Tell whether a column of ids is usually called so."""
    return _OF_IDS.fullmatch(name) is not None


def parse_header(start: bytes, path: Path) -> Header:
    """Return what the first bytes of a text table say of its columns.

    Parameters
    ----------
    start : bytes
        Whole lines, down to the first row if there is one.
    path : path
        For messages.

    Raises
    ------
    InputError
        No line names the columns, a column that holds something has no name, or rows have another delimiter.
    """
    lines = split_lines(start)
    gct = _read_gct(lines, path)
    comments = 0 if gct else _count_comments(lines)
    first = 2 if gct else comments
    line = decode(lines[first]) if first < len(lines) else ""
    if not line.strip():
        where = "begins with" if not first else f"has no column names below line {first}, but"
        raise InputError(f"{path} {where} an empty line: its first line must name the columns.")
    if any(character < " " and character not in "\t\r" for character in line):
        raise InputError(
            f"{path}, line {first + 1} holds control characters, so it is damaged or no text: fetch it again."
        )
    delimiter, (cells, end), row = _find_delimiter(lines, first, path)
    names = [re.sub(r"\s*[\r\n]+\s*", " ", cell).strip() for cell in cells]
    shown = sum(decode(comment).strip() != "" for comment in lines[:comments])
    return _settle(Header(names, delimiter, end, comments=shown, gct=gct), row, path)


def split_lines(start: bytes) -> list[bytes]:
    """Split text at its line breaks: a bare carriage return is one where no line feed is, as on an old Macintosh."""
    start = start.removeprefix(b"\xef\xbb\xbf")
    lines = start.split(b"\n" if b"\n" in start else b"\r")
    return [line.removesuffix(b"\r") for line in (lines if lines[-1] else lines[:-1])]


def skip_first_lines(start: bytes, lines: int) -> bytes:
    """Return what stands below the first lines of a text."""
    newline, place = b"\n" if b"\n" in start else b"\r", 0
    for _ in range(lines):
        place = start.find(newline, place) + 1
        if not place:
            return b""
    return start[place:]


def comment_lines(start: bytes) -> int:
    """Return how many lines above the column names are comments, or formats, as far as the first bytes show."""
    return _count_comments(split_lines(start))


def _read_gct(lines: list[bytes], path: Path) -> Gct | None:
    version = _GCT.fullmatch(decode(lines[0])) if lines else None
    if version is None:
        return None
    numbers = re.findall(r"\d+", decode(lines[1])) if len(lines) > 1 else []
    if len(numbers) != (2 if version[1] == "2" else 4):
        raise InputError(f"{path} is a GCT file whose second line does not state its size: export or fetch it again.")
    rows, samples, *fields = map(int, numbers)
    return Gct(rows, samples, fields[1] if fields else 0)


def _count_comments(lines: list[bytes]) -> int:
    """Return how many lines from the first on begin with "#" (or are empty below such a line) and name no columns."""
    count = last = 0
    while count < len(lines) and (_is_comment(lines[count]) or (count and not lines[count].strip())):
        last = count if lines[count].strip() else last
        count += 1
    return last if count and _names_columns(lines, last) else count


def _is_comment(line: bytes) -> bool:
    return line.startswith((b"#", b'"#'))


def _names_columns(lines: list[bytes], last: int) -> bool:
    """Tell whether a line that begins with "#" names the columns, as in Xena's probe maps.

    It has then as many cells as the row below, as no comment above it has (cBioPortal's have), and what follows the "#"
    is a name; "# " begins a comment unless the line below holds numbers, as a row does and a header does not.
    """
    if last + 1 >= len(lines):
        return True
    line, below = decode(lines[last]), decode(lines[last + 1])
    if line.startswith(("##", "#%", '"##', '"#%')):
        return False
    delimiter = "\t" if "\t" in below else ","
    cells = [_filled_cells(other, delimiter) for other in lines[: last + 2]]
    width = len(cells[-1])
    if width < 2 or len(cells[-2]) != width or any(len(other) == width for other in cells[:-2]):
        return False
    numbers = [any(map(_is_number, row)) for row in cells[-2:]]
    return not line.lstrip('"').startswith("# ") or numbers == [False, True]


def _filled_cells(line: bytes, delimiter: str) -> list[str]:
    """Return the cells of a line without empty ones at its end, which Excel adds to comments."""
    cells = _cells(decode(line), delimiter)
    while cells and not cells[-1].strip():
        cells.pop()
    return cells


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _find_delimiter(lines: list[bytes], first: int, path: Path) -> tuple[str, tuple[list[str], int], list[str] | None]:
    """Return the delimiter of a table, its names with the number of their last line, and its first row (None: none).

    R's write.table gives a table of one column a header without any delimiter; its rows have one.
    """
    records = {delimiter: _record(lines, first, delimiter) for delimiter in _DELIMITERS}
    rows = {delimiter: _first_row(lines, end, delimiter) for delimiter, (_, end) in records.items()}
    named = {delimiter: len(names) for delimiter, (names, _) in records.items()}
    wide = {delimiter: 0 if row is None else len(row) for delimiter, row in rows.items()}
    for found in (*(d for d in _DELIMITERS if named[d] > 1), *(d for d in _DELIMITERS if wide[d] == 2)):
        other = next(delimiter for delimiter in _DELIMITERS if delimiter != found)
        if named[found] > 1 and wide[found] == 1 and wide[other] > 1:
            raise InputError(
                f"{path} names its columns separated by {_DELIMITERS[found]} (line {first + 1}), but separates the "
                f"cells below by {_DELIMITERS[other]}: separate both by the same."
            )
        return found, records[found], rows[found]
    raise InputError(
        f"{path} has one column only (line {first + 1}: {shorten(decode(lines[first]))}): its columns must be "
        "separated by tabs or commas."
    )


def _record(lines: list[bytes], first: int, delimiter: str) -> tuple[list[str], int]:
    """Return the cells of the record that begins at a line, and the number of the line where it ends.

    Quoted cells may hold line breaks. A quote that nothing closes is a letter of its line.
    """
    texts = [decode(line) + "\n" for line in lines[first : first + _MOST_HEADER_LINES]]
    reader = csv.reader(texts, delimiter=delimiter, strict=True)
    try:
        return next(reader, []), first + reader.line_num
    except csv.Error:
        return _cells(texts[0], delimiter), first + 1


def _first_row(lines: list[bytes], end: int, delimiter: str) -> list[str] | None:
    return next((_cells(decode(line), delimiter) for line in lines[end:] if line.strip(b"\r")), None)


def _cells(line: str, delimiter: str) -> list[str]:
    line = line.rstrip("\r\n")
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:  # such as a cell of more than 131,072 letters
        return line.split(delimiter)


def _settle(header: Header, row: list[str] | None, path: Path) -> Header:
    """Compare the names of a header with its first row, which may have more cells than there are names."""
    names, width = header.names, len(header.names) if row is None else len(row)
    filled = np.array([bool(cell.strip()) for cell in row or []], dtype=bool)
    last = max((place for place, name in enumerate(names) if name or not place), default=0) + 1
    plainly = width >= last and not filled[last:].any()
    as_r = width > len(names) and not filled[last + 1 :].any()
    settled = replace(header, names=names[:last], unnamed=max(0, width - last), either=plainly and as_r)
    if plainly or as_r:
        return settled if plainly else settled.without_id_name()
    if width <= last:  # rows that are cut off: the parser says which
        return replace(settled, unnamed=0)
    if width <= len(names):
        raise _nameless(header.lines, last + 1, path)
    raise InputError(
        f"{path}: its first row (it begins {shorten(row[0])}) has {width} cells, but line {header.lines} names "
        f"{last} columns: name each column, or remove what has no name."
    )


def empty_ends(lines: Iterable[bytes], header: Header) -> bool:
    """Tell whether the unnamed columns of a table are empty in all of its lines."""
    end = header.unnamed * header.delimiter.encode()
    return all(line.rstrip(b"\r\n").endswith(end) for line in lines if line.strip(b"\r\n"))


def missing_name(header: Header, path: Path) -> InputError:
    """Return the refusal of a table whose header probably lacks the name of another column than that of the ids."""
    return InputError(
        f"{path}: rows have one cell more than line {header.lines} names columns. Either {shorten(header.names[1])} "
        "heads the row ids and another column has no name, or, as R's write.table does it, the row ids have none: name "
        "every column, that of the row ids, too."
    )


def refuse_nameless(header: Header, path: Path) -> None:
    """Raise an `InputError` that names a column without a name, the first one left out."""
    for position, name in enumerate(header.names[1:], 2):
        if not name:
            raise _nameless(header.lines, position, path)


def _nameless(line: int, position: int, path: Path) -> InputError:
    return InputError(f"{path}, line {line}: column {position} has no name: name it or remove the column.")


def refuse_filled(cells: Iterator[tuple[str, str]], position: int, path: Path) -> None:
    """Raise an `InputError` if a column without a name holds something; `cells` are its (row id, cell)."""
    for row, cell in cells:
        if cell:
            raise InputError(
                f"{path}: column {position} has no name, but holds {plain(cell)} in row {shorten(row)}: name it or "
                "remove the column."
            )


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
        f"large{more}: correct it, or leave it empty."
    )
