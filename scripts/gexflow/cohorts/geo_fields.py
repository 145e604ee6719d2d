"""What the head of a GEO series matrix says of each sample."""

import csv
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from gexflow.cohorts.text_file import decode, unquote
from gexflow.errors import InputError, plain, shorten

_SAMPLE, _SERIES = b"!sample_", b"!series_"  # of one length
_CHARACTERISTICS = "characteristics_ch"


def sample_fields(head: bytes, samples: list[str], path: Path) -> pd.DataFrame:
    """Parse the `!Sample_...` rows.

    Every characteristics cell is parsed by itself, because cells of one row need not carry the same key. A line break
    within a cell becomes a blank.

    Parameters
    ----------
    head : bytes
        The lines before the table.
    samples : list of str
        Sample ids of the table's columns.
    path : path
        For messages.

    Returns
    -------
    DataFrame, one row a sample (in the order of `samples`), all columns str
    """
    accessions = samples
    rows = _sample_rows(head, len(samples), path)
    for name, cells in rows:
        if name.lower() == "geo_accession":
            accessions = cells
    if sorted(accessions) != sorted(samples):
        odd = next(iter(set(accessions) ^ set(samples)), accessions[0])
        raise InputError(
            f"{path}: the samples of !Sample_geo_accession and of the table differ ({shorten(odd)}): fetch it again."
        )
    fields: dict[str, list[str]] = {}
    characteristics = []
    for name, cells in rows:
        if name.lower().startswith(_CHARACTERISTICS):
            characteristics.append((name, cells))
            continue
        column = fields.setdefault(name, [""] * len(samples))
        fields[name] = [_add(old, new) for old, new in zip(column, cells, strict=True)]
    _add_characteristics(fields, characteristics, len(samples))
    return pd.DataFrame(fields, index=accessions, dtype=str).reindex(samples)


def _sample_rows(head: bytes, count: int, path: Path) -> list[tuple[str, list[str]]]:
    rows = []
    for number, lines in _lines_of_rows(head):
        if not lines[0].lower().startswith(_SAMPLE):
            continue
        name = decode(lines[0]).partition("\t")[0]
        cells = _cells(lines, count)
        if len(cells) != count:
            raise InputError(
                f"{path}, line {number}: {plain(name)} has {len(cells)} cells for {count} samples: fetch it again."
            )
        rows.append((name[len(_SAMPLE) :].strip(), cells))
    return rows


def _lines_of_rows(head: bytes) -> Iterator[tuple[int, list[bytes]]]:
    """Yield the lines of each row, and the number of the first one: submitters' texts may hold line breaks."""
    start, lines = 1, []
    for number, line in enumerate(head.split(b"\n"), 1):
        if line[: len(_SAMPLE)].lower() in (_SAMPLE, _SERIES):
            if lines:
                yield start, lines
            start, lines = number, []
        if line.strip():
            lines.append(line.rstrip(b"\r"))
    if lines:
        yield start, lines


def _cells(lines: list[bytes], count: int) -> list[str]:
    """Return the cells of a row; lines below the first one belong to it where that leaves a cell open or lacking."""
    alone, whole = (decode(text).partition("\t")[2] for text in (lines[0], b" ".join(lines)))
    cells = _split(alone, count)
    if len(lines) == 1 or (len(cells) == count and alone.count('"') % 2 == 0):
        return cells
    joined = _split(whole, count)
    return cells if len(cells) == count != len(joined) else joined


def _split(text: str, count: int) -> list[str]:
    """Split at tabs; where that gives a wrong number, quotes may hold tabs."""
    cells = text.split("\t")
    if len(cells) != count:
        try:
            cells = next(csv.reader([text], delimiter="\t"), [])
        except csv.Error:
            return cells
    return [unquote(cell.strip()) for cell in cells]


def _add(old: str, new: str) -> str:
    """Join what several rows of one name say of a sample."""
    return f"{old}; {new}" if old and new else old or new


def _add_characteristics(fields: dict[str, list[str]], rows: list[tuple[str, list[str]]], count: int) -> None:
    taken = {name.lower() for name in fields}
    spelling: dict[str, str] = {}
    for row, cells in rows:
        channel = "" if row.lower() == "characteristics_ch1" else f" ({row.rpartition('_')[2]})"
        for sample, cell in enumerate(cells):
            if not cell:
                continue
            key, colon, value = cell.partition(":")
            key, value = (key.strip() + channel, value.strip()) if colon and key.strip() else (row, cell)
            if key.lower() in taken:
                key += " (characteristics)"
            key = spelling.setdefault(key.lower(), key)  # "gender" and "Gender" are one
            column = fields.setdefault(key, [""] * count)
            column[sample] = _add(column[sample], value)
