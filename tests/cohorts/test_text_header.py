"""What stands above the rows of a table, and how rows may differ from it: nothing shifts a value by one column."""

import gzip

import numpy as np
import pytest

from gexflow.cohorts.annotation import read_annotation
from gexflow.cohorts.label_file import read_label_file
from gexflow.cohorts.read import read_matrix
from gexflow.cohorts.text_table import Layout, read_header, read_text_table
from gexflow.log import CAUTION

SAMPLES, GENES = ["s1", "s2", "s3"], ["g1", "g2"]
VALUES = np.array([[1.5, 2.5, 3.5], [4.5, 5.5, 6.5]])  # genes x samples
ROWS = [f"{gene}\t" + "\t".join(map(str, row)) for gene, row in zip(GENES, VALUES, strict=True)]
NAMES = "gene\ts1\ts2\ts3"
LABELS = "id\tclass\tstage\ns1\tX\tI\ns2\tY\tII\ns3\tX\tIII\n"


def joined(*lines):
    return "\n".join(lines) + "\n"


PLAIN = joined(NAMES, *ROWS)
EVERYWHERE = joined(*(f"{line}\t" for line in PLAIN.splitlines()))
IN_ROWS = joined(NAMES, *(f"{row}\t" for row in ROWS))
AS_R = PLAIN.removeprefix("gene\t")
AS_R_EVERYWHERE = joined(*(f"{line}\t" for line in AS_R.splitlines()))
HEADER_ONLY = joined(f"{NAMES}\t\t", *ROWS)
EXCEL = joined(f"# made by hand{',' * 5}", *(f"{line.replace(chr(9), ',')},," for line in PLAIN.splitlines()))


@pytest.mark.parametrize(
    "content",
    [PLAIN, EVERYWHERE, IN_ROWS, AS_R, AS_R_EVERYWHERE, HEADER_ONLY, EXCEL, IN_ROWS.replace("\n", "\r\n")],
    ids=["plain", "everywhere", "in rows", "R", "R, everywhere", "in the header", "Excel", "in rows, CRLF"],
)
def test_delimiters_at_the_ends_of_lines_move_no_value(write, content):
    table = read_text_table(write(content))
    assert (table.ids, table.columns) == (GENES, SAMPLES)
    np.testing.assert_array_equal(table.values, VALUES)


@pytest.mark.parametrize("labels", [None, LABELS], ids=["labels inside", "labels file"])
def test_samples_in_rows_keep_their_genes_where_rows_end_in_a_delimiter(write, labels):
    rows = ["s1,X,1,2,", "s2,Y,3,4,"] if labels is None else ["s1,1,2,", "s2,3,4,"]
    names = "id,class,g1,g2" if labels is None else "id,g1,g2"
    path = None if labels is None else write(labels, "labels.tsv")
    matrix = read_matrix("table", [write(joined(names, *rows))], path, {"dataset": "own", "label": {"field": "class"}})
    assert (matrix.samples, matrix.genes) == (["s1", "s2"], GENES)
    np.testing.assert_array_equal(matrix.values, [[1, 2], [3, 4]])
    assert matrix.fields["class"].tolist() == ["X", "Y"]
    assert any("1 empty column at the ends" in note for note in matrix.notes)


def test_a_file_that_r_may_have_meant_otherwise_is_a_caution(write):
    matrix = read_matrix("tcga", [write(IN_ROWS.replace("gene", "x"))], None, {"dataset": "own"})
    assert matrix.samples == SAMPLES
    assert any(note.startswith(CAUTION) and "ends in a delimiter" in note for note in matrix.notes)


def test_tcga_keeps_its_samples_where_rows_end_in_a_delimiter(write):
    matrix = read_matrix("tcga", [write(IN_ROWS)], None, {"dataset": "own"})
    assert matrix.samples == SAMPLES
    np.testing.assert_array_equal(matrix.values, VALUES.T)


