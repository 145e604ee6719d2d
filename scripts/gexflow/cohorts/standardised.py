"""Signs that a source rescaled every gene over all of its samples before any fold existed."""

import numpy as np

_DIGITS = 1.5e-3  # three digits, as files are often rounded
_MOST = 0.5
_MOST_ZEROS = 0.1  # a median of 0 that many samples share is a value of its own, such as a missing one
_LEAST_SAMPLES = 5
_LEAST_GENES = 10
_BLOCK_VALUES = 1 << 21
_SIGNS = (
    "z-scores of each gene",
    "centring of each gene",
    "centring of each gene by its median",
    "scaling of each gene to 0..1",
)


def find_standardisation(values: np.ndarray) -> str:
    """Name what was done to each gene over all samples; "" if nothing shows.

    Most genes that vary have, over all samples of the file, mean 0 and standard deviation 1; or mean 0 alone; or
    median 0, with values on both sides; or the range 0 to 1: to three digits, relative to the spread. Genes that are
    nothing but 0 and 1 have no say on the range: counts and tables of calls are no sign of scaling.

    Parameters
    ----------
    values : float32 array (samples, genes)
        All samples of the source, before any is left out. Missing values are NaN; it is read in blocks of genes.
    """
    if len(values) < _LEAST_SAMPLES or values.shape[1] < _LEAST_GENES:
        return ""
    votes, voters = np.zeros(len(_SIGNS), dtype=np.int64), np.zeros(len(_SIGNS), dtype=np.int64)
    step = max(1, _BLOCK_VALUES // len(values))
    for first in range(0, values.shape[1], step):
        for sign, (shows, votes_on) in enumerate(_signs(values[:, first : first + step].astype(np.float64))):
            votes[sign] += np.count_nonzero(shows)
            voters[sign] += votes_on
    most = (voters >= _LEAST_GENES) & (votes > _MOST * voters)
    return next((name for name, holds in zip(_SIGNS, most, strict=True) if holds), "")


def _signs(block: np.ndarray) -> list[tuple[np.ndarray, int]]:
    """Return which genes of a block show each sign, and how many of them have a say on it."""
    known = ~np.isnan(block)
    count = known.sum(axis=0)
    low, high = np.fmin.reduce(block), np.fmax.reduce(block)
    use = (count >= _LEAST_SAMPLES) & (high > low)
    block, known, count, low, high = block[:, use], known[:, use], count[use], low[use], high[use]
    mean = np.where(known, block, 0).sum(axis=0) / count
    squares = np.where(known, np.square(block - mean), 0).sum(axis=0)
    spread = np.sqrt(squares / count)
    centred = np.abs(mean) <= _DIGITS * spread
    unit = np.minimum(abs(spread - 1), abs(np.sqrt(squares / (count - 1)) - 1)) <= _DIGITS
    ranged = (np.abs(low) <= _DIGITS) & (np.abs(high - 1) <= _DIGITS)
    between = ((block > _DIGITS) & (block < 1 - _DIGITS)).any(axis=0)
    by_median, every = _median_is_zero(block, count, _DIGITS * spread), len(count)
    binary = int(np.count_nonzero(ranged & ~between))
    return [(centred & unit, every), (centred, every), (by_median, every), (ranged & between, every - binary)]


def _median_is_zero(block: np.ndarray, count: np.ndarray, tolerance: np.ndarray) -> np.ndarray:
    """Tell the genes with values on both sides of a median that is 0; only those that may have one are sorted."""
    above, below = (block > tolerance).sum(axis=0), (block < -tolerance).sum(axis=0)
    zeros = (block == 0).sum(axis=0)
    found = (above > 0) & (below > 0) & (2 * np.maximum(above, below) <= count) & (zeros <= 1 + _MOST_ZEROS * count)
    columns = np.flatnonzero(found)
    ordered, half = np.sort(block[:, columns], axis=0), count[columns] // 2  # NaN come last
    here = np.arange(len(columns))
    middle = (ordered[(count[columns] - 1) // 2, here] + ordered[half, here]) / 2
    found[columns] = np.abs(middle) <= tolerance[columns]
    return found
