"""Reference models: what every network has to be better than, on the same folds and features."""

from collections.abc import Callable

import numpy as np
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import euclidean_distances
from sklearn.neighbors import NearestCentroid

from gexflow.models.reference_svm import LinearSvm

NOT_CONVERGED = "the solver did not converge: raise max_iter"


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
    """Make a reference model from its settings, unfitted: one of `network_names.FITTED`."""
    return _BUILDERS[settings["network"]](settings)


def _forest(settings: dict) -> ClassifierMixin:
    return RandomForestClassifier(
        settings["trees"],
        max_features=settings["max_features"],
        min_samples_leaf=settings["min_samples_leaf"],
        random_state=settings["seed"],
    )


def _boosting(settings: dict) -> ClassifierMixin:
    # its own early stopping would set samples aside at random, patients or not
    return HistGradientBoostingClassifier(
        max_iter=settings["rounds"],
        learning_rate=settings["learning_rate"],
        max_leaf_nodes=settings["leaves"],
        min_samples_leaf=settings["min_samples_leaf"],
        max_features=settings["max_features"],
        early_stopping=False,
        random_state=settings["seed"],
    )


_BUILDERS: dict[str, Callable[[dict], ClassifierMixin]] = {
    "majority": lambda settings: DummyClassifier(strategy="prior"),
    "centroid": lambda settings: SphericalCentroid(),
    "logistic": lambda settings: LogisticRegression(C=settings["C"], max_iter=settings["max_iter"]),
    "svm": lambda settings: LinearSvm(settings["C"], settings["max_iter"]),
    "forest": _forest,
    "boosting": _boosting,
}


def fit_reference(
    settings: dict, values: np.ndarray, targets: np.ndarray, unseen: np.ndarray, n_classes: int
) -> tuple[np.ndarray, list[str]]:
    """Fit a reference model to training samples and return its probabilities for any samples.

    Parameters
    ----------
    settings : dict
        The model's keys of the config and, for those that draw at random, `seed`.
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
    stopped = "max_iter" in settings and np.max(getattr(model, "n_iter_", 0)) >= settings["max_iter"]
    return probabilities, [NOT_CONVERGED] if stopped else []
