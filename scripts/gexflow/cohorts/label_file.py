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
from gexflow.cohorts.id_columns import EXACT, Candidate, Rival, choose_column, numbers_rows
from gexflow.cohorts.labels import field_key, find_field
from gexflow.cohorts.matrix import Matrix, WithoutRow
from gexflow.cohorts.similar_names import nearest_id
from gexflow.cohorts.text_file import Packed, decode, open_text
from gexflow.cohorts.text_header import (
    Header,
    check_unique,
    is_name_of_ids,
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
    mistake, fallback = "", None
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
            found = [cells for _, cells in rows]
            if quoting == csv.QUOTE_NONE or not any("\n" in cell for cells in found for cell in cells):
                return found
            fallback = found  # unless quotes are strays: then all lines have their cells without them
            continue
        if wrong is None:
            raise InputError(f"{path} has column names but no rows: fetch or export it again.")
        line = header.lines + wrong[0]
        mistake = mistake or f"line {line} has {wrong[1]} cells where {header.width} are expected"
    if fallback is not None:
        return fallback
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
    """Return a column with ids as they are or, where that matches more, as whole numbers or barcodes of one length."""
    cells, nameless = labels.table[name].tolist(), name == labels.nameless
    found = [Candidate(name, cells, samples, nameless)]
    if found[0].count < len(samples):
        found.append(Candidate(name, list(map(whole_number, cells)), list(map(whole_number, samples)), nameless))
    if found[-1].count < len(samples) and any(barcodes):
        known = [as_barcode(cell) for cell in cells]
        length = min(max(map(len, known), default=0), max(map(len, barcodes)))
        keys, wanted = (
            [barcode[:length] or plainly for barcode, plainly in zip(*pair, strict=True)]
            for pair in ((known, cells), (barcodes, samples))
        )
        found.append(Candidate(name, keys, wanted, nameless, detail=length or EXACT))
    return max(found, key=lambda one: one.count)  # the first of equals


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
    if id_column is None and best.by_chance and not is_name_of_ids(best.name):
        _refuse_numbers(best, labels, samples, settings)
    _refuse_shifted_labels(labels, best)
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


def _refuse_shifted_labels(labels: LabelFile, best: Candidate) -> None:
    """Refuse a labels file whose names may stand one column beside their cells.

    In R's `write.table` a column without a name holds the ids, or the numbers of the rows. A name for ids, such as
    `sample`, that heads a column of few values is that of the ids themselves.
    """
    header, table = labels.header, labels.table
    if header.either and not is_name_of_ids(header.names[0]) and best.name == header.names[0]:
        raise missing_name(header.without_id_name(), labels.path)
    if not header.nameless_ids:
        return
    few = 2 * table[header.names[1]].nunique() < len(table)
    numbered = numbers_rows(table[labels.nameless].tolist())
    if (header.names_ids and few) if best.nameless else not numbered:
        raise missing_name(header, labels.path)


def check_shift(header: Header, labels: LabelFile | None, rows_are: str, settings: dict, path: Path) -> list[str]:
    """Refuse a matrix whose names may stand one column beside their values; return a note where nothing tells.

    Parameters
    ----------
    header : Header
        Of the matrix. Its rows have one cell more than it has names, or end in a delimiter that it lacks.
    labels : LabelFile or None
        Decides, where genes are in rows, which names are those of samples.
    rows_are : samples or genes
    settings : dict
        What `ignore`, `exclude`, `sample`, `label`, `group` and `batch` name is known to be a column.

    Raises
    ------
    InputError
        A name is missing, or the ids have none and the first of them is a sample.
    """
    rules = [(settings.get(rule) or {}).get("field") for rule in ("label", "group", "batch")]
    named = {str(name).lower() for name in (*_listed(settings), settings.get("sample"), *rules) if name is not None}
    if labels is None or rows_are == "samples":
        if not header.nameless_ids or header.names[1].lower() in named:
            return []
        if header.names_ids:
            raise missing_name(header, path)
        return [
            f"{CAUTION}{path.name}: rows have one cell more than there are names. This was read as R's write.table "
            f"writes it, so that the ids have no name and {shorten(header.names[1])} heads the first values."
        ]
    first, *others = header.names[1:] if header.nameless_ids else header.names
    held = _held(labels, [first, *others], settings)
    if header.nameless_ids and first.lower() not in named and not held[0]:
        likely = any(character.isdigit() for character in first) and _form(first) in set(map(_form, others))
        if header.names_ids or not likely:
            raise missing_name(header, path)
    if not header.nameless_ids and held[0] and settings.get("sample") is None:
        name = shorten(first)
        if header.either:
            raise InputError(
                f"{path}: every row ends in a delimiter that the first line lacks. Either that is an empty last column "
                f"and {name} heads the gene ids, or, as {labels.path} has a row for {name}, the ids have no name and "
                "the last sample has no value: remove the delimiters at the ends of the rows, or name the ids."
            )
        raise InputError(
            f"{path}: its first column should hold the gene ids, but {name} is a sample by {labels.path}: add a column "
            f"of gene ids, or name the one that there is as {dataset_key(settings, 'sample')}."
        )
    return []


def _listed(settings: dict) -> list[str]:
    return [*(settings.get("ignore") or []), *(settings.get("exclude") or [])]


def _held(labels: LabelFile, names: list[str], settings: dict) -> list[bool]:
    """Tell which names are those of samples, by the one column of a labels file that holds most of the others."""
    candidates = _candidates(labels, names, given_id_column(labels, settings))
    best = max(candidates, key=lambda found: sum(key in set(found.keys) for key in found.wanted[1:]))
    keys = set(best.keys) - {""}
    return [key in keys for key in best.wanted]


def _form(name: str) -> str:
    """Return what ids of one kind share: letters and digits in the same order, or that they are TCGA's."""
    return "barcode" if as_barcode(name) else re.sub(r"\d+", "0", re.sub("[A-Za-z]+", "a", name))


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
