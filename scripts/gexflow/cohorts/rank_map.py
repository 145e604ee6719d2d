"""A flat map of a cohort for the eye: principal components of ranks. It knows no labels and no model sees it."""

import numpy as np
from scipy.linalg import eigh
from scipy.sparse.linalg import eigsh

from gexflow.cohorts.ranks import expressed_genes, sample_ranks, screening_genes

_MANY = 100


def rank_map(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Project samples on the two main directions in which their ranks of genes differ.

    Ranks within samples make depth, scale and logarithm of the values irrelevant.

    Parameters
    ----------
    values : float32 array (samples, genes)
        Missing values are NaN.

    Returns
    -------
    places : float array (samples, 2)
        0 where there are fewer than two directions.
    shares : float array (2,)
        Shares of the variance of the ranks.
    """
    ranks = sample_ranks(values, screening_genes(expressed_genes(values)))
    ranks -= ranks.mean(axis=0)
    wide = ranks.shape[0] <= ranks.shape[1]
    products = (ranks @ ranks.T if wide else ranks.T @ ranks).astype(np.float64)
    size = len(products)
    taken = min(2, size)
    if size > _MANY:  # the two largest alone, from a fixed start, so that the same cohort gives the same map
        variances, directions = eigsh(products, k=taken, v0=np.ones(size))
    else:
        variances, directions = eigh(products, subset_by_index=(size - taken, size - 1))
    variances, directions = np.maximum(variances[::-1], 0), directions[:, ::-1]
    found = directions * np.sqrt(variances) if wide else ranks @ directions
    # The sign of a direction is arbitrary: the farthest sample lies on the positive side.
    farthest = np.abs(found).argmax(axis=0)
    found = found * np.where(found[farthest, np.arange(taken)] < 0, -1, 1)
    places, shares = np.zeros((len(values), 2)), np.zeros(2)
    places[:, :taken] = found
    shares[:taken] = variances / max(np.trace(products), 1e-12)
    return places, shares
