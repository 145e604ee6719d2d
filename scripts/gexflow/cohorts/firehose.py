"""Firehose archives (Broad Institute GDAC): normalised RSEM counts of one TCGA cohort each."""

import re
from pathlib import Path

import pandas as pd

from gexflow.cohorts.archives import open_member
from gexflow.cohorts.matrix import Matrix
from gexflow.cohorts.text_file import Packed
from gexflow.cohorts.text_table import Layout, parse_table
from gexflow.errors import InputError, shorten

_TABLE = "*RSEM_genes_normalized__data.data.txt"


def read_firehose(path: Path) -> Matrix:
    """Read `{COHORT}.rnaseqv2__...__RSEM_genes_normalized__data.data.txt` out of an archive.

    The table has two header lines: aliquot barcodes, and "gene_id, normalized_count, ...". Ids are "SYMBOL|ENTREZ".

    Returns
    -------
    Matrix
        With the field `cohort`, from the file's name.

    Raises
    ------
    InputError
        The archive or its table is wrong.
    """
    source = Packed(path, _TABLE)
    with open_member(path, _TABLE) as member:
        name = re.match(r"(?:.*/)?([A-Z]+)\.rnaseqv2__", member.name)
        if name is None:
            raise InputError(
                f"{path}: the name of {shorten(member.name)} does not begin with a cohort (as BRCA.rnaseqv2__): "
                "fetch the archive again."
            )
        table = parse_table(member.file, source, Layout(skip_lines=1, unique=False))
    fields = pd.DataFrame({"cohort": name[1]}, index=table.columns, dtype=str)
    return Matrix(table.values.T, table.columns, table.ids, fields)
