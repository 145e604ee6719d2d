"""Columns that are no genes but the labels themselves, written as numbers: reading one as a gene would be a leak."""

import numpy as np

from gexflow.cohorts.ranges import class_ranges

_LEAST_KNOWN = 0.5
# Of 56,537 genuine raw counts 0 to 3 genes look like a code in 5 against 5 samples, none in 8 against 8.
LEAST_SAMPLES = 8


def is_code(column: np.ndarray, labels: list[str]) -> bool:
    """Tell whether numbers and class names stand for each other, one to one."""
    pairs = set(zip(column.tolist(), labels, strict=True))
    return len(pairs) == len(set(labels)) == len({code for code, _ in pairs})


def find_codes(values: np.ndarray, labels: list[str]) -> np.ndarray:
    """Find the columns that encode the labels.

    A code has one value in each class and another one in every other; cells may be missing, but at least half of a
    class has a value. It has thus at most one distinct value more than there are classes. A mark of some classes (0 and
    1 for one class and the rest, or a code of two classes of three) has one value in each class too, but classes may
    share it or have none: it counts as a code where two of its values have eight samples each, since low counts of a
    gene agree by chance in fewer. A gene that merely separates the classes varies within them.

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
    constant |= ranges.known == 0
    differs = np.fmin.reduce(ranges.low) < np.fmax.reduce(ranges.high)  # never true of NaN
    columns = np.flatnonzero(constant.all(axis=0) & differs)
    told = [_tells(ranges.low[:, column], ranges.known[:, column]) for column in columns]
    return columns[np.array(told, dtype=bool)]


def _tells(value: np.ndarray, known: np.ndarray) -> bool:
    """Tell whether one value a class (NaN for none) is a code; `known` counts the samples behind each."""
    filled = known > 0
    codes, place = np.unique(value[filled], return_inverse=True)
    samples = np.bincount(place, weights=known[filled])
    return len(codes) == len(value) or bool(np.count_nonzero(samples >= LEAST_SAMPLES) > 1)


def find_row_numbers(values: np.ndarray) -> np.ndarray:
    """Find the columns of `values` (samples, genes) that number the samples in the order of the file.

    In a file that is sorted by class such a column gives the labels away. Ten samples are needed to tell.
    """
    if len(values) < 10:
        return np.empty(0, dtype=int)
    likely = np.flatnonzero((np.diff(values[:10], axis=0) == 1).all(axis=0) & (np.floor(values[0]) == values[0]))
    return np.array([column for column in likely if (np.diff(values[:, column]) > 0).all()], dtype=int)
