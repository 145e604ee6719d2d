"""The hold-out: whole groups, a share of each class or named batches, the same in every fold, and unseen by all."""

import numpy as np
import pandas as pd
import pytest

from gexflow.cohorts.holdout import choose_holdout, holdout_facts
from gexflow.cohorts.splits import check_splits, split_samples

LABELS = np.array(["a"] * 60 + ["b"] * 30 + ["c"] * 10, dtype=object)
SAMPLES = np.array([f"s{n:03d}" for n in range(100)], dtype=object)
PAIRS = np.array([f"p{n // 2}" for n in range(100)], dtype=object)
BATCHES = np.array(["x", "y", "z", ""] * 25, dtype=object)


def choose(rule, groups=SAMPLES, batches=BATCHES, seed=1, labels=LABELS):
    return choose_holdout(labels, groups, batches, rule, seed, "set")


@pytest.mark.parametrize("groups", [SAMPLES, PAIRS])
@pytest.mark.parametrize("seed", range(4))
def test_a_share_of_each_class_is_held_out_in_whole_groups(groups, seed):
    chosen = choose({"share": 0.2}, groups, seed=seed)
    assert pd.Series(LABELS[chosen]).value_counts().to_dict() == {"a": 12, "b": 6, "c": 2}
    assert not set(groups[chosen]) & set(groups[~chosen])


def test_the_seed_draws_the_hold_out_and_the_order_of_the_samples_does_not():
    order = np.random.default_rng(0).permutation(100)
    first = set(SAMPLES[choose({"share": 0.2}, PAIRS)])
    turned = choose_holdout(LABELS[order], PAIRS[order], None, {"share": 0.2}, 1, "set")
    assert set(SAMPLES[order][turned]) == first
    assert set(SAMPLES[choose({"share": 0.2}, PAIRS, seed=2)]) != first


def test_named_batches_are_held_out_with_the_groups_that_they_touch():
    assert choose({"batch": ["x", "y"]}).tolist() == np.isin(BATCHES, ["x", "y"]).tolist()
    chosen = choose({"batch": ["x"]}, PAIRS)
    assert set(PAIRS[chosen]) == set(PAIRS[BATCHES == "x"])
    assert (BATCHES[chosen] == "y").any()


@pytest.mark.parametrize("rule", [{}, {"share": 0}])
def test_nothing_is_held_out_unless_asked_for(rule):
    assert not choose(rule).any()


@pytest.mark.parametrize("repeats", [1, 2])
def test_the_others_are_split_as_if_they_were_all(repeats):
    chosen = choose({"share": 0.3})
    columns = [list(column) for column in (SAMPLES, LABELS, SAMPLES)]
    rest = [list(column[~chosen]) for column in (SAMPLES, LABELS, SAMPLES)]
    splits = split_samples(*columns, 5, repeats, 3, 0.2, chosen)
    alone = split_samples(*rest, 5, repeats, 3, 0.2)
    kept = splits[splits["part"] != "holdout"].reset_index(drop=True)
    pd.testing.assert_frame_equal(kept, alone)
    locked = splits[splits["part"] == "holdout"]
    assert (locked.groupby("fold")["sample"].agg(set) == set(SAMPLES[chosen])).all()
    assert len(locked) == chosen.sum() * 5 * repeats


def test_a_sample_that_is_held_out_in_some_folds_only_is_noticed(refused):
    columns = [list(column) for column in (SAMPLES, LABELS, SAMPLES)]
    splits = split_samples(*columns, 5, 1, 3, 0, choose({"share": 0.3}))
    row = splits.index[splits["part"] == "holdout"][0]
    splits.loc[row, "part"] = "train"
    sentence = refused(check_splits, splits, dict(zip(SAMPLES, LABELS, strict=True)))
    assert splits.loc[row, "sample"] in sentence
    assert "held out in some folds only" in sentence


def test_the_facts_name_the_hold_out_by_a_digest():
    first, second = choose({"share": 0.2}), choose({"share": 0.2}, seed=2)
    facts = [holdout_facts(SAMPLES, LABELS, SAMPLES, chosen) for chosen in (first, second)]
    assert facts[0]["classes"] == {"a": 12, "b": 6, "c": 2}
    assert facts[0]["samples"] == facts[1]["samples"] == 20
    assert facts[0]["digest"] != facts[1]["digest"]
    turned = holdout_facts(SAMPLES[::-1], LABELS[::-1], SAMPLES[::-1], first[::-1])
    assert turned == facts[0]


@pytest.mark.parametrize(
    ("rule", "batches", "words"),
    [
        ({"batch": ["w"]}, BATCHES, ['has no batch "w"', "x, y, z"]),
        ({"batch": ["x"]}, None, ["knows no batch", "datasets.set.batch"]),
        ({"batch": ["x"]}, np.where(LABELS == "c", "x", "y"), ["all samples of class c", "datasets.set.holdout"]),
        ({"share": 0.001}, None, ["too small for one group"]),
    ],
)
def test_an_impossible_hold_out_is_told(refused, rule, batches, words):
    sentence = refused(choose, rule, SAMPLES, batches)
    assert all(word in sentence for word in words), sentence
