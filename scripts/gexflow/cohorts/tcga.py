"""TCGA matrices, genes x samples: PanCanAtlas EB++ or a plain table, with a labels file."""

from pathlib import Path

import numpy as np
import pandas as pd

from gexflow.cohorts.barcodes import barcode_fields
from gexflow.cohorts.big_arrays import row_blocks
from gexflow.cohorts.config_keys import only_file, strict_fields
from gexflow.cohorts.label_file import match_labels, read_label_file
from gexflow.cohorts.matrix import Matrix
from gexflow.cohorts.text_table import Layout, read_text_table
from gexflow.log import logger

_PRIMARY = ["01", "03"]
# Rows of totals that counting programs (HTSeq, STAR) write among the genes.
_TOTALS = ("__", "N_unmapped", "N_multimapping", "N_noFeature", "N_ambiguous")


def read_tcga(paths: list[Path], labels_path: Path | None, settings: dict) -> Matrix:
    """Read a TCGA matrix.

    Parameters
    ----------
    paths : list of one path
        Genes in rows, samples in columns. Ids "SYMBOL|ENTREZ" mark EB++.
    labels_path : path or None
        Table with one row a sample; its columns become fields.
    settings : dict
        `sample_types`: two-digit codes to keep ("01", "03" by default; an empty list keeps all).

    Returns
    -------
    Matrix
        With the fields `patient`, `site` and `sample_type` where ids are barcodes.

    Raises
    ------
    InputError
        A file is wrong, labels match no sample or conflict, or no sample is left.
    """
    path = only_file(paths, settings)
    table = read_text_table(path, Layout())
    samples = table.columns
    fields, notes = pd.DataFrame(index=samples), []
    if labels_path is not None:
        labels = read_label_file(labels_path)
        fields, notes = match_labels(samples, labels, strict_fields(settings), Path(labels_path))
    fields = _add_barcodes(fields, samples, notes)
    paired = all("|" in gene for gene in table.ids)
    matrix = Matrix(
        table.values.T,
        samples,
        table.ids,
        fields,
        symbols=[_symbol(gene) for gene in table.ids] if paired else None,
        # Firehose tables carry the same ids, but neither gaps nor values below 0
        normalised_jointly="EB++" if paired and _has_gaps(table.values.T) else "",
        notes=notes,
    )
    matrix.drop("genes", np.array([gene.startswith(_TOTALS) for gene in matrix.genes]), "totals, not genes")
    logger.info("TCGA: %d samples, %d genes", len(matrix.samples), len(matrix.genes))
    return matrix


def _has_gaps(values: np.ndarray) -> bool:
    return any(not (block >= 0).all() for _, block in row_blocks(values))


def _symbol(gene: str) -> str:
    symbol = gene.partition("|")[0]
    return "" if symbol == "?" else symbol


def _add_barcodes(fields: pd.DataFrame, samples: list[str], notes: list[str]) -> pd.DataFrame:
    """Add what the barcodes say; columns of the labels file that have the same names are renamed."""
    parts = barcode_fields(samples)
    taken = {name: f"{name} (labels)" for name in fields.columns if name in parts.columns}
    for old, new in taken.items():
        notes.append(f'Column "{old}" of the labels file is field "{new}": "{old}" is read from the barcode.')
    return pd.concat([fields.rename(columns=taken), parts], axis=1)