@pytest.mark.parametrize("rows", [["g1\t\t2", "g2\t3\t4"], ["g1\t1\t", "g2\t3\t4"], ["g1\t1\t2", "g2\t3\t"]])
def test_r_tables_with_empty_cells_keep_working(write, rows):
    table = read_text_table(write(joined("s1\ts2", *rows)))
    assert (table.ids, table.columns) == (GENES, ["s1", "s2"])
    expected = [[float(cell or "nan") for cell in row.split("\t")[1:]] for row in rows]
    np.testing.assert_array_equal(table.values, expected)


def test_an_r_table_is_recognised_in_a_later_block(write):
    empty = [f"g{n}\t{n}\t" for n in range(200_000)]  # more than the first block
    table = read_text_table(write(joined("s1\ts2", *empty, "last\t1\t7")))
    assert table.columns == ["s1", "s2"]
    assert table.values[-1].tolist() == [1, 7]
    assert table.values[5, 0] == 5


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (joined(f"{NAMES}\t", *(f"{row}\t{n}" for n, row in enumerate(ROWS))), ["column 5 has no name"]),
        (joined(f"{NAMES}\t", f"{ROWS[0]}\t", f"{ROWS[1]}\t7"), ["column 5 has no name", "7", '"g2"']),
        (joined(NAMES, f"{ROWS[0]}\t1\t2", f"{ROWS[1]}\t3\t4"), ["6 cells", "names 4 columns"]),
        (joined(NAMES, f"{ROWS[0]}\t", ROWS[1]), ["line 3 has 4 cells where 5 are expected"]),
        (joined("gene\t\ts2\ts3", *ROWS), ["column 2 has no name"]),
        (PLAIN.replace("\t", ",", 3), ["separated by commas", "by tabs"]),
        (PLAIN.replace("\t", ",").replace(",", "\t", 3), ["separated by tabs", "by commas"]),
    ],
)
def test_columns_that_may_be_others_are_refused(write, refused, content, words):
    sentence = refused(read_text_table, write(content))
    assert all(word in sentence for word in words), sentence


LABEL_ROWS = ["s1,X,I", "s2,Y,II", "s3,X,III"]


@pytest.mark.parametrize(
    "content",
    [
        joined("id,class,stage", *LABEL_ROWS),
        joined("id,class,stage", *(f"{row}," for row in LABEL_ROWS)),
        joined("id,class,stage,,", *(f"{row},," for row in LABEL_ROWS)),
        joined("class,stage", *LABEL_ROWS),
        joined('"id",class,"stage\n(I to III)"', *LABEL_ROWS),
        joined("# a comment, of mine", "id,class,stage", *LABEL_ROWS),
    ],
    ids=["plain", "in rows", "everywhere", "R", "line break in the header", "comment"],
)
def test_labels_stay_below_their_names(write, content):
    labels = read_label_file(write(content))
    assert labels.table["class"].tolist() == ["X", "Y", "X"]
    assert labels.table.iloc[:, 0].tolist() == SAMPLES
    assert labels.table.columns[2].startswith("stage")


def test_a_labels_file_of_r_with_an_empty_last_cell_keeps_its_columns(write):
    table = read_label_file(write("class\tnote\ns1\tX\t\ns2\tY\tlate\n")).table
    assert table["class"].tolist() == ["X", "Y"]
    assert table["note"].tolist() == ["", "late"]


def test_a_labels_file_of_one_column_as_r_writes_it_is_read(write):
    table = read_label_file(write('"tissue"\n"s1"\t"liver"\n"s2"\t"lung"\n')).table
    assert table["tissue"].tolist() == ["liver", "lung"]
    assert table["sample"].tolist() == ["s1", "s2"]


def test_an_annotation_keeps_its_columns_where_rows_end_in_a_delimiter(write):
    rows = ["p1\tTP53\t17\t5\t", "p2\tBRCA1\t17\t9\t"]
    table = read_annotation([write(joined("probe\tsymbol\tchromosome\tstart", *rows))], ["p1", "p2"])
    assert table["symbol"].tolist() == ["TP53", "BRCA1"]
    assert table["start"].tolist() == [5, 9]


