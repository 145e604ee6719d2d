"""UCI dataset 401: RNA-seq of five TCGA tumour types, 801 samples x 20,531 genes without names."""

from pathlib import Path

import pandas as pd

from gexflow.cohorts.config_keys import only_file
from gexflow.cohorts.label_file import match_labels, read_label_file
from gexflow.cohorts.matrix import Matrix
from gexflow.cohorts.text_file import Packed
from gexflow.cohorts.text_table import Layout, read_text_table
from gexflow.log import logger

_ARCHIVE, _MATRIX, _LABELS = "*TCGA-PANCAN-HiSeq-801x20531.tar.gz", "data.csv", "labels.csv"


def read_uci(paths: list[Path], settings: dict) -> Matrix:
    """Read the zip as UCI serves it, or the tar.gz within it.

    Parameters
    ----------
    paths : list of one path
        The archive holds `data.csv` (sample_0, ...; gene_0, ...) and `labels.csv` (sample, Class).
    settings : dict
        The dataset's settings (only `dataset`, for messages).

    Returns
    -------
    Matrix
        With the field `Class`.

    Raises
    ------
    InputError
        The archive or one of its tables is wrong.
    """
    path = only_file(paths, settings)
    matrix, labels = _packed(path, _MATRIX), _packed(path, _LABELS)
    table = read_text_table(matrix, Layout(samples_in_rows=True))
    found = Matrix(table.values, table.ids, table.columns, pd.DataFrame(index=table.ids))
    found.fields = match_labels(found, read_label_file(labels), ["Class"], settings)
    found.notes.append("The file names no genes (gene_0, gene_1, ...) and no patients; its samples are TCGA's.")
    logger.info("UCI: %d samples, %d genes", *table.values.shape)
    return found


def _packed(path: Path, member: str) -> Packed:
    with open(path, "rb") as file:
        zipped = file.read(2) == b"PK"
    return Packed(path, _ARCHIVE, member) if zipped else Packed(path, member)
