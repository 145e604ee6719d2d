"""A label written as a number is never read as a gene."""

import json

import numpy as np
import pytest

from gexflow.cohorts.build import build_cohort
from gexflow.cohorts.label_codes import find_codes, find_row_numbers, is_code
from gexflow.cohorts.read import read_matrix

LABELS = ["b", "a", "c", "a", "b", "c", "a"]
CODES = {"a": 7.0, "b": 1.0, "c": 3.0}


@pytest.fixture
def values():
    return np.random.default_rng(0).normal(size=(7, 5)).astype(np.float32)


def test_a_planted_code_is_found_wherever_it_stands(values):
    values[:, 3] = [CODES[label] for label in LABELS]
    assert find_codes(values, LABELS).tolist() == [3]


def test_genes_that_separate_classes_without_being_codes_are_left_alone(values):
    values[:, 0] = [10 * CODES[label] + noise for label, noise in zip(LABELS, values[:, 0], strict=True)]
    values[:, 1] = 0  # constant
    values[:, 2] = [1.0 if label == "a" else 0.0 for label in LABELS]  # marks one class of three
    assert find_codes(values, LABELS).tolist() == []


def test_missing_cells_do_not_hide_a_code(values):
    values[:, 3] = [CODES[label] for label in LABELS]
    values[[0, 6], 3] = np.nan
    assert find_codes(values, LABELS).tolist() == [3]
    values[[1, 3], 3] = np.nan  # one class has no value left: nothing is told apart from it
    assert find_codes(values, LABELS).tolist() == []


MANY = [label for label in "abc" for _ in range(8)]
MARKS = {
    "one class and the rest": [1] * 8 + [0] * 16,
    "a code of two classes, none for the third": [1] * 8 + [2] * 8 + [np.nan] * 8,
    "one class and the rest, with gaps": [1] * 5 + [np.nan] * 3 + [0] * 16,
}


def test_a_mark_of_some_classes_is_found_where_chance_cannot_make_it():
    values = np.random.default_rng(0).normal(size=(24, 4)).astype(np.float32)
    found = {}
    for name, mark in MARKS.items():
        values[:, 2] = mark
        found[name] = find_codes(values, MANY).tolist()
    assert list(found.values()) == [[2], [2], []]  # five samples are too few to tell it from a gene
    values[:, 2] = [1] * 7 + [0] * 17  # varies within a class
    assert find_codes(values, MANY).tolist() == []
    values[:, 2] = [1] * 8 + [np.nan] * 16  # one value: nothing is told apart
    assert find_codes(values, MANY).tolist() == []


def test_the_search_agrees_with_the_plain_rule():
    rng = np.random.default_rng(1)
    for _ in range(40):
        labels = [f"c{code}" for code in np.sort(rng.integers(0, 3, 6))]
        values = rng.integers(0, 3, (6, 30)).astype(np.float32)
        plain = [gene for gene in range(30) if is_code(values[:, gene], labels)]
        assert find_codes(values, labels).tolist() == plain


@pytest.mark.parametrize("gap", [False, True])
def test_a_code_under_the_name_of_a_gene_is_refused(write, refused, gap):
    rng = np.random.default_rng(0)
    rows = ["sample,diagnosis,BRCA1,TP53,EGFR"]
    for n, label in enumerate(LABELS * 4):
        code = "" if gap and n % 5 == 0 else f"{CODES[label]:g}"
        rows.append(f"s{n},{label},{rng.normal(8):.3f},{code},{rng.normal(5):.3f}")
    path = write("\n".join(rows) + "\n", "own.csv")
    settings = {"source": "table", "dataset": "own", "label": {"field": "diagnosis"}, "scale": "log2"}
    sentence = refused(build_cohort, read_matrix("table", [path], None, settings), settings, "own", [])
    assert '"TP53"' in sentence
    assert "datasets.own.ignore" in sentence


def test_a_table_with_a_code_column_is_refused_unless_it_is_ignored(write, refused):
    rows = ["sample,diagnosis,code,g1,g2"]
    rows += [f"s{n},{label},{CODES[label]:g},{n * 0.31:.2f},{5 - n * 0.7:.2f}" for n, label in enumerate(LABELS)]
    path = write("\n".join(rows) + "\n")
    settings = {"source": "table", "dataset": "own", "label": {"field": "diagnosis"}, "scale": "log2"}

    def build(**more):
        return build_cohort(read_matrix("table", [path], None, settings | more), settings | more, "own", [])

    sentence = refused(build)
    assert '"code"' in sentence
    assert "datasets.own.ignore" in sentence
    assert list(build(ignore=["code"]).var_names) == ["g1", "g2"]
    json.loads(build(ignore=["code"]).uns["source"])


def test_a_code_of_what_the_map_joins_is_refused_too(write, refused):
    kinds = {"basal": 1, "luminal A": 2, "luminal B": 3, "liver": 4}
    rng = np.random.default_rng(0)
    rows = ["sample,diagnosis,code,g1"]
    rows += [f"s{n},{kind},{kinds[kind]},{rng.normal(8):.4f}" for n, kind in enumerate(list(kinds) * 8)]
    rule = {"field": "diagnosis", "map": {kind: "liver" if kind == "liver" else "breast" for kind in kinds}}
    settings = {"source": "table", "dataset": "own", "label": rule, "scale": "log2"}
    table = read_matrix("table", [write("\n".join(rows) + "\n")], None, settings)
    assert '"code"' in refused(build_cohort, table, settings, "own", [])
    settings["ignore"] = ["code"]
    table = read_matrix("table", [write("\n".join(rows) + "\n")], None, settings)
    assert build_cohort(table, settings, "own", []).shape == (32, 1)


def test_a_column_of_row_numbers_is_found():
    values = np.random.default_rng(1).normal(5, 1, (30, 6)).astype(np.float32)
    assert find_row_numbers(values).tolist() == []
    values[:, 4] = np.arange(30) + 1
    assert find_row_numbers(values).tolist() == [4]
    assert find_row_numbers(values[:8]).tolist() == []
