"""A prepared fold names its features and tells what every step did."""

import json

import anndata
import numpy as np
import pandas as pd
import pytest

from gexflow.errors import InputError
from gexflow.recipes.folds import PreparedFold, prepare_folds
from gexflow.recipes.recipe import apply_recipe, build_recipe, fit_recipe

SYMBOLS = ["A", "", "B", "A", "C", "B", "A", "D"]


@pytest.fixture
def cohort() -> anndata.AnnData:
    values = np.random.default_rng(4).normal(6, 1, size=(30, 8)).astype(np.float32)
    values[:10, 0] = np.nan  # the first probe of A has no value in fold 1's training samples
    values[12, 4] = -2
    obs = pd.DataFrame({"label": ["x", "y"] * 15, "group": [f"p{i}" for i in range(30)]})
    var = pd.DataFrame({"symbol": pd.Categorical(SYMBOLS)}, index=[f"probe{i}" for i in range(8)])
    return anndata.AnnData(
        values, obs=obs.set_index(np.array([f"s{i}" for i in range(30)])), var=var, uns={"scale": "log2"}
    )


def parts(train: slice) -> np.ndarray:
    found = np.full(30, "test", dtype=object)
    found[train] = "train"
    return found.astype(str)


def prepare_fold(cohort, parts, steps) -> PreparedFold:
    return next(prepare_folds(cohort, [parts], steps))


@pytest.mark.parametrize("by", ["mean", "largest_mean"])
def test_a_collapsed_gene_has_the_same_name_and_symbol_in_every_fold(cohort, by):
    steps = ["impute_median", {"collapse_genes": {"by": by}}]
    folds = [prepare_fold(cohort, parts(train), steps) for train in (slice(0, 10), slice(10, 30))]
    for fold in folds:
        assert fold.features.var["symbol"].to_dict() == {"probe0": "A", "probe2": "B", "probe4": "C", "probe7": "D"}
    assert not folds[0].fitted.var.loc["probe0", "kept"]
    if by == "mean":
        expected = cohort.X[:10, [3, 6]].mean(axis=1)
        np.testing.assert_allclose(folds[0].features[:10, "probe0"].X[:, 0], expected, rtol=1e-6)


def test_without_collapsing_features_carry_the_ids_of_their_genes(cohort):
    fold = prepare_fold(cohort, parts(slice(10, 30)), ["impute_median", {"select_variance": {"top": 3}}])
    assert list(fold.features.var_names) == list(cohort.var_names[fold.fitted.var["kept"]])


def test_each_step_s_note_stands_beside_it_and_counts_all_samples(cohort):
    steps = ["impute_median", "to_log2", {"clip": {"low": 0}}, "collapse_genes", {"select_logistic": {"max_iter": 1}}]
    summary = prepare_fold(cohort, parts(slice(15, 30)), steps).summary.set_index("step")
    assert summary["note"].to_dict() == {
        "1 impute_median": "",
        "2 to_log2": "to_log2 left out: the values are on the log2 scale already",
        "3 clip": "clip: 1 of 240 values below 0 set to 0",  # a test sample's
        "4 collapse_genes": "collapse_genes: 8 probes to 4 genes; 1 without a symbol left out",
        "5 select_logistic": "select_logistic did not converge: raise max_iter",
    }
    assert summary["genes_in"].tolist() == [8, 8, 8, 8, 4]
    assert summary["genes_out"].tolist()[:4] == [8, 8, 8, 4]
    assert (summary["fold"] == 1).all()


def test_a_note_on_the_scale_reaches_the_summary(cohort):
    cohort.X = np.rint(np.abs(cohort.X))
    cohort.uns["scale"] = "counts"
    summary = prepare_fold(cohort, parts(slice(15, 30)), ["impute_median", "to_log2"]).summary.set_index("step")
    assert "put `cpm` first" in summary["note"]["2 to_log2"]


def test_a_mistake_names_fold_and_step(cohort):
    cohort.var["symbol"] = ""
    folds = [parts(slice(10, 30)), parts(slice(0, 30))]
    with pytest.raises(InputError, match=r"^fold 1, step 2_collapse_genes: .*files\.annotation"):
        list(prepare_folds(cohort, folds, ["impute_median", "collapse_genes"]))


CHAINS = {
    "image": ["impute_median", {"clip": {"low": 0}}, {"select_variance": {"top": 5}}, {"minmax": {"per": "all"}}],
    "collapsed": ["impute_median", {"collapse_genes": {"by": "largest_mean"}}, "zscore"],
    "gexpnet": ["impute_median", "gene_quantile", {"select_ftest": {"keep": 4}}],
}