CBIOPORTAL = ["#Sample\tClass\tStage", "#Identifier\tType\tStage", "#STRING\tSTRING\tSTRING", "#1\t1\t1"]


@pytest.mark.parametrize(
    ("above", "name"),
    [
        (['# Program:featureCounts v2.0.6; Command:"featureCounts" "-t" "exon,CDS" "-o" "counts.txt"'], "id"),
        (["# gene-model: GENCODE v36"], "id"),
        (["#%create_date=2016-01-01", "#%chip_type=HuGene"], "id"),
        (["# mine", "", "## another, with a comma", "#"], "id"),
        (CBIOPORTAL, "id"),
        ([], "#id"),
        (["# from me"], "#id"),
    ],
)
def test_comments_above_the_names_are_skipped_and_names_are_not(write, above, name):
    labels = read_label_file(write(joined(*above, LABELS.rstrip("\n")).replace("id\t", f"{name}\t")))
    assert list(labels.table.columns) == [name, "class", "stage"]
    assert labels.table["class"].tolist() == ["X", "Y", "X"]
    assert any(str(len([line for line in above if line])) in note for note in labels.notes) == bool(above)


def test_the_names_may_stand_behind_a_sign_and_a_blank(write):
    assert read_header(write("# id\ts1\ts2\ng1\t1\t2\n")).names == ["# id", "s1", "s2"]
    assert read_header(write("# mine, 2020\nid,class\ns1,X\n")).names == ["id", "class"]


def test_lines_are_counted_in_the_file(write, refused):
    sentence = refused(read_text_table, write(joined("# one", "# two", PLAIN.rstrip("\n").replace("4.5", "high"))))
    assert "line 5" in sentence
    sentence = refused(read_text_table, write('"ge\nne"\ts1\ts2\ng1\t1\tlow\n'))
    assert "line 3" in sentence


GCT = [f"{gene}\tdescription of {gene}\t" + "\t".join(map(str, row)) for gene, row in zip(GENES, VALUES, strict=True)]
GCT12 = joined("#1.2", "2\t3", "NAME\tDescription\ts1\ts2\ts3", *GCT)
GCT13 = joined("#1.3", "2\t3\t1\t1", "id\tDescription\ts1\ts2\ts3", "class\tna\tX\tY\tX", *GCT)


@pytest.mark.parametrize(
    "content",
    [
        GCT12,
        gzip.compress(GCT12.encode()),
        joined(*(f"{line},,".replace("\t", ",") for line in GCT12.splitlines())),
        GCT13,
    ],
    ids=["1.2", "gzipped", "Excel", "1.3"],
)
def test_gct_files_are_read(write, content):
    settings = {"dataset": "own", "label": {"field": "class"}, "ignore": ["Description"]}
    matrix = read_matrix("table", [write(content)], write(LABELS, "labels.tsv"), settings)
    assert (matrix.samples, matrix.genes) == (SAMPLES, GENES)
    np.testing.assert_array_equal(matrix.values, VALUES.T)
    assert matrix.fields["class"].tolist() == ["X", "Y", "X"]


def test_a_gct_file_can_hold_its_labels(write):
    matrix = read_matrix("table", [write(GCT13)], None, {"dataset": "own", "label": {"field": "class"}})
    assert matrix.fields["class"].tolist() == ["X", "Y", "X"]
    np.testing.assert_array_equal(matrix.values, VALUES.T)


def test_a_gct_file_that_is_cut_off_is_refused(write, refused):
    sentence = refused(read_text_table, write(joined(*GCT12.splitlines()[:-1])))
    assert all(word in sentence for word in ["states 2 rows", "has 1"])


