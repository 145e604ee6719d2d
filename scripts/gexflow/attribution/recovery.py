"""How well attributions find the genes that a simulation planted, beside the plain F-test."""

import numpy as np
from sklearn.feature_selection import f_classif
from sklearn.metrics import roc_auc_score


def recovery(attributions: np.ndarray, planted: np.ndarray) -> float:
    """Return the AUROC by which mean |attribution| ranks planted genes above the others.

    Parameters
    ----------
    attributions : float array (samples, genes)
        Of one fold, over the genes that the fold kept.
    planted : bool array (genes,)

    Returns
    -------
    float, NaN if all or none of the kept genes are planted
    """
    return _auroc(np.abs(attributions).mean(axis=0), planted)


def f_test_recovery(values: np.ndarray, labels: np.ndarray, planted: np.ndarray) -> float:
    """Return the same AUROC for the F-statistic between classes, on training samples (samples, genes)."""
    return _auroc(np.nan_to_num(f_classif(values, labels)[0]), planted)


def _auroc(scores: np.ndarray, planted: np.ndarray) -> float:
    if planted.all() or not planted.any():
        return float("nan")
    return float(roc_auc_score(planted, scores))
