"""Tables of one's own: orientation, labels inside or beside, columns that are no genes."""

from decimal import Decimal

import anndata
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gexflow.cohorts.read import read_matrix
from gexflow.cohorts.table import read_table_source

INSIDE = "label,name,g1,g2,stage\nX,s1,1,2,low\nY,s2,3,4,high\n"
ROWS = "id\tg1\tg2\ns1\t1\t2\ns2\t3\t4\n"
COLUMNS = "id\ts1\ts2\ng1\t1\t3\ng2\t2\t4\n"
LABELS = "n,sample,class\n7,s2,Y\n8,s1,X\n9,s3,X\n"


@pytest.fixture
def read(write):
    def reader(matrix, labels=None, **settings):
        path = None if labels is None else write(labels, "labels.csv")
        return read_table_source([write(matrix)], path, {"dataset": "own", **settings})

    return reader


def test_labels_can_be_columns_of_the_matrix(read):
    matrix = read(INSIDE, sample="name", label={"field": "Label"}, ignore=["stage"])
    assert (matrix.samples, matrix.genes) == (["s1", "s2"], ["g1", "g2"])
    assert matrix.fields["label"].tolist() == ["X", "Y"]
    np.testing.assert_array_equal(matrix.values, [[1, 2], [3, 4]])
    assert matrix.values.flags.c_contiguous


def test_a_batch_can_be_a_column_of_the_matrix(read):
    matrix = read(INSIDE, sample="name", label={"field": "label"}, batch={"field": "stage"})
    assert matrix.genes == ["g1", "g2"]
    assert matrix.fields["stage"].tolist() == ["low", "high"]


def test_a_forgotten_labels_file_is_asked_for(read, refused):
    assert "datasets.own.files.labels" in refused(read, COLUMNS, label={"field": "class"})


def test_a_geo_series_is_sent_to_its_own_source(read, refused):
    assert "datasets.own.source to geo" in refused(read, '!Series_title\t"A study"\n', label={"field": "class"})


def test_a_text_column_is_named_and_ignore_proposed(read, refused):
    sentence = refused(read, INSIDE, sample="name", label={"field": "label"})
    assert all(word in sentence for word in ['"stage"', '"low"', "datasets.own.ignore"])


@pytest.mark.parametrize("matrix", [ROWS, COLUMNS], ids=["samples in rows", "genes in rows"])
def test_orientation_is_found_by_the_labels(read, matrix):
    found = read(matrix, LABELS)
    assert (found.samples, found.genes) == (["s1", "s2"], ["g1", "g2"])
    assert found.fields["class"].tolist() == ["X", "Y"]
    np.testing.assert_array_equal(found.values, [[1, 2], [3, 4]])
    assert any("Rows of" in note for note in found.notes)
    assert any('column "sample"' in note for note in found.notes)


def test_orientation_can_be_given(read, refused):
    assert read(COLUMNS, LABELS, orientation="genes").samples == ["s1", "s2"]
    assert "none of the samples" in refused(read, COLUMNS, LABELS, orientation="samples")
    assert "labels file" in refused(read, COLUMNS, orientation="genes")
    assert "must be auto" in refused(read, COLUMNS, LABELS, orientation="sideways")


def test_labels_of_other_samples_are_refused_with_examples(read, refused):
    sentence = refused(read, ROWS, "sample,class\nother,X\n")
    assert all(word in sentence for word in ['"s1"', '"g1"', '"other"'])


@pytest.mark.parametrize(
    "settings",
    [{"sample": "namme"}, {"label": {"field": "labl"}}, {"group": {"field": "labell"}}, {"ignore": ["stag"]}],
)
def test_unknown_columns_are_named_with_their_key(read, refused, settings):
    sentence = refused(read, INSIDE, **settings)
    assert f"datasets.own.{next(iter(settings))}" in sentence
    assert "did you mean" in sentence


def test_a_table_without_numbers_is_refused(read, refused):
    assert "no column of numbers" in refused(read, "id,label\ns1,X\n", label={"field": "label"})


def test_a_batch_of_numbers_is_no_gene(read):
    text = "label,name,g1,plate\nX,s1,1,7\nY,s2,3,8\n"
    matrix = read(text, sample="name", label={"field": "label"}, batch={"field": "plate"})
    assert matrix.genes == ["g1"]
    assert matrix.fields["plate"].tolist() == ["7", "8"]


def test_rows_that_are_no_genes_can_be_ignored_and_are_counted(read, refused):
    matrix = read(COLUMNS, LABELS, ignore=["g2"])
    assert matrix.genes == ["g1"]
    np.testing.assert_array_equal(matrix.values, [[1], [3]])
    assert matrix.dropped[0]["count"] == 1
    assert "datasets.own.ignore" in matrix.dropped[0]["why"]
    assert all(word in refused(read, COLUMNS, LABELS, ignore=["g3"]) for word in ['"g3"', "datasets.own.ignore"])


def test_every_source_ignores_what_is_no_gene(write, tmp_path):
    table = write("gene\ts1\ts2\ng1\t1\t3\ncode\t1\t2\n")
    assert read_matrix("tcga", [table], None, {"dataset": "own", "ignore": ["code"]}).genes == ["g1"]
    cohort = anndata.AnnData(np.ones((2, 2), np.float32), var=pd.DataFrame(index=["g1", "code"]))
    cohort.write_h5ad(tmp_path / "own.h5ad")
    found = read_matrix("table", [tmp_path / "own.h5ad"], None, {"dataset": "own", "ignore": ["code"]})
    assert (found.genes, found.dropped[0]["count"]) == (["g1"], 1)


