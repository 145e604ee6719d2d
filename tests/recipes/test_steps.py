"""Steps equal their references and learn from training samples only."""

from pathlib import Path

import numpy as np
import pytest
import yaml
from scipy.stats import rankdata
from sklearn.feature_selection import VarianceThreshold, f_classif
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import MinMaxScaler, QuantileTransformer, StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from gexflow.errors import InputError
from gexflow.recipe_names import SAMPLE_WISE, learns_nothing
from gexflow.recipes.logistic_selection import SelectLogistic
from gexflow.recipes.quantile import GeneQuantile
from gexflow.recipes.recipe import (
    STEPS,
    apply_recipe,
    build_recipe,
    fit_recipe,
    kept_genes,
    restore_recipe,
    store_recipe,
)
from gexflow.recipes.sample_rank import SampleRank
from gexflow.recipes.selection import DropMissing, SelectFTest, SelectVariance
from gexflow.recipes.step import SampleWise
from gexflow.recipes.values import Clip, Cpm, Floor, ImputeMedian, Minmax, ToLog2, Zscore


@pytest.fixture
def values() -> np.ndarray:
    rng = np.random.default_rng(1)
    table = rng.gamma(2.0, 50.0, size=(80, 30)).astype(np.float32)
    table[:, 3] = np.round(table[:, 3] / 100) * 100  # many ties
    table[:30, 4] = 0.0  # a floor
    return table


@pytest.fixture
def labels() -> np.ndarray:
    return np.repeat(["a", "b", "c", "d"], 20)


def with_gaps(values: np.ndarray) -> np.ndarray:
    gaps = np.random.default_rng(2).random(values.shape) < 0.1
    return np.where(gaps, np.nan, values).astype(np.float32)


def test_impute_median_equals_scikit_learn_and_drops_genes_without_values(values):
    table = with_gaps(values)
    table[:60, 7] = np.nan
    train, test = table[:60], table[60:]
    expected = SimpleImputer(strategy="median").fit(train).transform(test)
    step = ImputeMedian().fit(train)
    assert step.kept_.sum() == 29
    assert not step.kept_[7]
    np.testing.assert_allclose(step.transform(test), expected, rtol=1e-6)


@pytest.mark.parametrize("output", ["normal", "uniform"])
@pytest.mark.parametrize("gaps", [False, True])
def test_gene_quantile_equals_scikit_learn_in_float64(values, output, gaps):
    table = with_gaps(values) if gaps else values
    train, unseen = table[:60], table[60:] * np.float32(1.3)
    oracle = QuantileTransformer(n_quantiles=60, output_distribution=output, subsample=None).fit(train.astype(float))
    step = GeneQuantile(output=output).fit(train)
    for part in (train, unseen):
        np.testing.assert_allclose(step.transform(part), oracle.transform(part.astype(float)), atol=1e-6)


def test_gene_quantile_uses_a_thousand_quantiles_at_most():
    table = np.random.default_rng(3).normal(size=(1500, 4)).astype(np.float32)
    oracle = QuantileTransformer(output_distribution="normal", subsample=None).fit(table.astype(float))
    np.testing.assert_allclose(
        GeneQuantile().fit(table).transform(table), oracle.transform(table.astype(float)), atol=1e-6
    )


def test_zscore_equals_scikit_learn_and_leaves_constant_genes_at_zero(values):
    values[:, 9] = 1234.5678
    expected = StandardScaler().fit(values[:60].astype(float)).transform(values[60:].astype(float))
    scaled = Zscore().fit(values[:60]).transform(values[60:])
    np.testing.assert_allclose(scaled, expected, atol=1e-5)
    assert (scaled[:, 9] == 0).all()


def test_minmax_per_gene_equals_scikit_learn_and_unseen_values_are_not_clipped(values):
    expected = MinMaxScaler().fit(values[:60].astype(float)).transform(values[60:].astype(float) * 2)
    scaled = Minmax(per="gene").fit(values[:60]).transform(values[60:] * 2)
    np.testing.assert_allclose(scaled, expected, rtol=1e-5, atol=1e-6)
    assert scaled.max() > 1


def test_minmax_over_all_genes_is_one_linear_map(values):
    scaled = Minmax().fit(values).transform(values)
    assert scaled.min() == 0
    assert scaled.max() == 1
    np.testing.assert_allclose(scaled, (values - values.min()) / np.ptp(values), atol=1e-6)


