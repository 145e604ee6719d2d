"""Every check of the audit sees what it is for, and nothing where nothing is."""

import anndata
import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from gexflow.cohorts.splits import split_samples
from gexflow.errors import InputError
from gexflow.evaluation.audit_batches import batch_row, nested_row, permutable_within
from gexflow.evaluation.audit_draws import (
    p_above_chance,
    p_of_result,
    permuted_row,
    pooled_balanced_accuracy,
    random_genes_row,
    score_beside,
    within_batches_row,
)
from gexflow.evaluation.audit_proxies import audit_columns, one_versus_rest_auc
from gexflow.evaluation.audit_purity import differing, purity_row, with_noise
from gexflow.evaluation.audit_refits import COLUMNS, permute
from gexflow.evaluation.audit_rows import Row, refuse_findings
from gexflow.evaluation.audit_selftest import draw_cohort
from gexflow.evaluation.audit_splits import audit_splits
from gexflow.recipes.folds import prepare_folds

RNG = np.random.default_rng(0)


def draws(*accuracies: float, samples: int = 100) -> pd.DataFrame:
    """Draws of a two-class problem with these balanced accuracies."""
    tables = []
    for number, accuracy in enumerate(accuracies, 1):
        label = np.repeat(["a", "b"], samples)
        right = np.tile(np.arange(samples) < round(accuracy * samples), 2)
        predicted = np.where(right, label, np.where(label == "a", "b", "a"))
        tables.append(
            pd.DataFrame({"label": label, "predicted": predicted}).assign(draw=number, form="free", weight=1.0)
        )
    return pd.concat(tables) if tables else pd.DataFrame(columns=COLUMNS)


# --- permuted labels


def test_pooled_balanced_accuracy_is_scikit_learn_s():
    label, predicted = RNG.choice(["a", "b", "c"], (2, 80))
    assert pooled_balanced_accuracy(label, predicted) == pytest.approx(
        balanced_accuracy_score(label, predicted), abs=1e-12
    )
    weight = RNG.uniform(0.1, 1, 80)
    assert pooled_balanced_accuracy(label, predicted, weight) == pytest.approx(
        balanced_accuracy_score(label, predicted, sample_weight=weight), abs=1e-12
    )


def test_the_result_is_weighted_like_the_permutations_it_stands_among():
    own = pd.DataFrame({"sample": list("uvwx"), "label": list("aabb"), "predicted": list("abbb")})
    table = own.assign(draw=1, weight=[1.0, 0.25, 1.0, 1.0]).iloc[::-1]
    assert score_beside(table, own) == pytest.approx((0.8 + 1) / 2)
    assert score_beside(table, None) is score_beside(table.iloc[:0], own) is None


def test_the_p_value_above_chance_is_the_one_sided_t_test_of_scipy():
    scores = RNG.normal(0.21, 0.02, 20)
    oracle = stats.ttest_1samp(scores, 0.2, alternative="greater").pvalue
    assert p_above_chance(scores, 0.2) == pytest.approx(oracle, rel=1e-9)


@pytest.mark.parametrize(("score", "p"), [(0.5, 1.0), (0.4, 1.0), (0.6, 0.0)])
def test_permutations_that_all_score_alike_are_judged_by_that_score(score, p):
    assert p_above_chance(np.full(5, score), 0.5) == p


def test_the_result_among_m_permutations_has_p_b_plus_1_over_m_plus_1():
    assert p_of_result(np.array([0.3, 0.5, 0.4, 0.2]), 0.5) == pytest.approx(2 / 5)
    assert p_of_result(np.array([0.3, 0.5, 0.4, 0.2]), 0.9) == pytest.approx(1 / 5)


def test_permutations_above_chance_are_a_finding_and_those_at_or_below_it_are_none():
    assert permuted_row(draws(0.58, 0.61, 0.6, 0.62, 0.59, 0.57), "m", 2).finding == "finding"
    for scores in ((0.48, 0.51, 0.5, 0.52, 0.49, 0.5), (0.31, 0.3, 0.32, 0.29, 0.3, 0.3)):
        row = permuted_row(draws(*scores), "m", 2, 0.9)
        assert (row.finding, row.expected) == ("pass", "0.500")
        assert "The result 0.900 has p = 0.14" in row.detail  # 1 / 7


def test_too_few_permutations_are_not_testable():
    row = permuted_row(draws(0.9, 0.9), "m", 2)
    assert row.finding == "not testable"
    assert "at least 3" in row.detail


