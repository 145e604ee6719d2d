"""Signs that a source rescaled every gene over all of its samples before any fold existed."""

import numpy as np

_DIGITS = 1.5e-3  # three digits, as files are often rounded
_MOST = 0.5
_LEAST_SAMPLES = 5
_LEAST_GENES = 10
_BLOCK_VALUES = 1 << 21


def find_standardisation(values: np.ndarray) -> str:
    """Name what was done to each gene over all samples; "" if nothing shows.

    Most genes that vary have, over all samples of the file, mean 0 and standard deviation 1; or mean 0 alone; or the
    range 0 to 1: to three digits, relative to the spread.

    Parameters
    ----------
    values : float32 array (samples, genes)
        All samples of the source, before any is left out. Missing values are NaN; it is read in blocks of genes.
    """
    if len(values) < _LEAST_SAMPLES or values.shape[1] < _LEAST_GENES:
        return ""
    votes, varying = np.zeros(3, dtype=np.int64), 0
    step = max(1, _BLOCK_VALUES // len(values))
    for first in range(0, values.shape[1], step):
        block = values[:, first : first + step].astype(np.float64)
        known = ~np.isnan(block)
        count = known.sum(axis=0)
        low, high = np.fmin.reduce(block), np.fmax.reduce(block)
        use = (count >= _LEAST_SAMPLES) & (high > low)
        block, known, count, low, high = block[:, use], known[:, use], count[use], low[use], high[use]
        mean = np.where(known, block, 0).sum(axis=0) / count
        squares = np.where(known, np.square(block - mean), 0).sum(axis=0)
        centred = np.abs(mean) <= _DIGITS * np.sqrt(squares / count)
        unit = np.minimum(abs(np.sqrt(squares / count) - 1), abs(np.sqrt(squares / (count - 1)) - 1)) <= _DIGITS
        ranged = (np.abs(low) <= _DIGITS) & (np.abs(high - 1) <= _DIGITS)
        votes += [np.count_nonzero(signs) for signs in (centred & unit, centred, ranged)]
        varying += int(use.sum())
    names = ("z-scores of each gene", "centring of each gene", "scaling of each gene to 0..1")
    return next((name for name, vote in zip(names, votes, strict=True) if varying and vote > _MOST * varying), "")
