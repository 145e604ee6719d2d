"""Genes that separate a class from all others perfectly, by one cut: listed in the card, for the reader to look at.

They describe the whole cohort, test samples included. No model and no recipe sees this list, and nothing is removed:
such genes exist (6 in Khan's four tumours, 93 probes in GSE14520), but many of them may be a sign of a batch or of a
label written into the data.
"""

import numpy as np

from gexflow.cohorts.ranges import class_ranges


def separating_genes(values: np.ndarray, labels: list[str]) -> list[tuple[int, str]]:
    """Find the genes with a cut that has all samples of a class on one side and all others on the other side.

    Parameters
    ----------
    values : float array (samples, genes)
        Missing values are NaN and left aside; a gene that a class lacks altogether doesn't separate it.
    labels : list of str
        With two classes a gene separates both; with more, one class from the rest is enough.

    Returns
    -------
    list of (int, str)
        Gene and the class that it sets apart (the first in alphabetical order), widest gap first. The gap is measured
        in shares of the gene's range.
    """
    ranges = class_ranges(values, labels)
    best = np.full(values.shape[1], -np.inf)
    separated = np.zeros(values.shape[1], dtype=np.int64)
    span = np.fmax.reduce(ranges.high) - np.fmin.reduce(ranges.low)
    for number in range(len(ranges.classes)):
        others = np.arange(len(ranges.classes)) != number
        below = ranges.low[number] - np.fmax.reduce(ranges.high[others])
        above = np.fmin.reduce(ranges.low[others]) - ranges.high[number]
        gap = np.fmax(below, above) / np.where(span > 0, span, np.inf)
        better = gap > np.maximum(best, 0)  # never true of NaN
        best[better], separated[better] = gap[better], number
    found = np.flatnonzero(best > 0)
    found = found[np.argsort(-best[found], kind="stable")]
    return [(int(gene), ranges.classes[separated[gene]]) for gene in found]
