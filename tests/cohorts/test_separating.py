"""Genes that separate classes by one cut are listed by the card, and stay."""

import numpy as np
import pytest

from gexflow.cohorts.separating import separating_genes

LABELS = ["a", "a", "b", "b", "c", "c"]


def test_one_cut_must_set_a_class_apart_from_all_others():
    genes = {
        "lowest": [1, 2, 5, 6, 7, 8],
        "between": [5, 6, 1, 2, 8, 9],  # b is lowest, c highest, a in the middle
        "middle only": [4, 5, 1, 9, 2, 8],  # apart from single others, yet by no cut
        "touching": [1, 2, 2, 3, 3, 4],
        "constant": [1, 1, 1, 1, 1, 1],
        "gap": [np.nan, 9, 1, 2, 3, np.nan],
        "no c": [1, 2, 3, 4, np.nan, np.nan],
    }
    values = np.array(list(genes.values()), dtype=np.float32).T
    found = {list(genes)[gene]: label for gene, label in separating_genes(values, LABELS)}
    assert found == {"lowest": "a", "between": "b", "gap": "a", "no c": "a"}


def test_the_widest_gap_comes_first():
    values = np.array([[1, 2, 3, 4], [0, 1, 9, 10]], dtype=np.float32).T
    assert separating_genes(values, ["x", "x", "y", "y"]) == [(1, "x"), (0, "x")]


@pytest.mark.real
def test_genuine_files_have_the_known_numbers_and_are_not_refused(real):
    from test_genuine_files import cohort

    khan = cohort("table", real / "table/khan.tsv.gz", label={"field": "label"})
    assert len(separating_genes(khan.X, khan.obs["label"].tolist())) == 6
    rule = {"field": "Tissue", "map": {"Liver Tumor Tissue": "tumour", "Liver Non-Tumor Tissue": "liver"}}
    liver = cohort("geo", real / "geo/GSE14520-GPL571_series_matrix.txt.gz", label=rule)
    assert len(separating_genes(liver.X, liver.obs["label"].tolist())) == 93
