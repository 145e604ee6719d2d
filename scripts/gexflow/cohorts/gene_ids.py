"""Gene ids as files give them, made fit to use: totals and empty ids left out, repeated ids numbered."""

import re
from collections import Counter

import numpy as np

from gexflow.cohorts.ensembl import is_ensembl
from gexflow.cohorts.matrix import Matrix
from gexflow.errors import counted
from gexflow.log import CAUTION

REPEATED = " #"
ENTREZ = "entrez_gene_id"  # as cBioPortal calls its second column, in small letters
# Rows that counting programs write among the genes: HTSeq (older versions without "__"), STAR, featureCounts.
_TOTALS = re.compile(
    r"__.*|N_(unmapped|multimapping|noFeature|ambiguous)|Unassigned_\w+"
    r"|no_feature|ambiguous|too_low_aQual|not_aligned|alignment_not_unique"
)
_SUMS = re.compile(r"(grand |column )?(total|sum)s?|(total|sum)[ _.]?(counts?|reads)|library[ _.]?size", re.IGNORECASE)
_ROUNDING = 1e-3


def tidy_genes(matrix: Matrix, are_symbols: bool = False) -> None:
    """Leave out what is no gene, number repeated ids and take symbols apart from ids, in place.

    An id "ENSG...|SYMBOL" becomes its first part. Rows that share an id stay apart as `id`, `id #2`, ...; the recipe
    step collapse_genes joins them by their symbol.

    Parameters
    ----------
    matrix : Matrix
        Symbols that it has are kept.
    are_symbols : bool
        Whether ids of no known database are symbols. Otherwise they count as symbols only where some are repeated,
        which those of probes never are.
    """
    _take_entrez_ids(matrix)
    matrix.drop("genes", _totals(matrix), "totals, not genes")
    empty = np.array([gene == "" for gene in matrix.genes], dtype=bool)
    if empty.any():
        matrix.notes.append(f"{CAUTION}{counted(int(empty.sum()), 'gene')} without an id in the file: left out.")
        matrix.drop("genes", empty, "no id in the file")
    pairs = [_pair(gene) for gene in matrix.genes]
    ids, repeated = _numbered([gene for gene, _ in pairs])
    if matrix.symbols is None and (are_symbols or repeated or any(symbol for _, symbol in pairs)):
        matrix.symbols = [symbol or symbol_of(gene) for gene, symbol in pairs]
    if repeated:
        matrix.notes.append(
            f"{counted(repeated, 'repeated gene id')}: later rows are numbered (as in `id{REPEATED}2`)."
        )
    matrix.genes = ids


def _take_entrez_ids(matrix: Matrix) -> None:
    """Take cBioPortal's column of Entrez ids, which is no sample, as the ids of genes that have no symbol."""
    column = next((name for name in matrix.samples if name.lower() == ENTREZ), None)
    if column is None:
        return
    entrez = matrix.values[matrix.samples.index(column)]
    nameless = np.array([gene == "" for gene in matrix.genes], dtype=bool) & ~np.isnan(entrez)
    names = np.where(nameless, [f"{number:.0f}" for number in entrez], matrix.genes)
    matrix.genes = names.tolist()
    matrix.keep("samples", np.array([name != column for name in matrix.samples]))
    matrix.notes.append(
        f'Column "{column}" is no sample; {counted(int(nameless.sum()), "gene")} without a symbol got it as id.'
    )


def symbol_of(gene: str) -> str:
    """Return the symbol in "SYMBOL|ENTREZ" or a symbol itself; "" for other ids (Ensembl, Entrez)."""
    symbol = gene.partition("|")[0].partition(REPEATED)[0]
    return "" if symbol == "?" or symbol.isdigit() or is_ensembl(symbol) else symbol


def _totals(matrix: Matrix) -> np.ndarray:
    """Mark the rows of totals: those of counting programs, and those called so that are the sum of all others."""
    totals = np.array([_TOTALS.fullmatch(gene) is not None for gene in matrix.genes], dtype=bool)
    sums = [index for index, gene in enumerate(matrix.genes) if _SUMS.fullmatch(gene)]
    if len(sums) == 1:
        own = matrix.values[:, sums[0]].astype(np.float64)
        others = np.nansum(matrix.values, axis=1, dtype=np.float64) - own
        totals[sums] = len(matrix.genes) > 2 and np.allclose(own, others, rtol=_ROUNDING, atol=0)
    return totals


def _pair(gene: str) -> tuple[str, str]:
    """Return the id and the symbol of "ENSG...|SYMBOL" (or of them in the other order); else the id and ""."""
    first, bar, second = gene.partition("|")
    second = second.partition("|")[0]
    if bar and is_ensembl(first) and second:
        return first, "" if is_ensembl(second) else second
    if bar and is_ensembl(second) and first:
        return second, first
    return gene, ""


def _numbered(ids: list[str]) -> tuple[list[str], int]:
    """Return unique ids, repetitions numbered, and how many ids are repeated."""
    counts, seen, unique = Counter(ids), Counter(), []
    for name in ids:
        seen[name] += 1
        while seen[name] > 1 and f"{name}{REPEATED}{seen[name]}" in counts:
            seen[name] += 1
        unique.append(name if seen[name] == 1 else f"{name}{REPEATED}{seen[name]}")
    return unique, sum(count > 1 for count in counts.values())
