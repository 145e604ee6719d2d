"""Ranks of genes within each sample: the same for counts, their logarithm, or any other rising function of them."""

import numpy as np
from scipy.stats import rankdata

from gexflow.cohorts.big_arrays import count_missing

SCREENED = 2000
_RANKED = 128
_BLOCK = 256


def expressed_genes(values: np.ndarray, most: int = SCREENED) -> np.ndarray:
    """Choose genes whose ranks mean something: counts and intensities near the ground are mostly noise.

    Parameters
    ----------
    values : float32 array (samples, genes)
        Missing values are NaN.
    most : int
        So many genes are kept at least, if there are as many.

    Returns
    -------
    int array
        Indices in rising order: of the genes without missing values the quarter with the highest mean rank within
        samples (128 of these, evenly spaced). Where fewer than `most` genes are complete, those with the fewest
        missing values. Labels play no part.
    """
    missing = count_missing(values)[1]
    genes = np.flatnonzero(missing == 0)
    if len(genes) < most:
        return np.sort(np.argsort(missing, kind="stable")[:most])
    samples = np.unique(np.linspace(0, len(values) - 1, _RANKED).round().astype(int))
    total = np.zeros(len(genes))
    for sample in samples:
        total += rankdata(values[sample, genes])
    kept = np.argsort(-total, kind="stable")[: max(most, len(genes) // 4)]
    return np.sort(genes[kept])


def screening_genes(genes: np.ndarray, most: int = SCREENED) -> np.ndarray:
    """Take at most `most` of the expressed genes, evenly spaced."""
    if len(genes) <= most:
        return genes
    return genes[np.linspace(0, len(genes) - 1, most).round().astype(int)]


def sample_ranks(values: np.ndarray, genes: np.ndarray) -> np.ndarray:
    """Rank genes within each sample, so that the product of two rows is Spearman's correlation.

    Parameters
    ----------
    values : float32 array (samples, genes)
    genes : int array
        The columns to rank.

    Returns
    -------
    float32 array (samples, len(genes))
        Every row has mean 0 and length 1 (a sample without any difference: all 0). Ties share their mean rank; a
        missing value gets the gene's mean rank over the samples that have it.
    """
    ranks = np.empty((len(values), len(genes)), dtype=np.float32)
    for start in range(0, len(values), _BLOCK):
        block = values[start : start + _BLOCK, genes]
        found = rankdata(block, axis=1, nan_policy="omit") if np.isnan(block).any() else _mean_ranks(block)
        known = np.maximum((~np.isnan(block)).sum(axis=1, keepdims=True), 1)
        ranks[start : start + _BLOCK] = (found - 0.5) / known - 0.5
    _fill_with_means(ranks)
    for start in range(0, len(ranks), _BLOCK):
        block = ranks[start : start + _BLOCK]
        block -= block.mean(axis=1, keepdims=True)
        length = np.linalg.norm(block, axis=1, keepdims=True)
        block /= np.where(length > 1e-6, length, np.inf)
    return ranks


def _mean_ranks(block: np.ndarray) -> np.ndarray:
    """Rank every row from 1, ties sharing their mean rank: scipy's rankdata in less time, for no missing values."""
    place = np.arange(block.shape[1], dtype=np.int32)
    order = np.argsort(block, axis=1)
    ordered = np.take_along_axis(block, order, axis=1)
    rises = np.ones((len(block), block.shape[1] + 1), dtype=bool)
    rises[:, 1:-1] = ordered[:, 1:] != ordered[:, :-1]
    first = np.maximum.accumulate(np.where(rises[:, :-1], place, 0), axis=1)
    last = np.minimum.accumulate(np.where(rises[:, 1:], place, len(place))[:, ::-1], axis=1)[:, ::-1]
    ranks = np.empty(block.shape, dtype=np.float32)
    np.put_along_axis(ranks, order, (first + last) * np.float32(0.5) + 1, axis=1)
    return ranks


def _fill_with_means(ranks: np.ndarray) -> None:
    """Replace missing ranks by the mean rank of their gene, in place."""
    total, known = np.zeros(ranks.shape[1]), np.zeros(ranks.shape[1])
    for start in range(0, len(ranks), _BLOCK):
        block = ranks[start : start + _BLOCK]
        total += np.nansum(block, axis=0, dtype=np.float64)
        known += (~np.isnan(block)).sum(axis=0)
    if (known == len(ranks)).all():
        return
    means = (total / np.maximum(known, 1)).astype(np.float32)
    for start in range(0, len(ranks), _BLOCK):
        block = ranks[start : start + _BLOCK]
        rows, genes = np.nonzero(np.isnan(block))
        block[rows, genes] = means[genes]


def spearman(first: np.ndarray, second: np.ndarray) -> float:
    """Return Spearman's correlation of two samples over the genes that both have; 0 where it is not defined."""
    both = ~(np.isnan(first) | np.isnan(second))
    x, y = rankdata(first[both]), rankdata(second[both])
    x, y = x - x.mean() if x.size else x, y - y.mean() if y.size else y
    length = np.linalg.norm(x) * np.linalg.norm(y)
    return float(x @ y / length) if length > 0 else 0.0
