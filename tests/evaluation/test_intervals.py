"""Intervals follow their formulas, and the published figures come out."""

import numpy as np
import pytest
from scipy import stats

from gexflow.evaluation.intervals import nadeau_bengio, student_t, wilson

SCORES = np.array([0.91, 0.94, 0.89, 0.97, 0.93, 0.95, 0.90, 0.92, 0.96, 0.93])


def half(interval):
    return (interval[1] - interval[0]) / 2


def test_student_t_equals_scipy():
    expected = stats.t.interval(0.95, 9, loc=SCORES.mean(), scale=stats.sem(SCORES))
    assert student_t(SCORES) == pytest.approx(expected, abs=1e-12)


def test_nadeau_bengio_widens_ten_folds_by_1_453():
    assert half(nadeau_bengio(SCORES, 10)) / half(student_t(SCORES)) == pytest.approx(1.4530, abs=5e-5)


def test_nadeau_bengio_of_repeats_uses_all_scores_and_one_repeats_folds():
    scores = np.tile(SCORES, 3) + np.repeat([0, 0.01, -0.01], 10)
    expected = stats.t.ppf(0.975, 29) * scores.std(ddof=1) * np.sqrt(1 / 30 + 1 / 9)
    assert half(nadeau_bengio(scores, 10)) == pytest.approx(expected, abs=1e-12)


def test_wilson_of_21_errors_in_2086_is_98_46_to_99_34():
    low, high = wilson(2086 - 21, 2086)
    assert (100 * low, 100 * high) == pytest.approx((98.46, 99.34), abs=0.006)


@pytest.mark.parametrize(("hits", "samples"), [(0, 20), (7, 20), (20, 20), (333, 1000)])
def test_wilson_equals_scipy(hits, samples):
    oracle = stats.binomtest(hits, samples).proportion_ci(0.95, method="wilson")
    assert wilson(hits, samples) == pytest.approx((oracle.low, oracle.high), abs=1e-12)


def test_validation_samples_widen_the_corrected_interval():
    expected = stats.t.ppf(0.975, 9) * SCORES.std(ddof=1) * np.sqrt(1 / 10 + 1 / (9 * 0.75))
    assert half(nadeau_bengio(SCORES, 10, validation=0.25)) == pytest.approx(expected, abs=1e-12)


def test_folds_that_all_score_alike_have_no_interval():
    assert np.isnan([*student_t(np.ones(10)), *nadeau_bengio(np.ones(10), 10)]).all()


def test_one_fold_has_no_interval():
    assert np.isnan(student_t(SCORES[:1])).all()
    assert np.isnan(nadeau_bengio(SCORES[:1], 1)).all()