def test_drop_missing_counts_in_the_training_samples_and_keeps_the_share_itself(values):
    values[:10, 0] = np.nan  # 20 % of 50 training samples
    values[:11, 1] = np.nan
    values[50:, 2] = np.nan
    step = DropMissing(share=0.2).fit(values[:50])
    assert np.flatnonzero(~step.kept_).tolist() == [1]
    np.testing.assert_array_equal(step.transform(values), np.delete(values, 1, axis=1))


def test_drop_missing_says_why_no_gene_is_left(values):
    values[:5] = np.nan
    with pytest.raises(InputError, match=r"at least 6\.25 % of the samples; raise `share`"):
        DropMissing(share=0.05).fit(values)


def test_select_variance_equals_scikit_learn(values):
    threshold = float(np.median(values.var(axis=0)))
    expected = VarianceThreshold(threshold).fit(values.astype(float)).get_support()
    assert (SelectVariance(threshold=threshold).fit(values).kept_ == expected).all()


def test_select_variance_top_keeps_the_most_variable(values):
    kept = SelectVariance(top=5).fit(values).kept_
    variances = values.var(axis=0, dtype=float)
    assert kept.sum() == 5
    assert variances[kept].min() >= variances[~kept].max()
    assert SelectVariance(top=500).fit(values).kept_.all()


def test_select_variance_says_why_no_gene_is_left(values):
    with pytest.raises(InputError, match="largest variance"):
        SelectVariance(threshold=1e9).fit(values)


def test_select_ftest_equals_scikit_learn(values):
    labels = np.random.default_rng(8).choice(["a", "b", "c"], 80, p=[0.6, 0.3, 0.1])
    labels[0] = "alone"
    f = f_classif(values.astype(float), labels)[0]
    step = SelectFTest().fit(values, labels)
    np.testing.assert_allclose(step.f_values_, f, rtol=1e-10)
    assert (step.kept_ == (f >= np.median(f))).all()
    assert set(np.flatnonzero(SelectFTest(keep=4).fit(values, labels).kept_)) == set(np.argsort(f)[-4:])


def test_select_ftest_holds_far_from_zero_where_sums_of_squares_cancel(values, labels):
    # whole numbers: the shift is exact in float32, and the F does not change with it
    whole = np.round(values)
    shifted = SelectFTest().fit(whole + np.float32(2**23), labels).f_values_
    np.testing.assert_allclose(shifted, f_classif(whole.astype(float), labels)[0], rtol=1e-9)


def test_select_ftest_keeps_what_separates_the_classes_and_never_a_constant_gene(values, labels):
    values[:, 3] = np.float32(0.1)
    values[:, 5] = np.unique(labels, return_inverse=True)[1] * np.float32(0.1)
    step = SelectFTest(keep=1).fit(values, labels)
    assert np.isnan(step.f_values_[3])
    assert np.isinf(step.f_values_[5])
    assert np.flatnonzero(step.kept_).tolist() == [5]
    assert step.note(values) == "select_ftest: 1 gene constant in the training part left out: no F"
    half = SelectFTest().fit(values, labels)
    assert half.kept_.sum() == 15  # of the 29 with an F
    assert not half.kept_[3]
    assert SelectFTest(keep=29).fit(values, labels).kept_.sum() == 29


def test_select_ftest_says_what_it_cannot_work_on(values, labels):
    values[:, 3] = 7
    with pytest.raises(InputError, match="30 genes were asked for, but only 29 of the 30 that reach it vary"):
        SelectFTest(keep=30).fit(values, labels)
    with pytest.raises(InputError, match="each of the 30 is constant"):
        SelectFTest().fit(np.ones_like(values), labels)
    with pytest.raises(InputError, match="one class only"):
        SelectFTest().fit(values, np.full(80, "a"))
    with pytest.raises(InputError, match="one sample a class"):
        SelectFTest().fit(values, np.arange(80))
    with pytest.raises(InputError, match="impute_median"):
        SelectFTest().fit(with_gaps(values), labels)


def test_select_logistic_equals_scikit_learn(values, labels):
    table = Zscore().fit(values).transform(values)
    oracle = LogisticRegression(C=0.1, class_weight="balanced", solver="newton-cg").fit(table.astype(float), labels)
    sums = np.abs(oracle.coef_).sum(axis=0)
    assert (SelectLogistic().fit(table, labels).kept_ == (sums >= np.median(sums))).all()
    top = SelectLogistic(keep=4).fit(table, labels).kept_
    assert set(np.flatnonzero(top)) == set(np.argsort(sums)[-4:])


def test_select_logistic_refuses_more_genes_than_there_are(values, labels):
    with pytest.raises(InputError, match="only 30"):
        SelectLogistic(keep=31).fit(values, labels)


