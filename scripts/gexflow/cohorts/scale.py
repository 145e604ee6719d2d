"""Whether values are counts, linear, log2 or log ratios, and which samples do not look like the others."""

from collections import Counter
from typing import NamedTuple

import numpy as np

from gexflow.errors import InputError, counted, listed
from gexflow.log import CAUTION

SCALES = ("counts", "linear", "log2", "logratio")

_LARGEST_LOG = 30.0  # 2 ** 30 is beyond any count, intensity or TPM
_SMALLEST_COUNT_MAXIMUM = 50.0
_FEW_NEGATIVES = 0.05
_SHARED_FLOOR = 0.05
_AGREEMENT = 0.9
_MOST_ODD = 5
_ODD_SHARE = 0.01
_SIGNS = {
    "counts": f"are whole numbers that exceed {_SMALLEST_COUNT_MAXIMUM:g}",
    "linear": f"exceed {_LARGEST_LOG:g}",
    "log2": f"do not exceed {_LARGEST_LOG:g}",
    "logratio": f"do not exceed {_LARGEST_LOG:g} and are often negative",
}
# What a sample of a cohort may look like: linear values can happen to be whole numbers.
_FITTING = {
    "counts": ("counts",),
    "linear": ("linear", "counts"),
    "log2": ("log2", "logratio"),
    "logratio": ("log2", "logratio"),
}


class Scale(NamedTuple):
    """A scale (counts, linear, log2 or logratio), why it was taken, and notes for the log and the report."""

    scale: str
    reason: str
    notes: list[str]


def find_scale(values: np.ndarray, samples: list[str], dataset: str = "<name>", given: str = "auto") -> Scale:
    """Find the scale of a matrix: every sample votes by its own values alone.

    Up to five samples, and 1 % of all, may look as if they were on another scale: they are named in a warning. More of
    them are refused, unless the scale is given.

    Parameters
    ----------
    values : float32 array, (samples, genes)
        Missing values are NaN.
    samples : list of str
    dataset : str
        For messages.
    given : str
        The scale, where the config gives it; "auto" otherwise.

    Raises
    ------
    InputError
        Samples do not agree, or none has a clear sign.
    """
    votes = [_vote(sample) for sample in values]
    counts = Counter(filter(None, votes))
    remedy = f"set datasets.{dataset}.scale to {', '.join(SCALES[:-1])} or {SCALES[-1]}"
    if given == "auto" and not counts:
        raise InputError(f"The scale of the values is not clear from any of the {len(values)} samples: {remedy}.")
    scale = counts.most_common(1)[0][0] if given == "auto" else given
    odd = [place for place, vote in enumerate(votes) if vote and vote not in _FITTING[scale]]
    named = listed([samples[place] for place in odd], _MOST_ODD)
    leave_out = f"correct them, or leave them out with datasets.{dataset}.exclude"
    if given == "auto" and (
        counts[scale] < _AGREEMENT * counts.total() or len(odd) > min(_MOST_ODD, _ODD_SHARE * len(values))
    ):
        shown = ", ".join(f"{name}: {number}" for name, number in counts.most_common())
        rest = f" (not like the others: {named}): {leave_out}; to believe all of them" if odd else ": to believe them"
        raise InputError(f"Samples do not agree on the scale of the values ({shown}){rest}, {remedy}.")
    if 2 * len(odd) > len(values):  # then the given scale is not theirs
        leave_out = f"correct datasets.{dataset}.scale, or remove it"
    reason = f"values of {counts[scale]} of {len(values)} samples {_SIGNS[scale]}."
    notes = [
        f"{CAUTION}the values of {counted(len(odd), 'sample')} do not look like {scale} values ({named}): {leave_out}."
    ] * bool(odd)
    if scale == "counts":
        notes += _without_counts(values, samples, dataset)
    return Scale(scale, reason if given == "auto" else f"given as datasets.{dataset}.scale.", notes)


def _without_counts(values: np.ndarray, samples: list[str], dataset: str) -> list[str]:
    empty = [sample for sample, row in zip(samples, values, strict=True) if not np.nansum(row) > 0]
    if not empty:
        return []
    return [
        f"{CAUTION}{counted(len(empty), 'sample')} without any counts ({listed(empty, _MOST_ODD)}), which cpm refuses: "
        f"leave out such samples with datasets.{dataset}.exclude."
    ]


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
