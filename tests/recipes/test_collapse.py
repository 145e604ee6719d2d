"""Probes of one gene become one column, by the symbols of the columns that reach the step."""

import numpy as np
import pandas as pd
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from gexflow.errors import InputError
from gexflow.recipes.collapse import CollapseGenes
from gexflow.recipes.recipe import apply_recipe, build_recipe, fit_recipe, kept_genes

RNG = np.random.default_rng(8)
# genes of 1 to 6 probes, scattered; every ninth column has no symbol
SYMBOLS = np.array([f"S{number}" for number in RNG.permutation(np.repeat(np.arange(24), 1 + np.arange(24) % 6))])
SYMBOLS[::9] = ""


@pytest.fixture
def values() -> np.ndarray:
    table = RNG.normal(8, 2, size=(40, len(SYMBOLS))).astype(np.float32)
    table[RNG.random(table.shape) < 0.2] = np.nan
    table[3, SYMBOLS == "S5"] = np.nan
    return table


def grouped(values: np.ndarray, symbols: np.ndarray, by: str) -> np.ndarray:
    """Collapse by pandas: genes in the order of their first probes."""
    table = pd.DataFrame(values.T.astype(float)).groupby(symbols, sort=False).agg(by)
    return table.drop(index="", errors="ignore").to_numpy().T


@pytest.mark.parametrize("by", ["mean", "median"])
def test_probes_collapse_as_in_pandas_and_missing_ones_are_skipped(values, by):
    assert np.isnan(values[:, SYMBOLS == "S23"]).any()
    collapsed = CollapseGenes(by=by).fit(values[:20], symbols=SYMBOLS).transform(values)
    np.testing.assert_allclose(collapsed, grouped(values, SYMBOLS, by), rtol=1e-6)
    assert np.isnan(collapsed).sum() < np.isnan(values).sum() / 4
    assert np.isnan(collapsed[3]).any()  # no probe of S5 has a value there
    assert collapsed.dtype == np.float32
    filled = np.nan_to_num(values)
    without_gaps = CollapseGenes(by=by).fit(filled, symbols=SYMBOLS).transform(filled)
    np.testing.assert_allclose(without_gaps, grouped(filled, SYMBOLS, by), rtol=1e-6)


def test_largest_mean_takes_the_probe_that_is_largest_in_the_training_samples(values):
    values[20:] *= RNG.permutation(len(SYMBOLS)) % 5  # among the others another probe is the largest
    means = pd.Series(np.nanmean(values[:20], axis=0, dtype=float))[SYMBOLS != ""]
    expected = np.sort(means.groupby(SYMBOLS[SYMBOLS != ""]).idxmax())
    step = CollapseGenes(by="largest_mean").fit(values[:20], symbols=SYMBOLS)
    assert np.flatnonzero(step.kept_).tolist() == expected.tolist()
    np.testing.assert_array_equal(step.transform(values), values[:, expected])
    of_all = CollapseGenes(by="largest_mean").fit(values, symbols=SYMBOLS)
    assert (of_all.kept_ != step.kept_).any()


def test_largest_mean_takes_the_first_of_equals_and_no_probe_without_values():
    table = np.array([[np.nan, 1, 1, -3, np.nan]] * 2, dtype=np.float32)
    step = CollapseGenes(by="largest_mean").fit(table, symbols=np.array(["A", "A", "A", "B", "B"]))
    assert np.flatnonzero(step.kept_).tolist() == [1, 3]


def test_a_gene_stands_at_the_place_of_its_first_probe():
    table = np.array([[1, 2, 3, 4, 5]], dtype=np.float32)
    symbols = np.array(["B", "", "A", "B", ""])
    dropped = CollapseGenes().fit(table, symbols=symbols)
    assert dropped.transform(table).tolist() == [[2.5, 3]]
    assert dropped.gene_.tolist() == [0, -1, 1, 0, -1]
    assert dropped.note(table) == "collapse_genes: 5 probes to 2 genes; 2 without a symbol left out"
    kept = CollapseGenes(unmapped="keep").fit(table, symbols=symbols)
    assert kept.transform(table).tolist() == [[2.5, 2, 3, 5]]
    assert kept.gene_.tolist() == [0, 1, 2, 0, 3]
    assert kept.note(table) == "collapse_genes: 5 probes to 4 genes, each probe without a symbol counted as one"


def test_symbols_follow_the_columns_that_other_steps_left(values):
    values[:, 10:20] = np.nan  # impute_median drops them
    top = 40
    steps = ["impute_median", {"select_variance": {"top": top}}, "collapse_genes", {"select_variance": {"top": 5}}]
    recipe, _ = build_recipe(steps, "log2")
    fit_recipe(recipe, values, None, SYMBOLS)
    filled = pd.DataFrame(values).drop(columns=range(10, 20)).pipe(lambda table: table.fillna(table.median()))
    most_variable = np.sort(filled.var().sort_values(ascending=False, kind="stable").index[:top])
    genes = grouped(filled[most_variable].to_numpy(), SYMBOLS[most_variable], "mean")
    chosen = np.sort(np.argsort(-genes.var(axis=0))[:5])
    features = apply_recipe(recipe, values)
    np.testing.assert_allclose(features, genes[:, chosen], rtol=1e-6)
    named = SYMBOLS[kept_genes(recipe, len(SYMBOLS))]
    firsts = [name for name in dict.fromkeys(SYMBOLS[most_variable]) if name]
    assert named.tolist() == [firsts[gene] for gene in chosen]


@pytest.mark.parametrize("unmapped", ["drop", "keep"])
@pytest.mark.parametrize("symbols", [None, np.full(len(SYMBOLS), "")])
def test_a_cohort_without_symbols_is_refused_with_the_remedy(values, unmapped, symbols):
    recipe, _ = build_recipe([{"collapse_genes": {"unmapped": unmapped}}], "log2")
    with pytest.raises(InputError, match=r"step 1_collapse_genes: none of the .*files\.annotation"):
        fit_recipe(recipe, values, None, symbols)


@parametrize_with_checks([CollapseGenes(by="median"), CollapseGenes(by="largest_mean", unmapped="keep")])
def test_every_way_to_collapse_is_a_scikit_learn_estimator(estimator, check):
    check(estimator)