def test_steps_on_values_follow_their_definition(values):
    table = values.copy()
    table[0, 0] = np.nan
    np.testing.assert_allclose(Cpm().fit(table).transform(table).sum(axis=1)[1:], 1e6, rtol=1e-5)
    np.testing.assert_allclose(ToLog2(offset=1).fit(values).transform(values), np.log2(values + 1), rtol=1e-6)
    floored = Floor(below=1, to=0).fit(values).transform(values - 1)
    assert ((floored == 0) | (floored >= 1)).all()
    clipped = Clip(low=10, high=50).fit(values).transform(values)
    assert clipped.min() == 10
    assert clipped.max() == 50


def test_clip_counts_the_values_that_it_moves(values):
    values[0, :2], values[1, 0], values[2, 0] = -1, np.nan, 0
    clip = Clip(low=0, high=None).fit(values[40:])
    assert clip.note(values) == "clip: 2 of 2,399 values below 0 set to 0"
    assert clip.note(values[40:]) == ""
    above = int((values > 200).sum())
    both = "clip: 2 of 2,399 values below 0 set to 0, {} of 2,399 values above 200 set to 200"
    assert Clip(low=0, high=200).fit(values).note(values) == both.format(above)


def test_sample_rank_equals_scipy_s_average_ranks_and_puts_the_missing_in_the_middle(values):
    table = with_gaps(np.round(values / 50))
    table[3], table[4, 1:] = 7, np.nan
    ranked = SampleRank().fit(table[:5]).transform(table)
    assert ranked.dtype == np.float32
    for row, found in zip(table, ranked, strict=True):
        known = ~np.isnan(row)
        span = known.sum() - 1
        expected = (rankdata(row[known], method="average") - 1) / span if span else [0.5]
        np.testing.assert_allclose(found[known], expected, atol=1e-7, rtol=0)
        assert (found[~known] == 0.5).all()
    assert (ranked[3:5] == 0.5).all()


def test_sample_rank_spans_0_to_1_and_knows_no_scale(values):
    values[:, 3:5] = np.random.default_rng(4).gamma(2.0, 50.0, size=(80, 2))
    ranked = SampleRank().fit(values).transform(values)
    assert (ranked.min(axis=1) == 0).all()
    assert (ranked.max(axis=1) == 1).all()
    np.testing.assert_array_equal(SampleRank().fit(values).transform(np.log2(values + 1).astype(np.float32)), ranked)


def test_sample_rank_says_what_has_no_rank(values):
    assert SampleRank().fit(values).note(values) == ""
    values[0, :4], values[1], values[2, 1:], values[3] = np.nan, 7, np.nan, np.nan
    said = "sample_rank: 63 of 2,400 values missing and 3 of 80 samples with no two different values set to the middle"
    assert SampleRank().fit(values).note(values).startswith(said)


def test_recipes_that_learn_nothing_are_known_without_the_steps():
    assert {name for name, step in STEPS.items() if issubclass(step, SampleWise)} == SAMPLE_WISE
    assert learns_nothing(["cpm", {"to_log2": {"offset": 1}}, {"sample_rank": {}}])
    assert not learns_nothing(["impute_median", {"sample_rank": {}}])
    config = yaml.safe_load((Path(__file__).parents[2] / "config.yaml").read_text())
    assert [name for name, steps in config["recipes"].items() if learns_nothing(steps)] == ["image-ranks"]


def test_to_log2_leaves_logged_data_alone_and_says_so():
    recipe, notes = build_recipe(["impute_median", "to_log2"], "log2")
    assert [name for name, _ in recipe.steps] == ["1_impute_median"]
    assert "left out" in notes["2_to_log2"]


def test_counts_logged_without_cpm_are_told():
    assert "cpm" in build_recipe(["to_log2"], "counts")[1]["1_to_log2"]
    assert build_recipe(["cpm", "to_log2"], "counts")[1] == {}
    assert build_recipe(["to_log2"], "linear")[1] == {}


def test_to_log2_refuses_negative_linear_values_with_the_remedy(values):
    recipe, _ = build_recipe(["to_log2"], "linear")
    with pytest.raises(InputError, match="put `floor_negatives` before it"):
        fit_recipe(recipe, values - 500, None)


def test_to_log2_without_negative_values_blames_the_offset(values):
    recipe, _ = build_recipe(["floor_negatives", {"to_log2": {"offset": 0}}], "linear")
    with pytest.raises(InputError, match="set an offset above 0") as caught:
        fit_recipe(recipe, np.where(values < np.median(values), 0, values), None)
    assert "floor_negatives" not in str(caught.value)


