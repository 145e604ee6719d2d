"""The audit's own test: silent on clean cohorts, loud on every planted leak, and right about the published numbers."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from gexflow.audit_names import LEAK_GROUPS, LEAK_LABELS, LEAK_SELECTION, LEAKS
from gexflow.errors import InputError
from gexflow.evaluation.audit_draws import draw_scores, permuted_row
from gexflow.evaluation.audit_leaks import audit_leak, leak_row, leaking, plant
from gexflow.evaluation.audit_refits import Pipeline, permuted_draws, random_gene_draws, reference_prediction, split
from gexflow.evaluation.audit_selftest import NULL, SIGNAL, UNEVEN, UNEVEN_GROUPS, draw_cohort, self_test

LOGISTIC = reference_prediction({"network": "logistic", "C": 0.1, "max_iter": 500})
STEPS = [{"zscore": {}}, {"select_ftest": {"keep": 20}}]  # of 80 genes
PIPELINE = Pipeline(STEPS, LOGISTIC, folds=4, seed=32)


def silent(table: pd.DataFrame) -> float:
    """Return the share of cohorts without a flag."""
    return (table["flagged"] == "").mean()


def test_clean_cohorts_raise_no_alarm_and_all_four_leaks_are_seen():
    found = self_test(PIPELINE, [1, 2], permutations=6)
    assert list(found["cohort"].unique()) == [NULL, UNEVEN, SIGNAL, *LEAKS]
    assert silent(found[~found["cohort"].isin(LEAKS)]) == 1
    assert silent(found[found["cohort"].isin(LEAKS)]) == 0


@pytest.mark.long
def test_twenty_seeds_raise_alarms_in_at_most_five_percent_of_clean_cohorts_and_see_every_leak():
    found = self_test(PIPELINE, range(20), permutations=20)
    print(found[found["flagged"] != ""].to_string())
    for kind in (NULL, UNEVEN, SIGNAL):
        assert silent(found[found["cohort"] == kind]) >= 0.95
    for leak in LEAKS:
        assert silent(found[found["cohort"] == leak]) == 0


def test_groups_of_uneven_size_lift_no_permutation_above_chance():
    centroid = reference_prediction({"network": "centroid"})
    pipeline = Pipeline([{"zscore": {}}], centroid, folds=5, seed=32)
    weighted, counted = [], []
    for seed in range(8):
        draws = permuted_draws(draw_cohort(seed, per_group=UNEVEN_GROUPS), pipeline, 10)
        assert permuted_row(draws, "m", 3).finding == "pass"
        weighted.append(draw_scores(draws).mean())
        counted.append(draw_scores(draws.assign(weight=1.0)).mean())
    print(f"by units {np.mean(weighted):.3f}, by samples {np.mean(counted):.3f}")
    assert np.mean(weighted) < 1 / 3 + 0.01
    assert np.mean(counted) > 1 / 3 + 0.03  # why samples are not counted alike


@pytest.mark.parametrize(
    ("leak", "check"),
    [
        ("leak-selection", "permuted labels (m)"),
        ("leak-labels", "target proxies"),
        ("leak-groups", "split: groups"),
        ("leak-distribution", "fold purity"),
    ],
)
def test_a_leak_is_seen_by_the_check_that_is_for_it_and_the_row_says_leaky(leak, check):
    row = leak_row(leak, audit_leak(draw_cohort(5, shift=1.0), PIPELINE, leak, 6, "m"))
    assert (row.check, row.finding) == (f"planted leak: {leak}", "pass")
    assert row.detail.startswith("LEAKY by intention")
    assert check in row.detail


def test_a_planted_leak_that_is_not_seen_is_a_note_not_a_leak_of_the_cohort():
    clean = permuted_row(permuted_draws(draw_cohort(5), PIPELINE, 4), "m", 3)
    row = leak_row(LEAK_SELECTION, [clean])
    assert (row.finding, row.value) == ("note", "not seen")


@pytest.mark.parametrize(
    ("leak", "steps", "why"),
    [
        (LEAK_GROUPS, STEPS, "No two samples share a group"),
        (LEAK_SELECTION, STEPS[:1], "The recipe chooses no genes"),
        ("leak-distribution", STEPS[1:], "The recipe fits nothing"),
        ("leak-distribution", [{"to_log2": {}}, *STEPS[1:]], "The recipe learns nothing"),
    ],
)
def test_what_cannot_be_planted_is_not_testable(leak, steps, why):
    pipeline = Pipeline(steps, LOGISTIC, folds=4, seed=32)
    row = leak_row(leak, audit_leak(draw_cohort(5, per_group=1), pipeline, leak, 4, "m"))
    assert row.finding == "not testable"
    assert why in row.detail


def test_a_clean_cohort_cannot_be_fitted_on_all_samples():
    cohort = draw_cohort(1)
    with pytest.raises(ValueError, match="planted leaks"):
        permuted_draws(cohort, leaking(PIPELINE, LEAK_SELECTION), 1)


def test_the_planted_label_is_a_gene_of_the_leaky_cohort_alone():
    cohort = draw_cohort(1)
    planted = plant(cohort, LEAK_LABELS)
    assert list(planted.var_names) == [*cohort.var_names, "planted label"]
    np.testing.assert_array_equal(planted.X[:, :-1], cohort.X)


def test_patients_on_both_sides_let_permuted_labels_be_known():
    twins = draw_cohort(3, samples=120, genes=60)
    twins.X[1::2] = twins.X[::2] + np.float32(0.1) * np.random.default_rng(0).standard_normal((60, 60)).astype(
        np.float32
    )
    pipeline = Pipeline([{"zscore": {}}], LOGISTIC, folds=4, seed=32)
    apart = draw_scores(permuted_draws(twins, pipeline, 5))
    torn = permuted_draws(twins, leaking(pipeline, LEAK_GROUPS), 5)
    assert apart.mean() < 0.42
    assert draw_scores(torn).mean() > 0.75
    assert permuted_row(torn, "m", 3).finding == "finding"


def random_labels(samples: int, genes: int, classes: int):
    cohort = draw_cohort(32, samples=samples, genes=genes, classes=classes, per_group=1)
    labels = np.random.default_rng(7).integers(classes, size=samples).astype(str)
    cohort.obs["label"] = pd.Categorical(labels)
    return cohort


@pytest.mark.long
def test_the_published_numbers_of_selection_outside_the_folds_come_out():
    """FACTS: random labels, n = 2,086, p = 971, 5 classes: .300 outside the folds, .175 to .21 inside."""
    cohort = random_labels(2086, 971, 5)
    steps = [{"select_logistic": {"C": 0.1, "keep": "median"}}]
    pipeline = Pipeline(steps, LOGISTIC, folds=10, seed=32)
    nested = permuted_draws(cohort, pipeline, 5)
    outside = permuted_draws(plant(cohort, LEAK_SELECTION), leaking(pipeline, LEAK_SELECTION), 5)
    print(draw_scores(nested), draw_scores(outside))
    assert ((draw_scores(nested) > 0.175) & (draw_scores(nested) < 0.22)).all()
    assert draw_scores(outside).mean() == pytest.approx(0.30, abs=0.03)
    assert permuted_row(nested, "logistic", 5).finding == "pass"
    assert permuted_row(outside, "logistic", 5).finding == "finding"


def test_selection_outside_the_folds_is_flagged_and_nested_is_not_in_a_small_cohort():
    cohort = random_labels(120, 300, 3)
    pipeline = Pipeline([{"select_ftest": {"keep": 30}}], LOGISTIC, folds=4, seed=32)
    nested = permuted_draws(cohort, pipeline, 6)
    outside = permuted_draws(plant(cohort, LEAK_SELECTION), leaking(pipeline, LEAK_SELECTION), 6)
    assert permuted_row(nested, "logistic", 3).finding == "pass"
    assert permuted_row(outside, "logistic", 3).finding == "finding"
    assert draw_scores(outside).min() > draw_scores(nested).max() + 0.1


def test_the_number_of_workers_changes_no_draw():
    cohort = draw_cohort(2, genes=3000)
    assert cohort.X.nbytes > 2**20  # workers then share it, and can only read it
    alone, shared = PIPELINE, replace(PIPELINE, workers=2)
    pd.testing.assert_frame_equal(permuted_draws(cohort, alone, 3), permuted_draws(cohort, shared, 3))
    splits = split(cohort, cohort.obs["label"].to_numpy().astype(str), alone)
    found = [random_gene_draws(cohort, splits, one, 3, 10) for one in (alone, shared)]
    pd.testing.assert_frame_equal(*found)


def test_what_cannot_be_split_is_a_sentence_from_a_worker_too():
    cohort = draw_cohort(2, samples=12, per_group=1)
    with pytest.raises(InputError, match="permutations of the labels cannot be split"):
        permuted_draws(cohort, replace(PIPELINE, folds=5, workers=2), 3)


def test_folds_of_permuted_labels_are_stratified_anew():
    cohort = draw_cohort(1, per_group=1)
    draws = permuted_draws(cohort, PIPELINE, 2)
    for _, rows in draws.groupby("draw"):
        counts = rows.groupby(["fold", "label"]).size()
        assert counts.max() - counts.min() <= 1
        assert sorted(rows["sample"]) == sorted(cohort.obs_names)
    assert split(cohort, cohort.obs["label"].to_numpy().astype(str), PIPELINE)["fold"].nunique() == 4
