"""The table of a cohort's genes: ids without versions, symbols, places on chromosomes."""

from collections import Counter

import pandas as pd

from gexflow.cohorts.annotation import annotate
from gexflow.cohorts.ensembl import strip_versions
from gexflow.cohorts.gene_ids import REPEATED
from gexflow.cohorts.matrix import Matrix
from gexflow.cohorts.odd_gene_names import odd_gene_names


def describe_genes(matrix: Matrix, annotation: pd.DataFrame | None) -> tuple[pd.DataFrame, list[str], dict[str, int]]:
    """Describe the genes of a matrix.

    Parameters
    ----------
    matrix : Matrix
    annotation : DataFrame or None
        From `read_annotation`; what it does not know of a gene, the source's own symbols say.

    Returns
    -------
    var : DataFrame, index = gene ids (Ensembl ids without their versions)
        `symbol` ("" if unknown or ambiguous) and, where an annotation knows them, `chromosome` and `start`.
    notes : list of str
    counts : dict of str to int
        versions_stripped, genes_with_symbol, symbols_of_several_rows; with an annotation also symbol, ambiguous,
        unmapped, absent and placed.
    """
    genes, stripped = strip_versions(matrix.genes)
    symbols = matrix.symbols or [""] * len(genes)
    var = pd.DataFrame({"symbol": symbols}, index=pd.Index(genes, dtype=str))
    notes, counts = [], {"versions_stripped": stripped}
    if stripped:
        notes.append(f"{stripped} Ensembl ids lost their versions.")
    if annotation is not None:
        found = annotate([gene.partition(REPEATED)[0] for gene in matrix.genes], annotation)
        var["symbol"] = [new or old for new, old in zip(found.symbols, symbols, strict=True)]
        if found.counts["placed"]:
            var["chromosome"], var["start"] = found.chromosome, found.start
        notes += found.notes
        counts |= found.counts
    notes += odd_gene_names(matrix.genes, var["symbol"].tolist())
    rows = Counter(symbol for symbol in var["symbol"] if symbol)
    counts["genes_with_symbol"] = rows.total()
    counts["symbols_of_several_rows"] = sum(count > 1 for count in rows.values())
    if counts["symbols_of_several_rows"]:
        notes.append(
            f"{counts['symbols_of_several_rows']} symbols belong to several rows, which stay apart here: the recipe "
            "step collapse_genes makes one gene of them."
        )
    return var, notes, counts
