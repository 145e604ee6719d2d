"""Labels meet their samples by the right column, or the user is asked which it is."""

import anndata
import numpy as np
import pandas as pd
import pytest

from gexflow.cohorts.annotation_file import read_annotation_file
from gexflow.cohorts.read import read_matrix
from gexflow.log import CAUTION

IDS = [str(number) for number in range(1, 21)]
SHUFFLED = [IDS[place] for place in np.random.default_rng(1).permutation(20)]
CLASSES = ["tumour", "normal"] * 10


def matrix_of(ids, genes=("g1", "g2")):
    lines = ["gene\t" + "\t".join(ids)]
    lines += [gene + "".join(f"\t{n + number / 10}" for n in range(len(ids))) for number, gene in enumerate(genes)]
    return "\n".join(lines) + "\n"


def labels_of(header, *columns):
    return "\n".join([header, *(",".join(row) for row in zip(*columns, strict=True))]) + "\n"


@pytest.fixture
def fields(write):
    def reader(labels, ids=IDS, source="table", **settings):
        settings = {"dataset": "own", "label": {"field": "class"}, **settings}
        matrix = read_matrix(source, [write(matrix_of(ids))], write(labels, "labels.csv"), settings)
        return matrix.fields["class"].tolist()

    return reader


TRUE = [dict(zip(SHUFFLED, CLASSES, strict=True))[sample] for sample in IDS]
AGES = [str(age) for age in np.random.default_rng(2).permutation(np.arange(1, 21))]


@pytest.mark.parametrize("source", ["table", "tcga"])
@pytest.mark.parametrize(
    ("header", "other", "called"),
    [(",id,class", IDS, "no name"), ("age,id,class", AGES, '"age"'), ("number,id,class", IDS, '"number"')],
    ids=["row numbers", "age", "named row numbers"],
)
def test_two_columns_of_ids_that_disagree_are_refused(fields, refused, source, header, other, called):
    labels = labels_of(header, other, SHUFFLED, CLASSES)
    sentence = refused(fields, labels, source=source)
    assert all(word in sentence for word in [called, '"id"', "datasets.own.sample", "tumour", "normal"])
    assert fields(labels, source=source, sample="id") == TRUE


def test_more_row_numbers_than_ids_do_not_win(fields, refused):
    labels = labels_of(
        ",id,class", IDS, [f"{sample}b" if n < 2 else sample for n, sample in enumerate(SHUFFLED)], CLASSES
    )
    assert '"id"' in refused(fields, labels)


def test_an_age_that_holds_some_ids_leaves_the_ids_alone(fields):
    ages = [str(40 - number) for number in range(20)]  # 21 to 40: half of them ids of 1 to 30
    ids = [str(number) for number in range(11, 31)]
    assert fields(labels_of("age,id,class", ages, ids, CLASSES), ids) == CLASSES


def test_columns_that_agree_are_no_rivals(fields):
    assert fields(labels_of("id,again,class", IDS, IDS, CLASSES)) == CLASSES
    numbered = labels_of(",id,class", IDS, [f"s{sample}" for sample in IDS], CLASSES)
    assert fields(numbered, [f"s{sample}" for sample in IDS]) == CLASSES


def test_a_column_without_a_name_may_stand_beside_one_called_sample(fields):
    assert fields(labels_of(",sample,class", ["a"] * 20, IDS, CLASSES)) == CLASSES


def test_a_key_for_samples_of_no_file_is_refused(fields, refused):
    assert "datasets.own.sample" in refused(fields, labels_of("id,class", IDS, CLASSES), sample="idd")


BARCODES = [f"TCGA-A1-A0{n:02d}-01A" for n in range(10)]


@pytest.mark.parametrize(("length", "what"), [(12, "patient"), (15, "vial"), (16, "20 samples")])
@pytest.mark.parametrize("source", ["table", "tcga"])
def test_barcodes_meet_as_far_as_both_go(write, length, what, source):
    samples = [*BARCODES, *(f"TCGA.B2.B0{n:02d}.01A.11R" for n in range(10))]
    short = [sample.replace(".", "-")[:length] for sample in samples]
    labels = write(labels_of("barcode,class", short, CLASSES), "labels.csv")
    matrix = read_matrix(source, [write(matrix_of(samples))], labels, {"dataset": "own", "label": {"field": "class"}})
    assert matrix.fields["class"].tolist() == CLASSES
    assert any("Labels were matched" in note and what in note for note in matrix.notes)


