"""The cohort: labels, groups, class sizes, scale, and an account of everything left out."""

import json

import numpy as np
import pandas as pd
import pytest

from gexflow.cohorts.build import build_cohort
from gexflow.cohorts.card import describe
from gexflow.cohorts.class_sizes import check_class_sizes
from gexflow.cohorts.matrix import Matrix
from gexflow.files import read_h5ad, write_h5ad

ORIGIN = [{"file": "a.tsv", "address": "", "sha256": "0", "size_bytes": 1}]


def matrix(kinds="A" * 6 + "B" * 6 + "C" * 3 + "-", patients=None, site=False):
    samples = [f"s{n}" for n in range(len(kinds))]
    values = np.random.default_rng(0).uniform(2, 15, (len(kinds), 4)).astype(np.float32)
    values[:, 3] = np.nan
    fields = pd.DataFrame({"kind": [kind.replace("-", "") for kind in kinds]}, index=samples, dtype=str)
    fields["patient"] = patients or samples
    if site:
        fields["institution"] = "University of Michigan"
    return Matrix(values, samples, ["g1", "g2", "g3", "g4"], fields, symbols=["X", "", "Y", "Z"])


def build(table=None, **settings):
    settings = {"source": "geo", "label": {"field": "kind"}, "min_class_size": 4} | settings
    return build_cohort(matrix() if table is None else table, settings, "liver", ORIGIN)


def test_everything_left_out_is_counted():
    cohort = build()
    source = json.loads(cohort.uns["source"])
    assert cohort.shape == (12, 3)
    assert [(entry["what"], entry["count"]) for entry in source["dropped"]] == [
        ("samples", 1),
        ("samples", 3),
        ("genes", 1),
    ]
    assert "C (3)" in source["dropped"][1]["why"]
    assert source["origin"] == ORIGIN


def test_the_cohort_keeps_its_contract(tmp_path):
    cohort = build(matrix(site=True), source="tcga")
    assert cohort.X.dtype == np.float32
    assert cohort.X.flags.c_contiguous
    assert cohort.obs["label"].dtype == "category"
    assert list(cohort.obs["label"].cat.categories) == ["A", "B"]
    assert list(cohort.obs["batch"]) == ["University of Michigan"] * 12
    assert list(cohort.var["symbol"]) == ["X", "", "Y"]
    assert cohort.uns["scale"] == "log2"
    assert "batch" not in build(matrix(site=True)).obs
    card = describe(cohort)
    write_h5ad(cohort, tmp_path / "cohort.h5ad")
    again = read_h5ad(tmp_path / "cohort.h5ad")
    assert describe(again) == card
    np.testing.assert_array_equal(again.X, cohort.X)


def test_the_card_describes_the_cohort():
    patients = ["p1", "p1", "p2", "p2", "p2"] + [f"q{n}" for n in range(11)]
    card = describe(build(matrix(patients=patients), group={"field": "patient"}, min_class_size=3))
    assert card["classes"] == {"A": 6, "B": 6, "C": 3}
    assert card["groups"] == {"count": 12, "largest": 3, "samples_in_shared_groups": 5, "shared_by_rule": True}
    assert card["scale"] == "log2"
    assert card["missing_share"] == 0
    assert card["values"]["min"] < card["values"]["median"] < card["values"]["max"]
    json.dumps(card)


def test_scarce_classes_are_kept_with_a_note():
    labels = list("AAAAAABBBBBBCCC")
    note = check_class_sizes(labels, labels_as_samples(labels), 5, 3, "liver")
    assert "lack classes" in note
    assert "C 3" in note
    assert check_class_sizes(labels, labels_as_samples(labels), 3, None, "liver") == ""


def test_a_small_class_is_refused_with_two_ways_out(refused):
    labels = list("AAAAAABBBBBBCCC")
    sentence = refused(check_class_sizes, labels, labels_as_samples(labels), 5, None, "liver")
    for words in ("C 3", "datasets.liver.folds: 3", "datasets.liver.min_class_size: 5"):
        assert words in sentence


def test_a_class_of_few_groups_is_small(refused):
    groups = [f"p{n}" for n in range(6)] + ["q", "q", "q", "r", "r", "r"]
    assert "B 6 in 2 groups" in refused(check_class_sizes, list("AAAAAABBBBBB"), groups, 5, None, "liver")


def labels_as_samples(labels):
    return [f"s{number}" for number in range(len(labels))]


def test_a_given_scale_is_believed(refused):
    cohort = build(scale="linear")
    assert cohort.uns["scale"] == "linear"
    assert "given" in json.loads(cohort.uns["source"])["scale_reason"]
    assert "datasets.liver.scale" in refused(build, scale="log10")


def test_a_sample_without_values_is_dropped():
    table = matrix()
    table.values[0] = np.nan
    cohort = build(table)
    assert cohort.n_obs == 11
    assert "no value of any gene" in cohort.uns["source"]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"label": {"field": "kind", "map": {"A": "x"}}}, ["fewer than two classes", '"x"', '"B" (6), "C" (3)']),
        ({"label": {"field": "kind", "map": {"Q": "x"}}}, ["no sample with a label", '"A" (6)']),
        ({"label": {"field": "kid"}}, ["datasets.liver.label.field", 'did you mean "kind"']),
        ({"group": {"field": "pat"}}, ["datasets.liver.group.field"]),
        ({"min_class_size": 7}, ["fewer than two classes", "none"]),
    ],
)
def test_a_cohort_that_cannot_be_is_refused(refused, settings, words):
    sentence = refused(build, **settings)
    assert all(word in sentence for word in words), sentence


def test_a_single_odd_label_is_shown_cut_and_printable(refused):
    table = matrix("A" * 6)
    table.fields["kind"] = "\x1b" + "A" * 5000
    sentence = refused(build, table)
    assert '("?AAA' in sentence
    assert len(sentence) < 200


def test_a_cohort_without_values_is_refused(refused):
    table = matrix()
    table.values[:] = np.nan
    assert "liver" in refused(build, table)


@pytest.mark.parametrize("batch", ["b" + "1" * 5000, "b\0"])
def test_a_damaged_name_of_a_batch_is_refused(refused, batch):
    table = matrix()
    table.fields["plate"] = ["b1", batch] * 8
    assert "damaged" in refused(build, table, batch={"field": "plate"})


def test_a_name_with_a_zero_byte_is_refused(refused):
    values = np.arange(8, dtype=np.float32).reshape(4, 2) + 0.5
    fields = pd.DataFrame({"label": ["X", "X", "Y", "Y"]}, index=list("abcd"))
    settings = {"source": "table", "label": {"field": "label"}, "scale": "log2"}
    matrix = Matrix(values, list("abcd"), ["G1", "G\x002"], fields)
    assert "zero byte" in refused(build_cohort, matrix, settings, "own", [])