def published(cohort: anndata.AnnData) -> anndata.AnnData:
    cohort.uns["source"] = json.dumps({"protocol": "published"})
    return cohort


@pytest.mark.parametrize("steps", CHAINS.values(), ids=CHAINS)
def test_a_fit_on_all_samples_is_that_of_the_recipe_on_all_rows(cohort, steps):
    fold = next(prepare_folds(published(cohort), [parts(slice(15, 30))], steps, "all"))
    values, labels = np.asarray(cohort.X), cohort.obs["label"].to_numpy(dtype=str)
    recipe, _ = build_recipe(steps, "log2")
    fit_recipe(recipe, values, labels, np.array(SYMBOLS, dtype=object))
    np.testing.assert_allclose(fold.features.X, apply_recipe(recipe, values), rtol=1e-6, atol=1e-7)
    assert list(fold.features.obs["part"]) == list(parts(slice(15, 30)))
    clean = next(prepare_folds(cohort, [parts(slice(15, 30))], steps))
    assert clean.features.shape != fold.features.shape or not np.allclose(clean.features.X, fold.features.X)


def test_only_the_leaky_variant_is_fitted_on_all_samples(cohort):
    for source in ("{}", json.dumps({"protocol": ""}), json.dumps({"dataset": "a~published"})):
        cohort.uns["source"] = source
        with pytest.raises(ValueError, match="only the variant ~published"):
            next(prepare_folds(cohort, [parts(slice(0, 20))], ["impute_median"], "all"))
    with pytest.raises(ValueError, match='fit_on is "test"'):
        next(prepare_folds(published(cohort), [parts(slice(0, 20))], ["impute_median"], "test"))


def test_the_leak_of_a_fit_on_all_samples_is_real():
    random = np.random.default_rng(5)
    values = random.normal(8, 1, (120, 2000)).astype(np.float32)
    obs = pd.DataFrame({"label": random.permutation(["x", "y"] * 60), "group": "g"}, index=map(str, range(120)))
    var = pd.DataFrame({"symbol": ""}, index=[f"g{i}" for i in range(2000)])
    cohort = published(anndata.AnnData(values, obs=obs, var=var, uns={"scale": "log2"}))
    part = np.where(np.arange(120) < 80, "train", "test")
    score = {}
    for fit_on in ("train", "all"):
        found = next(prepare_folds(cohort, [part], [{"select_ftest": {"keep": 60}}], fit_on)).features
        train, labels = part == "train", obs["label"].to_numpy()
        centres = np.array([found.X[train & (labels == name)].mean(axis=0) for name in ("x", "y")])
        nearest = np.linalg.norm(found.X[~train, None] - centres, axis=2).argmin(axis=1)
        score[fit_on] = (np.array(["x", "y"])[nearest] == labels[~train]).mean()
    assert score["train"] < 0.7  # labels mean nothing
    assert score["all"] > 0.8


def test_features_carry_the_places_of_their_genes(cohort):
    chromosome, start = [*"1234X", "", "", "7"], [5.0, 6, np.nan, 8, 9, np.nan, np.nan, np.nan]
    cohort.var["chromosome"], cohort.var["start"] = pd.Categorical(chromosome), start
    fold = prepare_fold(cohort, parts(slice(10, 30)), ["impute_median", {"select_variance": {"top": 5}}])
    kept = fold.fitted.var["kept"].to_numpy()
    assert fold.features.var["chromosome"].tolist() == list(np.array(chromosome)[kept])
    np.testing.assert_array_equal(fold.features.var["start"], np.array(start)[kept])


@pytest.mark.parametrize("by", ["mean", "largest_mean"])
def test_a_collapsed_gene_has_the_first_known_place_of_its_probes_in_every_fold(cohort, by):
    # probes of A are 0, 3 and 6, those of B 2 and 5
    cohort.var["chromosome"] = ["", "9", "2", "17", "X", "2", "5", ""]
    cohort.var["start"] = [np.nan, 1, np.nan, 70.0, 80, 20, 30, np.nan]
    steps = ["impute_median", {"collapse_genes": {"by": by, "unmapped": "keep"}}]
    for train in (slice(0, 10), slice(10, 30)):
        var = prepare_fold(cohort, parts(train), steps).features.var
        assert var["chromosome"].to_dict() == {
            "probe0": "17",
            "probe1": "9",
            "probe2": "2",
            "probe4": "X",
            "probe7": "",
        }
        assert var["start"].drop("probe7").to_dict() == {"probe0": 70, "probe1": 1, "probe2": 20, "probe4": 80}
        assert np.isnan(var.loc["probe7", "start"])


def test_without_places_features_have_none(cohort):
    assert list(prepare_fold(cohort, parts(slice(10, 30)), ["impute_median"]).features.var) == ["symbol"]
