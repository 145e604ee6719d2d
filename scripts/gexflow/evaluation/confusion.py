"""Scores that follow from a confusion matrix, for any number of matrices at once."""

import numpy as np

CONFUSION_METRICS = (
    "accuracy",
    "balanced_accuracy",
    "macro_precision",
    "macro_recall",
    "macro_f1",
    "weighted_precision",
    "weighted_recall",
    "weighted_f1",
    "mcc",
)


def confusion_counts(targets: np.ndarray, predicted: np.ndarray, n_classes: int) -> np.ndarray:
    """Count samples by class and prediction.

    Parameters
    ----------
    targets, predicted : int arrays (samples,)
        Class numbers.

    Returns
    -------
    int64 array (classes, classes)
        Rows: the class; columns: what was predicted.
    """
    cells = np.bincount(targets * n_classes + predicted, minlength=n_classes**2)
    return cells.reshape(n_classes, n_classes)


def class_scores(counts: np.ndarray) -> dict[str, np.ndarray]:
    """Return precision, recall and F1 of every class.

    Parameters
    ----------
    counts : array (..., classes, classes)

    Returns
    -------
    {"precision", "recall", "f1"} : float64 arrays (..., classes)
        NaN where undefined: the precision of a class that nothing was assigned to, the recall of a class without a
        sample, F1 where both hold.
    """
    hits = np.diagonal(counts, axis1=-2, axis2=-1).astype(np.float64)
    support, assigned = counts.sum(axis=-1), counts.sum(axis=-2)
    return {
        "precision": _share(hits, assigned),
        "recall": _share(hits, support),
        "f1": _share(2 * hits, support + assigned),
    }


def confusion_scores(counts: np.ndarray) -> dict[str, np.ndarray]:
    """Return all scores of confusion matrices.

    Averages run over the classes that have samples: a class without any has no recall, and zero would not be its
    score. `macro_*` gives each of them the same weight, `weighted_*` its share of the samples. In averages, the
    precision of a class that nothing was assigned to counts as 0, as in scikit-learn. The many-class Matthews
    coefficient is Gorodkin's (Comput. Biol. Chem. 28, 2004): NaN where a single class occurs, 0 where a single class
    is predicted.

    Parameters
    ----------
    counts : array (..., classes, classes)
        Numbers of samples, or weights.

    Returns
    -------
    {metric: float64 array (...)} for all of CONFUSION_METRICS
    """
    support = counts.sum(axis=-1).astype(np.float64)
    total = support.sum(axis=-1)
    scores = {name: np.nan_to_num(values) for name, values in class_scores(counts).items()}
    present = support > 0
    macro = {name: _share(np.where(present, values, 0).sum(-1), present.sum(-1)) for name, values in scores.items()}
    weighted = {name: _share((support * values).sum(-1), total) for name, values in scores.items()}
    return {
        "accuracy": _share(np.diagonal(counts, axis1=-2, axis2=-1).sum(-1), total),
        "balanced_accuracy": macro["recall"],
        **{f"macro_{name}": values for name, values in macro.items()},
        **{f"weighted_{name}": values for name, values in weighted.items()},
        "mcc": _matthews(counts, support, total),
    }


def _matthews(counts: np.ndarray, support: np.ndarray, total: np.ndarray) -> np.ndarray:
    assigned = counts.sum(axis=-2).astype(np.float64)
    hits = np.diagonal(counts, axis1=-2, axis2=-1).sum(-1)
    covariance = hits * total - (support * assigned).sum(-1)
    spread = (total**2 - (support**2).sum(-1)) * (total**2 - (assigned**2).sum(-1))
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.where(spread > 0, covariance / np.sqrt(np.maximum(spread, 0)), 0.0)
    return np.where((support > 0).sum(-1) > 1, found, np.nan)


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Divide; NaN where there is nothing to divide by."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(whole > 0, part / whole, np.nan)
