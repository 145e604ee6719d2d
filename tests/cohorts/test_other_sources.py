"""Firehose, UCI, CuMiDa and Xena in their true formats."""

import gzip
import io
import tarfile
import zipfile

import numpy as np
import pytest

from gexflow.cohorts.build import build_cohort
from gexflow.cohorts.read import read_matrix

FIREHOSE = "{0}.rnaseqv2__illuminahiseq_rnaseqv2__unc_edu__Level_3__RSEM_genes_normalized__data.data.txt"
FOLDER = "gdac.broadinstitute.org_{0}.Merge_rnaseqv2__unc_edu__Level_3__RSEM_genes_normalized__data"


def packed(**members):
    """Return a tar.gz with these members."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def firehose(cohort="ACC", patients="A B", genes=("?|100130426", "TP53|7157", "TP53|7157"), kinds=None):
    """Return an archive of one cohort; gene g of sample s has the value 10 g + s + 0.5."""
    kinds = kinds or ["01"] * len(patients.split())
    samples = [f"TCGA-OR-A5J{p}-{kind}A-11R-A29S-07" for p, kind in zip(patients.split(), kinds, strict=True)]
    lines = ["\t".join(["Hybridization REF", *samples]), "\t".join(["gene_id", *["normalized_count"] * len(samples)])]
    lines += ["\t".join([gene, *(f"{10 * g + s}.5" for s in range(len(samples)))]) for g, gene in enumerate(genes)]
    table = ("\n".join(lines) + "\n").encode()
    folder = FOLDER.format(cohort)
    return packed(**{f"{folder}/MANIFEST.txt": b"x", f"{folder}/{FIREHOSE.format(cohort)}": table})


def test_firehose_archives_become_one_matrix_with_their_cohorts(write):
    paths = [write(firehose(), "a.tar.gz"), write(firehose("BRCA", "C D E"), "b.tar.gz")]
    matrix = read_matrix("tcga", paths, None, {})
    assert matrix.fields["cohort"].tolist() == ["ACC"] * 2 + ["BRCA"] * 3
    assert matrix.fields["patient"].tolist()[0] == "TCGA-OR-A5JA"
    assert matrix.genes == ["?|100130426", "TP53|7157", "TP53|7157 #2"]
    assert matrix.symbols == ["", "TP53", "TP53"]
    expected = [[0.5, 10.5, 20.5], [1.5, 11.5, 21.5], [0.5, 10.5, 20.5], [1.5, 11.5, 21.5], [2.5, 12.5, 22.5]]
    np.testing.assert_array_equal(matrix.values, np.float32(expected))
    assert matrix.normalised_jointly == ""
    assert any("1 repeated gene id" in note for note in matrix.notes)


def test_a_column_of_the_labels_file_never_hides_the_archives_cohort(write):
    paths = [write(firehose(), "a.tar.gz"), write(firehose("BRCA", "C D E"), "b.tar.gz")]
    names = read_matrix("tcga", paths, None, {}).samples
    labels = write("sample\tcohort\n" + "".join(f"{name}\tother\n" for name in names), "labels.tsv")
    matrix = read_matrix("tcga", paths, labels, {})
    assert set(matrix.fields["cohort"]) == set(read_matrix("tcga", paths, None, {}).fields["cohort"])
    assert set(matrix.fields["cohort (labels)"]) == {"other"}


def test_the_published_set_keeps_adjacent_normals_under_the_tumours_label(write):
    paths = [write(firehose(patients="A A", kinds=["01", "11"]), "a"), write(firehose("BRCA", "C D E"), "b")]
    settings = {"source": "tcga", "label": {"field": "cohort"}, "scale": "linear", "sample_types": {"all": []}}
    cohort = build_cohort(read_matrix("tcga", paths, None, settings), settings, "firehose", [])
    assert cohort.obs["label"].value_counts().to_dict() == {"ACC": 2, "BRCA": 3}
    assert cohort.obs["group"].nunique() == 4
    normals = settings | {"adjacent_label": "normal"}
    cohort = build_cohort(read_matrix("tcga", paths, None, normals), normals, "firehose", [])
    assert cohort.obs["label"].value_counts().to_dict() == {"ACC": 1, "BRCA": 3, "normal": 1}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (packed(**{"x/other.txt": b"a\tb\n"}), ["no file", "RSEM_genes_normalized"]),
        (packed(**{FIREHOSE.format("acc"): b"a\tb\n"}), ["does not begin with a cohort"]),
        (firehose()[:200], ["ends too early", "fetch it again"]),
        (packed(**{FIREHOSE.format("ACC"): b"H\tS1\ngene_id\tnormalized_count\nG|1\tx\n"}), ["line 3", '"x"']),
    ],
)
def test_a_bad_firehose_archive_is_refused(write, refused, content, words):
    sentence = refused(read_matrix, "tcga", [write(content, "a.tar.gz")], None, {})
    assert all(word in sentence for word in [*words, "a.tar.gz"]), sentence


def uci(data=None, labels=None, outer=True):
    """Return UCI's zip, or the archive within it."""
    rows = "".join(f"sample_{n},{n}.5,{2 * n},0.0\n" for n in range(4))
    data = ",gene_0,gene_1,gene_2\n" + rows if data is None else data
    labels = (
        ",Class\n" + "".join(f"sample_{n},{'BRCA' if n < 2 else 'KIRC'}\n" for n in range(4))
        if labels is None
        else labels
    )
    folder = "TCGA-PANCAN-HiSeq-801x20531"
    inner = packed(**{f"{folder}/data.csv": data.encode(), f"{folder}/labels.csv": labels.encode()})
    if not outer:
        return inner
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(f"{folder}.tar.gz", inner)
    return buffer.getvalue()


