"""Samples that two cohorts share, found on the ranks of the genes that both have: this confirms families."""

from dataclasses import dataclass

import numpy as np

from gexflow.cohorts.near_duplicates import LEAST_GENES, NEIGHBOUR, share_of_distance
from gexflow.cohorts.ranks import expressed_genes, sample_ranks, screening_genes

LOWEST = 0.9
_PEEK = 128
_BLOCK = 512


@dataclass
class Genes:
    """A cohort as this search needs it: names of genes, and a way to read some samples of some genes.

    Attributes
    ----------
    values : array-like (samples, genes), float32
        An array, or an open dataset of an HDF5 file, which is then read in blocks of samples.
    ids, symbols : list of str
        Of the genes; a symbol may be "".
    """

    values: object
    ids: list[str]
    symbols: list[str]

    def read(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """Return the values of some samples (in rising order) and some genes."""
        blocks = []
        for start in range(0, len(rows), _BLOCK):
            part = rows[start : start + _BLOCK]
            # HDF5 reads a range of rows far faster than a list of them.
            whole = part[-1] - part[0] == len(part) - 1
            blocks.append(self.values[slice(part[0], part[-1] + 1) if whole else part][:, columns])
        return np.concatenate(blocks).astype(np.float32, copy=False)


@dataclass
class Shared:
    """What two cohorts share.

    Attributes
    ----------
    genes_in_common : int
    pairs : list of (int, int, float)
        Row in the first cohort, row in the second one, and Spearman's correlation.
    first, second : int
        Samples of either cohort that have a near-duplicate in the other one.
    largest : float or None
        The largest correlation of any two samples; None where too few genes are common.
    threshold : float or None
        The correlation that a typical pair needs.
    note : str
    """

    genes_in_common: int
    pairs: list[tuple[int, int, float]]
    first: int = 0
    second: int = 0
    largest: float | None = None
    threshold: float | None = None
    note: str = ""


def shared_samples(first: Genes, second: Genes) -> Shared:
    """Find the samples that two cohorts share.

    The rule is like that of `find_near_duplicates`, between cohorts. A sample of the first cohort and its nearest one
    in the second are one sample where they are nearer than a share of the distance that either has to its third-nearest
    sample of the other cohort (or of the median of these distances, where that is less), and their correlation is 0.9
    at least. Scale, logarithm and order of genes don't matter. Cohorts from different platforms, and three or more
    copies of a sample in one cohort, may hide shared samples: then none is found, which is no proof.

    Parameters
    ----------
    first, second : Genes
        Genes are matched by symbol, by id, or by symbol and, where there is none, id, whichever has more in common; of
        several rows of a gene the first counts.

    Returns
    -------
    Shared
    """
    columns = common_genes(first, second)
    count = len(columns[0])
    if count < LEAST_GENES:
        return Shared(count, [], note=f"not searched: fewer than {LEAST_GENES} genes in common")
    peeks = [cohort.read(_spaced(cohort), of) for cohort, of in zip((first, second), columns, strict=True)]
    kept = screening_genes(expressed_genes(np.concatenate(peeks)))
    ranks = [
        sample_ranks(cohort.read(np.arange(cohort.values.shape[0]), of[kept]), np.arange(len(kept)))
        for cohort, of in zip((first, second), columns, strict=True)
    ]
    return _search(*ranks, count)


def common_genes(first: Genes, second: Genes) -> tuple[np.ndarray, np.ndarray]:
    """Return the columns of the genes that two cohorts have in common, in the order of the first one."""
    best: tuple[list[int], list[int]] = ([], [])
    names = ((first.symbols, second.symbols), (_plain(first.ids), _plain(second.ids)), (_named(first), _named(second)))
    for one, other in names:
        places = {}
        for column, name in enumerate(other):
            places.setdefault(name.upper(), column)
        found: dict[str, int] = {}
        for column, name in enumerate(one):
            if name and name.upper() in places:
                found.setdefault(name.upper(), column)
        if len(found) > len(best[0]):
            best = list(found.values()), [places[name] for name in found]
    return np.array(best[0], dtype=int), np.array(best[1], dtype=int)


def _named(cohort: Genes) -> list[str]:
    """Return symbols, and ids in the place of those that are unknown: a table's ids may be symbols themselves."""
    return [symbol or name for symbol, name in zip(cohort.symbols, _plain(cohort.ids), strict=True)]


def _plain(ids: list[str]) -> list[str]:
    """Return ids without the version of Ensembl's and without the symbol before an Entrez id."""
    plain = [name.rpartition("|")[2] for name in ids]
    return [name.partition(".")[0] if name.startswith("ENSG") else name for name in plain]


def _spaced(cohort: Genes) -> np.ndarray:
    return np.unique(np.linspace(0, cohort.values.shape[0] - 1, _PEEK).round().astype(int))


def _search(first: np.ndarray, second: np.ndarray, count: int) -> Shared:
    """Find near-duplicates between two sets of ranks (samples, genes)."""
    wanted = min(NEIGHBOUR, len(first), len(second))
    nearest = np.empty(len(first), dtype=np.int64)
    rows, columns = np.empty((len(first), wanted)), np.full((wanted, len(second)), -1.0, dtype=np.float32)
    for start in range(0, len(first), _BLOCK):
        block = first[start : start + _BLOCK] @ second.T
        nearest[start : start + _BLOCK] = block.argmax(axis=1)
        rows[start : start + _BLOCK] = -np.partition(-block, wanted - 1, axis=1)[:, :wanted]
        columns = -np.partition(-np.concatenate([columns, block]), wanted - 1, axis=0)[:wanted]
    largest, third_of_first = rows.max(axis=1), 1 - rows.min(axis=1)
    third_of_second = 1 - columns.min(axis=0)
    yardstick = np.minimum(third_of_first, np.median(third_of_first))
    other = np.minimum(third_of_second, np.median(third_of_second))
    share = share_of_distance(len(first) * len(second), first.shape[1])
    limits = np.minimum(share * np.minimum(yardstick, other[nearest]), 1 - LOWEST)
    shared = np.flatnonzero(1 - largest <= np.maximum(limits, 1e-6))
    pairs = [(int(row), int(nearest[row]), min(float(largest[row]), 1.0)) for row in shared]
    return Shared(
        count,
        pairs,
        len(pairs),
        len({pair[1] for pair in pairs}),
        round(min(float(largest.max()), 1.0), 6),
        round(float(1 - np.median(limits)), 6),
    )
