"""TCGA matrices: barcodes, labels files, what is left out."""

import numpy as np
import pytest

from gexflow.cohorts.read import read_matrix
from gexflow.cohorts.tcga import read_tcga
from gexflow.cohorts.tcga_rules import choose_samples

A, B, C, D = (f"TCGA-OR-A5L{n}-{kind}A-11R-A29S-07" for n, kind in enumerate(["01", "11", "03", "01"]))
SETTINGS = {"dataset": "pan", "label": {"field": "type"}}


def counts(first="", ids=("ENSG1", "ENSG2")):
    rows = [f"{gene}\t{n}\t{n + 1}\t{n + 2}\t{n + 3}" for n, gene in enumerate(ids)]
    return "\n".join(["\t".join([first, A, B, C, D]), *rows]) + "\n"


def label_rows(*rows):
    return "n\taliquot\ttype\tDo_not_use\n" + "".join("\t".join(map(str, row)) + "\n" for row in rows)


ALL = [(1, A, "X", "False"), (2, B, "X", "False"), (3, C, "Y", "False"), (4, D, "Y", "False")]


@pytest.fixture
def read(write):
    def reader(matrix, labels=None, **settings):
        path = None if labels is None else write(labels, "labels.tsv")
        matrix = read_tcga([write(matrix)], path, SETTINGS | settings)
        names = matrix.fields.get("type", matrix.samples)
        matrix.labels = choose_samples(matrix, list(names), SETTINGS | settings)
        return matrix

    return reader


def test_barcodes_and_labels_become_fields(read):
    matrix = read(counts(), label_rows(*ALL))
    assert matrix.samples == [A, C, D]
    np.testing.assert_array_equal(matrix.values, [[0, 1], [2, 3], [3, 4]])
    assert matrix.fields["type"].tolist() == ["X", "Y", "Y"]
    assert matrix.fields["patient"].tolist() == ["TCGA-OR-A5L0", "TCGA-OR-A5L2", "TCGA-OR-A5L3"]
    assert matrix.fields["site"].tolist() == matrix.fields["institution"].tolist() == ["OR"] * 3
    assert matrix.fields["sample_type"].tolist() == ["01", "03", "01"]
    assert any('"aliquot"' in note and "4 of 4" in note for note in matrix.notes)
    assert (matrix.normalised_jointly, matrix.symbols) == ("", ["", ""])


def test_other_sample_types_are_dropped_and_counted(read):
    matrix = read(counts(), label_rows(*ALL))
    assert matrix.dropped[0]["count"] == 1
    assert matrix.dropped[0]["examples"] == [B]
    assert read(counts(), label_rows(*ALL), sample_types={"all": ["01", "11"]}).samples == [A, B, D]
    assert len(read(counts(), label_rows(*ALL), sample_types={"all": []}).samples) == 4


def test_a_label_can_have_sample_types_of_its_own(read):
    matrix = read(counts(), label_rows(*ALL), sample_types={"all": ["01"], "X": ["11"]})
    assert matrix.samples == [B, D]


def test_labels_without_sample_types_of_their_own_keep_primary_tumours(read):
    normal = "TCGA-OR-A5L3-11A-11R-A29S-07"
    table = counts().replace(C, normal)
    labels = label_rows((1, A, "X", ""), (2, B, "X", ""), (3, normal, "Y", ""), (4, D, "Y", ""))
    assert read(table, labels, sample_types={"X": ["01", "06"]}).samples == [A, D]


def test_a_misspelt_label_in_sample_types_is_refused(read, refused):
    assert '"Z"' in refused(read, counts(), label_rows(*ALL), sample_types={"all": ["01"], "Z": ["11"]})


def test_adjacent_normals_can_be_a_class_of_their_own(read):
    matrix = read(counts(), label_rows(*ALL), adjacent_label="normal")
    assert matrix.samples == [A, B, C, D]
    assert matrix.labels == ["X", "normal", "Y", "Y"]
    assert any("1 adjacent normal" in note for note in matrix.notes)


def test_one_aliquot_of_a_sample_is_taken_by_a_stated_rule(read):
    sample = "TCGA-OR-A5L7-01"
    first, later, other_analyte, vial = (
        f"{sample}{end}" for end in ("A-11R-A29S-07", "A-11R-A32T-07", "A-11T-A99Z-07", "B-11H-A00A-07")
    )
    for names, taken in (((first, later), later), ((later, other_analyte), later), ((vial, later), vial)):
        table = "\t".join(["", *names]) + "\nG1\t1\t2\nG2\t3\t4\n"
        matrix = read(table, label_rows(*[(1, name, "X", "False") for name in names]))
        assert matrix.samples == [taken]
        assert matrix.dropped[-1]["count"] == 1


