"""collapse_genes: several probes of one gene become one column."""

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
import pandas as pd

from gexflow.errors import InputError
from gexflow.recipes.step import Step


class CollapseGenes(Step):
    """Make one column of all probes that carry the same gene symbol.

    Missing values are skipped within a sample; where all probes of a gene are missing, the gene is. The step works on
    the scale that it is given, and the mean of logged values is not the log of their mean. For arrays it usually stands
    behind to_log2 and before steps that standardise. The gene takes the place of its first probe, or of the chosen one.

    Parameters
    ----------
    by : "mean", "median" or "largest_mean"
        What a sample's value of the gene is: the mean or the median of its probes, or the one probe with the largest
        mean over the training samples (MaxMean of collapseRows, Miller et al. 2011, BMC Bioinformatics 12:322); its
        missing values stay missing. Among equal means the earlier probe is taken.
    unmapped : "drop" or "keep"
        Whether columns without a symbol, ambiguous probes among them, are left out or stay as they are.

    Attributes
    ----------
    gene_ : int array (columns,), the output column that each input column belongs to; -1 if it is left out
    kept_ : bool array (columns,), the columns that lend an output column their place
    """

    per_gene: ClassVar[tuple[str, ...]] = ("gene_", "kept_")

    def __init__(self, by: str = "mean", unmapped: str = "drop"):
        self.by = by
        self.unmapped = unmapped

    def fit(self, X: np.ndarray, y: np.ndarray | None = None, symbols: np.ndarray | None = None) -> "CollapseGenes":
        """Learn which columns belong together.

        Parameters
        ----------
        X : float array (samples, columns)
            Training samples.
        y : ignored
        symbols : str array (columns,), "" where a column has none
            None makes every column a gene of its own.

        Raises
        ------
        InputError
            If no column has a symbol.
        """
        X = self._checked(X, reset=True)
        names = np.arange(X.shape[1]).astype(str) if symbols is None else np.asarray(symbols, dtype=object)
        mapped = names != ""
        if not mapped.any():
            raise InputError(
                f"none of the {len(names)} genes that reach it has a symbol: name the platform's annotation under the "
                "dataset's key `files.annotation`, or use a recipe without collapse_genes"
            )
        place = first_columns(names)
        if self.by == "largest_mean":
            place = _largest_mean(X, place)
        stays = mapped | (self.unmapped == "keep")
        self.kept_ = stays & (place == np.arange(len(place)))
        self.gene_ = np.where(stays, (np.cumsum(self.kept_) - 1)[place], -1)
        return self

    def _apply(self, X: np.ndarray) -> np.ndarray:
        if self.by == "largest_mean":
            return X[:, self.kept_]
        combine = _median if self.by == "median" else _mean
        collapsed = np.empty((len(X), int(self.kept_.sum())), dtype=np.float32)
        for genes, probes in _genes_by_size(self.gene_):
            collapsed[:, genes] = X[:, probes[0]] if len(probes) == 1 else combine(X[:, probes])
        return collapsed

    def note(self, X: np.ndarray) -> str:
        """Count probes, genes and columns without a symbol."""
        text = f"collapse_genes: {len(self.gene_):,} probes to {int(self.kept_.sum()):,} genes"
        if self.unmapped == "keep":
            return f"{text}, each probe without a symbol counted as one"
        left_out = int((self.gene_ < 0).sum())
        return f"{text}; {left_out:,} without a symbol left out" if left_out else text


def first_columns(symbols: np.ndarray) -> np.ndarray:
    """Return, for every column, the index of the first column with its symbol; its own where it has none ("")."""
    codes, names = pd.factorize(np.asarray(symbols, dtype=object))
    _, first = np.unique(codes, return_index=True)
    columns = np.arange(len(codes))
    return np.where(names[codes] == "", columns, first[codes])


def placed_columns(symbols: np.ndarray, places: pd.DataFrame) -> np.ndarray:
    """Return, for every column, the first column with its symbol whose place is known best.

    Parameters
    ----------
    symbols : str array (columns,), "" where a column has none
    places : DataFrame (columns)
        `chromosome` ("" where unknown) and `start` (NaN where unknown): a start counts more than a chromosome alone.
    """
    unknown = (places["chromosome"].astype(str) == "").to_numpy().astype(int) + places["start"].isna().to_numpy()
    best_first = np.argsort(unknown, kind="stable")
    chosen = np.empty(len(symbols), dtype=int)
    chosen[best_first] = best_first[first_columns(np.asarray(symbols, dtype=object)[best_first])]
    return chosen


def _largest_mean(X: np.ndarray, gene: np.ndarray) -> np.ndarray:
    """Return, for every column, the column of its gene whose mean over the samples is largest."""
    known = (~np.isnan(X)).sum(axis=0)
    sums = np.nansum(X, axis=0, dtype=np.float64)
    means = np.divide(sums, known, out=np.full(len(sums), -np.inf), where=known > 0)
    best_first = np.lexsort((-means, gene))  # within a gene by mean; equal ones stay in input order
    _, start, member = np.unique(gene[best_first], return_index=True, return_inverse=True)
    chosen = np.empty_like(gene)
    chosen[best_first] = best_first[start][member]
    return chosen


def _genes_by_size(gene: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the genes with 1, 2, ... probes: output columns (genes,) and their input columns (probes, genes)."""
    order = np.argsort(gene, kind="stable")[(gene < 0).sum() :]
    sizes = np.bincount(gene[gene >= 0])
    starts = np.cumsum(sizes) - sizes
    for size in np.unique(sizes):
        genes = np.flatnonzero(sizes == size)
        yield genes, order[starts[genes] + np.arange(size)[:, None]]


def _mean(values: np.ndarray) -> np.ndarray:
    """Average (samples, probes, genes) over the probes that are there, in float64."""
    missing = np.isnan(values)
    if not missing.any():
        return values.mean(axis=1, dtype=np.float64)
    known = values.shape[1] - missing.sum(axis=1)
    sums = np.where(missing, 0, values).sum(axis=1, dtype=np.float64)
    return np.divide(sums, known, out=np.full(sums.shape, np.nan), where=known > 0)


def _median(values: np.ndarray) -> np.ndarray:
    """Take the median of (samples, probes, genes) over the probes that are there."""
    ordered = np.sort(values, axis=1)  # missing values go to the end
    known = values.shape[1] - np.isnan(values).sum(axis=1, keepdims=True)
    lower = np.take_along_axis(ordered, np.maximum(known - 1, 0) // 2, axis=1)
    upper = np.take_along_axis(ordered, known // 2, axis=1)
    return (0.5 * lower + 0.5 * upper)[:, 0]
