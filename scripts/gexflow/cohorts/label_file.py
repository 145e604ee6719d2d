"""A labels file: a table of texts, one row per sample, matched to the samples of a matrix by its ids."""

import csv
import io
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

import pandas as pd

from gexflow.cohorts.bad_cell import MISSING
from gexflow.cohorts.barcodes import as_barcode
from gexflow.cohorts.config_keys import dataset_key
from gexflow.cohorts.id_columns import EXACT, Candidate, Rival, choose_column
from gexflow.cohorts.labels import field_key, find_field
from gexflow.cohorts.matrix import Matrix, WithoutRow
from gexflow.cohorts.similar_names import nearest_id
from gexflow.cohorts.text_file import Packed, decode, open_text
from gexflow.cohorts.text_header import (
    Header,
    check_unique,
    missing_name,
    parse_header,
    refuse_filled,
    refuse_nameless,
    skip_first_lines,
)
from gexflow.errors import InputError, counted, plain, shorten
from gexflow.log import CAUTION

_NAMELESS = ("sample", "(no name)")  # what a column without a name is called
_KEY = "\0key"  # no name of a column holds a zero byte
_WHOLE = re.compile(r"(\d+)\.0+")  # a number as pandas writes it where one is missing
_TRIED = 5  # ids whose nearest one is looked for
_SAMPLE_LENGTH = 15  # of a barcode that names the sample type
_BARCODE_LENGTHS = {12: "the patient", 15: "the sample without its vial", 16: "the sample"}


@dataclass
class LabelFile:
    """Texts of a labels file.

    Attributes
    ----------
    path : path
    table : DataFrame, all columns str
        Missing values are "".
    nameless : str
        What the column is called here that has no name in the file; "" if each has one.
    header : Header
    notes : list of str
        What was passed over.
    """

    path: Path
    table: pd.DataFrame
    nameless: str
    header: Header
    notes: list[str] = field(default_factory=list)


def read_label_file(path: str | Path | Packed) -> LabelFile:
    """Read a tab- or comma-separated table as texts; missing values become ""."""
    with open_text(path) as file:
        content = file.read()
    header = parse_header(content, path)
    rows = _rows(decode(skip_first_lines(content, header.lines)), header, path)
    last = len(header.names)
    if header.either and any(row[last].strip() for row in rows):
        header, last = header.without_id_name(), last + 1
    names = header.names
    refuse_nameless(header, path)
    check_unique(names, "column", path)
    for position in range(last, header.width):
        refuse_filled(((row[0], row[position].strip()) for row in rows), position + 1, path)
    nameless = "" if names[0] else next(name for name in _NAMELESS if name not in names)
    cells = [["" if cell.strip() in MISSING else cell.strip() for cell in row[:last]] for row in rows]
    table = pd.DataFrame(cells, columns=[names[0] or nameless, *names[1:]], dtype=str)
    return LabelFile(Path(str(path)), table, nameless, header, header.notes(Path(str(path)).name))


def _rows(text: str, header: Header, path: Path) -> list[list[str]]:
    """Return the rows below the header as cells.

    Quoted cells may hold line breaks, as in TCGA's sample annotations. Where a stray quote swallows rows, quotes are
    taken as letters instead.
    """
    mistake = ""
    for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_NONE):
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=header.delimiter, quoting=quoting, strict=True)
        try:
            rows = [(reader.line_num, cells) for cells in reader if any(cell.strip() for cell in cells)]
        except csv.Error as error:
            line = header.lines + reader.line_num
            mistake = mistake or f"line {line} cannot be split into cells ({plain(str(error))})"
            continue
        wrong = next(((number, len(cells)) for number, cells in rows if len(cells) != header.width), None)
        if wrong is None and rows:
            return [cells for _, cells in rows]
        if wrong is None:
            raise InputError(f"{path} has column names but no rows: fetch or export it again.")
        line = header.lines + wrong[0]
        mistake = mistake or f"line {line} has {wrong[1]} cells where {header.width} are expected"
    raise InputError(f"{path}, {mistake}: correct it.")


def given_id_column(labels: LabelFile, settings: dict) -> str | None:
    """Return the column that the dataset's key `sample` names, in any case; None where the file has no such column."""
    wanted = settings.get("sample")
    try:
        return None if wanted is None else find_field(list(labels.table.columns), str(wanted), "")
    except InputError:
        return None  # it may be a column of the matrix


def count_held(labels: LabelFile, ids: list[str], settings: dict) -> int:
    """Return how many of the ids one column of a labels file holds: the given one, or the one that holds most."""
    return max(candidate.count for candidate in _candidates(labels, ids, given_id_column(labels, settings)))


