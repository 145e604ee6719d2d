"""GEO series matrix files: values and what the submitters say of each sample."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from gexflow.cohorts.geo_fields import sample_fields
from gexflow.cohorts.matrix import Matrix
from gexflow.cohorts.text_file import check_text, read_bytes
from gexflow.cohorts.text_table import TextTable, check_unique, parse_header, parse_table
from gexflow.errors import InputError
from gexflow.log import logger

_BEGIN = re.compile(rb"^!series_matrix_table_begin[^\r\n]*\r?\n", re.MULTILINE | re.IGNORECASE)
_END = re.compile(rb"^!series_matrix_table_end", re.MULTILINE | re.IGNORECASE)
# fRMA ("frozen RMA") normalises every sample by itself, so it is left out.
_JOINTLY = re.compile(
    r"(?<!frozen )(?<!f-)\b(GC-?RMA|RMA|robust multi-?\s?(?:array|chip)|quantile[ -]normali[sz]\w+|ComBat|VSN)\b",
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
    parts = [_read_file(check_text(path)) for path in paths]
    matrix = parts[0]
    for part, path in zip(parts[1:], paths[1:], strict=True):
        matrix = _join(matrix, part, Path(path))
    logger.info("GEO: %d samples, %d probes from %d file(s)", len(matrix.samples), len(matrix.genes), len(paths))
    return matrix


def _read_file(path: Path) -> Matrix:
    content = read_bytes(path)
    begin = _BEGIN.search(content)
    if begin is None:
        raise InputError(
            f"{path} has no line !series_matrix_table_begin, so it is no GEO series matrix: "
            "fetch ..._series_matrix.txt.gz from the series' folder `matrix`."
        )
    end = _END.search(content, begin.end())
    if end is None:
        raise InputError(f"{path} is cut off (no line !series_matrix_table_end): delete it and fetch it again.")
    head = content[: begin.start()]
    table = _read_values(content[begin.end() : end.start()], head.count(b"\n") + 2, path)
    fields = sample_fields(head, table.columns, path)
    values = np.ascontiguousarray(table.values.T)
    return Matrix(values, table.columns, table.ids, fields, normalised_jointly=_joint_method(fields))


def _read_values(content: bytes, first_line: int, path: Path) -> TextTable:
    if content.strip().count(b"\n") == 0:
        raise InputError(
            f"{path} holds no values (usual for RNA-seq series, whose counts are among the supplementary files): "
            "use the supplementary table with `source: table`."
        )
    header = parse_header(content, path)
    return parse_table(lambda: pa.BufferReader(content), header, path, first_line=first_line)


def _joint_method(fields: pd.DataFrame) -> str:
    """Name the method that normalised the samples together, from their `data_processing` texts."""
    if "data_processing" not in fields:
        return ""
    for text in fields["data_processing"].unique():
        found = _JOINTLY.search(text)
        if found:
            return found[1].upper().replace("-", "")
    return ""


def _join(first: Matrix, second: Matrix, path: Path) -> Matrix:
    """Put two platforms of a series together: the samples of both, the probes that both have."""
    samples = first.samples + second.samples
    check_unique(samples, "sample", path)
    position = {gene: index for index, gene in enumerate(second.genes)}
    for matrix, others in ((first, position), (second, set(first.genes))):
        alone = np.array([gene not in others for gene in matrix.genes])
        if alone.all():
            raise InputError(f"{path} shares no probe with the other platform: give one platform a dataset of its own.")
        matrix.drop("genes", alone, f"not on every platform ({path.name})")
    position = {gene: index for index, gene in enumerate(second.genes)}
    order = [position[gene] for gene in first.genes]
    return Matrix(
        np.concatenate([first.values, second.values[:, order]]),
        samples,
        first.genes,
        pd.concat([first.fields, second.fields]).fillna(""),
        normalised_jointly=first.normalised_jointly or second.normalised_jointly,
        dropped=first.dropped + second.dropped,
        notes=[*first.notes, *second.notes, f"{len(first.genes)} probes are common to all platforms."],
    )
