"""Genes of any source: no totals, no empty ids, repeated ones numbered, symbols apart from ids."""

import anndata
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gexflow.cohorts.annotation import annotate, read_annotation
from gexflow.cohorts.build import build_cohort
from gexflow.cohorts.ensembl import without_version
from gexflow.cohorts.read import read_matrix
from gexflow.log import CAUTION
from gexflow.recipes.collapse import CollapseGenes

SAMPLES = ["s1", "s2", "s3"]
LABELS = "id,class\ns1,X\ns2,Y\ns3,X\n"
SETTINGS = {"dataset": "own", "label": {"field": "class"}}


def in_text(rows, write, transposed=False):
    table = pd.DataFrame.from_dict(dict(enumerate(rows.values())), orient="index", columns=SAMPLES)
    table.index = [name.partition("@")[0] for name in rows]
    return write((table.T if transposed else table).to_csv(index_label="gene"))


def genes_in_rows(rows, write):
    return "table", in_text(rows, write)


def samples_in_rows(rows, write):
    return "table", in_text(rows, write, transposed=True)


def of_tcga(rows, write):
    return "tcga", in_text(rows, write)


def of_h5ad(rows, write):
    var = pd.DataFrame(index=[name.partition("@")[0] for name in rows])
    path = write(b"", "own.h5ad")
    values = np.array(list(rows.values()), dtype=np.float32).T
    anndata.AnnData(values, obs=pd.DataFrame(index=SAMPLES), var=var).write_h5ad(path)
    return "table", path


def of_parquet(rows, write):
    table = pa.table({"gene": [name.partition("@")[0] for name in rows]})
    for column, sample in enumerate(SAMPLES):
        table = table.append_column(sample, pa.array([row[column] for row in rows.values()]))
    path = write(b"", "own.parquet")
    pq.write_table(table, path)
    return "table", path


FORMS = [genes_in_rows, samples_in_rows, of_tcga, of_h5ad, of_parquet]


@pytest.fixture
def read(write):
    def reader(form, rows, **settings):
        source, path = form(rows, write)
        return read_matrix(source, [path], write(LABELS, "labels.csv"), SETTINGS | settings)

    return reader


def counted(matrix, word):
    return [entry["count"] for entry in matrix.dropped if word in entry["why"]]


@pytest.mark.filterwarnings("ignore:Variable names are not unique")
@pytest.mark.parametrize("form", FORMS)
def test_totals_are_dropped_and_counted(read, form):
    totals = ["N_unmapped", "N_noFeature", "__no_feature", "alignment_not_unique", "Unassigned_NoFeatures"]
    rows = {"A": [1, 2, 3], **{name: [900, 800, 700] for name in totals}, "B": [4, 5, 6]}
    matrix = read(form, rows)
    assert matrix.genes == ["A", "B"]
    assert counted(matrix, "totals") == [5]
    np.testing.assert_array_equal(matrix.values, [[1, 4], [2, 5], [3, 6]])


def test_a_row_called_total_is_dropped_where_it_is_the_sum(read):
    assert read(genes_in_rows, {"A": [1, 2, 3], "B": [4, 5, 6], "Total": [5, 7, 9]}).genes == ["A", "B"]
    assert read(genes_in_rows, {"A": [1, 2, 3], "B": [4, 5, 6], "Total": [5, 7, 8]}).genes == ["A", "B", "Total"]


@pytest.mark.filterwarnings("ignore:Variable names are not unique")
@pytest.mark.parametrize("form", FORMS)
def test_repeated_symbols_are_numbered_and_can_be_collapsed(read, form):
    matrix = read(form, {"TP53": [1, 2, 3], "A1BG": [7, 8, 9], "TP53@2": [3, 4, 5]})
    assert matrix.genes == ["TP53", "A1BG", "TP53 #2"]
    assert matrix.symbols == ["TP53", "A1BG", "TP53"]
    assert any("1 repeated gene id" in note for note in matrix.notes)
    step = CollapseGenes().fit(matrix.values, symbols=np.array(matrix.symbols, dtype=object))
    np.testing.assert_array_equal(step.transform(matrix.values), [[2, 7], [3, 8], [4, 9]])


@pytest.mark.parametrize("form", FORMS)
def test_genes_without_an_id_are_left_out_with_a_warning(read, form):
    matrix = read(form, {"A": [1, 2, 3], "": [7, 8, 9], "B": [3, 4, 5]})
    assert matrix.genes == ["A", "B"]
    np.testing.assert_array_equal(matrix.values, [[1, 3], [2, 4], [3, 5]])
    assert counted(matrix, "no id") == [1]
    assert any(note.startswith(CAUTION) and "1 gene without an id" in note for note in matrix.notes)


