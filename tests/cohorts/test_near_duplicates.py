"""A sample under two names is found, whatever was done to its values; different samples are never taken for one."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy.stats import rankdata, spearmanr

from gexflow.cohorts.build import build_cohort
from gexflow.cohorts.join_groups import join_groups, join_near_duplicates
from gexflow.cohorts.matrix import Matrix
from gexflow.cohorts.near_duplicates import find_near_duplicates
from gexflow.cohorts.ranks import _mean_ranks, sample_ranks, spearman


def draw(samples=60, genes=2500, spread=0.8, seed=0, classes=3):
    """Draw log2 expression in which samples of a class differ by a few common factors and by noise."""
    rng = np.random.default_rng(seed)
    codes = np.arange(samples) % classes
    values = rng.normal(8, 1.8, genes) + rng.normal(0, 0.6, (classes, genes))[codes]
    values += spread * rng.normal(size=(samples, 8)) @ rng.normal(0, 0.35, (8, genes))
    values += rng.normal(0, spread / 2, (samples, genes))
    return values.astype(np.float32), [f"c{code}" for code in codes]


def search(values, labels, **more):
    return find_near_duplicates(values, labels, [f"s{row}" for row in range(len(values))], **more)


def rows(found):
    return {pair[:2] for pair in found.pairs}


@pytest.mark.parametrize("copies", [2, 3, 4, 6, 9])
def test_replicates_of_cell_lines_are_joined_however_many(copies):
    lines, _ = draw(samples=12, classes=1)
    tumours, _ = draw(samples=40, classes=2, seed=5)
    rng = np.random.default_rng(6)
    replicates = np.repeat(lines, copies, axis=0)
    replicates = replicates + rng.normal(0, 0.1, replicates.shape).astype(np.float32)
    values = np.concatenate([replicates, tumours])
    labels = ["cell line"] * len(replicates) + ["tumour"] * 20 + ["other"] * 20
    groups = join_groups([str(row) for row in range(len(values))], search(values, labels).pairs)
    assert len(set(groups[: len(replicates)])) == 12
    assert len(set(groups[len(replicates) :])) == 40


@pytest.mark.parametrize("decimals", [0, 1, 6])
def test_ranks_with_ties_are_scipys(decimals):
    values = np.round(np.random.default_rng(4).normal(0, 3, (20, 300)), decimals).astype(np.float32)
    np.testing.assert_array_equal(_mean_ranks(values), rankdata(values, axis=1))
    np.testing.assert_array_equal(_mean_ranks(np.ones((2, 5), np.float32)), np.full((2, 5), 3))


def test_copies_are_found_logged_rounded_rescaled_or_measured_again():
    values, labels = draw()
    rng = np.random.default_rng(1)
    noisy = values[[7, 8]] + rng.normal(0, 0.1, (2, values.shape[1])).astype(np.float32)
    copies = [2 ** values[3], np.round(values[4], 1), values[5] * 3 + 1, *noisy]
    both = np.concatenate([values, np.array(copies, dtype=np.float32)])
    found = search(both, [*labels, *(labels[row] for row in (3, 4, 5, 7, 8))])
    assert rows(found) == {(3, 60), (4, 61), (5, 62), (7, 63), (8, 64)}
    assert found.undecided == []
    assert 0.95 <= found.threshold < 1
    assert "third-nearest" in found.why


@pytest.mark.parametrize("spread", [0.05, 0.3, 1.0])
@pytest.mark.parametrize("genes", [60, 600, 2500])
def test_different_samples_are_never_joined_however_alike(spread, genes):
    for samples in (12, 90):
        for seed in range(3):
            assert search(*draw(samples, genes, spread, seed)).pairs == []


def test_a_rare_tight_class_is_no_duplicate():
    values, labels = draw(spread=1.0)
    tight, _ = draw(2, spread=0.25, classes=1, seed=9)
    both = np.concatenate([values, tight])
    assert search(both, [*labels, "rare", "rare"]).pairs == []


def test_many_copies_do_not_spoil_the_threshold():
    values, labels = draw(90)
    again = values + np.random.default_rng(2).normal(0, 0.05, values.shape).astype(np.float32)
    found = search(np.concatenate([values, again]), labels * 2)
    assert rows(found) == {(row, row + 90) for row in range(90)}


def test_missing_values_do_not_hide_a_copy():
    values, labels = draw()
    both = np.concatenate([values, values[[10]]])
    both[np.random.default_rng(3).random(both.shape) < 0.03] = np.nan
    assert rows(search(both, [*labels, labels[10]])) == {(10, 60)}


def test_few_genes_leave_it_undecided():
    values, labels = draw(60, 40)
    found = search(np.concatenate([values, values[[10]]]), [*labels, labels[10]])
    assert found.pairs == []
    assert found.threshold is None
    assert "40 genes are too few" in found.why
    values, labels = draw(300, 60, 1.0)
    again = values[[0]] + np.random.default_rng(4).normal(0, 0.3, (1, 60)).astype(np.float32)
    found = search(np.concatenate([values, again]), [*labels, labels[0]])
    assert (found.pairs, [pair[:2] for pair in found.undecided]) == ([], [(0, 300)])


def test_samples_of_one_patient_are_not_reported():
    values, labels = draw()
    both = np.concatenate([values, values[[10]]])
    groups = [f"s{row}" for row in range(60)] + ["s10"]
    assert find_near_duplicates(both, [*labels, labels[10]], groups).pairs == []


def test_a_given_threshold_is_taken_at_its_word(refused):
    values, labels = draw(30, 300)
    oracle = spearmanr(values.T).statistic
    expected = {(i, j) for i, j in np.argwhere(np.triu(oracle >= 0.93, 1)).tolist()}
    assert 0 < len(expected) < 400
    assert rows(search(values, labels, threshold=0.93)) == expected
    values, labels = draw(150, 60, 0.05, classes=1)
    assert "more than 5000 pairs" in refused(search, values, labels, threshold=0.9)


def test_ranks_are_spearmans():
    values, _ = draw(20, 80)
    values[:, 0] = values[:, 1]  # ties
    values[:, 2] = 0
    ranks = sample_ranks(values, np.arange(80))
    oracle = spearmanr(values.T).statistic
    np.testing.assert_allclose(ranks @ ranks.T, oracle, atol=1e-5)
    assert spearman(values[0], values[1]) == pytest.approx(oracle[0, 1])
    gap = values[0].copy()
    gap[5:20] = np.nan
    assert spearman(gap, values[1]) == pytest.approx(spearmanr(gap, values[1], nan_policy="omit").statistic)
    assert spearman(np.ones(9), np.arange(9)) == 0


def test_groups_are_joined_whole_and_through_others():
    groups = ["a", "b", "b", "c", "d", "e"]
    assert join_groups(groups, [(3, 2, 0.99), (0, 1, 0.99)]) == ["a", "a", "a", "a", "d", "e"]
    assert join_groups(groups, []) == groups


def test_a_copy_with_another_label_is_joined_and_said():
    values, labels = draw()
    samples = [f"s{row}" for row in range(61)]
    both = np.concatenate([values, values[[10]]])
    groups, found, notes = join_near_duplicates(both, samples, [*labels, "c9"], samples, "auto", "own")
    assert groups[10] == groups[60] == "s10"
    assert (found["count"], found["different_labels"], found["joined_groups"]) == (1, 1, 1)
    assert found["pairs"][0] == {"samples": ["s10", "s60"], "labels": ["c1", "c9"], "similarity": 1.0}
    assert any("different labels" in note for note in notes)
    json.dumps(found)
    assert join_near_duplicates(both, samples, [*labels, "c9"], samples, "off", "own")[0] == samples


def test_a_cohort_keeps_its_near_duplicates_together():
    values, labels = draw(20, 200)
    values, labels = np.concatenate([values, values[[4]]]), [*labels, labels[4]]
    samples = [f"s{row}" for row in range(21)]
    fields = pd.DataFrame({"kind": labels}, index=samples)
    cohort = build_cohort(
        Matrix(values, samples, [f"g{n}" for n in range(200)], fields), {"label": {"field": "kind"}}, "x", []
    )
    assert cohort.obs["group"].tolist() == [*samples[:20], "s4"]
    source = json.loads(cohort.uns["source"])
    assert source["near_duplicates"]["count"] == 1
    assert any("s4 and s20" in note for note in source["notes"])


@pytest.mark.real
def test_genuine_files(real):
    """Khan holds one EWS sample twice; no other pair of any genuine file is joined, 90 genes included."""
    from test_genuine_files import cohort

    def found(*args, **settings):
        return json.loads(cohort(*args, **settings).uns["source"])["near_duplicates"]

    khan = found("table", real / "table/khan.tsv.gz", label={"field": "label"})
    assert [pair["samples"] for pair in khan["pairs"]] == [["khan_004", "khan_007"]]
    counts = real / "tcga/tcga6_counts_genes_x_samples.tsv.gz"
    joint = real / "tcga/joint_ebpp_hiseqv2_90genes.tsv.gz"
    assert found("tcga", counts, real / "tcga/tcga6_labels.tsv", label={"field": "label"})["count"] == 0
    assert found("table", joint, label={"field": "acronym"}, min_class_size=4)["count"] == 0
    geo = real / "geo/GSE14520-GPL571_series_matrix.txt.gz"
    rule = {"field": "Tissue", "map": {"Liver Tumor Tissue": "tumour", "Liver Non-Tumor Tissue": "liver"}}
    assert found("geo", geo, label=rule)["count"] == 0
