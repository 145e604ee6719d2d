"""A table of one's own: CSV, TSV, Parquet or h5ad, samples in rows or columns, labels inside or in a second file."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from gexflow.cohorts import parquet_table, text_table
from gexflow.cohorts.config_keys import dataset_key, only_file, strict_fields
from gexflow.cohorts.h5ad_table import read_h5ad
from gexflow.cohorts.label_file import find_id_column, match_labels, read_label_file
from gexflow.cohorts.labels import find_field
from gexflow.cohorts.matrix import Matrix, drop_ignored
from gexflow.cohorts.text_table import Layout, TextTable
from gexflow.errors import InputError, shorten
from gexflow.log import logger

_PARQUET, _HDF5 = b"PAR1", b"\x89HDF\r\n\x1a\n"


class Form(NamedTuple):
    """How tables of one file format are read."""

    read_names: Callable[[Path], list[str]]
    read_ids: Callable[[Path, str | None], list[str]]
    read_table: Callable[[Path, Layout], TextTable]


_TEXT_TABLE = Form(lambda path: text_table.read_header(path).names, text_table.read_ids, text_table.read_text_table)
_PARQUET_TABLE = Form(parquet_table.read_header, parquet_table.read_ids, parquet_table.read_parquet_table)


def read_table_source(paths: list[Path], labels_path: Path | None, settings: dict) -> Matrix:
    """Read a table of one's own.

    Parameters
    ----------
    paths : list of one path
        Tab- or comma-separated (gzipped or not), Parquet, or h5ad; found out by content.
    labels_path : path or None
        Text table with one row a sample, or None where labels are columns of the matrix file (samples in rows) or
        of an h5ad file's `obs`.
    settings : dict
        `orientation`: what the rows are (auto, samples, genes); `sample`: id column (the first by default);
        `label`, `group` and `batch`: rules whose fields are columns of the matrix file where there is no labels file;
        `ignore`: further columns that are no genes, and ids of rows that are none where genes are in rows;
        `layer`: matrix of an h5ad file to take instead of `X`.

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
        return _read_h5ad(path, labels, labels_path, settings)
    form = _PARQUET_TABLE if start.startswith(_PARQUET) else _TEXT_TABLE
    names = form.read_names(path)
    if names[0].startswith("!Series"):
        raise InputError(f"{path} is a GEO series matrix: set {dataset_key(settings, 'source')} to geo.")
    id_column = _id_column(names, settings)
    rows_are, notes = _orientation(path, form, names, id_column, labels, labels_path, settings)
    text = _text_columns(names, settings) if labels is None else []
    columns, rows = _ignored(names, rows_are, settings)
    layout = Layout(
        samples_in_rows=rows_are == "samples",
        text=tuple(text),
        ignore=tuple(columns),
        id_column=id_column,
        remedy=_remedy(settings, rows_are),
    )
    table = form.read_table(path, layout)
    if not table.columns:
        raise InputError(f"{path} has no column of numbers besides {', '.join(table.text)}: are genes missing?")
    if rows_are == "samples":
        values, samples, genes = table.values, table.ids, table.columns
    else:
        values, samples, genes = table.values.T, table.columns, table.ids
    if labels is None:
        fields = _own_fields(table, id_column)
    else:
        fields, found = match_labels(samples, labels, strict_fields(settings), Path(labels_path))
        notes += found
    logger.info("table: %d samples, %d genes (%s in rows)", len(samples), len(genes), rows_are)
    matrix = Matrix(values, samples, genes, fields, notes=notes)
    drop_ignored(matrix, rows, settings)
    return matrix


def _first_bytes(path: Path) -> bytes:
    with open(path, "rb") as file:
        return file.read(len(_HDF5))


