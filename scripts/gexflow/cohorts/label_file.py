"""A labels file: a table of texts, one row a sample, whose id column is found out."""

import csv
import io
from pathlib import Path

import pandas as pd

from gexflow.cohorts.bad_cell import MISSING
from gexflow.cohorts.text_file import Packed, decode, open_text
from gexflow.cohorts.text_header import parse_header
from gexflow.errors import InputError, plain, shorten


def read_label_file(path: str | Path | Packed) -> pd.DataFrame:
    """Read a tab- or comma-separated table as texts; missing values become ""."""
    with open_text(path) as file:
        content = file.read()
    header = parse_header(content, path)
    names = [name or "sample" for name in header.names]
    rows = [
        ["" if cell.strip() in MISSING else cell.strip() for cell in cells]
        for cells in _rows(decode(content), header.delimiter, len(names), path)
    ]
    if not rows:
        raise InputError(f"{path} has column names but no rows: fetch or export it again.")
    if len(set(names)) < len(names):
        raise InputError(f'{path} has two columns called "sample" (one has no name): name it otherwise.')
    return pd.DataFrame(rows, columns=names, dtype=str)


def _rows(text: str, delimiter: str, expected: int, path: Path) -> list[list[str]]:
    """Return the rows below the header as cells.

    Quoted cells may hold line breaks, as in TCGA's sample annotations. Where a stray quote swallows rows, quotes are
    taken as letters instead.
    """
    mistake = ""
    for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_NONE):
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quoting=quoting, strict=True)
        try:
            rows = [(reader.line_num, cells) for cells in reader if any(cell.strip() for cell in cells)][1:]
        except csv.Error as error:
            mistake = mistake or f"line {reader.line_num} cannot be split into cells ({plain(str(error))})"
            continue
        wrong = next(((number, len(cells)) for number, cells in rows if len(cells) != expected), None)
        if wrong is None:
            return [cells for _, cells in rows]
        mistake = mistake or f"line {wrong[0]} has {wrong[1]} cells where {expected} are expected"
    raise InputError(f"{path}, {mistake}: correct it.")


def find_id_column(table: pd.DataFrame, samples: list[str]) -> tuple[str, int]:
    """Return the column that holds most of the sample ids, and how many it holds."""
    wanted = set(samples)
    counts = {name: len(wanted.intersection(table[name])) for name in table.columns}
    best = max(counts, key=counts.__getitem__)
    return best, counts[best]


def match_labels(
    samples: list[str], table: pd.DataFrame, strict: list[str], path: Path
) -> tuple[pd.DataFrame, list[str]]:
    """Return what a labels file says of each sample.

    Rows of one sample may repeat. Where they differ, a column in `strict` (a label must be one) is an error;
    any other column keeps all its texts.

    Parameters
    ----------
    samples : list of str
        Sample ids of the matrix.
    table : DataFrame
        From `read_label_file`.
    strict : list of str
        Names of columns (in any case) that labels or groups come from.
    path : path
        The labels file, for messages.

    Returns
    -------
    fields : DataFrame, one row a sample, all columns str ("" for samples without a row)
    notes : list of str

    Raises
    ------
    InputError
        No sample is in the file, or rows of a sample conflict.
    """
    column, count = find_id_column(table, samples)
    if count == 0:
        example = next((text for text in table.iloc[:, 0] if text), "")
        raise InputError(
            f"{path} names none of the samples of the matrix (the matrix has e.g. {shorten(samples[0])}, column "
            f"{shorten(table.columns[0])} of the labels file e.g. {shorten(example)}): its ids must be "
            "those of the matrix."
        )
    notes = [f'Labels were matched by column "{column}" of {path.name}: {count} of {len(samples)} samples have a row.']
    table = table[table[column].isin(set(samples))].drop_duplicates()
    repeated = table[column].duplicated(keep=False)
    if repeated.any():
        merged = _merge(table[repeated], column, {name.lower() for name in strict}, path)
        notes.append(f"{len(merged)} samples have several rows in {path.name}, which differ in no label.")
        table = pd.concat([table[~repeated], merged])
    return table.set_index(column, drop=False).reindex(samples).fillna("").rename_axis(None), notes


def _merge(table: pd.DataFrame, column: str, strict: set[str], path: Path) -> pd.DataFrame:
    rows = []
    for sample, group in table.groupby(column, sort=False):
        texts = {name: [text for text in dict.fromkeys(group[name]) if text] for name in table.columns}
        for name, found in texts.items():
            if name.lower() in strict and len(found) > 1:
                raise InputError(
                    f"{path} says both {shorten(found[0])} and {shorten(found[1])} of sample {shorten(str(sample))} "
                    f"in column {shorten(name)}: keep the right row."
                )
        rows.append({name: "; ".join(found) for name, found in texts.items()})
    return pd.DataFrame(rows, columns=table.columns, dtype=str)