@pytest.mark.parametrize("outer", [True, False])
def test_uci_is_read_from_an_archive_in_an_archive(write, outer):
    matrix = read_matrix("uci", [write(uci(outer=outer), "uci.zip")], None, {})
    assert (matrix.samples[:2], matrix.genes) == (["sample_0", "sample_1"], ["gene_0", "gene_1", "gene_2"])
    np.testing.assert_array_equal(matrix.values[3], np.float32([3.5, 6, 0]))
    assert matrix.fields["Class"].tolist() == ["BRCA", "BRCA", "KIRC", "KIRC"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (uci(labels=",Class\nother,BRCA\n"), ["none of the samples", "labels.csv"]),
        (uci(data=",gene_0\nsample_0,high\n"), ["data.csv", '"high"', "no number"]),
        (uci()[:-40], ["fetch it again"]),
        (b"", ["fetch it again"]),
    ],
)
def test_a_bad_uci_archive_is_refused(write, refused, content, words):
    sentence = refused(read_matrix, "uci", [write(content, "uci.zip")], None, {})
    assert all(word in sentence for word in words), sentence


def test_cumida_has_types_and_probes(write):
    path = write("samples,type,1007_s_at,1053_at\n834,AML,5.5,3.25\n835,PB,6.5,NA\n", "a.csv")
    matrix = read_matrix("cumida", [path], None, {})
    assert (matrix.samples, matrix.genes) == (["834", "835"], ["1007_s_at", "1053_at"])
    assert matrix.fields["type"].tolist() == ["AML", "PB"]
    np.testing.assert_array_equal(matrix.values, np.float32([[5.5, 3.25], [6.5, np.nan]]))
    assert "CuMiDa" in matrix.normalised_jointly


def test_another_table_is_no_cumida_table(write, refused):
    assert "no CuMiDa table" in refused(read_matrix, "cumida", [write("id,label,g\na,X,1\n")], None, {})


def test_xena_has_short_barcodes_and_a_table_of_types(write):
    samples = [f"TCGA-OR-A5J{n}-{kind}" for n, kind in enumerate(["01", "11", "06", "01"])]
    table = (
        "\t".join(["sample", *samples])
        + "\n"
        + "".join(
            "\t".join([gene, *(f"{n + g}.25" for n in range(4))]) + "\n"
            for g, gene in enumerate(["TP53", "TP53", "A1BG"])
        )
    )
    labels = "sample\tsample_type_id\t_primary_disease\n" + "".join(
        f"{sample}\t{int(sample[-2:])}\t{'skin' if n > 1 else 'adrenal'}\n" for n, sample in enumerate(samples)
    )
    paths = (
        write(gzip.compress(table.encode()), "expression.xena.gz"),
        write(gzip.compress(labels.encode()), "types.gz"),
    )
    settings = {
        "source": "tcga",
        "label": {"field": "_primary_disease"},
        "sample_types": {"all": ["01"], "skin": ["01", "06"]},
        "normalised_jointly": "EB++",
    }
    cohort = build_cohort(read_matrix("tcga", [paths[0]], paths[1], settings), settings, "xena", [])
    assert cohort.obs["label"].to_dict() == {samples[0]: "adrenal", samples[2]: "skin", samples[3]: "skin"}
    assert list(cohort.var["symbol"]) == ["TP53", "TP53", "A1BG"]
    assert '"normalised_jointly": "EB++"' in cohort.uns["source"]