def test_ebpp_is_known_by_its_ids(read):
    matrix = read(counts("gene_id", ["?|100130426", "TP53|7157"]).replace("\t3\n", "\tNA\n"), label_rows(*ALL))
    assert matrix.symbols == ["", "TP53"]
    assert matrix.normalised_jointly == "EB++"
    assert np.isnan(matrix.values[2, 0])


def test_barcodes_that_r_wrote_with_dots_are_barcodes(read):
    again = "TCGA.OR.A5L0.01A.21R.A29S.07"
    table = counts().replace("-", ".").replace(C.replace("-", "."), again)
    matrix = read(table)
    assert matrix.samples == [again, D.replace("-", ".")]  # neither the adjacent normal nor the first aliquot
    assert matrix.fields["patient"].tolist() == ["TCGA-OR-A5L0", "TCGA-OR-A5L3"]


def test_samples_without_barcodes_are_said_to_have_no_known_type(read):
    assert any("1 of 4" in note and "no TCGA barcodes" in note for note in read(counts().replace(C, "case 7")).notes)
    assert not any("no TCGA barcodes" in note for note in read(counts()).notes)


def test_symbols_are_told_from_ids(read):
    ids = ("ENSA|2029", "?|100130426", "ENSG00000000003.14", "ENSMUSG00000000001", "7157", "TP53", "ENSGR0000002586.13")
    assert read(counts(ids=ids)).symbols == ["ENSA", "", "", "", "", "TP53", ""]


def test_do_not_use_is_dropped_and_counted(read):
    matrix = read(counts(), label_rows(ALL[0], (3, C, "Y", "True"), (5, C, "Y", "False"), ALL[3]))
    assert matrix.samples == [A, D]
    assert "Do_not_use" in matrix.dropped[1]["why"]


def test_totals_of_counting_programs_are_no_genes(read):
    assert read(counts(ids=["ENSG1", "__no_feature"]), label_rows(*ALL)).genes == ["ENSG1"]


def test_samples_without_a_row_have_empty_fields(read):
    assert read(counts(), label_rows(*ALL[:2])).fields["type"].tolist() == ["X", "", ""]


def test_repeated_rows_may_differ_in_what_is_no_label(read):
    assert read(counts(), label_rows(*ALL, ALL[0])).fields["n"].tolist()[0] == "1"
    assert read(counts(), label_rows(*ALL, (9, A, "X", "False"))).fields["n"].tolist()[0] == "1; 9"


def test_conflicting_labels_are_refused(read, refused):
    sentence = refused(read, counts(), label_rows(*ALL, (1, A, "Z", "False")))
    assert all(word in sentence for word in ['"X"', '"Z"', A, '"type"'])


def test_labels_of_other_samples_are_refused_with_both_sides(read, refused):
    sentence = refused(read, counts(), label_rows(("k", "TCGA-other", "X", "False")))
    assert all(word in sentence for word in [A, '"k"', "none of the samples"])


def test_a_column_that_is_named_like_a_barcode_part_is_kept_aside(read):
    labels = label_rows(*ALL).replace("type\t", "sample_type\t", 1)
    matrix = read(counts(), labels)
    assert matrix.fields["sample_type (labels)"].tolist() == ["X", "Y", "Y"]


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ("a\tb\n1\n", ["line 2"]),
        ("a\tb\n", ["no rows"]),
        ("", ["empty"]),
        ("a\ta\n1\t2\n", ['"a" 2 times']),
        ('a\tb\n"1"x\t2\n3\n', ["line 2", "'?' expected after"]),
    ],
)
def test_a_bad_labels_file_is_refused(read, refused, labels, words):
    sentence = refused(read, counts(), labels)
    assert all(word in sentence for word in words), sentence


def test_nothing_left_is_refused(read, refused):
    assert "sample_types" in refused(read, counts(), label_rows(*ALL), sample_types={"all": ["06"]})


def test_sources_are_found_by_name(write, refused):
    path = write(counts())
    assert read_matrix("tcga", [path], None, SETTINGS).samples == [A, B, C, D]
    assert 'did you mean "tcga"' in refused(read_matrix, "tgca", [path], None, SETTINGS)
    assert "datasets.pan.files.labels" in refused(read_matrix, "geo", [path], path, SETTINGS)
    assert "names no file" in refused(read_matrix, "geo", [], None, SETTINGS)