@pytest.mark.parametrize("form", [genes_in_rows, of_tcga])
def test_genes_are_called_by_entrez_ids_where_cbioportal_has_no_symbol(write, form):
    text = "Hugo_Symbol,Entrez_Gene_Id,s1,s2,s3\nTP53,7157,1,2,3\n,1008,4,5,6\n,NA,7,8,9\n"
    source = "tcga" if form is of_tcga else "table"
    matrix = read_matrix(source, [write(text)], write(LABELS, "labels.csv"), SETTINGS)
    assert (matrix.samples, matrix.genes) == (SAMPLES, ["TP53", "1008"])
    np.testing.assert_array_equal(matrix.values, [[1, 4], [2, 5], [3, 6]])


@pytest.mark.parametrize("form", [genes_in_rows, of_tcga])
def test_ensembl_ids_joined_with_symbols_come_apart(read, form):
    rows = {"ENSG00000141510.18|TP53": [1, 2, 3], "A1BG|ENSG00000121410": [4, 5, 6], "ENSG00000223972.5": [7, 8, 9]}
    matrix = read(form, rows)
    assert matrix.symbols == ["TP53", "A1BG", ""]
    cohort = build_cohort(matrix, SETTINGS | {"source": "table", "scale": "linear"}, "own", [])
    assert list(cohort.var_names) == ["ENSG00000141510", "ENSG00000121410", "ENSG00000223972"]


@pytest.mark.parametrize(
    ("gene", "plain"),
    [
        ("ENSG00000000003.15_9", "ENSG00000000003"),
        ("ENSG00000000003.15", "ENSG00000000003"),
        ("ENSG00000002586.18_PAR_Y", "ENSG00000002586_PAR_Y"),
        ("ENSG00000000003_9", "ENSG00000000003_9"),
    ],
)
def test_versions_and_mapping_numbers_are_stripped(gene, plain):
    assert without_version(gene) == plain


ASSIGNMENT = (
    "NM_000546 // TP53 // tumor protein p53 // 17p // 7157 /// NM_001126112 // TP53 // tumor protein // x // 7157"
)


def test_gene_assignment_gives_symbols(write):
    rows = [f"1\t17\t{ASSIGNMENT}", "2\t1\t---", "3\t2\tNM_1 // AAA // a // 2p // 1 /// NM_2 // BBB // b // 2q // 2"]
    lines = ["#ID = probe", "#gene_assignment = accession // symbol", "ID\tchromosome\tgene_assignment", *rows]
    annotation = read_annotation([write("\n".join(lines) + "\n")], ["1", "2", "3"])
    found = annotate(["1", "2", "3"], annotation)
    assert found.symbols == ["TP53", "", ""]
    assert (found.counts["ambiguous"], found.counts["unmapped"]) == (1, 1)


def test_an_annotation_without_symbols_names_all_its_columns(write, refused):
    path = write("#ID = probe\nID\tGB_ACC\tSPOT_ID\tsequence\n1\ta\tb\tc\n")
    sentence = refused(read_annotation, [path], ["1"])
    assert all(name in sentence for name in ["ID", "GB_ACC", "SPOT_ID", "sequence"])


def test_netaffx_tables_are_read(write):
    text = '#%date = x\n#%x=y\n"Probe Set ID","Gene Symbol"\n"1007_s_at","DDR1 /// MIR4640"\n"1053_at","RFC2"\n'
    assert read_annotation([write(text)], ["1007_s_at", "1053_at"])["symbol"].tolist() == ["", "RFC2"]


def test_repeated_ids_are_looked_up_in_an_annotation_by_their_name(write):
    annotation = read_annotation([write("id,symbol\np1,TP53\np2,A1BG\n")], ["p1", "p2"])
    matrix = read_matrix("tcga", [write("id\ts1\ts2\ts3\np1\t1\t2\t3\np2\t4\t5\t6\np1\t7\t8\t9\n")], None, SETTINGS)
    matrix.fields["class"] = ["X", "Y", "X"]
    cohort = build_cohort(matrix, SETTINGS | {"source": "table", "scale": "linear"}, "own", [], annotation)
    assert cohort.var["symbol"].tolist() == ["TP53", "A1BG", "TP53"]