def test_rows_and_columns_that_both_fit_the_labels_are_refused(write, refused):
    ids = IDS[:10]
    matrix, labels = write(matrix_of(ids, IDS[3:15])), write(labels_of("id,class", IDS, CLASSES), "labels.csv")
    settings = {"dataset": "own", "label": {"field": "class"}}
    sentence = refused(read_matrix, "table", [matrix], labels, settings)
    assert all(word in sentence for word in ["12 of 12", "10 of 10", "datasets.own.orientation"])
    assert read_matrix("table", [matrix], labels, settings | {"orientation": "genes"}).samples == ids


def test_numbers_for_genes_do_not_look_like_samples(write):
    ages = [str(age) for age in range(1, 21)]
    labels = write(labels_of("age,id,class", ages, [f"s{n}" for n in range(20)], CLASSES), "labels.csv")
    matrix = write(matrix_of([f"s{n}" for n in range(18)], [str(gene) for gene in range(1, 200)]))
    found = read_matrix("table", [matrix], labels, {"dataset": "own", "label": {"field": "class"}})
    assert found.samples[0] == "s0"


@pytest.mark.parametrize("labels", [False, True])
def test_an_h5ad_file_with_genes_as_obs_is_read_transposed(write, tmp_path, labels):
    told = pd.DataFrame({"class": CLASSES}, index=[f"s{sample}" for sample in IDS])
    values = np.arange(60, dtype=np.float32).reshape(3, 20)
    genes = pd.DataFrame({"symbol": ["A", "B", "C"]}, index=["g1", "g2", "g3"])
    anndata.AnnData(values, obs=genes, var=told.drop(columns="class") if labels else told).write_h5ad(
        tmp_path / "x.h5ad"
    )
    path = write(told.to_csv(), "labels.csv") if labels else None
    settings = {"dataset": "own", "label": {"field": "class"}, "orientation": "auto"}
    matrix = read_matrix("table", [tmp_path / "x.h5ad"], path, settings)
    assert (matrix.samples, matrix.genes) == (list(told.index), ["g1", "g2", "g3"])
    assert matrix.fields["class"].tolist() == CLASSES
    assert matrix.symbols == ["A", "B", "C"]
    np.testing.assert_array_equal(matrix.values, values.T)
    assert any("transposed" in note for note in matrix.notes)


def test_an_annotation_with_two_columns_of_ids_that_disagree_is_refused(write, refused):
    symbols = [f"SYM{n}" for n in range(20)]
    path = write(labels_of("row,entrez,symbol", IDS, SHUFFLED, symbols))
    sentence = refused(read_annotation_file, path, IDS)
    assert all(word in sentence for word in ['"row"', '"entrez"', "SYM"])
    assert read_annotation_file(write(labels_of("entrez,symbol", SHUFFLED, symbols)), IDS).id_column == "entrez"


def phenotypes(rows):
    return "sampleID,_PATIENT,class\n" + "".join(f"{sample},{sample[:12]},{label}\n" for sample, label in rows)


@pytest.mark.parametrize("source", ["table", "tcga"])
def test_a_sample_without_a_row_does_not_get_the_label_of_its_patient(write, source):
    tumours = [f"TCGA-A1-10{n:02d}-01" for n in range(8)]
    normals = [f"{sample[:-2]}11" for sample in tumours]
    rows = [(sample, "AB"[n % 2]) for n, sample in enumerate(tumours)] + [(sample, "") for sample in normals[1:]]
    for missing in (rows, rows[:8]):
        labels = write(phenotypes(missing), "labels.csv")
        settings = {"dataset": "own", "label": {"field": "class"}}
        matrix = read_matrix(source, [write(matrix_of([*tumours, *normals]))], labels, settings)
        assert matrix.fields["class"].tolist() == [*"AB" * 4, *[""] * 8]


def test_normals_that_get_the_label_of_their_patient_are_a_caution(write):
    samples = [f"TCGA-A1-10{n:02d}-{kind}" for n in range(6) for kind in ("01", "11")]
    labels = write(labels_of("patient,class", [f"TCGA-A1-10{n:02d}" for n in range(6)], list("ABABAB")), "labels.csv")
    settings = {"dataset": "own", "label": {"field": "class"}}
    matrix = read_matrix("table", [write(matrix_of(samples))], labels, settings)
    assert any(note.startswith(CAUTION) and "6 samples of normal tissue" in note for note in matrix.notes)


def test_other_ids_among_barcodes_do_not_end_the_matching_by_patient(write):
    labels = write(labels_of("patient,class", [*(name[:12] for name in BARCODES), "total"], ["X", "Y"] * 5 + ["X"]))
    settings = {"dataset": "own", "label": {"field": "class"}}
    matrix = matrix_of([*BARCODES, "control"]).replace("gene\t", "Hugo_Symbol\tEntrez_Gene_Id\t")
    matrix = write(matrix.replace("g1\t", "g1\t7\t").replace("g2\t", "g2\t8\t"), "matrix.tsv")
    for source in ("table", "tcga"):
        found = read_matrix(source, [matrix], labels, settings)
        assert found.fields["class"].tolist() == ["X", "Y"] * 5 + [""]