def _candidates(labels: LabelFile, samples: list[str], id_column: str | None) -> list[Candidate]:
    barcodes = [as_barcode(sample) for sample in samples]
    columns = [id_column] if id_column else list(labels.table.columns)
    return [_candidate(labels, name, samples, barcodes) for name in columns]


def _candidate(labels: LabelFile, name: str, samples: list[str], barcodes: list[str]) -> Candidate:
    """Return a column with the ids as they are or, where that matches more, TCGA's barcodes cut to one length."""
    cells = labels.table[name].tolist()
    exact = Candidate(name, list(map(whole_number, cells)), list(map(whole_number, samples)), name == labels.nameless)
    if exact.count == len(samples) or not any(barcodes):
        return exact
    known = [as_barcode(cell) for cell in cells]
    lengths = [max(map(len, found), default=0) for found in (known, barcodes)]
    filled = sum(cell != "" for cell in cells)
    mostly = 2 * sum(map(bool, known)) >= filled and 2 * sum(map(bool, barcodes)) >= len(samples)
    if not all(lengths) or not mostly:
        return exact
    keys, wanted = (
        [barcode[: min(lengths)] or plainly for barcode, plainly in zip(*pair, strict=True)]
        for pair in ((known, cells), (barcodes, samples))
    )
    cut = Candidate(name, keys, wanted, detail=min(lengths))
    return cut if cut.count > exact.count else exact


def whole_number(text: str) -> str:
    """Return "101" for "101.0": pandas writes whole numbers so where one of a column is missing."""
    found = _WHOLE.fullmatch(text)
    return found[1] if found else text


def match_labels(matrix: Matrix, labels: LabelFile, strict: list[str], settings: dict) -> pd.DataFrame:
    """Return what a labels file says of each sample.

    Rows of one sample may repeat. Where they differ, a column in `strict` (a label must be one) is an error;
    any other column keeps all its texts. TCGA's barcodes are matched as far as both sides go: a table by patient gives
    all samples of a patient the same row.

    Parameters
    ----------
    matrix : Matrix
        Its notes and `without_row` are filled in.
    labels : LabelFile
    strict : list of str
        Names of columns (in any case) that labels or groups come from.
    settings : dict
        The dataset's settings: `sample` names the column of sample ids, where the file has one of that name.

    Returns
    -------
    DataFrame, one row per sample, all columns str ("" for samples without a row)

    Raises
    ------
    InputError
        No sample is in the file, rows of a sample conflict, or two columns hold ids and disagree.
    """
    samples, table, path = matrix.samples, labels.table, labels.path
    id_column = given_id_column(labels, settings)
    candidates = _candidates(labels, samples, id_column)
    decide = set(map(field_key, strict))
    deciding = [name for name in table.columns if field_key(name) in decide]
    answers = list(zip(*(table[name] for name in deciding), strict=True)) if deciding else list(range(len(table)))
    best, rival = choose_column(candidates, answers)
    if best.count == 0:
        _refuse_strangers(matrix, labels, id_column)
    if id_column is None and best.by_chance:
        _refuse_numbers(best, labels, samples, settings)
    if labels.header.names_ids and best.nameless:
        raise missing_name(labels.header, path)
    if rival is not None:
        _refuse_rival(labels, best, rival, samples, bool(deciding), dataset_key(settings, "sample"))
    matrix.notes += [*labels.notes, _matched(best, labels, samples), *_of_other_types(best, samples)]
    keyed = table.assign(**{_KEY: best.keys})
    keyed = keyed[keyed[_KEY].isin(set(best.wanted) - {""})].drop_duplicates()
    repeated = keyed[_KEY].duplicated(keep=False)
    if repeated.any():
        merged = _merge(keyed[repeated], decide, path)
        several = counted(len(merged), "sample")
        matrix.notes.append(f"{several} with several rows in {path.name}, which differ in no label.")
        keyed = pd.concat([keyed[~repeated], merged])
    fields = keyed.set_index(_KEY).reindex(best.wanted).set_axis(samples)
    missing = fields.index[fields[best.name].isna()]
    matrix.without_row = WithoutRow(frozenset(missing), path.name, sorted(set(table[best.name]) - {""}))
    return fields.fillna("")


def refuse_shifted(header: Header, labels: LabelFile, path: Path) -> None:
    """Refuse a matrix of genes in rows whose sample ids may stand one column beside their values, as the labels show.

    Either rows end in a delimiter that the header lacks, and its first name is that of a sample; or the ids were taken
    to have no name, and of all names only the first, which they may have, is not that of a sample.
    """
    held = [count_held(labels, [name], {}) for name in header.names[1:3]] if header.nameless_ids else []
    if held == [0, 1] or header.names_ids:
        raise missing_name(header, path)
    if header.either and count_held(labels, header.names[:1], {}):
        name = shorten(header.names[0])
        raise InputError(
            f"{path}: every row ends in a delimiter that the first line lacks. Either that is an empty last column and "
            f"{name} heads the gene ids, or, as {labels.path} has a row for {name}, the ids have no name and the last "
            "sample has no value: remove the delimiters at the ends of the rows, or name the ids."
        )
    if not header.nameless_ids and count_held(labels, header.names[:1], {}):
        raise InputError(
            f"{path}: its first column should hold the gene ids, but {shorten(header.names[0])} is a sample by "
            f"{labels.path}: add a column of gene ids, or name the one that there is as the dataset's `sample`."
        )


