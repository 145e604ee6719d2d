"""Confidence intervals of cross-validated scores, each named with what it assumes."""

from math import nan, sqrt

import numpy as np
from scipy import stats

LEVEL = 0.95


def student_t(scores: np.ndarray) -> tuple[float, float]:
    """Interval of the mean over folds as published: folds taken as independent, which they are not.

    Too narrow, since any two training sets share most of their samples. Undefined (NaN) for fewer than two folds, and
    where all folds score alike: a width of zero would claim certainty.
    """
    return _t_interval(scores, 1 / max(len(scores), 1))


def nadeau_bengio(scores: np.ndarray, folds: int, validation: float = 0.0) -> tuple[float, float]:
    """Corrected interval for overlapping training sets (Nadeau and Bengio, Machine Learning 52, 2003).

    The variance of the mean of J scores is (1/J + n_test/n_train) s^2, with J - 1 degrees of freedom; J = folds x
    repeats. n_test/n_train is 1/(folds - 1), more where validation samples are set aside.

    Parameters
    ----------
    scores : float array (folds x repeats,)
    folds : int
        Folds of one repeat.
    validation : float
        Share of the training samples set aside.
    """
    if folds < 2:
        return nan, nan
    return _t_interval(scores, 1 / max(len(scores), 1) + 1 / ((folds - 1) * (1 - validation)))


def _t_interval(scores: np.ndarray, factor: float) -> tuple[float, float]:
    if len(scores) < 2 or np.ptp(scores) == 0:
        return nan, nan
    half = stats.t.ppf((1 + LEVEL) / 2, len(scores) - 1) * np.std(scores, ddof=1) * sqrt(factor)
    return float(np.mean(scores) - half), float(np.mean(scores) + half)


def wilson(hits: float, samples: int) -> tuple[float, float]:
    """Wilson's interval of a share (JASA 22, 1927): pooled predictions taken as independent samples."""
    if samples == 0:
        return nan, nan
    z = stats.norm.ppf((1 + LEVEL) / 2)
    share = hits / samples
    centre = (share + z**2 / (2 * samples)) / (1 + z**2 / samples)
    half = z / (1 + z**2 / samples) * sqrt(share * (1 - share) / samples + z**2 / (4 * samples**2))
    return centre - half, centre + half
