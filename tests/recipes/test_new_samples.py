"""New samples pass a fitted recipe as the test samples of its fold did; what they lack is the training median."""

from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
import yaml

from gexflow.errors import InputError
from gexflow.recipes.folds import prepare_folds
from gexflow.recipes.gene_matching import match_genes, take_genes
from gexflow.recipes.new_samples import prepare_new_samples

RECIPES = yaml.safe_load((Path(__file__).parents[2] / "config.yaml").read_text())["recipes"]
SAMPLES, GENES = 60, 120
TRAIN = np.arange(SAMPLES) < 40


def make_cohort(scale: str) -> anndata.AnnData:
    random = np.random.default_rng(7)
    log2 = random.normal(7, 1, (1, GENES)) + random.normal(0, 1, (SAMPLES, GENES))
    values = {"log2": log2, "linear": np.exp2(log2), "counts": np.rint(np.exp2(log2))}[scale].astype(np.float32)
    if scale != "counts":
        values[random.random(values.shape) < 0.02] = np.nan
    symbols = ["" if gene % 20 == 19 else f"S{gene % 90}" for gene in range(GENES)]
    obs = pd.DataFrame({"label": ["x", "y", "z"] * 20, "group": [f"p{n}" for n in range(SAMPLES)]})
    obs.index = [f"s{n}" for n in range(SAMPLES)]
    var = pd.DataFrame({"symbol": symbols}, index=[f"g{gene}" for gene in range(GENES)])
    return anndata.AnnData(values, obs=obs, var=var, uns={"scale": scale})


def fold(steps: list, scale: str):
    cohort = make_cohort(scale)
    prepared = next(prepare_folds(cohort, [np.where(TRAIN, "train", "test")], steps))
    medians = np.median(prepared.features.X[TRAIN], axis=0)
    return cohort, prepared, medians


@pytest.mark.parametrize("name", RECIPES)
def test_new_samples_are_prepared_as_those_of_the_fold_were(name):
    scale = "counts" if "counts" in name else "linear"
    cohort, prepared, medians = fold(RECIPES[name], scale)
    known = np.ones(GENES, dtype=bool)
    found = prepare_new_samples(prepared.fitted, RECIPES[name], cohort.X[~TRAIN], known, scale, scale, medians)
    np.testing.assert_allclose(found.values, prepared.features.X[~TRAIN], rtol=0, atol=1e-6)
    assert found.known.all()


STEPS = ["impute_median", "to_log2", "collapse_genes", "gene_quantile", {"select_ftest": {"keep": 30}}]


@pytest.mark.parametrize("steps", [STEPS, ["cpm", "to_log2", "zscore", {"select_ftest": {"keep": 30}}]])
def test_a_gene_that_is_not_there_becomes_the_training_median_of_its_feature(steps):
    scale = "counts" if "cpm" in steps else "linear"
    cohort, prepared, medians = fold(steps, scale)
    symbols = cohort.var["symbol"].to_numpy()
    lost = prepared.features.var["symbol"].to_numpy(dtype=str)[:7]
    known = ~np.isin(symbols, lost) | (symbols == "")
    values = np.where(known, cohort.X[~TRAIN], np.nan).astype(np.float32)
    found = prepare_new_samples(prepared.fitted, steps, values, known, scale, scale, medians)
    assert found.values.shape == (20, 30)
    np.testing.assert_array_equal(found.values[:, ~found.known], np.tile(medians[~found.known], (20, 1)))
    assert (~found.known).sum() >= 7
    whole = prepare_new_samples(
        prepared.fitted, steps, cohort.X[~TRAIN], np.ones(GENES, dtype=bool), scale, scale, medians
    )
    if "cpm" not in steps:  # there a sample's sum misses the genes that are not there
        np.testing.assert_array_equal(found.values[:, found.known], whole.values[:, found.known])


def test_steps_that_learn_nothing_meet_the_scale_of_the_new_samples():
    cohort, prepared, medians = fold(STEPS, "linear")
    known = np.ones(GENES, dtype=bool)
    linear = cohort.X[~TRAIN]
    logged = np.log2(linear + 1)
    expected = prepare_new_samples(prepared.fitted, STEPS, linear, known, "linear", "linear", medians)
    filled = ~np.isnan(linear).any(axis=0)  # genes without a missing value
    found = prepare_new_samples(prepared.fitted, STEPS, logged, known, "log2", "linear", medians)
    symbols = cohort.var["symbol"].to_numpy()
    whole = [np.all(filled[symbols == symbol]) for symbol in prepared.features.var["symbol"]]
    assert sum(whole) > 5
    np.testing.assert_allclose(found.values[:, whole], expected.values[:, whole], rtol=0, atol=1e-5)
    assert np.isfinite(found.values).all()


def test_what_was_learned_on_one_scale_is_not_applied_to_another():
    steps = ["impute_median", "gene_quantile"]
    cohort, prepared, medians = fold(steps, "linear")
    with pytest.raises(InputError, match="step 2_gene_quantile: it was fitted to linear values, and these are log2"):
        prepare_new_samples(
            prepared.fitted, steps, cohort.X[~TRAIN], np.ones(GENES, dtype=bool), "log2", "linear", medians
        )


def test_genes_are_found_by_id_and_then_by_symbol():
    ids, symbols = ["1_at", "2_at", "3_at", "ENSG7.4", "TP53|7157", "9"], ["A", "B", "C", "", "TP53", "K"]
    other = ["2_at", "x", "y", "ENSG7", "tp53", "9"], ["B", "A", "a", "", "", "L"]
    found = match_genes(ids, symbols, *other)
    assert [list(columns) for columns in found.columns] == [[1, 2], [0], [], [3], [4], []]
    assert (found.by_id, found.by_symbol) == (1, 3)
    assert found.known.tolist() == [True, True, False, True, True, False]
    values = np.array([[1, 2, 4, 5, 6, 7], [1, np.nan, 4, 5, 6, 7]], dtype=np.float32)
    nan = np.nan
    np.testing.assert_array_equal(take_genes(values, found), [[3, 1, nan, 5, 6, nan], [4, 1, nan, 5, 6, nan]])