def test_cpm_refuses_what_is_not_counts():
    with pytest.raises(InputError, match="cpm needs counts"):
        build_recipe(["cpm"], "log2")


def test_missing_values_never_reach_the_features(values):
    recipe, _ = build_recipe(["zscore"], "log2")
    table = with_gaps(values)
    with pytest.raises(InputError, match="impute_median"):
        apply_recipe(fit_recipe(recipe, table, None), table)


FULL = ["impute_median", "cpm", "to_log2", {"select_variance": {"top": 20}}, {"gene_quantile": {"output": "normal"}}]
RECIPES = {
    "paper": ["impute_median", {"gene_quantile": {"output": "normal"}}, {"select_logistic": {"C": 0.1}}],
    "counts": [*FULL, {"select_logistic": {"keep": 5}}],
    "image": [
        "impute_median",
        "floor_negatives",
        {"clip": {"low": 0}},
        "to_log2",
        "floor",
        {"select_variance": {"threshold": 0.5}},
        "minmax",
    ],
    "zscore": ["impute_median", {"minmax": {"per": "gene"}}, "zscore"],
    "genes": [
        {"drop_missing": {"share": 0.15}},
        {"select_variance": {"top": 20}},
        {"collapse_genes": {"by": "largest_mean"}},
        "impute_median",
        {"select_logistic": {"keep": 4}},
    ],
    "mean": [
        {"drop_missing": {"share": 0.3}},
        "to_log2",
        {"collapse_genes": {"unmapped": "keep"}},
        *FULL[:1],
        "zscore",
    ],
    "ftest": ["impute_median", {"select_ftest": {"keep": "median"}}, "zscore", {"select_ftest": {"keep": 6}}],
    "median": ["impute_median", {"select_variance": {"top": 25}}, {"collapse_genes": {"by": "median"}}],
    "ranks": ["cpm", "to_log2", "sample_rank"],
}
SYMBOLS = np.array(["" if gene % 7 == 6 else f"S{gene % 12}" for gene in range(30)])


@pytest.mark.parametrize("name", RECIPES)
def test_a_stored_recipe_prepares_new_samples_alike(values, labels, name, tmp_path):
    import anndata

    table = with_gaps(values)
    recipe, _ = build_recipe(RECIPES[name], "counts")
    fit_recipe(recipe, table[::2], labels[::2], SYMBOLS)
    path = tmp_path / "fitted.h5ad"
    store_recipe(recipe, [f"g{i}" for i in range(30)]).write_h5ad(path)
    stored = anndata.read_h5ad(path)
    again = restore_recipe(stored)
    np.testing.assert_array_equal(apply_recipe(again, table[1::2]), apply_recipe(recipe, table[1::2]))
    assert (np.flatnonzero(stored.var["kept"]) == kept_genes(recipe, 30)).all()


@pytest.mark.parametrize("name", RECIPES)
def test_noise_in_the_test_rows_changes_nothing_that_was_learned(values, labels, name):
    train = np.arange(80) % 5 != 0
    noisy = values.copy()
    noisy[~train] = np.random.default_rng(9).gamma(1.0, 1000.0, size=noisy[~train].shape)
    learned = []
    for table in (values, noisy):
        recipe, _ = build_recipe(RECIPES[name], "counts")
        fit_recipe(recipe, table[train], labels[train], SYMBOLS)
        learned.append(store_recipe(recipe, [f"g{i}" for i in range(30)]))
    for column in learned[0].var:
        np.testing.assert_array_equal(learned[0].var[column].to_numpy(), learned[1].var[column].to_numpy())
    for key in learned[0].varm:
        np.testing.assert_array_equal(learned[0].varm[key], learned[1].varm[key])


@pytest.mark.parametrize("name", STEPS)
def test_the_schema_knows_every_step_with_its_parameters_and_defaults(name):
    schema = yaml.safe_load((Path(__file__).parents[2] / "workflow/schemas/config.schema.yaml").read_text())["$defs"]
    entry = schema["step"]["properties"][name]
    entry = schema["no_parameters"] if "$ref" in entry else entry
    parameters = STEPS[name]().get_params()
    assert set(entry["properties"]) == set(parameters)
    assert {key: part.get("default") for key, part in entry["properties"].items()} == parameters
    assert set(schema["step"]["properties"]) == set(STEPS)


@parametrize_with_checks([STEPS[name]() for name in STEPS if name not in ("cpm", "to_log2", "select_variance")])
def test_steps_are_scikit_learn_estimators(estimator, check):
    check(estimator)