@pytest.mark.parametrize(("result", "finding"), [(0.9, "pass"), (0.6, "note")])
def test_within_batches_the_result_is_compared_with_the_permutations(result, finding):
    row = within_batches_row(draws(*[0.6] * 19), "m", result)
    assert (row.finding, row.expected) == (finding, f"below {result:.3f}")


def test_without_permutations_within_batches_their_number_is_what_lacks():
    none = draws()
    row = within_batches_row(none, "m", score_beside(none, pd.DataFrame({"sample": ["u"]})))
    assert row.finding == "not testable"
    assert "permutations is 0 in the config" in row.detail
    few = within_batches_row(draws(0.5, 0.5), "m", 0.9)
    assert "2 permutations, at least 19" in few.detail


def test_random_genes_stand_beside_the_result():
    row = random_genes_row(draws(0.8, 0.9), "m", 486, 0.95, 2)
    assert (row.finding, row.value, row.expected) == ("note", "0.850", "0.950")
    assert "2 draws of 486 genes" in row.detail


@pytest.mark.parametrize(
    ("asked", "why"), [(0, "random_genes is 0 in the config"), (10, "the recipe chooses no genes")]
)
def test_without_draws_of_random_genes_the_true_reason_is_given(asked, why):
    row = random_genes_row(draws(), "m", 0, 0.95, asked)
    assert row.finding == "not testable"
    assert why in row.detail


def test_without_permutations_the_config_is_the_reason():
    assert "permutations is 0 in the config" in permuted_row(draws(), "m", 2).detail


# --- permutations


LABELS = np.repeat(["a", "b", "c"], [12, 6, 6])
GROUPS = np.array([f"p{i // 2}" for i in range(24)])


def test_whole_groups_are_permuted_where_labels_are_constant_in_them():
    found = permute(LABELS, GROUPS, np.random.default_rng(1))
    table = pd.DataFrame({"group": GROUPS, "label": found})
    assert (table.groupby("group")["label"].nunique() == 1).all()
    assert sorted(found) == sorted(LABELS)
    assert (found != LABELS).any()


def test_samples_of_a_group_with_several_labels_stay_together_label_by_label():
    groups = np.array([f"p{i // 4}" for i in range(24)])  # p0 to p5
    labels = np.tile(["a", "a", "b", "b"], 6)
    found = permute(labels, groups, np.random.default_rng(2))
    assert (found[0::2] == found[1::2]).all()
    assert sorted(found) == sorted(labels)


def test_within_batches_each_batch_keeps_its_labels():
    batches = np.tile(["x", "y"], 12)
    found = permute(LABELS, np.arange(24).astype(str), np.random.default_rng(3), batches)
    for batch in "xy":
        assert sorted(found[batches == batch]) == sorted(LABELS[batches == batch])
    assert (found != LABELS).any()


# --- folds


def cohort_and_splits(seed: int = 0) -> tuple[anndata.AnnData, pd.DataFrame]:
    cohort = draw_cohort(seed, samples=48, genes=60)
    columns = [list(cohort.obs_names), list(cohort.obs["label"]), list(cohort.obs["group"])]
    return cohort, split_samples(*columns, folds=4, repeats=2, seed=1, validation=0)


def findings(splits: pd.DataFrame, cohort: anndata.AnnData, pairs: list | None = None) -> dict[str, str]:
    rows = audit_splits(splits, cohort.obs, pairs or [], "from the card")
    return {row.check.removeprefix("split: "): row.value for row in rows if row.finding == "finding"}


def test_sound_folds_have_no_finding():
    cohort, splits = cohort_and_splits()
    assert findings(splits, cohort, [("sample 0", "sample 1")]) == {}  # of one group


def test_a_sample_in_two_parts_is_found_whatever_else_it_breaks():
    cohort, splits = cohort_and_splits()
    twin = splits[(splits["fold"] == 1) & (splits["part"] == "test")].head(1).assign(part="train")
    found = findings(pd.concat([splits, twin]), cohort)
    assert found["samples"] == "1"


def test_a_torn_group_is_found_by_the_cohort_s_groups_not_by_those_of_the_splits():
    cohort, _ = cohort_and_splits()
    columns = [list(cohort.obs_names), list(cohort.obs["label"]), list(cohort.obs_names)]
    torn = split_samples(*columns, folds=4, repeats=1, seed=1, validation=0)
    assert int(findings(torn, cohort)["groups"]) > 5


