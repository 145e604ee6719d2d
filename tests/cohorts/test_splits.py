"""Splits keep their promises, and follow the published protocol where groups allow it."""

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import StratifiedKFold

from gexflow.cohorts.class_sizes import few_tested, few_tested_note
from gexflow.cohorts.splits import check_splits, split_as_published, split_samples

LABELS = ["a"] * 40 + ["b"] * 25 + ["c"] * 10
SAMPLES = [f"s{n}" for n in range(len(LABELS))]


def pairs():
    """Tumour and normal of 30 patients, and 10 further tumours."""
    labels = ["tumour", "normal"] * 30 + ["tumour"] * 10
    groups = [f"p{n // 2}" for n in range(60)] + [f"q{n}" for n in range(10)]
    return [f"s{n}" for n in range(70)], labels, groups


def test_without_groups_the_published_protocol_is_followed():
    splits = split_samples(SAMPLES, LABELS, SAMPLES, 10, 2, 32, 0)
    for repeat in (1, 2):
        published = StratifiedKFold(10, shuffle=True, random_state=31 + repeat).split(SAMPLES, LABELS)
        for fold, (_, test) in enumerate(published, 10 * (repeat - 1) + 1):
            table = splits[splits["fold"] == fold]
            assert set(table["repeat"]) == {repeat}
            assert table["sample"][table["part"] == "test"].tolist() == [SAMPLES[index] for index in test]
    assert list(splits.columns) == ["sample", "group", "repeat", "fold", "part"]
    assert sorted(set(splits["fold"])) == list(range(1, 21))


@pytest.mark.parametrize("validation", [0, 0.2])
@pytest.mark.parametrize("seed", range(5))
def test_groups_never_part(seed, validation):
    samples, labels, groups = pairs()
    splits = split_samples(samples, labels, groups, 5, 2, seed, validation)
    assert splits.groupby(["fold", "group"])["part"].nunique().max() == 1
    assert (splits[splits["part"] == "test"].groupby(["repeat", "sample"]).size() == 1).all()
    assert len(splits) == 70 * 10


def test_validation_is_a_stratified_share_of_the_training_samples():
    splits = split_samples(SAMPLES, LABELS, SAMPLES, 5, 1, 1, 0.25)
    label = dict(zip(SAMPLES, LABELS, strict=True))
    for _, table in splits.groupby("fold"):
        counts = pd.crosstab(table["part"], table["sample"].map(label))
        assert counts.loc["validation"].tolist() == [8, 5, 2]
        assert counts.loc["train"].tolist() == [24, 15, 6]


def test_a_scarce_class_keeps_a_training_group():
    labels = ["a"] * 20 + ["b", "b"]
    samples = [f"s{n}" for n in range(22)]
    splits = split_samples(samples, labels, samples, 5, 3, 0, 0.5)
    label = dict(zip(samples, labels, strict=True))
    for _, table in splits[splits["part"] == "train"].groupby("fold"):
        assert set(table["sample"].map(label)) == {"a", "b"}


def test_the_same_seed_gives_the_same_splits():
    again = [split_samples(*pairs(), 5, 2, 7, 0.2) for _ in range(2)]
    pd.testing.assert_frame_equal(*again)
    assert not again[0].equals(split_samples(*pairs(), 5, 2, 8, 0.2))


@pytest.mark.parametrize(
    ("labels", "groups", "folds", "validation", "words"),
    [
        (list("aabb"), list("wxyz"), 5, 0, ["4 groups", "2 to 4"]),
        (list("aabb"), list("wxyz"), 1, 0, ["run.folds is 1"]),
        (list("aabb"), list("wxyz"), 2, 1.0, ["run.validation"]),
        (list("aabb"), list("wxyz"), 2, 0.1, ["no validation sample"]),
        (list("aaaaab"), list("uvwxyz"), 3, 0, ["no training sample of class b"]),
        (list("aaaabb"), list("uvwxyy"), 3, 0, ["no training sample of class b"]),
    ],
)
def test_an_impossible_split_is_refused(refused, labels, groups, folds, validation, words):
    samples = [f"s{n}" for n in range(len(labels))]
    sentence = refused(split_samples, samples, labels, groups, folds, 1, 0, validation)
    assert all(word in sentence for word in words), sentence


def test_broken_splits_are_noticed(refused):
    splits = split_samples(*pairs(), 5, 1, 0, 0)
    labels = dict(zip(*pairs()[:2], strict=True))
    check_splits(splits, labels)
    torn = splits.copy()
    torn.loc[np.flatnonzero(torn["part"] == "test")[0], "part"] = "train"
    assert "two parts" in refused(check_splits, torn, labels) or "one test part" in refused(check_splits, torn, labels)


SIZES = {"a": 400, "b": 95, "c": 45, "d": 5, "e": 3}


@pytest.mark.parametrize("seed", range(5))
def test_the_published_split_is_one_of_80_10_10_in_every_class(seed):
    labels = np.random.default_rng(seed).permutation([name for name, size in SIZES.items() for _ in range(size)])
    samples = [f"s{n}" for n in range(len(labels))]
    splits = split_as_published(samples, list(labels), seed, "set")
    assert list(splits.columns) == ["sample", "group", "repeat", "fold", "part"]
    assert splits["sample"].tolist() == splits["group"].tolist() == samples
    assert set(splits["fold"]) == set(splits["repeat"]) == {1}
    counts = pd.crosstab(labels, splits["part"].to_numpy())
    assert counts["test"].to_dict() == counts["validation"].to_dict() == {"a": 40, "b": 10, "c": 4, "d": 1, "e": 1}
    assert counts.sum(axis=1).to_dict() == SIZES


def test_the_published_split_is_drawn_by_the_seed():
    first, again, other = (split_as_published(SAMPLES, LABELS, seed, "set") for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(first, again)
    assert not first.equals(other)


def test_the_published_split_parts_patients():
    samples, labels, groups = pairs()
    splits = split_as_published(samples, labels, 3, "set")
    assert splits["part"].groupby(np.array(groups)).nunique().max() > 1


def test_a_class_too_small_for_the_published_split_is_told(refused):
    sentence = refused(split_as_published, list("stuvw"), list("aaabb"), 1, "set")
    assert sentence.startswith("Dataset set: class b has 2 of the 3 samples that the published split needs")
    assert "datasets.set.min_class_size: 3" in sentence


def test_classes_with_one_or_two_test_samples_in_a_fold_are_named_fewest_first():
    labels = dict(zip(SAMPLES, LABELS, strict=True))  # 40 a, 25 b, 10 c
    assert few_tested(split_samples(SAMPLES, LABELS, SAMPLES, 3, 1, 1, 0), labels) == {}
    assert few_tested(split_samples(SAMPLES, LABELS, SAMPLES, 10, 2, 1, 0.2), labels) == {"c": 1, "b": 2}
    splits = split_samples(SAMPLES, LABELS, SAMPLES, 5, 1, 1, 0)
    without = splits[(splits["fold"] > 1) | (splits["sample"].map(labels) != "c")]
    assert few_tested(without, labels) == {"c": 2}  # fold 1 tests none
    assert "smallest number: c 1, b 2)" in few_tested_note({"c": 1, "b": 2})
    assert "and 2 more" in few_tested_note({f"c{n}": 1 for n in range(12)})
    assert few_tested_note({}) == ""
