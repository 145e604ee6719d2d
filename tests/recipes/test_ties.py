"""Ties at an end of kept genes are counted on training samples and become a warning, with what the recipe lacks."""

import numpy as np
import pytest

from gexflow.log import CAUTION
from gexflow.recipes.recipe import build_recipe
from gexflow.recipes.ties import count_tied, describe_ties

TRAIN = np.arange(100) < 80


def with_tied(genes: int, share: float, end: float = -9.0) -> np.ndarray:
    """Return values of 100 genes; in some of them a share of the training samples has one value at an end."""
    values = np.random.default_rng(2).normal(size=(100, 100)).astype(np.float32)
    values[: round(80 * share), :genes] = end
    return values


def warning(steps: list, values: np.ndarray) -> str:
    return describe_ties(build_recipe(steps, "linear")[0], values, TRAIN)


@pytest.mark.parametrize("end", [-9.0, 9.0])
def test_more_than_a_fifth_of_the_training_samples_at_an_end_is_a_tie(end):
    assert count_tied(with_tied(30, 0.2, end), TRAIN) == 0
    assert count_tied(with_tied(30, 17 / 80, end), TRAIN) == 30
    values = with_tied(30, 0.2, end)
    values[80:, :30] = end  # samples outside the training part
    assert count_tied(values, TRAIN) == 0


def test_ties_in_the_middle_do_not_count_and_constant_genes_do():
    values = with_tied(30, 0.5, 0.0)
    assert count_tied(values, TRAIN) == 0
    values[:, 40:45] = 3
    assert count_tied(values, TRAIN) == 5


def test_a_single_sample_is_no_tie_however_few_there_are():
    assert count_tied(with_tied(0, 0)[:4], np.ones(4, dtype=bool)) == 0


def test_more_than_a_tenth_of_the_kept_genes_is_a_warning():
    assert warning(["zscore"], with_tied(10, 0.5)) == ""
    text = warning(["zscore"], with_tied(11, 0.5))
    assert text.startswith(CAUTION)
    assert "in 11 of 100 genes kept, more than 20 % of the training samples" in text


def test_the_warning_names_what_the_recipe_does_not_do_yet():
    values = with_tied(50, 0.5)
    assert "midrank" in warning(["to_log2", "gene_quantile"], values)
    assert "floor_negatives" in warning(["to_log2", "gene_quantile"], values)
    done = warning(["floor_negatives", "to_log2", {"gene_quantile": {"ties": "midrank"}}], values)
    assert "midrank" not in done
    assert "floor_negatives" not in done
    assert "leave out genes" in done
