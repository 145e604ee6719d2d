"""Temperatures are fitted on validation rows alone; reliability and rejection are plain means."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import log_softmax, softmax
from tests.evaluation.tables import answer, make_predictions

from gexflow.evaluation.calibration import rejection, reliability, scale_folds
from gexflow.evaluation.probabilities import calibration_error
from gexflow.evaluation.tested import read_tested
from gexflow.models.temperature import apply_temperature, best_temperature, fit_temperature

TABLE = make_predictions(0, samples=400)
TESTED = read_tested(TABLE, "model")


def test_the_temperature_that_made_the_probabilities_too_sure_is_found_again():
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (20_000, 4))
    targets = np.array([rng.choice(4, p=row) for row in softmax(logits, axis=1)])
    found = fit_temperature(softmax(2.5 * logits, axis=1), targets)
    assert found == pytest.approx(2.5, rel=0.03)


def test_the_temperature_has_the_lowest_log_loss_of_all():
    found = fit_temperature(TESTED.probabilities, TESTED.targets, 1e-9)
    logits = np.log(np.maximum(TESTED.probabilities, 1e-9))

    def loss(temperature):
        return -log_softmax(logits / temperature, axis=1)[np.arange(400), TESTED.targets].mean()

    grid = np.exp(np.linspace(np.log(0.01), np.log(100), 8001))
    assert loss(found) <= min(map(loss, grid)) + 1e-9


def test_samples_that_are_all_right_tell_no_temperature():
    right = TESTED.hits
    assert best_temperature(TESTED.probabilities[right], TESTED.targets[right], 1e-9) == pytest.approx(0.01, rel=0.01)
    assert fit_temperature(TESTED.probabilities[right], TESTED.targets[right], 1e-9) == 1
    one_wrong = np.append(np.flatnonzero(right), np.flatnonzero(~right)[:1])
    assert fit_temperature(TESTED.probabilities[one_wrong], TESTED.targets[one_wrong], 1e-9) < 1


def test_an_impossible_class_stays_so_and_its_samples_do_not_choose_the_temperature():
    rng = np.random.default_rng(1)
    logits = rng.normal(0, 2, (5_000, 3))
    targets = np.array([rng.choice(3, p=row) for row in softmax(logits, axis=1)])
    sure = np.column_stack([softmax(2 * logits, axis=1), np.zeros(5_000)])
    found = fit_temperature(sure, targets)
    assert found == pytest.approx(2, rel=0.05)
    with_unseen = fit_temperature(np.vstack([sure, sure[:50]]), np.append(targets, np.full(50, 3)))
    assert with_unseen == pytest.approx(found, rel=0.05)
    assert (apply_temperature(sure, 3.0)[:, 3] == 0).all()


def test_a_temperature_changes_no_answer():
    scaled = apply_temperature(TESTED.probabilities, 7.0, 1e-9)
    assert (scaled.argmax(axis=1) == TESTED.probabilities.argmax(axis=1)).all()
    np.testing.assert_allclose(scaled.sum(axis=1), 1, atol=1e-12)


def test_test_rows_have_no_part_in_their_temperature():
    validation = read_tested(make_predictions(5, samples=200), "model")
    other = read_tested(make_predictions(9, samples=400, right=0.2), "model")
    _, temperatures = scale_folds(TESTED, validation)
    pd.testing.assert_frame_equal(temperatures, scale_folds(other, validation)[1])
    assert list(temperatures["fold"]) == [1, 2, 3, 4, 5]


def test_reliability_adds_up_to_the_calibration_error():
    table = reliability(TESTED)
    sure = TESTED.probabilities.max(axis=1)
    gap = (table["samples"] * (table["confidence"] - table["accuracy"]).abs()).sum() / 400
    assert gap == pytest.approx(calibration_error(sure, TESTED.hits), abs=1e-12)
    assert table["samples"].sum() == 400


def test_rejection_counts_the_most_confident_samples():
    sure = TESTED.probabilities.max(axis=1)
    table = rejection(TESTED).set_index("answered")["accuracy"]
    assert table[1.0] == pytest.approx(TESTED.hits.mean())
    for share in (0.1, 0.5, 0.75):
        best = np.argsort(-sure, kind="stable")[: round(400 * share)]
        assert table.loc[share] == pytest.approx(TESTED.hits[best].mean(), abs=0.006)  # an edge may fall into a tie


def test_equally_confident_samples_are_all_alike():
    tested = read_tested(answer(TABLE, TABLE["predicted"]), "model")
    assert rejection(tested)["accuracy"].to_numpy() == pytest.approx(np.full(20, tested.hits.mean()))
