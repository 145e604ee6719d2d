"""Reference models are scikit-learn's, or equal to them, on training rows."""

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NearestCentroid
from sklearn.svm import LinearSVC

from gexflow.models.reference import build_reference, fit_reference
from gexflow.models.reference_svm import LinearSvm
from gexflow.models.temperature import apply_temperature
from gexflow.network_names import FITTED

RNG = np.random.default_rng(0)
VALUES = RNG.normal(size=(60, 8)).astype(np.float32)
TARGETS = np.repeat([0, 1, 3], [30, 20, 10])  # class 2 has no training sample
NEW = RNG.normal(size=(15, 8)).astype(np.float32)
SETTINGS = {
    "majority": {},
    "centroid": {},
    "logistic": {"C": 0.1, "max_iter": 500},
    "svm": {"C": 0.1, "max_iter": 500},
    "forest": {"trees": 20, "max_features": "sqrt", "min_samples_leaf": 2, "seed": 7},
    "boosting": {
        **{"rounds": 10, "learning_rate": 0.1, "leaves": 5, "min_samples_leaf": 3},
        **{"max_features": 0.5, "seed": 7},
    },
}


def fitted(kind: str, **other) -> tuple[np.ndarray, list[str]]:
    return fit_reference({"network": kind, **SETTINGS[kind], **other}, VALUES, TARGETS, NEW, 4)


def test_every_reference_model_is_tested_here():
    assert set(SETTINGS) == set(FITTED)


def test_logistic_and_centroid_equal_scikit_learn():
    logistic = fitted("logistic")[0]
    oracle = LogisticRegression(C=0.1, max_iter=500).fit(VALUES.astype(float), TARGETS)
    np.testing.assert_allclose(logistic[:, [0, 1, 3]], oracle.predict_proba(NEW.astype(float)), atol=1e-10)
    centroid = fitted("centroid")[0]
    oracle = NearestCentroid().fit(VALUES.astype(float), TARGETS)
    assert (centroid.argmax(axis=1) == oracle.predict(NEW.astype(float))).all()


def test_trees_equal_scikit_learn():
    forest = RandomForestClassifier(20, min_samples_leaf=2, random_state=7)
    boosting = HistGradientBoostingClassifier(
        max_iter=10, max_leaf_nodes=5, min_samples_leaf=3, max_features=0.5, early_stopping=False, random_state=7
    )
    for kind, oracle in (("forest", forest), ("boosting", boosting)):
        expected = oracle.fit(VALUES.astype(float), TARGETS).predict_proba(NEW.astype(float))
        np.testing.assert_array_equal(fitted(kind)[0][:, [0, 1, 3]], expected)


@pytest.mark.parametrize("C", [0.01, 1.0])
@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("genes", [10, 200])
def test_the_svm_finds_the_optimum_of_scikit_learn(C, classes, genes):
    rng = np.random.default_rng(genes)
    targets = np.arange(90) % classes
    values = rng.normal(size=(90, genes)) + rng.normal(size=(classes, genes))[targets] / 2
    oracle = LinearSVC(C=C, dual=False, tol=1e-9, max_iter=100_000).fit(values, targets)
    new = rng.normal(size=(30, genes))
    expected, found = oracle.decision_function(new), LinearSvm(C).fit(values, targets).decision_function(new)
    if classes == 2:
        expected = np.column_stack([-expected, expected])
    np.testing.assert_allclose(found, expected, atol=5e-3 * np.abs(expected).max())
    assert (found.argmax(axis=1) == oracle.predict(new)).all()


def test_the_svm_s_probabilities_keep_the_order_of_its_decisions_at_any_temperature():
    model = LinearSvm(0.1).fit(VALUES.astype(float), TARGETS)
    decisions = model.decision_function(NEW.astype(float))
    np.testing.assert_allclose(model.predict_proba(NEW.astype(float)), softmax(decisions, axis=1))
    for temperature in (10.0, 1.0, 0.03):
        found = apply_temperature(model.predict_proba(NEW.astype(float)), temperature)
        np.testing.assert_allclose(found, softmax(decisions / temperature, axis=1), atol=1e-12)
        assert (found.argmax(axis=1) == decisions.argmax(axis=1)).all()


@pytest.mark.parametrize("kind", FITTED)
def test_probabilities_cover_all_classes_of_the_cohort(kind):
    probabilities = fitted(kind)[0]
    assert probabilities.shape == (15, 4)
    assert (probabilities[:, 2] == 0).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    np.testing.assert_allclose(apply_temperature(probabilities, 0.5).sum(axis=1), 1)  # and class 2 stays impossible
    assert (apply_temperature(probabilities, 0.5)[:, 2] == 0).all()


@pytest.mark.parametrize("kind", FITTED)
def test_a_fit_is_repeated_bit_for_bit(kind):
    np.testing.assert_array_equal(fitted(kind)[0], fitted(kind)[0])


@pytest.mark.parametrize("kind", ["forest", "boosting"])
def test_the_seed_matters_where_something_is_drawn(kind):
    assert (fitted(kind)[0] != fitted(kind, seed=8)[0]).any()


def test_boosting_sets_no_samples_aside_for_early_stopping():
    assert build_reference({"network": "boosting", **SETTINGS["boosting"]}).early_stopping is False


def test_majority_answers_with_the_largest_class():
    probabilities = fitted("majority")[0]
    assert (probabilities.argmax(axis=1) == 0).all()
    np.testing.assert_allclose(probabilities[0], [0.5, 1 / 3, 0, 1 / 6])


@pytest.mark.parametrize("kind", ["logistic", "svm"])
@pytest.mark.filterwarnings("ignore:lbfgs failed to converge")
def test_a_solver_that_did_not_converge_is_told(kind):
    assert fitted(kind, C=1.0, max_iter=1)[1] == ["the solver did not converge: raise max_iter"]
    assert fitted(kind, C=1.0)[1] == []


@pytest.mark.parametrize("kind", ["majority", "forest", "boosting"])
def test_models_without_a_solver_have_no_such_note(kind):
    assert fitted(kind)[1] == []