def test_near_duplicates_on_both_sides_are_found():
    cohort, splits = cohort_and_splits()
    rows = splits[splits["fold"] == 1].set_index("part")["sample"]
    pair = (rows["test"].iloc[0], rows["train"].iloc[0])
    assert findings(splits, cohort, [pair]) == {"near-duplicates": "1"}
    assert audit_splits(splits, cohort.obs, [], "")[2].finding == "not testable"


def test_a_sample_that_is_not_tested_once_a_repeat_is_found():
    cohort, splits = cohort_and_splits()
    tested = (splits["fold"] == 1) & (splits["part"] == "test")
    assert findings(splits.assign(part=splits["part"].mask(tested, "train")), cohort) == {
        "tested once": str(tested.sum())
    }


def test_samples_held_out_of_all_folds_need_no_test():
    cohort, splits = cohort_and_splits()
    held = splits["sample"].isin(["sample 0", "sample 1"])
    assert findings(splits.assign(part=splits["part"].mask(held, "holdout")), cohort) == {}


def test_a_training_part_without_a_class_is_found():
    cohort, splits = cohort_and_splits()
    lacking = (splits["fold"] == 3) & splits["sample"].map(cohort.obs["label"].astype(str)).eq("class 1")
    found = findings(splits.assign(part=splits["part"].mask(lacking, "validation")), cohort)
    assert found["classes"] == "1"


# --- purity

RECIPE = ["impute_median", {"gene_quantile": {"output": "normal"}}, {"select_logistic": {"C": 0.1, "keep": "median"}}]


def fit(cohort: anndata.AnnData, part: np.ndarray, fit_on: str = "train") -> anndata.AnnData:
    return next(prepare_folds(cohort, [part], RECIPE, fit_on)).fitted


@pytest.fixture
def part():
    _, splits = cohort_and_splits()
    return splits[splits["fold"] == 1]["part"].to_numpy(dtype=str)


def test_noise_changes_every_other_sample_and_no_training_sample(part):
    cohort, _ = cohort_and_splits()
    before, labels = cohort.X.copy(), cohort.obs["label"].to_numpy().astype(str)
    with_noise(cohort, part, 1)
    same = (before == cohort.X).all(axis=1)
    assert same[part == "train"].all()
    assert not same[part != "train"].any()
    assert (cohort.obs["label"].to_numpy().astype(str)[part == "train"] == labels[part == "train"]).all()


@pytest.mark.parametrize("scale", ["counts", "log2"])
def test_noise_keeps_the_kind_of_values(scale, part):
    cohort, _ = cohort_and_splits()
    cohort.X[:] = np.random.default_rng(1).poisson(5, cohort.shape)
    cohort.X[0, 0] = np.nan
    with_noise(cohort, part, 1)
    known = cohort.X[~np.isnan(cohort.X)]
    assert (known >= 0).all()
    assert (known == np.round(known)).all()


def test_a_recipe_of_the_training_part_is_pure_and_one_of_all_samples_is_not(part):
    cohort, _ = cohort_and_splits()
    cohort.uns["source"] = '{"protocol": "leak-distribution"}'
    clean, leaky = fit(cohort, part), fit(cohort, part, "all")
    kept = cohort.copy()
    with_noise(cohort, part, 1)
    pure = purity_row("r", 1, clean, fit(cohort, part), lambda: pytest.fail("nothing differs"))
    assert pure.finding == "pass"
    stored = purity_row("r", 1, leaky, fit(cohort, part), lambda: fit(kept, part))
    assert stored.finding == "finding"
    assert "are not what the recipe learns" in stored.detail
    both = purity_row("r", 1, leaky, fit(cohort, part, "all"), lambda: fit(kept, part, "all"))
    assert both.finding == "finding"
    assert "depend on samples outside the training part" in both.detail


def test_one_changed_bit_differs_but_other_rounding_of_a_whole_run_is_no_finding(part):
    cohort, _ = cohort_and_splits()
    clean = fit(cohort, part)
    other = clean.copy()
    name = next(name for name in other.var if "coefficients" in name)
    other.var[name] = np.nextafter(other.var[name].to_numpy(), np.inf)
    assert differing(clean, other) == [name]
    row = purity_row("r", 1, other, clean, lambda: clean)
    assert row.finding == "pass"
    assert "differ by rounding" in row.detail
    other.var["kept"] = ~other.var["kept"].to_numpy()  # no rounding turns every choice
    assert purity_row("r", 1, other, clean, lambda: clean).finding == "finding"


