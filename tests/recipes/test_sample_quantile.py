"""Between-sample quantile normalisation equals its plain form, and its target comes from training samples alone."""

import numpy as np
import pytest
from scipy.stats import rankdata

from gexflow.errors import InputError
from gexflow.recipes.recipe import apply_recipe, build_recipe, fit_recipe, restore_recipe, store_recipe
from gexflow.recipes.sample_quantile import SampleQuantile


def plain(train, samples):
    """Bolstad's method as in the paper, value by value: rank, mean of the sorted columns, mean over ties."""
    target = np.sort(train.astype(float), axis=1).mean(axis=0)
    mapped = np.empty(samples.shape)
    for row, sample in zip(mapped, samples, strict=True):
        low, high = rankdata(sample, "min").astype(int) - 1, rankdata(sample, "max").astype(int)
        row[:] = [target[first:last].mean() for first, last in zip(low, high, strict=True)]
    return mapped


@pytest.mark.parametrize("decimals", [6, 1, 0])
def test_it_equals_the_plain_form_for_training_and_unseen_samples(decimals):
    values = np.round(np.random.default_rng(1).lognormal(1, 1, (40, 200)), decimals).astype(np.float32)
    step = SampleQuantile().fit(values[:30])
    np.testing.assert_allclose(step.transform(values), plain(values[:30], values), rtol=1e-6)


def test_training_samples_without_ties_share_one_distribution():
    values = np.random.default_rng(2).normal(8, 2, (10, 300)).astype(np.float32)
    mapped = np.sort(SampleQuantile().fit_transform(values), axis=1)
    np.testing.assert_array_equal(mapped, np.broadcast_to(mapped[0], mapped.shape))


def test_missing_values_are_skipped_and_stay_missing():
    values = np.random.default_rng(3).normal(8, 2, (20, 101)).astype(np.float32)
    holes = values.copy()
    holes[0, ::2] = np.nan
    holes[1] = np.nan
    step = SampleQuantile().fit(holes)
    mapped = step.transform(holes)
    np.testing.assert_array_equal(np.isnan(mapped), np.isnan(holes))
    known = np.sort(mapped[0][~np.isnan(mapped[0])])
    np.testing.assert_allclose(known, np.quantile(step.target_, np.linspace(0, 1, 50)), rtol=1e-6)
    ordered = np.sort(np.delete(values, [0, 1], axis=0).astype(float), axis=1)
    first = np.quantile(np.sort(holes[0][~np.isnan(holes[0])].astype(float)), np.linspace(0, 1, 101))
    np.testing.assert_allclose(step.target_, (ordered.sum(axis=0) + first) / 19, rtol=1e-6)


def test_a_recipe_with_it_can_be_stored():
    values = np.random.default_rng(4).lognormal(1, 1, (30, 50)).astype(np.float32)
    recipe, _ = build_recipe(["impute_median", "sample_quantile", {"select_variance": {"top": 20}}], "linear")
    fit_recipe(recipe, values, np.repeat(["a", "b"], 15))
    restored = restore_recipe(store_recipe(recipe, [f"g{n}" for n in range(50)]))
    np.testing.assert_array_equal(apply_recipe(restored, values), apply_recipe(recipe, values))


def test_samples_without_any_value_teach_nothing():
    with pytest.raises(InputError, match="no training sample has a value"):
        SampleQuantile().fit(np.full((3, 4), np.nan, dtype=np.float32))
