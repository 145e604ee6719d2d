"""Scores of probabilities: AUROC, log loss, Brier score and expected calibration error."""

import numpy as np
from scipy.stats import rankdata

from gexflow.models.temperature import sample_log_loss

PROBABILITY_METRICS = ("auroc", "log_loss", "brier", "ece")
ECE_BINS = 15


def class_auroc(probabilities: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return the area under the ROC curve of every class against all others.

    Parameters
    ----------
    probabilities : float array (samples, classes), targets : int array (samples,)

    Returns
    -------
    float64 array (classes,)
        The share of pairs, one sample of the class and one of another, in which the first has the higher
        probability; ties count half. NaN for a class without samples, or that has all of them.
    """
    members = targets[:, None] == np.arange(probabilities.shape[1])
    inside = members.sum(axis=0)
    pairs = inside * (len(targets) - inside)
    above = (rankdata(probabilities, axis=0) * members).sum(axis=0) - inside * (inside + 1) / 2
    return np.where(pairs > 0, above / np.maximum(pairs, 1), np.nan)


def sample_brier(probabilities: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return each sample's squared error summed over classes (Brier, Mon. Weather Rev. 78, 1950), 0 to 2."""
    wanted = targets[:, None] == np.arange(probabilities.shape[1])
    return ((probabilities - wanted) ** 2).sum(axis=1)


def confidence_bins(confidence: np.ndarray, bins: int = ECE_BINS) -> np.ndarray:
    """Put samples into bins of equal size by their confidence.

    Parameters
    ----------
    confidence : float array (samples,)
        The largest probability of each sample.

    Returns
    -------
    int array (samples,)
        Bin of each sample, from 0. Samples of equal confidence share one, so that their order means nothing; there
        may be fewer bins than asked for.
    """
    ordered = np.sort(confidence)
    bins = min(bins, len(ordered))
    edges = np.unique(ordered[np.arange(1, bins) * len(ordered) // bins]) if bins else ordered
    return np.searchsorted(edges, confidence, side="right")


def calibration_error(confidence: np.ndarray, hits: np.ndarray, bins: int = ECE_BINS) -> float:
    """Return the expected calibration error of the predicted class, over bins of equal size.

    The mean over samples of |accuracy - mean confidence| of their bin (Naeini et al., AAAI 2015; bins of equal size
    as Nixon et al., CVPR workshops 2019).

    Parameters
    ----------
    confidence : float array (samples,), hits : bool array (samples,)
    """
    if not len(confidence):
        return float("nan")
    found = confidence_bins(confidence, bins)
    gaps = np.bincount(found, weights=hits - confidence)
    return float(np.abs(gaps).sum() / len(confidence))


def probability_scores(probabilities: np.ndarray, targets: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """Return the scores of probabilities.

    Parameters
    ----------
    probabilities : float array (samples, classes), targets, predicted : int arrays (samples,)

    Returns
    -------
    {metric: float} for all of PROBABILITY_METRICS
        `auroc` is the mean over the classes for which it is defined, NaN if there are none.
    """
    areas = class_auroc(probabilities, targets)
    rows = np.arange(len(targets))
    return {
        "auroc": float(np.nanmean(areas)) if np.isfinite(areas).any() else float("nan"),
        "log_loss": float(sample_log_loss(probabilities, targets).mean()),
        "brier": float(sample_brier(probabilities, targets).mean()),
        "ece": calibration_error(probabilities[rows, predicted], predicted == targets),
    }
