"""Reference models: what every network has to be better than, on the same folds and features."""

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NearestCentroid

REFERENCES = ("majority", "centroid", "logistic")


def build_reference(settings: dict) -> ClassifierMixin:
    """Make a reference model from its settings: majority class, nearest centroid or logistic regression."""
    kind = settings["network"]
    if kind == "majority":
        return DummyClassifier(strategy="prior")
    if kind == "centroid":
        return NearestCentroid()
    return LogisticRegression(C=settings["C"], max_iter=settings["max_iter"])


def fit_reference(
    settings: dict, values: np.ndarray, targets: np.ndarray, all_values: np.ndarray, n_classes: int
) -> np.ndarray:
    """Fit a reference model to training samples and return its probabilities for any samples.

    Parameters
    ----------
    values : float32 array (training samples, genes), targets : int array (training samples,)
    all_values : float32 array (samples, genes)

    Returns
    -------
    float64 array (samples, classes)
    """
    model = build_reference(settings).fit(values.astype(np.float64), targets)
    probabilities = np.zeros((len(all_values), n_classes))
    probabilities[:, model.classes_] = model.predict_proba(all_values.astype(np.float64))
    return probabilities
