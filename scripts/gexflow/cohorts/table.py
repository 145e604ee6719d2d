"""A table of one's own: CSV, TSV, GCT, Parquet or h5ad, samples in rows or columns, labels inside or beside it."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from gexflow.cohorts import parquet_table, text_table
from gexflow.cohorts.config_keys import dataset_key, only_file, strict_fields
from gexflow.cohorts.gene_ids import ENTREZ, tidy_genes
from gexflow.cohorts.h5ad_table import read_h5ad
from gexflow.cohorts.id_columns import more_held
from gexflow.cohorts.label_file import (
    LabelFile,
    check_shift,
    count_held,
    given_id_column,
    match_labels,
    near_label,
    read_label_file,
)
from gexflow.cohorts.labels import find_field
from gexflow.cohorts.matrix import Matrix, drop_ignored
from gexflow.cohorts.table_columns import refuse_decimal_ids, remedy, split_ignored
from gexflow.cohorts.text_header import Header, check_unique
from gexflow.cohorts.text_table import Layout, TextTable
from gexflow.errors import InputError, shorten
from gexflow.log import logger

_PARQUET, _HDF5 = b"PAR1", b"\x89HDF\r\n\x1a\n"


class Form(NamedTuple):
    """How tables of one file format are read."""

    read_header: Callable[[Path], Header]
    read_ids: Callable[[Path, str | None], list[str]]
    read_table: Callable[[Path, Layout], TextTable]


_TEXT_TABLE = Form(text_table.read_header, text_table.read_ids, text_table.read_text_table)
_PARQUET_TABLE = Form(parquet_table.read_header, parquet_table.read_ids, parquet_table.read_parquet_table)


def read_table_source(paths: list[Path], labels_path: Path | None, settings: dict) -> Matrix:
    """Read a table of one's own.

    Parameters
    ----------
    paths : list of one path
        Tab- or comma-separated (gzipped or not), GCT, Parquet, or h5ad; detected by content.
    labels_path : path or None
        Text table with one row per sample, or None where labels are columns of the matrix file (samples in rows), of
        an h5ad file's `obs`, or rows of a GCT 1.3 file.
    settings : dict
        `orientation`: what the rows are (auto, samples, genes); `sample`: column of sample ids, of the matrix file
        (the first by default) or of the labels file;
        `label`, `group` and `batch`: rules whose fields are columns of the matrix file where there is no labels file;
        `ignore`: further columns that are no genes, and ids of rows that are none where genes are in rows;
        `layer`: matrix of an h5ad file to take instead of `X`; "raw" for that of its `raw`.

    Returns
    -------
    Matrix

    Raises
    ------
    InputError
        A file is wrong, a column is unknown, a gene's column holds text, or labels match no sample.
    """
    path = only_file(paths, settings)
    labels = None if labels_path is None else read_label_file(labels_path)
    start = _first_bytes(path)
    if start == _HDF5:
        return _read_h5ad(path, labels, settings)
    form = _PARQUET_TABLE if start.startswith(_PARQUET) else _TEXT_TABLE
    header = form.read_header(path)
    if header.names[0].startswith("!Series"):
        raise InputError(f"{path} is a GEO series matrix: set {dataset_key(settings, 'source')} to geo.")
    id_column = _id_column(header, labels, settings)
    rows_are, notes = _orientation(path, form, header, id_column, labels, settings)
    text = _text_columns(header.names, settings) if labels is None and not header.gct else []
    notes += check_shift(header, labels, rows_are, settings, path) if id_column == header.names[0] else []
    columns, rows = split_ignored(header.names, rows_are, settings)
    if header.names[0] == "" != id_column:
        columns.append("")  # the numbers of rows
    layout = Layout(
        samples_in_rows=rows_are == "samples",
        text=tuple(text),
        ignore=tuple(columns),
        id_column=id_column,
        remedy=remedy(settings, rows_are, id_column),
        unique=False,
        nameless_ids=True,
    )
    table = form.read_table(path, layout)
    refuse_decimal_ids(table.ids, id_column, settings)
    if not table.columns:
        raise InputError(f"{path} has no column of numbers besides {', '.join(table.text)}: are genes missing?")
    if rows_are == "samples":
        values, samples, genes = table.values, table.ids, table.columns
    else:
        values, samples, genes = table.values.T, table.columns, table.ids
    matrix = Matrix(values, samples, genes, pd.DataFrame(index=samples), notes=table.notes + notes)
    if header.gct:
        matrix.fields = text_table.read_sample_fields(path, samples)
    elif labels is None:
        matrix.fields = _own_fields(table, id_column)
    if labels is not None:
        matrix.fields = _beside(matrix.fields, matrix, labels, settings)
    logger.info("table: %d samples, %d genes (%s in rows)", len(samples), len(genes), rows_are)
    tidy_genes(matrix)
    drop_ignored(matrix, rows, settings)
    return matrix


def _first_bytes(path: Path) -> bytes:
    with open(path, "rb") as file:
        return file.read(len(_HDF5))


def _read_h5ad(path: Path, labels: LabelFile | None, settings: dict) -> Matrix:
    wanted = [] if labels is not None else _fields_of_rules(settings).values()
    held = None if labels is None else partial(count_held, labels, settings=settings)
    matrix = read_h5ad(path, settings.get("layer"), _given_orientation(settings), list(wanted), held)
    own = [str(matrix.fields.index.name), *matrix.fields.columns]
    if settings.get("sample") and (
        labels is None or given_id_column(labels, settings) is None or _names(own, settings)
    ):
        name = find_field(own, str(settings["sample"]), dataset_key(settings, "sample"))
        matrix.samples = matrix.samples if name == own[0] else matrix.fields[name].tolist()
        check_unique(matrix.samples, "sample", path)
        matrix.fields.index = matrix.samples
    if labels is not None:
        matrix.fields = _beside(matrix.fields, matrix, labels, settings)
    tidy_genes(matrix)
    drop_ignored(matrix, settings.get("ignore") or [], settings)
    logger.info("h5ad: %d samples, %d genes", len(matrix.samples), len(matrix.genes))
    return matrix


def _names(names: list[str], settings: dict) -> bool:
    return str(settings.get("sample") or "").lower() in map(str.lower, names)


def _beside(own: pd.DataFrame, matrix: Matrix, labels: LabelFile, settings: dict) -> pd.DataFrame:
    """Return the columns of a labels file, and those of the matrix file that it does not have."""
    fields = match_labels(matrix, labels, strict_fields(settings), settings)
    return pd.concat([fields, own.drop(columns=fields.columns, errors="ignore")], axis=1)


def _id_column(header: Header, labels: LabelFile | None, settings: dict) -> str:
    """Return the matrix file's column of ids; the key may name one of the labels file alone."""
    names, name = header.names, settings.get("sample")
    in_labels = labels is not None and given_id_column(labels, settings) is not None
    if name is None or (in_labels and not _names(names, settings)):
        # tables of tissues, as GTEx serves them, have row numbers before the column NAME of every GCT 1.2 file
        leading = names[: header.described + 1] if not header.skip_lines else []
        return next((known for known in leading if known.lower() == "name"), names[0])
    return find_field(names, str(name), dataset_key(settings, "sample"))


