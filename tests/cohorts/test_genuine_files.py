"""Genuine files give the cohorts that are known of them."""

from pathlib import Path

import pandas as pd
import pytest

from gexflow.cohorts.barcodes import barcode_fields
from gexflow.cohorts.build import build_cohort
from gexflow.cohorts.card import describe
from gexflow.cohorts.class_sizes import check_class_sizes
from gexflow.cohorts.read import read_matrix
from gexflow.cohorts.splits import split_by_site, split_samples
from gexflow.evaluation.audit_batches import batch_row, share_in_mixed_batches
from gexflow.files import read_table

pytestmark = pytest.mark.real
SITES = Path(__file__).parents[2] / "resources/tcga_sites.tsv"


def cohort(source, path, labels=None, **settings):
    settings = {"source": source, "dataset": "genuine", "folds": 5, **settings}
    return build_cohort(read_matrix(source, [path], labels, settings), settings, "genuine", [])


def classes(table):
    return describe(table)["classes"]


def test_gse14520_has_pairs_of_patients_and_two_donors_left_out(real):
    tissues = {"Liver Tumor Tissue": "tumour", "Liver Non-Tumor Tissue": "liver"}
    table = cohort(
        "geo",
        real / "geo/GSE14520-GPL571_series_matrix.txt.gz",
        label={"field": "Tissue", "map": tissues},
        group={"field": "Individual", "pattern": "^(.*)[AB]$"},
    )
    card = describe(table)
    assert table.shape == (41, 22268)
    assert card["classes"] == {"liver": 19, "tumour": 22}
    assert card["dropped"][0]["count"] == 2
    assert "donors" in card["dropped"][0]["why"]
    assert card["groups"] == {"count": 22, "largest": 2, "samples_in_shared_groups": 38, "shared_by_rule": True}
    assert (card["scale"], card["normalised_jointly"]) == ("log2", "RMA")
    columns = (list(table.obs_names), list(table.obs["label"]), list(table.obs["group"]))
    splits = split_samples(*columns, 5, 3, 32, 0.2)
    assert set(splits["part"]) == {"train", "validation", "test"}


def test_gse4107_is_labelled_by_its_titles(real):
    table = cohort(
        "geo",
        real / "geo/GSE4107_series_matrix.txt.gz",
        label={"field": "title", "pattern": "(patient|healthy control)"},
    )
    assert table.shape == (22, 54675)
    assert classes(table) == {"healthy control": 10, "patient": 12}
    assert table.uns["scale"] == "linear"


def test_tcga_counts(real):
    path, labels = real / "tcga/tcga6_counts_genes_x_samples.tsv.gz", real / "tcga/tcga6_labels.tsv"
    table = cohort("tcga", path, labels, label={"field": "label"})
    assert table.shape == (364, 56537)
    assert classes(table) == {"ACC": 79, "CHOL": 36, "DLBC": 48, "KICH": 65, "UCS": 56, "UVM": 80}
    assert table.uns["scale"] == "counts"
    assert "batch" in table.obs


def sites_of(path, label):
    """Return label, group, code and institution of every sample of a genuine table of TCGA."""
    table = pd.read_csv(path, sep="\t", usecols=["sample_id", label], dtype=str).set_index("sample_id")
    known = read_table(SITES, ("code", "site", "institution"))
    fields = barcode_fields(list(table.index), dict(zip(known["code"], known["institution"], strict=True)))
    assert set(fields["site"]) <= set(known["code"])  # every code is in the table
    return fields.assign(label=table[label])


def batch_alone(table, kind):
    """Return the share of the samples in batches of several types, and what batches alone tell of the type."""
    splits = split_samples(list(table.index), list(table["label"]), list(table["patient"]), 5, 1, 32, 0)
    row = batch_row(splits, pd.DataFrame({"label": table["label"], "batch": table[kind]}), {})
    return share_in_mixed_batches(table["label"], table[kind]), float(row.value)


@pytest.mark.parametrize(
    ("name", "label", "codes", "institutions", "several", "mixed", "by_code", "by_institution"),
    [
        ("tcga6_labels.tsv", "label", 43, 35, 6, 0.33, 0.95, 0.80),
        ("joint_ebpp_hiseqv2_90genes.tsv.gz", "acronym", 558, 146, 81, 0.89, 0.94, 0.34),
    ],
    ids=["6 types", "32 types"],
)
def test_institutions_of_tcga_collected_several_types(
    real, name, label, codes, institutions, several, mixed, by_code, by_institution
):
    table = sites_of(real / "tcga" / name, label)
    types = table.groupby("institution")["label"].nunique()
    assert (table["site"].nunique(), len(types), int((types > 1).sum())) == (codes, institutions, several)
    assert table.groupby("site")["label"].nunique().max() == 1
    assert batch_alone(table, "site") == (0, pytest.approx(by_code, abs=0.02))
    assert batch_alone(table, "institution") == pytest.approx((mixed, by_institution), abs=0.02)
    columns = [list(column) for column in (table.index, table["label"], table["patient"], table["institution"])]
    splits, found = split_by_site(*columns, 5, 1, 32, 0, "genuine")
    assert found.split == {}  # every type came from three institutions at least
    parts = splits.assign(institution=splits["sample"].map(table["institution"]), tested=splits["part"] == "test")
    assert parts.groupby(["fold", "institution"])["tested"].nunique().max() == 1


def test_an_ebpp_subset_has_classes_that_are_too_small(real, refused):
    path = real / "tcga/ebpp_pancan_allgenes_subset.tsv.gz"
    table = cohort("table", path, label={"field": "acronym"})
    columns = list(table.obs["label"]), list(table.obs["group"])
    sentence = refused(check_class_sizes, *columns, 5, None, "genuine")
    assert "datasets.genuine.min_class_size" in sentence
    assert "too small" in sentence
    assert cohort("table", path, label={"field": "acronym"}, min_class_size=5).uns["scale"] == "log2"


def test_mendeley_layout(real):
    table = cohort("mendeley", real / "mendeley/cancer_types_like.mat", label={"field": "cancerTypes"})
    assert table.shape == (364, 959)
    assert len(classes(table)) == 6
    assert list(table.var_names[:1]) + list(table.var_names[-1:]) == ["AARS", "ZW10"]
    assert table.uns["scale"] == "linear"


def test_khan(real):
    table = cohort("table", real / "table/khan.tsv.gz", label={"field": "label"})
    assert table.shape == (63, 2308)
    assert classes(table) == {"BL": 8, "EWS": 23, "NB": 12, "RMS": 20}
    assert table.uns["scale"] == "logratio"


def test_joint_tcga_table(real):
    path = real / "tcga/joint_ebpp_hiseqv2_90genes.tsv.gz"
    table = cohort("table", path, label={"field": "acronym"}, min_class_size=4)
    assert table.shape == (6697, 90)
    assert len(classes(table)) == 32
    assert table.uns["scale"] == "log2"
    note = check_class_sizes(list(table.obs["label"]), list(table.obs["group"]), 5, 4, "genuine")
    assert "OV 4" in note