def test_ids_that_pandas_made_decimal_are_whole_numbers(fields, refused):
    decimal = labels_of("id,class", [f"{sample}.0" for sample in SHUFFLED], CLASSES)
    assert fields(decimal) == TRUE
    both = labels_of("id,platelets,class", [f"{sample}.0" for sample in SHUFFLED], AGES, CLASSES)
    assert '"platelets"' in refused(fields, both)


def test_numbers_that_are_some_ids_by_chance_are_refused(fields, refused):
    ages = [str(number) for number in range(15, 35)]
    labels = labels_of("id,age,class", [f"P{sample}" for sample in IDS], ages, CLASSES)
    sentence = refused(fields, labels)
    assert all(word in sentence for word in ['"age"', "6 of 20", "datasets.own.sample"])
    assert fields(labels, sample="age")[14:] == CLASSES[:6]


def test_ordered_ids_stand_beside_an_age(fields):
    assert fields(labels_of("id,age,class", IDS, [str(12 + 3 * n) for n in range(20)], CLASSES)) == CLASSES


def test_an_annotation_is_not_matched_by_the_index_of_pandas(write, refused):
    genes = [str(number) for number in range(1, 60, 2)]
    entrez = [f"{gene}.0" for gene in reversed(genes)]
    path = write(labels_of(",entrez,symbol", [str(n) for n in range(30)], entrez, [f"SYM{n}" for n in range(30)]))
    annotation = read_annotation_file(path, genes)
    assert annotation.id_column == "entrez"
    wide = [str(number) for number in range(60)]
    lacking = labels_of(",entrez,symbol", wide, [*entrez[3:], *["9999"] * 33], [f"SYM{n}" for n in range(60)])
    assert "it has no name" in refused(read_annotation_file, write(lacking), genes)


@pytest.mark.parametrize("named", [False, True])
def test_a_near_id_is_shown_where_none_matches(write, refused, named):
    labels = write(labels_of("id,class", [f"P.{sample}" for sample in IDS], CLASSES), "labels.csv")
    settings = {"dataset": "own", "label": {"field": "class"}} | ({"sample": "id"} if named else {})
    sentence = refused(read_matrix, "table", [write(matrix_of([f"P-{s}" for s in IDS]))], labels, settings)
    assert all(word in sentence for word in ['"P.1"', '"P-1"'])


def test_tcga_says_where_samples_are_in_rows(write, refused):
    table = pd.DataFrame(np.ones((20, 2)), index=[f"s{n}" for n in range(20)], columns=["g1", "g2"])
    labels = write(labels_of("id,class", list(table.index), CLASSES), "labels.csv")
    sentence = refused(read_matrix, "tcga", [write(table.to_csv())], labels, {"dataset": "own"})
    assert "`table`" in sentence


def test_tcga_leaves_columns_unread_that_are_ignored(write, refused):
    text = (
        matrix_of(BARCODES).replace("gene\t", "gene\tgene_type\t").replace("g1\t", "g1\tx\t").replace("g2\t", "g2\ty\t")
    )
    assert "datasets.own.ignore" in refused(read_matrix, "tcga", [write(text)], None, {"dataset": "own"})
    matrix = read_matrix("tcga", [write(text)], None, {"dataset": "own", "ignore": ["gene_type", "g2"]})
    assert (matrix.samples, matrix.genes) == (BARCODES, ["g1"])


def test_complete_names_of_rows_stand_beside_an_age(fields):
    ages = [str(n) for n in range(10, 30)]
    ids = [str(2 * n) for n in range(5, 25)]
    rows = labels_of("class,age", ids, CLASSES, ages)  # as R writes them: ids without a name
    assert fields(rows, ids) == CLASSES


def test_numeric_ids_of_a_part_of_the_samples_may_be_called_so(fields):
    assert fields(labels_of("id,class", IDS[:7], CLASSES[:7])) == [*CLASSES[:7], *[""] * 13]


def test_barcodes_of_two_lengths_and_of_few_samples_meet(write):
    samples = [*BARCODES, *(f"GTEX-{n}" for n in range(30))]
    short = [*(name[:12] for name in BARCODES), *samples[10:]]
    labels = write(labels_of("patient,class", short, ["X", "Y"] * 20), "labels.csv")
    matrix = read_matrix("table", [write(matrix_of(samples))], labels, {"dataset": "own", "label": {"field": "class"}})
    assert matrix.fields["class"].tolist() == ["X", "Y"] * 20
