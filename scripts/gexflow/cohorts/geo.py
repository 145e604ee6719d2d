"""GEO series matrix files: values and what the submitters say of each sample."""

import re
from pathlib import Path
from typing import BinaryIO

import pandas as pd

from gexflow.cohorts.config_keys import all_files
from gexflow.cohorts.geo_fields import sample_fields
from gexflow.cohorts.matrix import Matrix, join_matrices
from gexflow.cohorts.text_file import open_text
from gexflow.cohorts.text_table import Layout, parse_table
from gexflow.errors import InputError
from gexflow.log import logger

_BEGIN, _END = b"!series_matrix_table_begin", b"!series_matrix_table_end"
_LONGEST_LINE_BYTES = 256 << 20
_NO_VALUES = (
    "the series matrix holds no values, as usual for RNA-seq series, whose counts are among the supplementary files: "
    "use the supplementary table with `source: table`"
)
# fRMA ("frozen RMA") normalises every sample by itself, so it is left out.
_JOINTLY = re.compile(
    r"(?<!frozen )(?<!f-)\b(GC-?RMA|RMA|robust multi-?\s?(?:array|chip)|quantile[ -]normali[sz]\w+|ComBat|VSN|"
    r"dChip|MBEI|PLIER)\b",
    re.IGNORECASE,
)


def read_geo(paths: list[Path], settings: dict) -> Matrix:
    """Read a GEO series; several files are its several platforms.

    Parameters
    ----------
    paths : list of paths
        Series matrix files, gzipped or not.
    settings : dict
        The dataset's settings (none is used here).

    Returns
    -------
    Matrix
        Only the probes that all files have, in the order of the first one.

    Raises
    ------
    InputError
        A file is no whole series matrix, files share no probe, or a sample is in two of them.
    """
    paths = all_files(paths)
    matrix = join_matrices([_read_file(path) for path in paths], paths, "probe")
    logger.info("GEO: %d samples, %d probes from %d file(s)", len(matrix.samples), len(matrix.genes), len(paths))
    return matrix


def _read_file(path: Path) -> Matrix:
    with open_text(path) as file:
        head = _read_head(file, path)
        try:
            table = parse_table(file, path, Layout(if_empty=_NO_VALUES), head.count(b"\n") + 2, _END)
        except EOFError:
            raise InputError(
                f"{path} is cut off (no line !series_matrix_table_end): delete it and fetch it again."
            ) from None
    fields = sample_fields(head, table.columns, path)
    jointly = _joint_method(fields)
    return Matrix(table.values.T, table.columns, table.ids, fields, normalised_jointly=jointly, notes=table.notes)


def _read_head(file: BinaryIO, path: Path) -> bytes:
    """Read the lines above the table and the line that announces it; return the former."""
    lines = []
    while line := file.readline(_LONGEST_LINE_BYTES):
        if line.lower().startswith(_BEGIN):
            return b"".join(lines)
        lines.append(line)
    raise InputError(
        f"{path} has no line !series_matrix_table_begin, so it is no GEO series matrix: "
        "fetch ..._series_matrix.txt.gz from the series' folder `matrix`."
    )


def _joint_method(fields: pd.DataFrame) -> str:
    """Name the method that normalised the samples together, from their `data_processing` texts."""
    if "data_processing" not in fields:
        return ""
    for text in fields["data_processing"].unique():
        found = _JOINTLY.search(text)
        if found:
            return found[1].upper().replace("-", "")
    return ""