@pytest.mark.parametrize("source", ["table", "tcga"])
def test_ids_without_a_name_are_not_taken_for_the_first_sample(write, refused, source):
    matrix, labels = write(joined("s1\ts2\ts3", "g1\t1\t2\t", "g2\t3\t4\t")), write(LABELS, "labels.tsv")
    sentence = refused(read_matrix, source, [matrix], labels, {"dataset": "own", "label": {"field": "class"}})
    assert all(word in sentence for word in ["ends in a delimiter", '"s1"', "last sample has no value"])


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("32,791", ["without separators of thousands", "32791", "decimal comma"]),
        ("1,032,791", ["without separators of thousands", "1032791"]),
        ("32,791.5", ["without separators of thousands", "32791.5"]),
        ("32 791", ["without separators of thousands", "32791"]),
        ("1.032.791", ["no separators of thousands", "decimals"]),
        ("3,14", ["decimals with a point"]),
    ],
)
def test_separators_of_thousands_are_no_decimal_commas(write, refused, cell, words):
    sentence = refused(read_text_table, write(PLAIN.replace("4.5", cell)))
    assert all(word in sentence for word in ['"g2"', '"s1"', *words])
    assert ("decimal" in sentence) == ("decimal" in " ".join(words))


@pytest.mark.parametrize("samples_in_rows", [True, False])
def test_empty_rows_below_a_table_are_left_out(write, samples_in_rows):
    table = read_text_table(write(joined(PLAIN.rstrip("\n").replace("\t", ","), ",,,", ",,,")), Layout(samples_in_rows))
    assert table.ids == GENES
    np.testing.assert_array_equal(table.values, VALUES)
    assert any("2 entirely empty rows" in note for note in table.notes)


MISSING = [
    ("table", joined("gene\ts1\ts2", *ROWS)),
    ("tcga", joined("gene\ts1\ts2", *ROWS)),
    ("table", joined("gene\ts2\ts3", *ROWS)),
    ("table", joined("x\ts1\ts2", *ROWS)),
    ("table", joined(NAMES, f"{ROWS[0]}\t", f"{ROWS[1]}\t7")),
]


@pytest.mark.parametrize(("source", "content"), MISSING)
def test_a_header_that_lacks_a_name_moves_no_value(write, refused, source, content):
    settings = {"dataset": "own", "label": {"field": "class"}}
    sentence = refused(read_matrix, source, [write(content)], write(LABELS, "labels.tsv"), settings)
    assert any(words in sentence for words in ["name every column", "has no name, but holds 7"]), sentence


@pytest.mark.parametrize("names", ["id,g1", "sample,class"])
def test_a_header_of_samples_in_rows_that_lacks_a_name_is_refused(write, refused, names):
    path = write(joined(names, "s1,1,2", "s2,3,4") if "g1" in names else joined(names, "s1,X,2", "s2,Y,4"))
    settings = {"dataset": "own", "label": {"field": "class"}}
    labels = write(LABELS, "labels.tsv") if "g1" in names else None
    assert "name every column" in refused(read_matrix, "table", [path], labels, settings)


@pytest.mark.parametrize("header", ["sample\tclass", "id\tclass\tage"])
def test_labels_below_a_header_that_lacks_a_name_are_refused(write, refused, header):
    more = header.count("\t") * "\t7"
    labels = write(joined(header, *(f"{sample}\tX{more}" for sample in SAMPLES)), "labels.tsv")
    settings = {"dataset": "own", "label": {"field": "class"}}
    assert "name every column" in refused(read_matrix, "table", [write(PLAIN)], labels, settings)


def test_row_numbers_without_a_name_may_stand_before_the_samples(write):
    labels = write(joined("sample\tclass", *(f"{n}\t{sample}\tX" for n, sample in enumerate(SAMPLES, 1))), "labels.tsv")
    settings = {"dataset": "own", "label": {"field": "class"}}
    assert read_matrix("table", [write(PLAIN)], labels, settings).fields["class"].tolist() == ["X"] * 3


def test_an_annotation_whose_header_lacks_a_name_is_refused(write, refused):
    path = write(joined("probe\tsymbol", "p1\tTP53\tx", "p2\tBRCA1\ty"))
    assert "name every column" in refused(read_annotation, [path], ["p1", "p2"])


