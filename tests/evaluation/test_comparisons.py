"""Comparisons: exact tests and corrections equal other libraries', and words follow the interval."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from tests.evaluation.tables import answer, make_predictions

from gexflow.evaluation.bootstrap import draw_groups
from gexflow.evaluation.comparisons import COLUMNS, compare_models, holm, verdict
from gexflow.evaluation.exact import sign_flip_p
from gexflow.evaluation.tested import read_tested

MODELS = {
    "logistic": read_tested(make_predictions(1, right=0.7), "logistic"),
    "net": read_tested(make_predictions(2, right=0.75), "net"),
    "net~shuffled": read_tested(make_predictions(3, right=0.5), "net~shuffled"),
}
EACH = np.arange(90)


def compare(models=MODELS, groups=EACH, reference="logistic") -> pd.DataFrame:
    return compare_models(models, groups, draw_groups(int(groups.max()) + 1, 1, 400), reference, folds=5)


@pytest.mark.parametrize(("better", "worse"), [(0, 0), (3, 1), (12, 4), (40, 21), (7, 7)])
def test_sign_flips_of_single_samples_are_mcnemar_s_exact_test(better, worse):
    differences = np.array([1] * better + [-1] * worse + [0] * 9)
    oracle = mcnemar([[5, better], [worse, 5]], exact=True).pvalue if better + worse else 1.0
    assert sign_flip_p(differences) == pytest.approx(oracle, abs=1e-12)


def test_sign_flips_of_groups_count_every_pattern_of_signs():
    differences = np.array([3, -1, 2, 0, 1, -2, 1, 4])
    sums = [abs(np.dot(signs, differences)) for signs in product((-1, 1), repeat=8)]
    assert sign_flip_p(differences) == pytest.approx(np.mean(np.array(sums) >= abs(differences.sum())), abs=1e-12)


def test_holm_equals_statsmodels():
    p_values = np.array([0.01, 0.04, 0.03, 0.8, 0.005])
    assert holm(p_values) == pytest.approx(multipletests(p_values, method="holm")[1], abs=1e-12)


def test_an_undefined_p_counts_in_holm_and_stays_undefined():
    found = holm(np.array([0.01, np.nan, 0.02]))
    assert found[[0, 2]] == pytest.approx([0.03, 0.04])
    assert np.isnan(found[1])


def test_models_are_compared_with_the_linear_reference_and_with_their_controls():
    table = compare()
    found = list(table[["family", "model", "other"]].itertuples(index=False, name=None))
    assert found == [("linear reference", "net", "logistic"), ("controls", "net", "net~shuffled")]
    assert list(table.columns) == list(COLUMNS)


def test_the_interval_is_nadeau_and_bengio_s_of_differences_paired_by_fold():
    row = compare().iloc[0]
    one, two = MODELS["net"], MODELS["logistic"]
    differences = np.array([(one.hits[one.folds == f].mean() - two.hits[two.folds == f].mean()) for f in range(1, 6)])
    half = stats.t.ppf(0.975, 4) * np.sqrt((1 / 5 + 1 / 4) * differences.var(ddof=1))
    expected = [differences.mean(), differences.mean() - half, differences.mean() + half]
    np.testing.assert_allclose(row[["difference", "low", "high"]].astype(float), expected, rtol=1e-12)


def test_one_sample_a_group_is_mcnemar_and_several_are_flipped_together():
    alone, together = compare().iloc[0], compare(groups=EACH // 3).iloc[0]
    assert (alone["test"], together["test"]) == ("McNemar, exact", "sign flips over groups")
    one, two = MODELS["net"].hits, MODELS["logistic"].hits
    table = [[(one & two).sum(), (one & ~two).sum()], [(~one & two).sum(), (~one & ~two).sum()]]
    assert alone["p_exact"] == pytest.approx(mcnemar(table, exact=True).pvalue, abs=1e-12)
    assert (alone["better_on"], alone["worse_on"]) == (table[0][1], table[1][0])
    by_group = (one.astype(int) - two).reshape(30, 3).sum(axis=1)
    assert together["p_exact"] == pytest.approx(sign_flip_p(by_group), abs=1e-15)


def test_the_bootstrap_of_the_difference_equals_scipy_s():
    change = MODELS["net"].hits.astype(float) - MODELS["logistic"].hits
    oracle = stats.bootstrap((change,), np.mean, n_resamples=400, method="BCa", rng=np.random.default_rng(1))
    row = compare().iloc[0]
    assert (row["bootstrap_low"], row["bootstrap_high"]) == pytest.approx(tuple(oracle.confidence_interval), abs=1e-8)


@pytest.mark.parametrize(
    ("low", "high", "p", "word"),
    [
        (0.01, 0.05, 0.02, "better"),
        (-0.05, -0.01, 0.02, "worse"),
        (-0.01, 0.05, 0.02, "no difference shown"),
        (0.01, 0.05, 0.06, "no difference shown"),
        (np.nan, np.nan, np.nan, "no difference shown"),
    ],
)
def test_a_difference_is_only_claimed_where_the_corrected_interval_excludes_zero(low, high, p, word):
    assert verdict(low, high, p) == word


def test_a_clear_difference_is_called_better_and_its_reverse_worse():
    rng, table = np.random.default_rng(0), make_predictions(1)
    poor = np.where(rng.random(90) < 0.4, "a", table["label"])
    models = {
        name: read_tested(answer(table, given), name)
        for name, given in {"logistic": poor, "net": table["label"]}.items()
    }
    row = compare(models).iloc[0]
    assert row["verdict"] == "better"
    assert compare(models, reference="net").iloc[0]["verdict"] == "worse"


def test_a_constant_difference_has_no_interval_and_says_so():
    table = make_predictions(1, samples=100)
    wrong = table.groupby("fold").cumcount() < 4  # of 20 samples in every fold
    other = np.where(table["label"] == "a", "b", "a")
    models = {
        "logistic": read_tested(answer(table, np.where(wrong, other, table["label"])), "logistic"),
        "net": read_tested(answer(table, table["label"]), "net"),
    }
    row = compare(models, np.arange(100)).iloc[0]
    assert row["difference"] == pytest.approx(0.2)
    assert np.isnan(row[["low", "high", "p_holm", "detectable"]].astype(float)).all()
    assert (row["verdict"], row["note"]) == ("no difference shown", "all folds differ alike: no interval")


def test_the_detectable_difference_is_that_of_the_first_step_of_holm():
    more = {**MODELS, **{f"m{n}": read_tested(make_predictions(n), f"m{n}") for n in (4, 5, 6)}}
    net = compare(more).set_index(["family", "model"])["detectable"]["linear reference", "net"]
    differences = np.array(
        [
            MODELS["net"].hits[MODELS["net"].folds == f].mean()
            - MODELS["logistic"].hits[MODELS["logistic"].folds == f].mean()
            for f in range(1, 6)
        ]
    )
    error = differences.std(ddof=1) * np.sqrt(1 / 5 + 1 / 4)
    assert stats.nct.sf(stats.t.ppf(1 - 0.05 / 4 / 2, 4), 4, net / error) == pytest.approx(0.8, abs=1e-9)


def test_of_few_groups_it_is_said_that_they_can_show_nothing():
    row = compare(MODELS, np.arange(len(MODELS["net"].targets)) % 5).iloc[0]
    assert row["p_exact"] >= 2**-4
    assert np.isnan(row["bootstrap_low"])
    assert row["note"] == (
        "5 independent units: the exact p cannot fall to 0.05; 5 independent units are too few for a bootstrap"
    )
    many = compare(MODELS, np.arange(len(MODELS["net"].targets)) % 8).iloc[0]
    assert many["note"] == ""
    assert many["bootstrap_low"] < many["bootstrap_high"]


def test_without_reference_and_controls_nothing_is_compared():
    table = compare({"net": MODELS["net"]}, reference="")
    assert table.empty
    assert list(table.columns) == list(COLUMNS)