def _read_h5ad(path: Path, labels: pd.DataFrame | None, labels_path: Path | None, settings: dict) -> Matrix:
    matrix = read_h5ad(path, settings.get("layer"))
    if labels is not None:
        fields, notes = match_labels(matrix.samples, labels, strict_fields(settings), Path(labels_path))
        # A column of the labels file stands before one of `obs` with the same name.
        matrix.fields = pd.concat([fields, matrix.fields.drop(columns=fields.columns, errors="ignore")], axis=1)
        matrix.notes += notes
    drop_ignored(matrix, settings.get("ignore") or [], settings)
    logger.info("h5ad: %d samples, %d genes", len(matrix.samples), len(matrix.genes))
    return matrix


def _id_column(names: list[str], settings: dict) -> str:
    name = settings.get("sample")
    return names[0] if name is None else find_field(names, str(name), dataset_key(settings, "sample"))


def _text_columns(names: list[str], settings: dict) -> list[str]:
    rules = {key: settings.get(key) or {} for key in ("label", "group", "batch")}
    wanted = {key: rule["field"] for key, rule in rules.items() if rule.get("field") is not None}
    try:
        found = [find_field(names, str(name), dataset_key(settings, f"{key}.field")) for key, name in wanted.items()]
    except InputError as error:
        key = dataset_key(settings, "files.labels")
        raise InputError(f"{str(error).rstrip('.')}; if it is a column of another file, name that as {key}.") from None
    return list(dict.fromkeys(found))


def _ignored(names: list[str], rows_are: str, settings: dict) -> tuple[list[str], list[str]]:
    """Return the columns to leave unread and, where genes are in rows, the rows to leave out."""
    ignore = [str(name) for name in settings.get("ignore") or []]
    columns = {name.lower() for name in names}
    rows = [name for name in ignore if rows_are == "genes" and name.lower() not in columns]
    return [find_field(names, name, dataset_key(settings, "ignore")) for name in ignore if name not in rows], rows


def _remedy(settings: dict, rows_are: str):
    def advice(column: str) -> str:
        column = shorten(column)
        if rows_are == "genes":
            return f"correct the cell, or, if {column} is no sample, list it under {dataset_key(settings, 'ignore')}"
        return (
            f"if {column} is no gene, list it under {dataset_key(settings, 'ignore')}; if it is one, correct the cell"
        )

    return advice


def _own_fields(table: TextTable, id_column: str) -> pd.DataFrame:
    fields = {name or "sample": cells for name, cells in table.text.items()}
    return pd.DataFrame(fields, index=table.text[id_column], dtype=str)


def _orientation(
    path: Path,
    form: Form,
    names: list[str],
    id_column: str,
    labels: pd.DataFrame | None,
    labels_path: Path | None,
    settings: dict,
) -> tuple[str, list[str]]:
    """Return what the rows are (samples or genes) and notes on how that was found out."""
    given = settings.get("orientation") or "auto"
    if given not in ("auto", "samples", "genes"):
        raise InputError(f'{dataset_key(settings, "orientation")} is "{given}": it must be auto, samples or genes.')
    if labels is None:
        if given == "genes":
            raise InputError(
                f"{dataset_key(settings, 'orientation')} is genes, so labels cannot be columns of {path}: "
                f"give a labels file as {dataset_key(settings, 'files.labels')}."
            )
        return "samples", []
    if given != "auto":
        return given, []
    columns = [name for name in names if name != id_column]
    rows = form.read_ids(path, id_column)
    in_rows, in_columns = find_id_column(labels, rows)[1], find_id_column(labels, columns)[1]
    if in_rows == in_columns == 0:
        raise InputError(
            f"{labels_path} names none of the samples of {path} (rows there are called e.g. "
            f"{shorten(rows[0])}, columns e.g. {shorten((columns or [''])[0])}, the first label row is for e.g. "
            f"{shorten(labels.iloc[0, 0])}): its ids must be those of the matrix."
        )
    if in_rows == in_columns:
        raise InputError(
            f"{path}: rows and columns fit the labels equally: set {dataset_key(settings, 'orientation')}."
        )
    found = "samples" if in_rows > in_columns else "genes"
    return found, [f"Rows of {path.name} are {found}: the labels file names {in_rows} rows and {in_columns} columns."]
