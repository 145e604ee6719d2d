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


CLIPPED = [{"clip": {"low": 0}}, "to_log2"]
MIDRANK = {"gene_quantile": {"ties": "midrank"}}
CHOSEN = {"select_variance": {"top": 50}}
REMEDIES = ("`ties: midrank`", "`floor_negatives`", "`select_variance`", "no step of this recipe")


@pytest.mark.parametrize(
    ("steps", "advised"),
    [
        ([*CLIPPED, "gene_quantile"], [0, 1, 2]),
        ([*CLIPPED, CHOSEN, MIDRANK], [1]),
        (["to_log2", CHOSEN, "gene_quantile"], [0]),  # negative values would have been refused
        (["floor_negatives", *CLIPPED, "zscore"], [2]),
        ([{"drop_missing": {"share": 0.2}}, "zscore"], [2]),
        ([CHOSEN, "zscore"], [3]),
    ],
)
def test_the_warning_advises_only_what_this_recipe_lacks_and_what_works(steps, advised):
    text = warning(steps, with_tied(50, 0.5))
    assert [number for number, remedy in enumerate(REMEDIES) if remedy in text] == advised


def test_in_counts_tied_zeros_are_called_ordinary():
    values = with_tied(50, 0.5)
    text = describe_ties(build_recipe(["cpm", *CLIPPED, CHOSEN, MIDRANK], "counts")[0], values, TRAIN)
    assert text.startswith(CAUTION)
    assert "mostly zeros, ordinary" in text
    assert "no step of this recipe" in text
    assert "zeros" not in warning([CHOSEN], values)
