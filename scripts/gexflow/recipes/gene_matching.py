"""The genes of one cohort found in another one, by id or by symbol."""

from dataclasses import dataclass

import numpy as np


@dataclass
class Matched:
    """Where the genes of a cohort are in another one.

    Attributes
    ----------
    columns : list of int arrays, one a gene
        Columns of the other cohort that hold the gene: none where it lacks the gene, several where probes share a name.
    by_id, by_symbol : int
        Genes found in either way.
    """

    columns: list[np.ndarray]
    by_id: int
    by_symbol: int

    @property
    def known(self) -> np.ndarray:
        """Mask of the genes that the other cohort has, bool (genes,)."""
        return np.array([len(found) > 0 for found in self.columns], dtype=bool)


def match_genes(ids: list[str], symbols: list[str], other_ids: list[str], other_symbols: list[str]) -> Matched:
    """Find genes in another cohort: by the same id, else by symbol.

    One id that carries different symbols in both cohorts is no match: numbers of probes mean another thing on another
    platform. Where a symbol is not known (""), the id stands for it, without the version of Ensembl's and without the
    symbol before an Entrez id. Letter case does not matter.

    Parameters
    ----------
    ids, symbols : list of str, one a gene
    other_ids, other_symbols : list of str, one a column of the other cohort
    """
    at = {name: column for column, name in enumerate(other_ids)}
    named: dict[str, list[int]] = {}
    for column, (name, symbol) in enumerate(zip(other_ids, other_symbols, strict=True)):
        named.setdefault(_name(name, symbol), []).append(column)
    columns, by_id, by_symbol = [], 0, 0
    for name, symbol in zip(ids, symbols, strict=True):
        column = at.get(name)
        if column is not None and _agree(symbol, other_symbols[column]):
            columns.append(np.array([column]))
            by_id += 1
            continue
        found = named.get(_name(name, symbol), [])
        by_symbol += bool(found)
        columns.append(np.array(found, dtype=int))
    return Matched(columns, by_id, by_symbol)


def _agree(symbol: str, other: str) -> bool:
    return not symbol or not other or symbol.upper() == other.upper()


def _name(gene: str, symbol: str) -> str:
    plain = gene.rpartition("|")[2]
    return (symbol or (plain.partition(".")[0] if plain.startswith("ENSG") else plain)).upper()


def take_genes(values: np.ndarray, matched: Matched) -> np.ndarray:
    """Return the values of matched genes: float32 (samples, genes), NaN where the other cohort lacks the gene.

    Where several columns hold a gene, its value is their mean within the sample, on the scale as it is; missing ones
    are skipped.

    Parameters
    ----------
    values : float32 array (samples, columns)
    matched : Matched
    """
    taken = np.full((len(values), len(matched.columns)), np.nan, dtype=np.float32)
    sizes = np.array([len(found) for found in matched.columns])
    single = np.flatnonzero(sizes == 1)
    taken[:, single] = values[:, np.array([matched.columns[gene][0] for gene in single], dtype=int)]
    for gene in np.flatnonzero(sizes > 1):
        probes = values[:, matched.columns[gene]].astype(np.float64)
        known = ~np.isnan(probes)
        count = known.sum(axis=1)
        sums = np.where(known, probes, 0).sum(axis=1)
        taken[:, gene] = np.divide(sums, count, out=np.full(len(values), np.nan), where=count > 0)
    return taken