@pytest.mark.parametrize("source", ["table", "tcga"])
def test_samples_are_not_taken_for_the_column_of_gene_ids(write, refused, source):
    settings = {"dataset": "own", "label": {"field": "class"}}
    for rows in ([[1, 2, 3], [4, 5, 6]], VALUES.tolist()):
        content = joined("s1\ts2\ts3", *("\t".join(map(str, row)) for row in rows))
        sentence = refused(read_matrix, source, [write(content)], write(LABELS, "labels.tsv"), settings)
        assert any(words in sentence for words in ['"s1" is a sample', "decimal numbers"])


def test_samples_without_ids_are_refused(write, refused):
    settings = {"dataset": "own", "label": {"field": "class"}}
    content = joined("g1,g2,class", "5.25,1.5,X", "6.5,2.5,Y")
    assert "datasets.own.sample" in refused(read_matrix, "table", [write(content)], None, settings)


def test_stray_quotes_swallow_no_rows(write, refused):
    rows = ['"A\t1\t2', "g1\t1\tnull", "g2\t3\t4", '"B\t5\t6', "C\t7\t8"]
    sentence = refused(read_text_table, write(joined("gene\ts1\ts2", *rows)))
    assert "quote" in sentence


def test_gct_files_of_tissues_are_read_by_name(write):
    rows = [f"{n}\t{line}" for n, line in enumerate(GCT)]
    content = joined("#1.2", "2\t3", "id\tName\tDescription\ts1\ts2\ts3", *rows)
    settings = {"dataset": "own", "label": {"field": "class"}}
    matrix = read_matrix("table", [write(content)], write(LABELS, "labels.tsv"), settings)
    assert (matrix.samples, matrix.genes) == (SAMPLES, GENES)


OWN = {"dataset": "own", "label": {"field": "class"}}


@pytest.mark.parametrize(
    ("header", "labels", "settings"),
    [
        ("s1\ts2\ts3", "id\tclass\ns2\tX\ns3\tY\n", {}),
        ("s1\ts2\ts3", "id\tclass\ns2\tX\ns3\tY\n", {"exclude": ["s1"]}),
        ("ID\ts2\ts3", "id\tclass\nID\tX\ns2\tX\ns3\tY\n", {}),
        ("Length\ts2\ts3", "id\tclass\ns2\tX\ns3\tY\n", {"ignore": ["Length"]}),
    ],
    ids=["no row", "excluded", "called ID", "ignored"],
)
@pytest.mark.parametrize("source", ["table", "tcga"])
def test_r_tables_whose_first_name_is_odd_are_read(write, source, header, labels, settings):
    matrix = read_matrix(source, [write(joined(header, *ROWS))], write(labels, "labels.tsv"), OWN | settings)
    assert matrix.genes == GENES
    np.testing.assert_array_equal(matrix.values[-2:], VALUES.T[1:])
    assert matrix.samples[-2:] == ["s2", "s3"]


def test_the_name_of_the_ids_may_be_any_word_of_the_labels_file(write):
    labels = write(joined("id\tclass\tvisit", "s1\tX\tV1", "s2\tY\tV2", "s3\tX\tV1"), "labels.tsv")
    for source in ("table", "tcga"):
        matrix = read_matrix(source, [write(PLAIN.replace("gene", "V1"))], labels, OWN)
        np.testing.assert_array_equal(matrix.values, VALUES.T)


@pytest.mark.parametrize(
    "name", ["Case", "Run", "Subject_ID", "Tumor_Sample_Barcode", "Row.names", "Hybridization REF"]
)
def test_other_names_of_ids_are_known(write, refused, name):
    content = joined(f"{name}\tg1\tclass", "s1\t1\t2\tX", "s2\t3\t4\tY")
    assert "name every column" in refused(read_matrix, "table", [write(content)], None, OWN)


def test_samples_in_rows_below_an_unknown_name_are_a_caution(write):
    content = joined("gA\tgB\tclass", "s1\t1\t2\tX", "s2\t3\t4\tY")
    matrix = read_matrix("table", [write(content)], None, OWN)
    assert (matrix.samples, matrix.genes) == (["s1", "s2"], ["gA", "gB"])
    assert any(note.startswith(CAUTION) and '"gA"' in note for note in matrix.notes)


