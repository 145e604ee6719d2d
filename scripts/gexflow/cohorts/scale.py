"""Finding out whether values are counts, linear, log2 or log ratios."""

from collections import Counter

import numpy as np

from gexflow.errors import InputError

SCALES = ("counts", "linear", "log2", "logratio")

_LARGEST_LOG = 30.0  # 2 ** 30 is beyond any count, intensity or TPM
_SMALLEST_COUNT_MAXIMUM = 50.0
_FEW_NEGATIVES = 0.05
_SHARED_FLOOR = 0.05
_AGREEMENT = 0.9
_SIGNS = {
    "counts": f"are whole numbers that exceed {_SMALLEST_COUNT_MAXIMUM:g}",
    "linear": f"exceed {_LARGEST_LOG:g}",
    "log2": f"do not exceed {_LARGEST_LOG:g}",
    "logratio": f"do not exceed {_LARGEST_LOG:g} and are often negative",
}


def find_scale(values: np.ndarray, dataset: str = "<name>") -> tuple[str, str]:
    """Find the scale of a matrix: every sample votes by its own values alone.

    Parameters
    ----------
    values : float32 array, (samples, genes)
        Missing values are NaN.
    dataset : str
        For messages.

    Returns
    -------
    scale : str
        counts, linear, log2 or logratio.
    reason : str
        A sentence.

    Raises
    ------
    InputError
        Fewer than 90 % of the samples agree, or none has a clear sign.
    """
    votes = Counter(vote for vote in map(_vote, values) if vote)
    remedy = f"set datasets.{dataset}.scale to {', '.join(SCALES[:-1])} or {SCALES[-1]}."
    if not votes:
        raise InputError(f"The scale of the values is not clear from any of the {len(values)} samples: {remedy}")
    scale, count = votes.most_common(1)[0]
    if count < _AGREEMENT * votes.total():
        said = ", ".join(f"{name}: {number}" for name, number in votes.most_common())
        raise InputError(f"Samples do not agree on the scale of the values ({said}): {remedy}")
    return scale, f"values of {count} of {len(values)} samples {_SIGNS[scale]}."


def _vote(sample: np.ndarray) -> str:
    """Return the scale that a sample's values suggest, "" where they suggest none."""
    # `largest` and `smallest` skip NaN; comparisons with NaN are False
    count = sample.size - np.count_nonzero(np.isnan(sample))
    if not count:
        return ""
    largest, smallest = np.fmax.reduce(sample), np.fmin.reduce(sample)
    negative = np.count_nonzero(sample < 0) / count
    if negative > _FEW_NEGATIVES and largest < _LARGEST_LOG:
        # log2(x + 0.001) has many negatives too, but then all unexpressed genes share one lowest value.
        return "log2" if np.count_nonzero(sample == smallest) > _SHARED_FLOOR * count else "logratio"
    if smallest >= 0 and np.count_nonzero(np.floor(sample) == sample) == count:
        # Small whole numbers may be a nearly empty sample of counts, or anything else.
        return "counts" if largest > _SMALLEST_COUNT_MAXIMUM else ""
    return "log2" if largest <= _LARGEST_LOG else "linear"
