"""Folds by site: no site trains and is tested, exactly the folds that were asked for, classes spread evenly."""

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import StratifiedGroupKFold

from gexflow.cohorts.site_folds import evenness, join_sites, pack_units, said
from gexflow.cohorts.splits import split_by_site

FOLDS = 5


def cohort(seed: int, nested: bool = False) -> pd.DataFrame:
    """Sample, label, group and site of about 400 samples; `nested`: every site holds one class, as in TCGA."""
    random = np.random.default_rng(seed)
    rows = []
    for site in range(40):
        for patient in range(random.integers(1, 20)):
            label = "abc"[site % 3] if nested else "abc"[random.integers(3)]
            rows += [(label, f"p{site}.{patient}", f"s{site}")] * random.integers(1, 3)
    table = pd.DataFrame(rows, columns=["label", "group", "site"])
    table.insert(0, "sample", [f"n{number:04d}" for number in random.permutation(len(table))])
    return table


def split(table: pd.DataFrame, folds: int = FOLDS, repeats: int = 1, seed: int = 3, validation: float = 0.0):
    columns = [list(table[name]) for name in ("sample", "label", "group", "site")]
    return split_by_site(*columns, folds, repeats, seed, validation, "set")


def with_facts(table: pd.DataFrame, splits: pd.DataFrame) -> pd.DataFrame:
    return splits.merge(table[["sample", "label", "site"]], on="sample")


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("validation", [0.0, 0.2])
@pytest.mark.parametrize("seed", range(3))
def test_no_site_of_a_test_part_has_trained(seed, validation, nested):
    table = cohort(seed, nested)
    splits, found = split(table, repeats=2, seed=seed, validation=validation)
    assert found.split == {}
    assert sorted(set(splits["fold"])) == list(range(1, 2 * FOLDS + 1))
    for _, fold in with_facts(table, splits).groupby("fold"):
        sides = fold["part"].where(fold["part"] == "test", "other")
        assert sides.groupby(fold["site"]).nunique().max() == 1
        assert fold.groupby("group")["part"].nunique().max() == 1
        assert set(fold["part"]) == {"train", "test"} | ({"validation"} if validation else set())
    tested = splits[splits["part"] == "test"]
    assert (tested.groupby(["repeat", "sample"]).size() == 1).all()
    assert len(tested) == 2 * len(table)


@pytest.mark.parametrize("folds", [2, 7, 40])
def test_there_are_exactly_as_many_folds_as_asked_for(folds):
    splits, _ = split(cohort(1), folds=folds)
    assert splits[splits["part"] == "test"]["fold"].nunique() == folds


def test_the_seed_draws_and_the_order_of_the_samples_does_not():
    table = cohort(5)
    shuffled = table.sample(frac=1, random_state=1)
    first, second = (split(one, validation=0.1)[0].sort_values(["fold", "sample"]) for one in (table, shuffled))
    pd.testing.assert_frame_equal(first.reset_index(drop=True), second.reset_index(drop=True))
    other = split(table, seed=4, validation=0.1)[0].sort_values(["fold", "sample"])
    assert not first.reset_index(drop=True).equals(other.reset_index(drop=True))
    repeated = split(table, repeats=2)[0]
    tests = [set(part["sample"]) for _, part in repeated[repeated["part"] == "test"].groupby("fold")]
    assert all(test not in tests[FOLDS:] for test in tests[:FOLDS])


@pytest.mark.parametrize("seed", range(5))
def test_where_a_site_holds_one_class_folds_differ_by_its_largest_site_at_most(seed):
    table = cohort(seed, nested=True)
    splits, _ = split(table, seed=seed)
    tests = with_facts(table, splits[splits["part"] == "test"])
    counts = pd.crosstab(tests["label"], tests["fold"])
    largest = table.groupby(["label", "site"]).size().groupby("label").max()
    assert (counts.max(axis=1) - counts.min(axis=1) <= largest).all(), counts


@pytest.mark.parametrize("seed", range(10))
def test_classes_are_spread_at_least_as_evenly_as_by_scikit_learn(seed):
    table = cohort(seed)
    labels, units = table["label"].to_numpy(dtype=object), pd.factorize(table["site"])[0]
    peer = np.empty(len(table), dtype=int)
    for fold, (_, test) in enumerate(
        StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed).split(labels, labels, units)
    ):
        peer[test] = fold
    assert evenness(labels, pack_units(labels, units, FOLDS, seed, "set")) <= evenness(labels, peer) + 1e-12


def test_evenness_is_one_fifth_a_class_where_five_folds_are_alike():
    labels = np.array(["a", "b"] * 50, dtype=object)
    assert evenness(labels, np.repeat(np.arange(5), 20)) == pytest.approx(2 / 5)
    assert evenness(labels, np.where(labels == "a", 0, 1)) == pytest.approx(2)


