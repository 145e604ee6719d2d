"""floor_negatives: old arrays with many values below 0 keep their markers, and only training samples set the floor."""

from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
import yaml
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import StratifiedKFold

from gexflow.errors import InputError
from gexflow.log import CAUTION
from gexflow.recipes.floor_negatives import FloorNegatives
from gexflow.recipes.folds import PreparedFold, prepare_folds
from gexflow.recipes.new_samples import prepare_new_samples
from gexflow.recipes.recipe import apply_recipe, build_recipe, restore_recipe

MARKERS, NOISE = 40, 150.0
SHIPPED = yaml.safe_load((Path(__file__).parents[2] / "config.yaml").read_text())["recipes"]["gexpnet-array"]


def as_cohort(values: np.ndarray, labels: np.ndarray, scale: str = "linear") -> anndata.AnnData:
    obs = pd.DataFrame({"label": labels, "group": "g"}, index=[f"s{n}" for n in range(len(values))])
    var = pd.DataFrame({"symbol": ""}, index=[f"g{n}" for n in range(values.shape[1])])
    return anndata.AnnData(values, obs=obs, var=var, uns={"scale": scale})


def average_differences(genes: int = 7129, silent: float = 0.55, level: float = 500) -> anndata.AnnData:
    """Return a cohort like Golub's leukaemias on HuGeneFL: noise around 0 in all genes, and nothing else in most.

    A share of the genes is silent; the others have values around a level.
    The first genes are markers: 300 to 2,000 in one class, as high as the noise in the other.
    """
    random, samples = np.random.default_rng(5), 72
    labels = np.where(np.arange(samples) < 0.65 * samples, "ALL", "AML")
    means = np.where(random.random(genes) < silent, 0, np.exp(random.normal(np.log(level), 1.2, genes)))
    levels = np.tile(means, (samples, 1))
    high = (np.arange(MARKERS) % 2 == 0) == (labels == "ALL")[:, None]
    levels[:, :MARKERS] = np.where(high, np.exp(random.uniform(np.log(300), np.log(2000), MARKERS)), NOISE)
    values = levels * np.exp(random.normal(0, 0.35, levels.shape)) + random.normal(0, NOISE, levels.shape)
    return as_cohort(values.astype(np.float32), labels)


def five_folds(cohort: anndata.AnnData) -> list[np.ndarray]:
    folds = StratifiedKFold(5, shuffle=True, random_state=1).split(cohort.X, cohort.obs["label"])
    return [np.where(np.isin(np.arange(cohort.n_obs), test), "test", "train") for _, test in folds]


def gamma(negative: float) -> np.ndarray:
    """Return values of which a share is turned below 0."""
    random = np.random.default_rng(3)
    values = random.gamma(2, 100, (60, 50))
    return np.where(random.random(values.shape) < negative, -values, values).astype(np.float32)