def test_r_tables_may_begin_with_a_column_that_the_config_names(write):
    content = joined("patient\tg1\tclass", "s1\tp1\t2\tX", "s2\tp2\t4\tY")
    settings = OWN | {"group": {"field": "patient"}}
    matrix = read_matrix("table", [write(content)], None, settings)
    assert (matrix.samples, matrix.genes, matrix.fields["patient"].tolist()) == (["s1", "s2"], ["g1"], ["p1", "p2"])
    content = joined("gene\ts1\ts2", "1\tTP53\t2\t3", "2\tA1BG\t4\t5")
    matrix = read_matrix("table", [write(content)], write(LABELS, "labels.tsv"), OWN | {"sample": "gene"})
    assert (matrix.samples, matrix.genes) == (["s1", "s2"], ["TP53", "A1BG"])


@pytest.mark.parametrize(
    ("lines", "read"),
    [
        (["patient\tsample\tclass", "p1\ts1\tX\tgood", "p2\ts2\tY\tbad", "p3\ts3\tX\tgood"], False),
        (["Case\tclass", "s1\tX\tM", "s2\tX\tF", "s3\tX\tM"], False),
        (["class\tstage\tnote", "s1\tX\tI\t", "s2\tY\tII\t", "s3\tX\tI\t"], False),
        (["patient\tclass", "s1\tp1\tX", "s2\tp2\tY", "s3\tp3\tX"], True),
        (["sample\tclass", "1\ts1\tX", "2\ts2\tY", "3\ts3\tX"], True),
    ],
)
def test_labels_stay_below_their_names_or_are_refused(write, refused, lines, read):
    arguments = "table", [write(PLAIN)], write(joined(*lines), "labels.tsv"), OWN
    if read:
        assert read_matrix(*arguments).fields["class"].tolist() == ["X", "Y", "X"]
    else:
        assert "name every column" in refused(read_matrix, *arguments)


@pytest.mark.parametrize(
    ("header", "rows"),
    [("symbol\tchr", ["p1\tTP53\t17", "p2\tA1BG\t19"]), ("entrez_id\tsymbol", ["p1\t7157\tTP53", "p2\t1\tA1BG"])],
)
def test_annotations_of_r_whose_first_name_tells_are_read(write, header, rows):
    assert read_annotation([write(joined(header, *rows))], ["p1", "p2"])["symbol"].tolist() == ["TP53", "A1BG"]


def test_ids_may_be_decimals_where_their_column_says_so(write):
    content = joined("sample,class,g1", "1.15,X,2", "1.25,Y,3")
    assert read_matrix("table", [write(content)], None, OWN).samples == ["1.15", "1.25"]
    content = joined("x,class,g1", "1.15,X,2", "1.25,Y,3")
    assert read_matrix("table", [write(content)], None, OWN | {"sample": "x"}).samples == ["1.15", "1.25"]


def test_stray_quotes_of_labels_swallow_no_rows(write):
    rows = [f"s{n}\tX\t{note}" for n, note in enumerate(["a", '"b', "c", 'd"', "e"])]
    table = read_label_file(write(joined("id\tclass\tnote", *rows))).table
    assert table["id"].tolist() == [f"s{n}" for n in range(5)]


def test_labels_within_a_table_may_hold_line_breaks(write):
    content = 'id,class,g1\ns1,"X\n(left)",1\ns2,Y,2\n'
    matrix = read_matrix("table", [write(content)], None, OWN)
    assert (matrix.samples, matrix.genes) == (["s1", "s2"], ["g1"])


def test_gct_files_keep_their_first_column_where_a_later_one_is_called_name(write):
    content = GCT13.replace("id\tDescription", "id\tname")
    assert read_matrix("table", [write(content)], write(LABELS, "labels.tsv"), OWN).genes == GENES
