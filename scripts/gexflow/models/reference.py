"""Reference models: what every network has to be better than, on the same folds and features."""

import numpy as np
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import euclidean_distances
from sklearn.neighbors import NearestCentroid


class SphericalCentroid(ClassifierMixin, BaseEstimator):
    """scikit-learn's NearestCentroid with probabilities that agree with its answers.

    Its own `predict_proba` weighs genes by their variance and may name another class than the nearest centroid. Here
    classes are equally likely spherical normal distributions with one common variance, whose most probable class is
    that of the nearest centroid.
    """

    def fit(self, X: np.ndarray, y: np.ndarray) -> "SphericalCentroid":
        """Learn the class means and the common variance from (samples, genes) and class numbers."""
        model = NearestCentroid().fit(X, y)
        self.classes_, self.centroids_ = model.classes_, model.centroids_
        self.variance_ = float(np.mean((X - self.centroids_[np.searchsorted(self.classes_, y)]) ** 2)) or 1.0
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Return probabilities (samples, classes)."""
        distances = euclidean_distances(X, self.centroids_, squared=True)
        return softmax(-distances / (2 * self.variance_), axis=1)


def build_reference(settings: dict) -> ClassifierMixin:
    """Make a reference model from its settings: majority class, nearest centroid or logistic regression."""
    kind = settings["network"]
    if kind == "majority":
        return DummyClassifier(strategy="prior")
    if kind == "centroid":
        return SphericalCentroid()
    return LogisticRegression(C=settings["C"], max_iter=settings["max_iter"])


def fit_reference(
    settings: dict, values: np.ndarray, targets: np.ndarray, unseen: np.ndarray, n_classes: int
) -> tuple[np.ndarray, list[str]]:
    """Fit a reference model to training samples and return its probabilities for any samples.

    Parameters
    ----------
    values : float32 array (training samples, genes), targets : int array (training samples,)
    unseen : float32 array (samples, genes)

    Returns
    -------
    probabilities : float64 array (samples, classes)
    notes : list of str
        What the report has to say, e.g. that the solver did not converge.
    """
    model = build_reference(settings).fit(values.astype(np.float64), targets)
    probabilities = np.zeros((len(unseen), n_classes))
    probabilities[:, model.classes_] = model.predict_proba(unseen.astype(np.float64))
    stopped = np.max(getattr(model, "n_iter_", 0)) >= settings.get("max_iter", 1)
    return probabilities, ["the solver did not converge: raise max_iter"] if stopped else []