def test_ids_beside_a_numbered_index_are_not_sent_to_ignore(read, refused):
    text = ",sample,label,g1\n3,s3,X,1.5\n7,s7,Y,2.5\n"
    sentence = refused(read, text, label={"field": "label"})
    assert 'set datasets.own.sample to "sample"' in sentence
    assert read(text, label={"field": "label"}, sample="sample", ignore=[""]).samples == ["s3", "s7"]


def test_a_filtered_frame_in_parquet_asks_for_its_ids(tmp_path, refused):
    frame = pd.DataFrame({"sample": ["s3", "s7"], "label": ["X", "Y"], "g1": [1.5, 2.5]}, index=[3, 7])
    frame.to_parquet(tmp_path / "own.parquet")
    settings = {"dataset": "own", "label": {"field": "label"}}
    sentence = refused(read_table_source, [tmp_path / "own.parquet"], None, settings)
    assert 'set datasets.own.sample to "sample"' in sentence
    matrix = read_table_source([tmp_path / "own.parquet"], None, settings | {"sample": "sample", "ignore": [""]})
    assert (matrix.samples, matrix.genes) == (["s3", "s7"], ["g1"])


def test_decimals_of_parquet_are_numbers(tmp_path):
    values = [Decimal("1.25"), None, Decimal("3.50")]
    table = pa.table({"id": ["s1", "s2", "s3"], "label": list("XYX"), "g1": pa.array(values, pa.decimal128(9, 2))})
    pq.write_table(table, tmp_path / "own.parquet")
    settings = {"dataset": "own", "label": {"field": "label"}}
    found = read_table_source([tmp_path / "own.parquet"], None, settings)
    np.testing.assert_array_equal(found.values[:, 0], [1.25, np.nan, 3.5])


def test_counts_in_raw_are_read_as_a_layer(tmp_path, refused):
    counts = np.arange(8, dtype=np.float32).reshape(2, 4)
    obs = pd.DataFrame({"label": ["X", "Y"]}, index=["s1", "s2"])
    cohort = anndata.AnnData(counts, obs=obs, var=pd.DataFrame({"symbol": list("ABCD")}, index=list("abcd")))
    cohort.raw = cohort
    cohort = cohort[:, ["a", "c"]].copy()
    cohort.X = cohort.X / 7
    cohort.write_h5ad(tmp_path / "own.h5ad")
    settings = {"dataset": "own", "label": {"field": "label"}}
    matrix = read_table_source([tmp_path / "own.h5ad"], None, settings | {"layer": "raw"})
    assert (matrix.genes, matrix.symbols) == (list("abcd"), list("ABCD"))
    np.testing.assert_array_equal(matrix.values, counts)
    assert '"raw"' in refused(read_table_source, [tmp_path / "own.h5ad"], None, settings | {"layer": "rew"})


def test_gene_ids_beside_row_numbers_are_not_sent_to_ignore(read, refused):
    text = ",gene,s1,s2\n1,g1,1.5,3.5\n2,g2,2.5,4.5\n"
    sentence = refused(read, text, LABELS)
    assert 'if "gene" holds the gene ids, set datasets.own.sample to "gene"' in sentence
    found = read(text, LABELS, sample="gene", ignore=[""])
    assert (found.samples, found.genes) == (["s1", "s2"], ["g1", "g2"])


@pytest.mark.parametrize("labels", [None, LABELS])
def test_sample_ids_of_an_h5ad_file_can_be_a_column(tmp_path, write, refused, labels):
    obs = pd.DataFrame({"barcode": ["s2", "s1"], "class": ["Y", "X"]}, index=["0", "1"])
    anndata.AnnData(np.ones((2, 2), np.float32), obs=obs).write_h5ad(tmp_path / "own.h5ad")
    path = None if labels is None else write(labels, "labels.csv")
    settings = {"dataset": "own", "label": {"field": "class"}, "sample": "barcode"}
    matrix = read_table_source([tmp_path / "own.h5ad"], path, settings)
    assert (matrix.samples, matrix.fields["class"].tolist()) == (["s2", "s1"], ["Y", "X"])
    settings["sample"] = "barcodd"
    assert "datasets.own.sample" in refused(read_table_source, [tmp_path / "own.h5ad"], path, settings)


def test_sample_ids_of_an_h5ad_file_may_be_its_index_or_beside_those_of_the_labels(tmp_path, write):
    obs = pd.DataFrame({"sample": ["s2", "s1"]}, index=pd.Index(["a", "b"], name="barcode"))
    anndata.AnnData(np.ones((2, 2), np.float32), obs=obs.assign(label=["Y", "X"])).write_h5ad(tmp_path / "own.h5ad")
    settings = {"dataset": "own", "label": {"field": "label"}, "sample": "barcode"}
    assert read_table_source([tmp_path / "own.h5ad"], None, settings).samples == ["a", "b"]
    settings = {"dataset": "own", "label": {"field": "class"}, "sample": "sample"}
    matrix = read_table_source([tmp_path / "own.h5ad"], write(LABELS, "labels.csv"), settings)
    assert (matrix.samples, matrix.fields["class"].tolist()) == (["s2", "s1"], ["Y", "X"])
