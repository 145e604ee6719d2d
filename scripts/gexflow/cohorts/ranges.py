"""Smallest and largest value of every gene in every class, without a copy of the table."""

from dataclasses import dataclass

import numpy as np

_BLOCK = 256


@dataclass
class Ranges:
    """Ranges of genes within classes.

    Attributes
    ----------
    classes : list of str
        Sorted.
    low, high : float32 arrays (classes, genes)
        NaN where a class has no value of a gene.
    known : int array (classes, genes)
        Number of values that are not missing.
    sizes : int array (classes,)
        Number of samples.
    """

    classes: list[str]
    low: np.ndarray
    high: np.ndarray
    known: np.ndarray
    sizes: np.ndarray


def class_ranges(values: np.ndarray, labels: list[str]) -> Ranges:
    """Return the ranges of `values` (float32, samples x genes, missing = NaN), in blocks of samples."""
    classes, codes = np.unique(labels, return_inverse=True)
    shape = (len(classes), values.shape[1])
    low, high = (np.full(shape, np.nan, dtype=values.dtype) for _ in range(2))
    known = np.zeros(shape, dtype=np.int64)
    for number in range(len(classes)):
        rows = np.flatnonzero(codes == number)
        for start in range(0, len(rows), _BLOCK):
            block = values[rows[start : start + _BLOCK]]
            low[number] = np.fmin(low[number], np.fmin.reduce(block, axis=0))
            high[number] = np.fmax(high[number], np.fmax.reduce(block, axis=0))
            known[number] += (~np.isnan(block)).sum(axis=0)
    return Ranges([str(name) for name in classes], low, high, known, np.bincount(codes, minlength=len(classes)))