def alternating(values: np.ndarray, scale: str = "linear") -> anndata.AnnData:
    return as_cohort(values, np.tile(["x", "y"], len(values) // 2), scale)


PART = np.where(np.arange(60) % 5 == 0, "test", "train")


def prepare(values: np.ndarray, steps: list, scale: str = "linear") -> PreparedFold:
    return next(prepare_folds(alternating(values, scale), [PART], steps))


@pytest.fixture(scope="module")
def old_array() -> anndata.AnnData:
    return average_differences()


def with_first(step: dict) -> list:
    impute, *rest = SHIPPED
    assert impute == "impute_median"
    return [impute, step, *rest]


def markers_kept(cohort: anndata.AnnData, steps: list) -> tuple[np.ndarray, float, list[str]]:
    """Return in how many of five folds each marker is kept, the held-out accuracy, and every fold's last note.

    The accuracy is balanced, of a logistic regression on the features.
    """
    parts, labels = five_folds(cohort), cohort.obs["label"].to_numpy()
    kept, accuracy, notes = np.zeros(MARKERS, dtype=int), [], []
    for fold, part in zip(prepare_folds(cohort, parts, steps), parts, strict=True):
        features, train = fold.features.X, part == "train"
        kept += cohort.var_names[:MARKERS].isin(fold.features.var_names)
        model = LogisticRegression(C=0.1, max_iter=200).fit(features[train], labels[train])
        accuracy.append(balanced_accuracy_score(labels[~train], model.predict(features[~train])))
        notes.append(fold.summary["note"].iloc[-1])
    return kept, float(np.mean(accuracy)), notes


def test_the_cohort_is_like_one_of_average_differences(old_array):
    assert 0.25 < (old_array.X < 0).mean() < 0.35
    floor = FloorNegatives().fit(old_array.X).floor_[0]
    assert 130 < floor < 150, "below the noise's deviation of 150; the docstring gives it"


def test_markers_of_an_old_array_are_kept_in_all_folds_where_clip_loses_them(old_array):
    floored, accuracy, notes = markers_kept(old_array, with_first({"floor_negatives": {}}))
    clipped, by_chance, warnings = markers_kept(old_array, with_first({"clip": {"low": 0}}))
    assert (floored == 5).all()
    assert (clipped == 5).mean() < 0.1
    assert accuracy > 0.8 > 0.65 > by_chance
    assert all(f"{CAUTION}in 9" in note and "floor_negatives" in note for note in warnings)
    assert not any("`floor_negatives`" in note for note in notes), "a remedy that the recipe has already"


@pytest.mark.parametrize(("silent", "level"), [(0.08, 2000), (0.8, 500)])
def test_markers_are_kept_whether_few_genes_are_silent_or_most(silent, level):
    cohort = average_differences(genes=10_000, silent=silent, level=level)
    kept, accuracy, _ = markers_kept(cohort, with_first("floor_negatives"))
    assert (kept == 5).sum() >= MARKERS - 2
    assert accuracy > 0.8


def test_few_negative_values_become_0_and_nothing_else_moves():
    values = gamma(0.008)
    step = FloorNegatives().fit(values)
    np.testing.assert_array_equal(step.transform(values), np.maximum(values, 0))
    assert "at most 1 %" in step.note(values)
    assert f"{(values < 0).sum()} of 3,000 values below 0 set to 0" in step.note(values)
    assert step.moved_[0] == (values < 0).mean()
    assert FloorNegatives(share=0.001).fit(values).floor_[0] > 0


@pytest.mark.parametrize(("negative", "noise"), [(0.05, 0.75), (0.3, 0.5), (0.49, 1.0)])
def test_more_negative_values_raise_the_floor_above_a_share_of_as_many_positive_ones(negative, noise):
    values = gamma(negative)
    values[::7, 2] = np.nan
    step = FloorNegatives(noise=noise).fit(values)
    positive, below = values[values > 0], (values < 0).sum()
    quantile = min(0.9, noise * below / len(positive))
    floor = np.quantile(positive, quantile, method="inverted_cdf")
    assert (step.floor_ == floor).all()
    assert step.moved_[0] == (values < floor).sum() / (~np.isnan(values)).sum()
    found = step.transform(values)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, np.where(values < floor, floor, values))
    share = 100 * below / (~np.isnan(values)).sum()
    for fact in (f"{share:.3g} % of the training", "more than 1 %", f"set to {floor:.4g}", f"the {quantile:.3g} quant"):
        assert fact in step.note(values)


def test_the_floor_follows_the_number_of_negative_values_and_not_their_sizes():
    values = gamma(0.3)
    huge = np.where(values < 0, 50 * values, values)
    assert FloorNegatives().fit(huge).floor_[0] == FloorNegatives().fit(values).floor_[0]


def test_a_tenth_of_the_positive_values_stays_above_the_floor_whatever_the_noise():
    values = gamma(0.7)
    step = FloorNegatives().fit(values)
    assert (values[values > 0] > step.floor_[0]).mean() == pytest.approx(0.1, abs=0.005)


def test_without_negative_training_values_all_stay_and_unseen_negatives_become_0():
    values = gamma(0)
    step = FloorNegatives().fit(values)
    np.testing.assert_array_equal(step.transform(values), values)
    assert step.note(values) == ""
    np.testing.assert_array_equal(step.transform(gamma(0.5)), np.maximum(gamma(0.5), 0))
    assert step.same_in_all_folds(values)
    assert not step.same_in_all_folds(gamma(0.01))


def test_more_negatives_than_noise_explains_are_a_caution():
    for share, aloud in ((0.4, False), (0.7, True)):
        values = gamma(share)
        assert FloorNegatives().fit(values).note(values).startswith(CAUTION) == aloud
    with pytest.raises(InputError, match="no value above 0"):
        FloorNegatives().fit(-gamma(0) - 1)


def test_log_ratios_declared_linear_are_a_caution():
    ratios = np.random.default_rng(1).normal(size=(60, 50)).astype(np.float32)
    ratios += 0.1  # fewer than half are negative
    note = FloorNegatives().fit(ratios).note(ratios)
    assert note.startswith(CAUTION)
    assert "none of them is above 30" in note
    assert "logratio" in note


@pytest.mark.parametrize("hidden", [{"clip": {"low": 0, "high": 9}}, "floor"])
def test_behind_clip_or_floor_it_is_refused(hidden):
    steps = [hidden, "floor_negatives", "to_log2"]
    with pytest.raises(InputError, match="put floor_negatives before them, or leave them out"):
        build_recipe(steps, "linear")
    build_recipe(steps, "log2")  # there it does not apply
    build_recipe([steps[1], steps[0], steps[2]], "linear")
    build_recipe([{"clip": {"high": 9}}, {"floor": {"below": -5, "to": -5}}, *steps[1:]], "linear")


def test_behind_to_log2_the_order_is_the_mistake_and_not_the_scale():
    note = build_recipe(["to_log2", "floor_negatives"], "linear")[1]["2_floor_negatives"]
    assert note.startswith(CAUTION)
    assert "put it before to_log2" in note
    assert "scale" not in note


@pytest.mark.parametrize("scale", ["log2", "logratio"])
def test_logged_values_are_left_alone_with_a_note(scale):
    recipe, notes = build_recipe(["floor_negatives"], scale)
    assert not recipe.steps
    assert scale in notes["1_floor_negatives"]


def test_it_cannot_stand_behind_a_step_that_standardises():
    with pytest.raises(InputError, match="behind a step that standardises"):
        build_recipe(["zscore", "floor_negatives"], "linear")


@pytest.mark.parametrize("negative", [0.0, 0.02, 0.3])
def test_noise_in_the_test_samples_changes_nothing_that_a_fold_learns(negative):
    steps = ["impute_median", "floor_negatives", "to_log2", {"select_variance": {"top": 20}}, "gene_quantile"]
    values = gamma(negative)
    noisy = np.where((PART == "test")[:, None], -3 * np.abs(values) - 1, values)
    first, second = (prepare(each, steps).fitted for each in (values, noisy))
    assert "2_floor_negatives.floor" in first.var
    for column in first.var:
        np.testing.assert_array_equal(first.var[column], second.var[column])
    for key in first.varm:
        np.testing.assert_array_equal(first.varm[key], second.varm[key])


def test_a_stored_floor_prepares_new_samples_like_the_fold():
    fold = prepare(gamma(0.3), with_first("floor_negatives"))
    np.testing.assert_array_equal(apply_recipe(restore_recipe(fold.fitted), gamma(0.3)), fold.features.X)


def test_new_samples_get_the_floor_only_on_the_scale_of_the_training_samples():
    steps, known = ["floor_negatives", "to_log2"], np.ones(50, dtype=bool)
    new, medians = gamma(0.3)[:6], np.zeros(50)

    def prepared(trained_on: str, scale: str) -> tuple[np.ndarray, list[str]]:
        fold = prepare(gamma(0.3), steps, trained_on)
        found = prepare_new_samples(fold.fitted, steps, new, known, scale, trained_on, medians)
        return found.values, found.notes

    floor = FloorNegatives().fit(gamma(0.3)[PART == "train"]).floor_[0]
    np.testing.assert_allclose(prepared("linear", "linear")[0], np.log2(np.maximum(new, floor) + 1), rtol=1e-6)
    for trained_on in ("linear", "log2"):
        np.testing.assert_array_equal(prepared(trained_on, "log2")[0], new)
    values, notes = prepared("log2", "linear")
    np.testing.assert_allclose(values, np.log2(np.maximum(new, 0) + 1), rtol=1e-6)
    assert notes == [
        f"floor_negatives: no floor for linear values was learned; {(new < 0).sum()} values below 0 set to 0"
    ]
    new = np.abs(new)
    assert prepared("log2", "linear")[1] == []


@pytest.mark.parametrize("negative", [0.0, 0.1, 0.4])
def test_new_samples_mostly_below_the_floor_are_a_note_with_both_shares(negative):
    values, steps = gamma(negative), ["floor_negatives", "to_log2"]
    fold, train = prepare(values, steps), values[PART == "train"]
    trained = 100 * (train < FloorNegatives().fit(train).floor_[0]).mean()

    def notes(new: np.ndarray) -> list[str]:
        known, medians = np.ones(50, dtype=bool), np.zeros(50)
        return prepare_new_samples(fold.fitted, steps, new, known, "linear", "linear", medians).notes

    assert notes(values[:6]) == []
    (note,) = notes(np.where(values[:6] > np.quantile(values, 0.95), values[:6], -1))
    assert "above 9" in note
    assert f"only {trained:.0f} % of the training" in note
