"""What is done once for all folds gives the same as every fold by itself, and lets no test sample teach anything."""

import anndata
import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtri
from scipy.stats import rankdata

from gexflow.recipes import blocks, shared
from gexflow.recipes.folds import prepare_folds
from gexflow.recipes.in_place import drop_columns, reorder_rows
from gexflow.recipes.normal_scores import END, normal_scores
from gexflow.recipes.order import order_genes
from gexflow.recipes.quantile import GeneQuantile
from gexflow.recipes.recipe import apply_recipe, build_recipe, fit_recipe, restore_recipe
from gexflow.recipes.sample_ranks import rank_samples

SELECT = {"select_variance": {"top": 20}}
RECIPES = {
    "gene_quantile": ["impute_median", "gene_quantile", SELECT],
    "uniform": [{"gene_quantile": {"output": "uniform", "ties": "midrank"}}],
    "sample_quantile": ["impute_median", "cpm", "to_log2", "sample_quantile", "zscore"],
    "nothing shared": ["impute_median", SELECT, "gene_quantile"],
    "only samples": ["impute_median", "cpm", "to_log2", {"clip": {"high": 12}}],
    "ranks": ["sample_rank", SELECT],
    "ranks alone": ["sample_rank"],
    "floored": ["impute_median", "floor_negatives", "to_log2", "gene_quantile"],
    "collapsed": ["impute_median", "to_log2", "collapse_genes", "gene_quantile"],
}


@pytest.fixture
def cohort() -> anndata.AnnData:
    rng = np.random.default_rng(8)
    values = rng.negative_binomial(1, 0.05, (60, 40)).astype(np.float32)  # many ties, many zeros
    obs = pd.DataFrame({"label": ["a", "b", "c"] * 20, "group": "g"}, index=[f"s{n}" for n in range(60)])
    var = pd.DataFrame({"symbol": [f"S{n // 2}" for n in range(40)]}, index=[f"g{n}" for n in range(40)])
    return anndata.AnnData(values, obs=obs, var=var, uns={"scale": "counts"})


@pytest.fixture
def parts() -> list[np.ndarray]:
    test = np.arange(60) // 3 % 4
    return [np.where(test == fold, "test", "train") for fold in range(4)]


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("missing", [False, True])
def test_all_folds_at_once_equal_each_fold_by_itself(cohort, parts, name, missing):
    if missing:
        cohort.X[::7, 3] = np.nan
        if name == "uniform":
            pytest.skip("without impute_median missing values reach the features")
    labels, symbols = cohort.obs["label"].to_numpy(dtype=str), cohort.var["symbol"].to_numpy(dtype=object)
    for fold, part in zip(prepare_folds(cohort, parts, RECIPES[name]), parts, strict=True):
        train = part == "train"
        recipe = fit_recipe(build_recipe(RECIPES[name], "counts")[0], cohort.X[train], labels[train], symbols)
        np.testing.assert_array_equal(fold.features.X, apply_recipe(recipe, cohort.X))
        assert fold.features.X.flags.c_contiguous


@pytest.mark.parametrize("name", RECIPES)
def test_the_stored_recipe_of_a_fold_prepares_new_samples_like_that_fold(cohort, parts, name):
    fold = next(prepare_folds(cohort, parts, RECIPES[name]))
    if name == "gene_quantile":
        assert np.isnan(fold.fitted.varm["2_gene_quantile.quantiles"]).any(), "dropped genes have quantiles"
    again = restore_recipe(fold.fitted)
    np.testing.assert_array_equal(apply_recipe(again, cohort.X[::-1]), fold.features.X[::-1])


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("missing", [False, True])
def test_noise_in_the_test_rows_of_one_fold_changes_nothing_that_it_learns(cohort, parts, name, missing):
    other, test = cohort.copy(), parts[2] == "test"
    other.X[test] = np.random.default_rng(9).negative_binomial(1, 0.001, (test.sum(), 40))
    if missing and name != "uniform":
        other.X[np.flatnonzero(test)[0], 5] = np.nan
    first, second = (list(prepare_folds(table, parts, RECIPES[name]))[2].fitted for table in (cohort, other))
    for column in first.var:
        np.testing.assert_array_equal(first.var[column], second.var[column])
    for key in first.varm:
        np.testing.assert_array_equal(first.varm[key], second.varm[key])


def test_a_large_table_gives_the_same_without_keeping_its_order(cohort, parts, monkeypatch):
    kept = [fold.features.X for fold in prepare_folds(cohort, parts, RECIPES["gene_quantile"])]
    monkeypatch.setattr(shared, "_KEPT", 100)
    found = [fold.features.X for fold in prepare_folds(cohort, parts, RECIPES["gene_quantile"])]
    np.testing.assert_array_equal(found, kept)


