"""TCGA matrices, genes x samples: PanCanAtlas EB++, Xena or another table with a labels file, or Firehose archives."""

from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd

from gexflow.cohorts.barcodes import as_barcode, barcode_fields
from gexflow.cohorts.big_arrays import row_blocks
from gexflow.cohorts.config_keys import all_files, strict_fields
from gexflow.cohorts.firehose import read_firehose
from gexflow.cohorts.gene_ids import tidy_genes
from gexflow.cohorts.label_file import LabelFile, check_shift, match_labels, read_label_file
from gexflow.cohorts.matrix import Matrix, drop_ignored, join_matrices
from gexflow.cohorts.table_columns import refuse_decimal_ids, remedy, split_ignored
from gexflow.cohorts.text_file import is_archive
from gexflow.cohorts.text_table import Layout, read_header, read_text_table
from gexflow.errors import listed
from gexflow.log import logger


def read_tcga(
    paths: list[Path], labels_path: Path | None, settings: dict, institutions: dict[str, str] | None = None
) -> Matrix:
    """Read TCGA matrices; several files are several sets of samples.

    Parameters
    ----------
    paths : list of paths
        Tables with genes in rows and samples in columns, or archives of Firehose. Ids "SYMBOL|ENTREZ" together with
        missing or negative values mark EB++.
    labels_path : path or None
        Table with one row a sample; its columns become fields. Firehose has its own field, `cohort`.
    settings : dict
        The dataset's settings.
    institutions : {code of a tissue source site: institution}, optional
        None where codes are invented, as in a simulated cohort: each stands for itself.

    Returns
    -------
    Matrix
        With the fields `patient`, `site`, `institution` and `sample_type` where ids are barcodes; with all sample
        types.

    Raises
    ------
    InputError
        A file is wrong, labels match no sample or conflict, or files have no gene in common.
    """
    paths = all_files(paths)
    labels = None if labels_path is None else read_label_file(labels_path)
    ignored: set[str] = set()
    matrix = join_matrices([_read_file(path, labels, settings, ignored) for path in paths], paths, "gene")
    if labels is not None:
        fields = match_labels(matrix, labels, strict_fields(settings), settings)
        fields = _renamed(fields, list(matrix.fields), "the archive's name", matrix.notes)
        matrix.fields = pd.concat([matrix.fields, fields], axis=1)
    rows = [str(name) for name in settings.get("ignore") or [] if str(name).lower() not in map(str.lower, ignored)]
    drop_ignored(matrix, rows, settings)
    matrix.fields = _add_barcodes(matrix.fields, matrix.samples, institutions, matrix.notes)
    paired = all("|" in gene for gene in matrix.genes)
    # Firehose tables carry the same ids, but neither gaps nor values below 0
    matrix.normalised_jointly = "EB++" if paired and _has_gaps(matrix.values) else ""
    logger.info("TCGA: %d samples, %d genes from %d file(s)", len(matrix.samples), len(matrix.genes), len(paths))
    return matrix


def _read_file(path: Path, labels: LabelFile | None, settings: dict, ignored: set[str]) -> Matrix:
    """Read one file; the columns that it leaves unread are added to `ignored`."""
    if is_archive(path):
        matrix = read_firehose(path)
    else:
        header = read_header(path)
        notes = check_shift(header, labels, "genes", settings, path)
        columns = split_ignored(header.names, "genes", settings)[0]
        ignored.update(columns)
        layout = Layout(
            ignore=tuple(columns), remedy=remedy(settings, "genes", header.names[0]), unique=False, nameless_ids=True
        )
        table = read_text_table(path, layout)
        refuse_decimal_ids(table.ids, header.names[0], settings)
        notes += table.notes
        matrix = Matrix(table.values.T, table.columns, table.ids, pd.DataFrame(index=table.columns), notes=notes)
    tidy_genes(matrix, are_symbols=True)
    return matrix


def _has_gaps(values: np.ndarray) -> bool:
    """Tell whether values are missing or below 0."""
    return any(not (block >= 0).all() for _, block in row_blocks(values))


def _add_barcodes(
    fields: pd.DataFrame, samples: list[str], institutions: dict[str, str] | None, notes: list[str]
) -> pd.DataFrame:
    """Add what the barcodes say; columns of the labels file that have the same names are renamed."""
    parts = barcode_fields(samples, institutions)
    others = sum(not as_barcode(sample) for sample in samples)
    if others:
        notes.append(
            f"{others} of {len(samples)} sample ids are no TCGA barcodes: neither patient nor sample type is known of "
            "them, so adjacent normals may be among them."
        )
    if institutions is not None and "site" in parts:
        notes += _unknown_sites(parts["site"], institutions)
    return pd.concat([_renamed(fields, list(parts), "the barcode", notes), parts], axis=1)


def _unknown_sites(codes: pd.Series, institutions: dict[str, str]) -> list[str]:
    """Say which codes of tissue source sites the table lacks."""
    unknown = Counter(code for code in codes if code and code not in institutions)
    if not unknown:
        return []
    shown = listed([f"{code} ({count})" for code, count in sorted(unknown.items())])
    return [
        f"{unknown.total()} of {len(codes)} samples are of tissue source sites whose institution is not known, so the "
        f"code stands for it (code and its samples): {shown}."
    ]


def _renamed(fields: pd.DataFrame, taken: list[str], origin: str, notes: list[str]) -> pd.DataFrame:
    """Rename columns of the labels file whose names are taken."""
    names = {name: f"{name} (labels)" for name in fields.columns if name in taken}
    for old, new in names.items():
        notes.append(f'Column "{old}" of the labels file is field "{new}": "{old}" is read from {origin}.')
    return fields.rename(columns=names)
