"""Selection stability equals its definition, and says where there is none."""

from itertools import combinations
from math import sqrt

import numpy as np
import pytest

from gexflow.recipes.stability import count_kept, describe_selection, selection_stability


def random_sets(folds: int, shares: np.ndarray, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).random((folds, len(shares))) < shares


def plain(kept: list[list[bool]]) -> tuple[float, float, float]:
    """Nogueira et al. 2018, gene by gene and fold by fold."""
    folds, genes = len(kept), len(kept[0])
    share = [sum(row[g] for row in kept) / folds for g in range(genes)]
    mean_size = sum(share)
    at_random = mean_size / genes * (1 - mean_size / genes)
    variances = [folds / (folds - 1) * p * (1 - p) for p in share]
    estimate = 1 - sum(variances) / genes / at_random
    influences = []
    for row in kept:
        size = sum(row)
        first = sum(p for p, taken in zip(share, row, strict=True) if taken) / genes - size * mean_size / genes**2
        second = 2 * size * mean_size / genes**2 - size / genes - mean_size / genes + 1
        influences.append((first + estimate / 2 * second) / at_random)
    centre = sum(influences) / folds
    error = sqrt(4 / folds**2 * sum((one - centre) ** 2 for one in influences))
    return estimate, estimate - 1.959963984540054 * error, estimate + 1.959963984540054 * error


@pytest.mark.parametrize("seed", range(5))
def test_stability_and_interval_equal_the_plain_definition(seed):
    rng = np.random.default_rng(seed)
    kept = random_sets(int(rng.integers(2, 15)), rng.beta(0.4, 0.8, size=60), seed + 100)
    found = selection_stability(kept)
    estimate, low, high = plain(kept.tolist())
    np.testing.assert_allclose([found.estimate, found.low, found.high], [estimate, low, min(high, 1)], rtol=1e-12)


def test_of_sets_of_one_size_it_is_the_mean_kuncheva_index_of_all_pairs():
    rng = np.random.default_rng(7)
    genes, size = 50, 12
    sets = [set(rng.choice(20 + 6 * fold, size, replace=False).tolist()) for fold in range(6)]
    kept = np.array([[gene in one for gene in range(genes)] for one in sets])
    by_chance = size**2 / genes
    pairs = [(len(one & other) - by_chance) / (size - by_chance) for one, other in combinations(sets, 2)]
    assert selection_stability(kept).estimate == pytest.approx(np.mean(pairs), rel=1e-12)


def test_equal_sets_give_one_and_opposite_ones_the_lower_bound():
    same = np.tile(np.arange(40) < 7, (10, 1))
    found = selection_stability(same)
    assert (found.estimate, found.low, found.high) == pytest.approx((1, 1, 1), abs=1e-12)
    half = np.arange(40) < 20
    assert selection_stability(np.array([half, ~half])).estimate == pytest.approx(-1)


def test_random_sets_give_about_zero():
    estimates = [selection_stability(random_sets(10, np.full(500, 0.2), seed)).estimate for seed in range(50)]
    assert abs(np.mean(estimates)) < 0.003
    assert np.abs(estimates).max() < 0.05


def test_the_interval_holds_the_true_stability_of_independent_sets_19_times_in_20():
    shares = np.random.default_rng(1).beta(0.3, 0.9, size=80)
    truth = 1 - (shares * (1 - shares)).mean() / (shares.mean() * (1 - shares.mean()))
    found = [selection_stability(random_sets(60, shares, seed)) for seed in range(600)]
    assert 0.92 < np.mean([one.low <= truth <= one.high for one in found]) < 0.975


def test_without_a_choice_there_is_no_stability():
    whole = np.ones((5, 30), dtype=bool)
    facts = describe_selection(whole, repeats=1)
    assert (facts["stability"], facts["low"], facts["high"]) == (None, None, None)
    assert facts["note"] == "undefined: every fold keeps all 30 genes"
    assert facts["kept_always"] == facts["kept_least"] == facts["kept_most"] == 30
    assert "at least two folds" in describe_selection(np.arange(30)[None] < 9, repeats=1)["note"]


def test_genes_are_counted_over_all_folds_the_most_frequent_first():
    kept = np.array([[1, 0, 1, 1, 0], [0, 0, 1, 1, 0], [0, 0, 1, 0, 1], [0, 0, 1, 0, 1]], dtype=bool)
    table = count_kept(kept, list("abcde"), ["A", "B", "", "D", "E"])
    assert table["gene"].tolist() == ["c", "d", "e", "a"]
    assert table["symbol"].tolist() == ["", "D", "E", "A"]
    assert table["times_kept"].tolist() == [4, 2, 2, 1]
    assert table["share"].tolist() == [1, 0.5, 0.5, 0.25]
    facts = describe_selection(kept, repeats=2)
    assert {key: facts[key] for key in ("folds", "repeats", "genes", "kept_least", "kept_most")} == {
        "folds": 4,
        "repeats": 2,
        "genes": 5,
        "kept_least": 2,
        "kept_most": 3,
    }
    assert (facts["kept_once"], facts["kept_always"], facts["note"]) == (4, 1, "")