def _fields_of_rules(settings: dict) -> dict[str, str]:
    rules = {key: settings.get(key) or {} for key in ("label", "group", "batch")}
    return {key: str(rule["field"]) for key, rule in rules.items() if rule.get("field") is not None}


def _text_columns(names: list[str], settings: dict) -> list[str]:
    wanted = _fields_of_rules(settings)
    try:
        found = [find_field(names, name, dataset_key(settings, f"{key}.field")) for key, name in wanted.items()]
    except InputError as error:
        key = dataset_key(settings, "files.labels")
        raise InputError(f"{str(error).rstrip('.')}; if it is a column of another file, name that as {key}.") from None
    return list(dict.fromkeys(found))


def _own_fields(table: TextTable, id_column: str) -> pd.DataFrame:
    fields = {name or "sample": cells for name, cells in table.text.items()}
    return pd.DataFrame(fields, index=table.text[id_column], dtype=str)


def _given_orientation(settings: dict) -> str:
    given = settings.get("orientation") or "auto"
    if given not in ("auto", "samples", "genes"):
        raise InputError(f'{dataset_key(settings, "orientation")} is "{given}": it must be auto, samples or genes.')
    return given


def _orientation(
    path: Path, form: Form, header: Header, id_column: str, labels: LabelFile | None, settings: dict
) -> tuple[str, list[str]]:
    """Return what the rows are (samples or genes) and notes on how that was decided."""
    given = _given_orientation(settings)
    if header.gct:
        return "genes", []
    if labels is None:
        if given == "genes":
            raise InputError(
                f"{dataset_key(settings, 'orientation')} is genes, so labels cannot be columns of {path}: "
                f"give a labels file as {dataset_key(settings, 'files.labels')}."
            )
        return "samples", []
    if given != "auto":
        return given, []
    unread = {id_column, *split_ignored(header.names, "genes", settings)[0]}
    columns = [name for name in header.names if name not in unread and name.lower() != ENTREZ]
    rows = form.read_ids(path, id_column)
    in_rows, in_columns = count_held(labels, rows, settings), count_held(labels, columns, settings)
    found = more_held(in_rows, len(rows), in_columns, len(columns))
    if in_rows == in_columns == 0:
        raise InputError(
            f"{labels.path} names none of the samples of {path} (rows there are called e.g. "
            f"{shorten(rows[0])}, columns e.g. {shorten((columns or [''])[0])}, the first label row is for e.g. "
            f"{shorten(labels.table.iloc[0, 0])}): its ids must be those of the matrix."
            f"{near_label(labels, columns) or near_label(labels, rows)}"
        )
    if found is None:
        raise InputError(
            f"{path}: both rows ({in_rows} of {len(rows)}) and columns ({in_columns} of {len(columns)}) fit the "
            f"labels: set {dataset_key(settings, 'orientation')} to samples or genes, which is what the rows are."
        )
    rows_are = "samples" if found else "genes"
    note = f"Rows of {path.name} are {rows_are}: the labels file names {in_rows} rows and {in_columns} columns."
    return rows_are, [note]