def test_a_group_over_two_sites_joins_them():
    table = cohort(2)
    table.loc[table["site"].isin(["s1", "s2"]).to_numpy().nonzero()[0][[0, -1]], "group"] = "both"
    tested = with_facts(table, split(table)[0]).query("part == 'test'")
    assert tested[tested["site"].isin(["s1", "s2"])]["fold"].nunique() == 1


def test_a_class_of_fewer_than_three_sites_is_split_by_group_and_named():
    table = cohort(6)
    rare = pd.DataFrame({"label": "rare", "group": [f"r{n // 2}" for n in range(40)], "site": ["t1", "t2"] * 20})
    rare["site"] = np.where(np.arange(40) < 20, "t1", "t2")
    rare["sample"] = [f"r{n:03d}" for n in range(40)]
    whole = pd.concat([table, rare], ignore_index=True)
    splits, found = split(whole)
    assert (found.across, found.split) == (["a", "b", "c"], {"rare": 2})
    facts = with_facts(whole, splits)
    tested = facts[facts["part"] == "test"]
    assert tested[tested["label"] == "rare"].groupby("fold").size().tolist() == [8] * FOLDS
    assert (tested[tested["label"] != "rare"].groupby("site")["fold"].nunique() == 1).all()
    assert facts.groupby(["fold", "group"])["part"].nunique().max() == 1
    assert "Not tested across sites" in said(found.facts())[0]
    assert "rare (2)" in said(found.facts())[0]


def test_samples_of_unknown_site_stay_with_their_group_and_are_counted():
    table = cohort(7)
    unknown = table.index[:30]
    table.loc[unknown, "site"] = ""
    splits, found = split(table)
    assert found.facts()["unknown"] == 30
    assert found.facts()["sites"] == table["site"].nunique() - 1
    assert "30 samples" in said(found.facts())[0]
    tested = with_facts(table, splits).query("part == 'test' and site == ''")
    assert tested["fold"].nunique() > 1


def test_units_are_whole_sites_where_these_are_tested_and_groups_elsewhere():
    table = cohort(6)
    table.loc[table["site"].isin(["s1", "s2"]).to_numpy().nonzero()[0][[0, -1]], "group"] = "both"
    rare = {"sample": ["r0", "r1", "r2"], "label": "rare", "group": ["q", "q", "r"], "site": ["s3", "s3", "s4"]}
    unknown = {"sample": ["u0"], "label": ["a"], "group": ["u"], "site": [""]}
    whole = pd.concat([table, pd.DataFrame(rare), pd.DataFrame(unknown)], ignore_index=True)
    splits, _ = split(whole, folds=2)
    found = with_facts(whole, splits[splits["fold"] == 1]).set_index("sample")
    assert found.loc[["r0", "r1", "r2", "u0"], "unit"].tolist() == ["q", "q", "r", "u"]
    sites = found[found["label"].isin(list("abc")) & (found["site"] != "")]
    assert (sites["unit"] == "site " + sites["site"].replace("s2", "s1")).all()
    columns = [whole[name].to_numpy(dtype=object) for name in ("sample", "label", "group", "site")]
    units = join_sites(*columns, "set").units
    assert pd.Series(units).groupby(found.loc[whole["sample"], "unit"].to_numpy()).nunique().max() == 1
    assert len(set(units)) == found["unit"].nunique()


@pytest.mark.parametrize(
    ("sites", "words"),
    [
        (None, ["knows no site", "datasets.set.batch"]),
        ([""] * 8, ["knows no site"]),
        (["x"] * 7 + [""], ["a single site (batch), x"]),
        (list("xyxyxyxy"), ["no class has samples at 3 sites", "a 2, b 2"]),
        (list("wxyzwxyz"), ["has 4 sites", "too few for 5 folds", "`datasets.set.folds` to 4 at most"]),
    ],
)
def test_what_cannot_be_split_by_site_is_told(refused, sites, words):
    samples = [f"s{n}" for n in range(8)]
    sentence = refused(split_by_site, samples, list("aaaabbbb"), samples, sites, 5, 1, 0, 0.0, "set")
    assert all(word in sentence for word in words), sentence


def test_sites_that_patients_join_count_once():
    samples, labels = (np.array(list(text), dtype=object) for text in ("stuvwxyz", "aaaabbbb"))
    sites = np.array(list("12341234"), dtype=object)
    groups = np.array(["p", "p", "q", "r", "s", "t", "u", "v"], dtype=object)  # p joins sites 1 and 2
    found = join_sites(samples, labels, groups, sites, "set")
    assert found.across == ["a", "b"]
    assert found.units.tolist() == [0, 0, 1, 2, 0, 0, 1, 2]
