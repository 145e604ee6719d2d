"""Ranks count a family once; their test is Friedman's, their critical difference Nemenyi's."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from gexflow.evaluation.ranks import compare_ranks, rank_families


def scores(table: dict[str, dict[str, float]]) -> pd.DataFrame:
    rows = [(d, model, value) for d, models in table.items() for model, value in models.items()]
    return pd.DataFrame(rows, columns=["dataset", "model", "accuracy"])


def made(datasets: int, models: int, seed: int = 0) -> pd.DataFrame:
    values = np.random.default_rng(seed).random((datasets, models))
    return scores({f"d{i}": {f"m{j}": values[i, j] for j in range(models)} for i in range(datasets)})


def mean_ranks(table: pd.DataFrame) -> dict[str, float]:
    return table.groupby("model")["rank"].mean().to_dict()


def test_the_best_model_has_rank_one_and_ties_share_theirs():
    table, left_out = rank_families(scores({"d": {"a": 0.9, "b": 0.8, "c": 0.8}}), {})
    assert mean_ranks(table) == {"a": 1.0, "b": 2.5, "c": 2.5}
    assert left_out == []


def test_a_family_counts_once_whatever_it_holds():
    many = scores({"x": {"a": 0.9, "b": 0.8}, **{f"t{i}": {"a": 0.7, "b": 0.8} for i in range(9)}})
    table, _ = rank_families(many, {f"t{i}": "tcga" for i in range(9)})
    assert mean_ranks(table) == {"a": 1.5, "b": 1.5}
    assert table.set_index("family")["datasets"].to_dict() == {"x": 1, "tcga": 9}


def test_controls_and_models_that_some_dataset_lacks_are_not_ranked():
    table, left_out = rank_families(
        scores({"x": {"a": 0.9, "b": 0.8, "a~dense": 0.99, "c": 0.5}, "y": {"a": 0.1, "b": 0.8, "a~dense": 0.99}}), {}
    )
    assert set(table["model"]) == {"a", "b"}
    assert left_out == ["c"]


def test_the_test_is_friedman_s_with_iman_and_davenport_s_f():
    data = made(7, 4)
    values = data.pivot(index="dataset", columns="model", values="accuracy").to_numpy()
    chi = stats.friedmanchisquare(*values.T).statistic
    expected = stats.f.sf(6 * chi / (7 * 3 - chi), 3, 3 * 6)
    assert compare_ranks(rank_families(data, {})[0])["p_friedman"] == pytest.approx(expected, abs=1e-12)


# Demsar 2006, table 5: q at 0.05 for k models, CD = q sqrt(k (k + 1) / (6 N))
@pytest.mark.parametrize(("models", "q"), [(2, 1.960), (4, 2.569), (10, 3.164)])
def test_critical_differences_are_nemenyi_s_of_the_published_table(models, q):
    found = compare_ranks(rank_families(made(12, models), {})[0])["critical_difference"]
    assert found == pytest.approx(q * np.sqrt(models * (models + 1) / 72), abs=2e-3)


def test_fewer_than_five_families_are_not_tested():
    found = compare_ranks(rank_families(made(9, 3), {f"d{i}": f"f{i % 4}" for i in range(9)})[0])
    assert (found["families"], found["models"]) == (4, 3)
    assert np.isnan([found["p_friedman"], found["critical_difference"]]).all()


def test_the_same_order_everywhere_is_a_difference_and_ties_everywhere_are_none():
    same = scores({f"d{i}": {"a": 0.9, "b": 0.8, "c": 0.7} for i in range(6)})
    tied = scores({f"d{i}": {"a": 0.9, "b": 0.9, "c": 0.9} for i in range(6)})
    assert compare_ranks(rank_families(same, {})[0])["p_friedman"] == 0.0
    assert compare_ranks(rank_families(tied, {})[0])["p_friedman"] == 1.0
