"""What the values of a cohort look like, found in blocks of samples: a cohort of 11,000 samples is never copied."""

from dataclasses import dataclass

import numpy as np

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
_BLOCK = 256
_GRID = 1000  # samples and genes, for the median


@dataclass
class Profile:
    """Numbers of a table.

    Attributes
    ----------
    quantiles : float array (samples, 5)
        Of the values of each sample, see `QUANTILES`.
    totals : float array (samples,)
        Sums of the values of each sample: library sizes, where values are counts.
    missing_samples, missing_genes : float arrays (samples,), (genes,)
        Shares of missing values.
    negatives : int
        Values below 0.
    known : int
        Values that are not missing.
    minimum, median, maximum : float
        Over all values; the median over evenly spaced ones, where there are many.
    """

    quantiles: np.ndarray
    totals: np.ndarray
    missing_samples: np.ndarray
    missing_genes: np.ndarray
    negatives: int
    known: int
    minimum: float
    median: float
    maximum: float


def profile(values: np.ndarray) -> Profile:
    """Profile a table (float32, samples x genes, missing = NaN) with at least one value in every sample."""
    n_samples, n_genes = values.shape
    quantiles, totals = np.empty((n_samples, len(QUANTILES))), np.empty(n_samples)
    missing_samples, missing_genes = np.empty(n_samples), np.zeros(n_genes)
    negatives, minimum, maximum = 0, np.inf, -np.inf
    for start in range(0, n_samples, _BLOCK):
        rows = slice(start, start + _BLOCK)
        block = np.sort(values[rows], axis=1)  # missing values come last
        known = n_genes - np.isnan(block).sum(axis=1)
        missing_samples[rows] = 1 - known / n_genes
        missing_genes += np.isnan(values[rows]).sum(axis=0)
        quantiles[rows] = _quantiles(block, known)
        totals[rows] = np.nansum(block, axis=1, dtype=np.float64)
        negatives += int(np.count_nonzero(block < 0))
        minimum = min(minimum, float(block[:, 0].min()))
        maximum = max(maximum, float(block[np.arange(len(block)), known - 1].max()))
    return Profile(
        quantiles,
        totals,
        missing_samples,
        missing_genes / n_samples,
        negatives,
        round(values.size - missing_genes.sum()),
        minimum,
        _median(values),
        maximum,
    )


def _quantiles(ordered: np.ndarray, known: np.ndarray) -> np.ndarray:
    place = (known[:, None] - 1) * np.array(QUANTILES)
    below = np.floor(place).astype(int)
    above = np.minimum(below + 1, known[:, None] - 1)
    low, high = (np.take_along_axis(ordered, index, axis=1) for index in (below, above))
    return low + (place - below) * (high - low)


def _median(values: np.ndarray) -> float:
    """Return the median over evenly spaced samples and genes, at most a million values or so."""
    steps = [max(1, length // _GRID) for length in values.shape]
    return float(np.nanmedian(values[:: steps[0], :: steps[1]]))
