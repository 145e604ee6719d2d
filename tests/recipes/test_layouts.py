"""Every gene has one pixel of its own."""

import pytest

from gexflow.errors import InputError
from gexflow.recipes.layouts import lay_out_genes

NAMES = ["TP53", "A1BG", "MYC", "ZYX", "BRCA1"]


def test_alphabetical_genes_fill_the_square_row_by_row():
    layout = lay_out_genes(NAMES, "alphabetical", "auto", seed=0)
    pixels = {gene: (row, column) for gene, row, column in layout.itertuples(index=False)}
    assert pixels == {"A1BG": (0, 0), "BRCA1": (0, 1), "MYC": (0, 2), "TP53": (1, 0), "ZYX": (1, 1)}
    assert list(layout["gene"]) == NAMES


@pytest.mark.parametrize("order", ["alphabetical", "random"])
def test_no_two_genes_share_a_pixel(order):
    layout = lay_out_genes([f"g{i % 40}" for i in range(100)], order, 10, seed=4)
    assert len(set(zip(layout["row"], layout["column"], strict=True))) == 100
    assert layout[["row", "column"]].max().max() == 9


def test_random_order_depends_on_the_seed_alone():
    first, again, other = (lay_out_genes(NAMES, "random", 3, seed=s) for s in (1, 1, 2))
    assert first.equals(again)
    assert not first.equals(other)


def test_too_many_genes_are_refused_with_the_number_that_fits():
    with pytest.raises(InputError, match=r"top: 4"):
        lay_out_genes(NAMES, "alphabetical", 2, seed=0)
