"""What the head of a GEO series matrix says of each sample."""

import csv
from pathlib import Path

import pandas as pd

from gexflow.cohorts.text_file import decode, unquote
from gexflow.errors import InputError, plain, shorten

_PREFIX = "!sample_"
_CHARACTERISTICS = "characteristics_ch"


def sample_fields(head: bytes, samples: list[str], path: Path) -> pd.DataFrame:
    """Parse the `!Sample_...` rows.

    Every characteristics cell is parsed by itself, because cells of one row need not carry the same key.

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
    for number, raw in enumerate(head.split(b"\n"), 1):
        if not raw[: len(_PREFIX)].lower().startswith(_PREFIX.encode()):
            continue
        name, _, rest = decode(raw).rstrip("\r").partition("\t")
        cells = _split(rest, count)
        if len(cells) != count:
            raise InputError(
                f"{path}, line {number}: {plain(name)} has {len(cells)} cells for {count} samples: fetch it again."
            )
        rows.append((name[len(_PREFIX) :].strip(), cells))
    return rows


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
