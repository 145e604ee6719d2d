"""Columns of a matrix file that are neither ids nor values: which are left unread, and what to do about others."""

import re
from collections.abc import Callable

from gexflow.cohorts.config_keys import dataset_key
from gexflow.cohorts.labels import find_field
from gexflow.cohorts.text_header import is_name_of_ids
from gexflow.errors import InputError, shorten

_DECIMAL = re.compile(r"-?\d+[.]\d*[1-9]\d*(e[-+]?\d+)?", re.IGNORECASE)


def split_ignored(names: list[str], rows_are: str, settings: dict) -> tuple[list[str], list[str]]:
    """Return what the dataset's key `ignore` names: columns to leave unread and, where genes are in rows, rows.

    Parameters
    ----------
    names : list of str
        Of the columns.
    rows_are : samples or genes
    """
    ignore = [str(name) for name in settings.get("ignore") or []]
    columns = {name.lower() for name in names}
    rows = [name for name in ignore if rows_are == "genes" and name.lower() not in columns]
    return [find_field(names, name, dataset_key(settings, "ignore")) for name in ignore if name not in rows], rows


def remedy(settings: dict, rows_are: str, id_column: str) -> Callable[[str], str]:
    """Return the function that says what to do about a column with a cell that is no number."""

    def advice(column: str) -> str:
        column, ignore = shorten(column), dataset_key(settings, "ignore")
        ids = ""
        if not id_column:  # as pandas and R write the numbers of rows
            what = "gene" if rows_are == "genes" else "sample"
            ids = f"if {column} holds the {what} ids, set {dataset_key(settings, 'sample')} to {column}; "
        if rows_are == "genes":
            return f"{ids}if {column} is no sample, list it under {ignore}; if it is one, correct the cell"
        return f"{ids}if {column} is no gene, list it under {ignore}; if it is one, correct the cell"

    return advice


def refuse_decimal_ids(ids: list[str], column: str, settings: dict) -> None:
    """Refuse a column of ids that mostly holds decimal numbers: the file has no ids, so values would become ids.

    A column that the config names, or that is called as ids are, may hold them.
    """
    if settings.get("sample") is not None or is_name_of_ids(column):
        return
    decimals = [name for name in ids if _DECIMAL.fullmatch(name)]
    if 2 * len(decimals) > len(ids):
        raise InputError(
            f"The column {shorten(column)} should hold ids, but holds decimal numbers such as {shorten(decimals[0])}: "
            "write the table with its ids in the first column, or name the column of ids as "
            f"{dataset_key(settings, 'sample')}."
        )
