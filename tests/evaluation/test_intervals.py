"""Intervals follow their formulas, and the published figures come out."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from gexflow.evaluation.intervals import clopper_pearson, corrected_p, detectable, nadeau_bengio, student_t, wilson

SCORES = np.array([0.91, 0.94, 0.89, 0.97, 0.93, 0.95, 0.90, 0.92, 0.96, 0.93])
SHARES = [(0, 20), (7, 20), (20, 20), (333, 1000)]


def half(interval):
    return (interval[1] - interval[0]) / 2


def test_student_t_equals_scipy():
    expected = stats.t.interval(0.95, 9, loc=SCORES.mean(), scale=stats.sem(SCORES))
    assert student_t(SCORES) == pytest.approx(expected, abs=1e-12)


def test_nadeau_bengio_widens_ten_folds_by_1_453():
    assert half(nadeau_bengio(SCORES, 10)) / half(student_t(SCORES)) == pytest.approx(1.4530, abs=5e-5)


def test_nadeau_bengio_of_repeats_uses_all_scores_and_one_repeats_folds():
    scores = np.tile(SCORES, 3) + np.repeat([0, 0.01, -0.01], 10)
    # the factor of R repeats of k folds on the standard error of all scores: sqrt(1 + R k / (k - 1))
    expected = stats.t.ppf(0.975, 29) * stats.sem(scores) * np.sqrt(1 + 3 * 10 / 9)
    assert half(nadeau_bengio(scores, 10)) == pytest.approx(expected, abs=1e-12)


def test_wilson_of_21_errors_in_2086_is_98_46_to_99_34():
    low, high = wilson(2086 - 21, 2086)
    assert (100 * low, 100 * high) == pytest.approx((98.46, 99.34), abs=0.006)


@pytest.mark.parametrize(("hits", "samples"), SHARES)
def test_wilson_and_clopper_pearson_equal_scipy_and_statsmodels(hits, samples):
    for interval, of_scipy, of_statsmodels in ((wilson, "wilson", "wilson"), (clopper_pearson, "exact", "beta")):
        oracle = stats.binomtest(hits, samples).proportion_ci(0.95, method=of_scipy)
        assert interval(hits, samples) == pytest.approx((oracle.low, oracle.high), abs=1e-12)
        low, high = proportion_confint(hits, samples, 0.05, method=of_statsmodels)
        assert interval(hits, samples) == pytest.approx((low, high), abs=1e-8)


def test_clopper_pearson_without_errors_has_its_closed_form():
    assert clopper_pearson(63, 63) == pytest.approx((0.025 ** (1 / 63), 1.0), abs=1e-12)


def test_validation_samples_widen_the_corrected_interval():
    expected = stats.t.ppf(0.975, 9) * SCORES.std(ddof=1) * np.sqrt(1 / 10 + 1 / (9 * 0.75))
    assert half(nadeau_bengio(SCORES, 10, validation=0.25)) == pytest.approx(expected, abs=1e-12)


def test_folds_that_all_score_alike_have_no_interval():
    assert np.isnan([*student_t(np.ones(10)), *nadeau_bengio(np.ones(10), 10)]).all()
    assert np.isnan([corrected_p(np.ones(10), 10), detectable(np.ones(10), 10)]).all()


def test_one_fold_has_no_interval():
    assert np.isnan(student_t(SCORES[:1])).all()
    assert np.isnan(nadeau_bengio(SCORES[:1], 1)).all()


def test_the_corrected_p_is_5_percent_where_the_interval_ends_at_zero():
    differences = SCORES - nadeau_bengio(SCORES, 10)[0]
    assert corrected_p(differences, 10) == pytest.approx(0.05, abs=1e-12)


def test_without_correction_the_paired_t_test_is_scipy_s():
    other = SCORES[::-1] - 0.01
    scale = np.sqrt((1 / 10 + 1 / 9) / (1 / 10))
    t = stats.ttest_rel(SCORES, other).statistic / scale
    assert corrected_p(SCORES - other, 10) == pytest.approx(2 * stats.t.sf(abs(t), 9), abs=1e-12)


@pytest.mark.parametrize(("folds", "tests"), [(10, 1), (10, 26), (5, 8)])
def test_the_detectable_difference_is_found_in_four_of_five_studies(folds, tests):
    # independent normal differences, for which no correction is right: its factor is taken out by the spread
    rng, scale = np.random.default_rng(0), np.sqrt((1 / folds) / (1 / folds + 1 / (folds - 1)))
    differences = np.linspace(-1, 1, folds)
    spread = detectable(differences, folds, tests=tests) * scale / differences.std(ddof=1)
    studies = rng.normal(spread, 1, (20_000, folds))
    found = (stats.ttest_1samp(studies, 0, axis=1).pvalue < 0.05 / tests).mean()
    assert found == pytest.approx(0.8, abs=0.01)
