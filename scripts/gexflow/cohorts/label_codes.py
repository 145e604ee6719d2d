"""Columns that are no genes but the labels themselves, written as numbers: reading one as a gene would be a leak."""

import numpy as np

from gexflow.cohorts.ranges import class_ranges

_LEAST_KNOWN = 0.5


def is_code(column: np.ndarray, labels: list[str]) -> bool:
    """Tell whether numbers and class names stand for each other, one to one."""
    pairs = set(zip(column.tolist(), labels, strict=True))
    return len(pairs) == len(set(labels)) == len({code for code, _ in pairs})


def find_codes(values: np.ndarray, labels: list[str]) -> np.ndarray:
    """Find the columns that encode the labels.

    A code has one value in each class and another one in every other; cells may be missing, but at least half of a
    class has a value. It has thus at most one distinct value more than there are classes. A gene that merely
    separates the classes varies within them.

    Parameters
    ----------
    values : float array (samples, genes)
        Missing values are NaN; it is read in blocks of samples.
    labels : list of str

    Returns
    -------
    int array
        Indices of the columns.
    """
    ranges = class_ranges(values, labels)
    constant = (ranges.low == ranges.high) & (ranges.known >= _LEAST_KNOWN * ranges.sizes[:, None])
    columns = np.flatnonzero(constant.all(axis=0))
    codes = np.sort(ranges.low[:, columns], axis=0)
    return columns[(codes[1:] != codes[:-1]).all(axis=0)]