def _refuse_strangers(matrix: Matrix, labels: LabelFile, id_column: str | None) -> None:
    column = id_column or labels.table.columns[0]
    example = next((text for text in labels.table[column] if text), "")
    hint = near_label(labels, matrix.samples)
    if count_held(labels, matrix.genes, {}):
        hint = " It names rows of the matrix: are samples in rows? Source `table` reads such tables."
    raise InputError(
        f"{labels.path} names none of the samples of the matrix (the matrix has e.g. {shorten(matrix.samples[0])}, "
        f"column {shorten(column)} of the labels file e.g. {shorten(example)}): its ids must be those of the "
        f"matrix.{hint}"
    )


def near_label(labels: LabelFile, ids: list[str]) -> str:
    """Return a sentence that names a cell of a labels file which one of the first ids may mean; "" if none does."""
    cells = {name: set(labels.table[name]) - {""} for name in labels.table.columns}
    columns = {name: found for name, found in cells.items() if 2 * len(found) > len(labels.table)}  # ids hardly repeat
    for one, (column, found) in product(ids[:_TRIED], columns.items()):
        near = nearest_id(one, found)
        if near:
            return f" Does {shorten(near)} in column {shorten(column)} mean {shorten(one)}?"
    return ""


def _refuse_numbers(best: Candidate, labels: LabelFile, samples: list[str], settings: dict) -> None:
    raise InputError(
        f"{labels.path}: no column holds the sample ids of the matrix; the numbers in {shorten(best.name)} are those "
        f"of {best.count} of {len(samples)} samples, perhaps by chance: correct the ids, or, if it does hold them, set "
        f"{dataset_key(settings, 'sample')} to {shorten(best.name)}."
    )


def _refuse_rival(
    labels: LabelFile, best: Candidate, rival: Rival, samples: list[str], by_label: bool, key: str
) -> None:
    first, second = (
        f"{shorten(name)}{' (it has no name)' * (name == labels.nameless)}" for name in (best.name, rival.name)
    )
    texts = [shorten(", ".join(answer)) if by_label else f"row {answer + 1}" for answer in rival.answers]
    raise InputError(
        f"{labels.path}: columns {first} and {second} both hold sample ids of the matrix and disagree (sample "
        f"{shorten(samples[rival.example])} is {texts[0]} by the first, {texts[1]} by the second): name the column of "
        f"sample ids as {key}."
    )


def _matched(best: Candidate, labels: LabelFile, samples: list[str]) -> str:
    cut = f", by {best.detail} characters of the barcode ({_BARCODE_LENGTHS.get(best.detail, 'as many as both have')})"
    how = "" if best.detail == EXACT else cut
    others = len(set(best.keys) - {""} - set(best.wanted))
    unused = (
        f" {counted(others, 'id')} of the file {'is' if others == 1 else 'are'} not in the matrix." if others else ""
    )
    return (
        f'Labels were matched by column "{best.name}" of {labels.path.name}{how}: {best.count} of {len(samples)} '
        f"samples have a row.{unused}"
    )


def _of_other_types(best: Candidate, samples: list[str]) -> list[str]:
    """Point out adjacent normals that got a label of their patient."""
    normal = [sample for sample in samples if as_barcode(sample)[13:14] == "1"]
    if best.detail >= _SAMPLE_LENGTH or not normal:
        return []
    return [
        f"{CAUTION}labels were matched by patient, so {counted(len(normal), 'sample')} of normal tissue (barcodes with "
        f"type 10 to 19, e.g. {shorten(normal[0])}) have the label of their patient; source tcga leaves such types out."
    ]


def _merge(table: pd.DataFrame, strict: Collection[str], path: Path) -> pd.DataFrame:
    rows = []
    for sample, group in table.groupby(_KEY, sort=False):
        texts = {name: [text for text in dict.fromkeys(group[name]) if text] for name in table.columns}
        for name, found in texts.items():
            if field_key(name) in strict and len(found) > 1:
                raise InputError(
                    f"{path} says both {shorten(found[0])} and {shorten(found[1])} of sample {shorten(str(sample))} "
                    f"in column {shorten(name)}: keep the right row."
                )
        rows.append({name: "; ".join(found) for name, found in texts.items()})
    return pd.DataFrame(rows, columns=table.columns, dtype=str)