def test_a_cohort_keeps_its_values(cohort, parts):
    before = cohort.X.copy()
    list(prepare_folds(cohort, parts, RECIPES["gene_quantile"]))
    np.testing.assert_array_equal(cohort.X, before)


def test_the_number_of_threads_changes_no_digit(cohort, parts, monkeypatch):
    monkeypatch.setattr(blocks, "_BLOCK", 120)
    found = []
    for threads in ("1", "3"):
        monkeypatch.setenv("OMP_NUM_THREADS", threads)
        found.append([fold.features.X for fold in prepare_folds(cohort, parts, RECIPES["gene_quantile"])])
    np.testing.assert_array_equal(*found)


def test_an_error_in_a_block_is_not_lost(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    with pytest.raises(ZeroDivisionError):
        blocks.in_blocks(lambda block: 1 / (block.start - block.start), 10, 1 << 20)


def test_the_order_of_genes_equals_argsort_with_missing_and_negative_values():
    values = np.random.default_rng(1).normal(size=(500, 30)).astype(np.float32).round(1)
    values[::9, 4], values[1, 5], values[2, 5] = np.nan, -0.0, 0.0
    ordered = np.take_along_axis(values.T, order_genes(values).astype(int), axis=1)
    np.testing.assert_array_equal(ordered, np.sort(values.T, axis=1))


def equal_runs(ordered):
    """Return the first and last place of every distinct value."""
    known = ordered[~np.isnan(ordered)]
    values = np.unique(known)
    return np.searchsorted(known, values, "left"), np.searchsorted(known, values, "right") - 1


def test_sample_ranks_put_every_value_back():
    values = np.random.default_rng(2).poisson(3, (20, 50)).astype(np.float32)
    values[0, :7] = np.nan
    ranked = rank_samples(values)
    np.testing.assert_array_equal(np.take_along_axis(ranked.ordered, ranked.ranks.astype(int), axis=1), values)
    assert ranked.known.tolist() == [43] + [50] * 19
    for row, (begins, ends) in zip(ranked.ordered, ranked.ties, strict=True):
        runs = [(first, last + 1) for first, last in zip(*equal_runs(row), strict=True) if last > first]
        assert list(zip(begins, ends, strict=True)) == runs


def test_normal_scores_are_true_to_8e_7_where_they_are_straight_lines():
    last = 1 << 20
    places = np.arange(0.01 * last, 0.99 * last)
    np.testing.assert_allclose(normal_scores(places, last), ndtri(places / last), atol=8e-7, rtol=0)


def test_normal_scores_equal_scipy_to_2e_6_and_are_cut_at_scikit_learn_s_ends():
    last = 999
    places = np.concatenate([np.linspace(0, last, 100_001), last * np.logspace(-7, -1, 999)])
    exact = np.clip(ndtri(places / last), -END, END)
    np.testing.assert_allclose(normal_scores(places, last), exact, atol=2e-6, rtol=0)
    np.testing.assert_allclose(normal_scores(last - places, last), -exact, atol=2e-6, rtol=0)
    assert normal_scores(np.array([0.0, last]), last).tolist() == [np.float32(-END), np.float32(END)]


def test_midrank_puts_tied_values_into_the_middle_of_their_share():
    """With as many quantiles as samples, the share is the average rank, to half a quantile."""
    values = np.maximum(np.random.default_rng(3).normal(size=(101, 4)), 0).astype(np.float32).round(1)
    values[:, 3] = 7
    mapped = GeneQuantile("uniform", ties="midrank").fit_transform(values)
    np.testing.assert_allclose(mapped, (rankdata(values, axis=0) - 1) / 100, atol=0.0051)
    assert (GeneQuantile("normal", ties="midrank").fit_transform(values)[:, 3] == 0).all()
    floor = values[:, 0] == 0
    assert (GeneQuantile("normal").fit_transform(values)[floor, 0] < -5.1).all()
    assert (np.abs(GeneQuantile("normal", ties="midrank").fit_transform(values)[floor, 0]) < 1.5).all()


@pytest.mark.parametrize("order", ["C", "F"])
def test_dropping_columns_and_reordering_rows_in_place_equals_indexing(order):
    rng = np.random.default_rng(4)
    values = np.array(rng.normal(size=(13, 9)).astype(np.float32), order=order)
    kept, places = rng.random(9) < 0.5, rng.permutation(13)
    expected = np.empty((13, kept.sum()), dtype=np.float32)
    expected[places] = values[:, kept]
    found = drop_columns(values.copy(order=order), kept)
    np.testing.assert_array_equal(found, values[:, kept])
    np.testing.assert_array_equal(reorder_rows(found, places), expected)
