"""Confidence intervals of cross-validated scores, each named with what it assumes.

All are meant for one thing: the expected score of the procedure when it is trained on as many samples as here.
"""

from math import nan, sqrt

import numpy as np
from scipy import optimize, stats

LEVEL = 0.95
POWER = 0.8


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
    return _t_interval(scores, variance_factor(len(scores), folds, validation))


def variance_factor(scores: int, folds: int, validation: float = 0.0) -> float:
    """Return Nadeau and Bengio's factor between the variance of single scores and that of their mean."""
    return 1 / max(scores, 1) + 1 / ((folds - 1) * (1 - validation))


def corrected_p(differences: np.ndarray, folds: int, validation: float = 0.0) -> float:
    """Return the two-sided p of the corrected paired t-test, which agrees with `nadeau_bengio`; NaN where that does."""
    if folds < 2 or alike(differences):
        return nan
    error = np.std(differences, ddof=1) * sqrt(variance_factor(len(differences), folds, validation))
    return float(2 * stats.t.sf(abs(np.mean(differences)) / error, len(differences) - 1))


def detectable(differences: np.ndarray, folds: int, validation: float = 0.0, tests: int = 1) -> float:
    """Return the difference that is shown with a power of 80 %, by the spread that was found.

    By the noncentral t distribution, of the corrected paired t-test. With several tests in a family the level is that
    of Holm's first step.
    """
    if folds < 2 or alike(differences):
        return nan
    freedom = len(differences) - 1
    critical = stats.t.ppf(1 - (1 - LEVEL) / tests / 2, freedom)

    def lacking(shift: float) -> float:
        return stats.nct.sf(critical, freedom, shift) - POWER  # the other tail is below 1e-4 at this power

    shift = optimize.brentq(lacking, critical, 4 * critical + 10)
    return float(shift * np.std(differences, ddof=1) * sqrt(variance_factor(len(differences), folds, validation)))


def alike(scores: np.ndarray) -> bool:
    """Tell scores without any spread, or too few for one; rounding is no spread."""
    return len(scores) < 2 or bool(np.ptp(scores) <= 1e-12)


def _t_interval(scores: np.ndarray, factor: float) -> tuple[float, float]:
    if alike(scores):
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


def clopper_pearson(hits: int, count: int) -> tuple[float, float]:
    """Exact interval of a share (Clopper and Pearson, Biometrika 26, 1934): still one where nothing was wrong."""
    if count == 0:
        return nan, nan
    outside = (1 - LEVEL) / 2
    low = stats.beta.ppf(outside, hits, count - hits + 1) if hits > 0 else 0.0
    high = stats.beta.ppf(1 - outside, hits + 1, count - hits) if hits < count else 1.0
    return float(low), float(high)