def test_a_choice_that_differs_alone_is_no_rounding(part):
    cohort, _ = cohort_and_splits()
    clean = fit(cohort, part)
    other = clean.copy()
    kept = other.var["kept"].to_numpy().copy()
    kept[0] = ~kept[0]
    other.var["kept"] = kept
    row = purity_row("r", 1, other, clean, lambda: clean)
    assert row.finding == "finding"
    assert "1 fitted arrays" in row.detail
    assert "kept" in row.detail


# --- columns


def test_auc_is_scikit_learn_s_with_ties_and_missing_values():
    values = np.round(RNG.normal(size=(60, 25)), 1)
    values[RNG.random(values.shape) < 0.1] = np.nan
    labels = RNG.choice(["a", "b", "c"], 60)
    found = one_versus_rest_auc(values, labels)
    for gene, auc in enumerate(found):
        known = ~np.isnan(values[:, gene])
        each = [roc_auc_score(labels[known] == name, values[known, gene]) for name in "abc"]
        assert auc == pytest.approx(max(max(a, 1 - a) for a in each), abs=1e-12)


def test_a_label_among_the_genes_is_a_finding_and_a_perfect_gene_a_note():
    labels = np.repeat(["a", "b", "c"], 20)
    values = RNG.normal(size=(60, 10)).astype(np.float32)
    names = [f"g{i}" for i in range(10)]
    assert [row.finding for row in audit_columns(values, labels, names)] == ["pass", "pass"]
    values[:, 3] += 100 * (labels == "b")
    proxies, perfect = audit_columns(values, labels, names)
    assert (proxies.finding, perfect.finding, perfect.value) == ("pass", "note", "1")
    assert "(g3)" in perfect.detail
    values[:, 7] = np.repeat([3, 1, 2], 20)
    proxies, _ = audit_columns(values, labels, names)
    assert (proxies.finding, proxies.value) == ("finding", "1")
    assert "g7" in proxies.detail


# --- batches


def test_the_batch_alone_names_its_most_frequent_training_class():
    cohort, splits = cohort_and_splits()
    random = np.random.default_rng(5)
    samples = cohort.obs.assign(batch=random.choice(["x", "y", "z", ""], cohort.n_obs))
    row = batch_row(splits, samples, {"m": 0.75})
    label, answer = [], []
    for fold in (1, 2, 3, 4):  # of the first repeat
        rows = splits[splits["fold"] == fold]
        train = samples.loc[rows["sample"][rows["part"] == "train"]]
        for name in rows["sample"][rows["part"] == "test"]:
            batch = samples["batch"][name]
            known = train[train["batch"] == batch] if batch else train
            counts = {c: int((known["label"] == c).sum()) for c in sorted(train["label"].unique())}
            label.append(samples["label"][name])
            answer.append(max(counts, key=counts.get))
    assert row.value == f"{balanced_accuracy_score(label, answer):.3f}"
    assert (row.finding, row.expected) == ("note", "m 0.750")


def test_batches_of_one_class_each_are_nested_and_not_testable():
    cohort, splits = cohort_and_splits()
    labels = cohort.obs["label"].to_numpy().astype(str)
    codes = np.array([f"{label} {i % 2}" for i, label in enumerate(labels)])
    assert not permutable_within(labels, codes)
    assert "nested in the class, not testable" in nested_row(labels, codes, "m").detail
    row = batch_row(splits, cohort.obs.assign(batch=codes), {})
    assert row.value == "1.000"
    assert "Every batch holds one class" in row.detail
    assert permutable_within(labels, np.tile(["x", "y"], 24))


def test_without_batches_nothing_is_tested():
    cohort, splits = cohort_and_splits()
    for samples in (cohort.obs, cohort.obs.assign(batch="")):
        assert batch_row(splits, samples, {}).finding == "not testable"
    assert nested_row(np.array(["a"]), None, "m").detail == "No batches are known."


# --- strict


def test_strict_mode_names_what_was_found_and_where_to_read_it():
    rows = [Row("split: groups", "", "finding", "3", "0", "d"), Row("fold purity", "r", "finding", "1", "0", "d")]
    with pytest.raises(InputError, match=r"The audit of khan found: split: groups; fold purity \(r\)\. Read a\.tsv"):
        refuse_findings(rows, "khan", "a.tsv")
    refuse_findings([Row("batch alone", "", "note", "1", "", "d")], "khan", "a.tsv")
