"""Reference models are scikit-learn's, on training rows."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NearestCentroid

from gexflow.models.reference import fit_reference

RNG = np.random.default_rng(0)
VALUES = RNG.normal(size=(60, 8)).astype(np.float32)
TARGETS = np.repeat([0, 1, 3], [30, 20, 10])  # class 2 has no training sample
NEW = RNG.normal(size=(15, 8)).astype(np.float32)


def test_logistic_and_centroid_equal_scikit_learn():
    logistic = fit_reference({"network": "logistic", "C": 0.1, "max_iter": 500}, VALUES, TARGETS, NEW, 4)[0]
    oracle = LogisticRegression(C=0.1, max_iter=500).fit(VALUES.astype(float), TARGETS)
    np.testing.assert_allclose(logistic[:, [0, 1, 3]], oracle.predict_proba(NEW.astype(float)), atol=1e-10)
    centroid = fit_reference({"network": "centroid"}, VALUES, TARGETS, NEW, 4)[0]
    oracle = NearestCentroid().fit(VALUES.astype(float), TARGETS)
    assert (centroid.argmax(axis=1) == oracle.predict(NEW.astype(float))).all()


@pytest.mark.parametrize("kind", ["majority", "centroid", "logistic"])
def test_probabilities_cover_all_classes_of_the_cohort(kind):
    probabilities = fit_reference({"network": kind, "C": 1.0, "max_iter": 500}, VALUES, TARGETS, NEW, 4)[0]
    assert probabilities.shape == (15, 4)
    assert (probabilities[:, 2] == 0).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)


def test_majority_answers_with_the_largest_class():
    probabilities = fit_reference({"network": "majority"}, VALUES, TARGETS, NEW, 4)[0]
    assert (probabilities.argmax(axis=1) == 0).all()
    np.testing.assert_allclose(probabilities[0], [0.5, 1 / 3, 0, 1 / 6])


def test_a_solver_that_did_not_converge_is_told():
    notes = fit_reference({"network": "logistic", "C": 1.0, "max_iter": 1}, VALUES, TARGETS, NEW, 4)[1]
    assert notes == ["the solver did not converge: raise max_iter"]
    assert fit_reference({"network": "logistic", "C": 1.0, "max_iter": 500}, VALUES, TARGETS, NEW, 4)[1] == []
