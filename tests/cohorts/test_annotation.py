"""Symbols and places of genes: what each kind of annotation file gives, and what is ambiguous, unmapped or absent."""

import csv
import gzip

import numpy as np
import pandas as pd
import pytest

from gexflow.cohorts.annotation import annotate, read_annotation
from gexflow.cohorts.ensembl import strip_versions
from gexflow.errors import InputError

HEAD = "^Annotation\n!Annotation_platform = GPL1\n#ID = ID from Platform data table\n"
NAMES = "ID\tGene title\tGene symbol\tChromosome annotation\tGO:Function\tGO:Function\n"
ROWS = {
    "plus": "plus\tx\tPRPF8\tChromosome 17, NC_000017.9 (100..200)\t\t",
    "minus": "minus\t\tA\tChromosome X, NC_000023.9 (50..60, complement)",
    "old": "old\t\tB\tChromosome 1, NC_000001.10 (complement(12345..23456))\t\t",
    "same": "same\t\tC /// C\tChromosome 2, NC_000002.1 (9..10)///Chromosome 2, NC_000002.1 (7..8, complement)\t\t",
    "several": "several\t\tD///E\tChromosome 2, NC_000002.1 (9..10)///Chromosome 2, NC_000002.1 (7..8)\t\t",
    "bare": 'bare\t"quo"te\tF\tChromosome 4\t\t',
    "contig": "contig\t\tG\tChromosome 6, NT_167244.1 (5..6)\t\t",
    "par": "par\t\tH\tChromosome X, Y\t\t",
    "scattered": "scattered\t\tI\tChromosome 1, NC_000001.9 (5..6)///Chromosome 3\t\t",
    "blank": "blank\t\t\t\t\t",
    "dashes": "dashes\t\t---\t\t\t",
}
GEO = HEAD + "!platform_table_begin\n" + NAMES + "\n".join(ROWS.values()) + "\n!platform_table_end\n"


def texts(table, *genes):
    return [table.loc[gene, "symbol"] for gene in genes]


def test_geo_annotation_gives_symbols_and_places(write):
    table = read_annotation([write(GEO, "GPL1.annot")])
    assert list(table.index) == list(ROWS)
    expected = {
        "plus": ("PRPF8", "17", 100),
        "minus": ("A", "X", 50),
        "old": ("B", "1", 12345),
        "same": ("C", "2", 7),
        "several": ("", "", np.nan),
        "bare": ("F", "4", np.nan),
        "contig": ("G", "6", np.nan),
        "par": ("H", "", np.nan),
        "scattered": ("I", "", np.nan),
        "blank": ("", "", np.nan),
        "dashes": ("", "", np.nan),
    }
    columns = ["symbol", "chromosome", "start"]
    made = pd.DataFrame.from_dict(expected, orient="index", columns=columns)
    pd.testing.assert_frame_equal(table[columns], made, check_index_type=False)
    assert list(table.index[table["ambiguous"]]) == ["several"]


def test_genes_are_counted_as_mapped_ambiguous_unmapped_or_absent(write):
    genes = ["absent", "blank", "several", "plus", "minus"]
    found = annotate(genes, read_annotation([write(gzip.compress(GEO.encode()))], genes))
    assert found.symbols == ["", "", "", "PRPF8", "A"]
    assert found.chromosome == ["", "", "", "17", "X"]
    np.testing.assert_array_equal(found.start, [np.nan, np.nan, np.nan, 100, 50])
    assert found.counts == {"symbol": 2, "ambiguous": 1, "unmapped": 1, "absent": 1, "placed": 2}
    assert found.notes[0].startswith("2 of 5 genes have one symbol; 1 have several")
    assert len(found.notes) == 2
    assert "own platform" in annotate(["absent", "plus", "gone"], read_annotation([write(GEO)])).notes[-1]


def test_a_platform_table_and_a_soft_family_are_read_alike(write):
    rows = "ID\tGB_ACC\tGene Symbol\np1\tx\tA /// A\np2\ty\tB\n"
    bare = read_annotation([write("#ID = Probe Set ID\n#GB_ACC = accession\n" + rows)])
    family = f"^DATABASE = Geo\n^PLATFORM = GPL1\n!platform_table_begin\n{rows}!platform_table_end\n^SAMPLE = GSM1\n"
    whole = read_annotation([write(family + "!sample_table_begin\nID_REF\tVALUE\np1\t3\n")])
    assert texts(bare, "p1", "p2") == ["A", "B"]
    pd.testing.assert_frame_equal(bare, whole)


@pytest.mark.parametrize("mark", ["id", "#id"])
def test_a_probe_map_of_xena_gives_places(write, mark):
    table = read_annotation(
        [
            write(
                f"{mark}\tgene\tchrom\tchromStart\tchromEnd\tstrand\n"
                "ENSG00000223972.5\tDDX11L1\tchr1\t11869\t14409\t+\nENSG00000210049.1\tMT-TF\tchrM\t577\t647\t+\n"
                "p3\tA,B\tchr2\t1\t2\t-\np4\tC\tchrx\t\t\t.\n"
            )
        ]
    )
    assert list(table["symbol"]) == ["DDX11L1", "MT-TF", "", "C"]
    assert list(table["chromosome"]) == ["1", "MT", "", "X"]
    np.testing.assert_array_equal(table["start"], [11869, 577, np.nan, np.nan])


def test_the_id_column_is_the_one_that_holds_most_genes(write):
    path = write("name,entrez,ensembl,symbol\nx,10,ENSG00000000001.3,A\ny,20,ENSG00000000002.1,B\n")
    assert annotate(["20", "10"], read_annotation([path], ["20", "10"])).symbols == ["B", "A"]
    for genes in (["ENSG00000000002", "ENSG00000000001"], ["ENSG00000000002.7", "ENSG00000000001.3"]):
        assert annotate(genes, read_annotation([path], genes)).symbols == ["B", "A"]
    assert list(read_annotation([path]).index) == ["x", "y"]
    assert annotate(["B"], read_annotation([path], ["B"])).symbols == ["B"]


def test_an_exact_id_goes_before_one_of_another_version(write):
    path = write("id,symbol\nENSG00000000001.3,OLD\nENSG00000000001.4,NEW\nENSG00000000002.4,X\n")
    genes = ["ENSG00000000001.4", "ENSG00000000001", "ENSG00000000002.9"]
    found = annotate(genes, read_annotation([path], genes))
    assert found.symbols == ["NEW", "", "X"]
    assert found.counts["ambiguous"] == 1


def test_repeated_ids_are_merged_if_they_agree_and_ambiguous_if_not(write):
    path = write("id,symbol,chrom,start\na,A,1,9\nb,B,1,1\na,A,1,5\nb,C,1,1\nc,,,\nc,C,2,7\nd,D,1,2\nd,D,3,4\n")
    table = read_annotation([path])
    assert list(table.index) == ["a", "b", "c", "d"]
    assert list(table["symbol"]) == ["A", "", "C", "D"]
    assert list(table["chromosome"]) == ["1", "", "2", ""]
    np.testing.assert_array_equal(table["start"], [5, np.nan, 7, np.nan])
    assert list(table["ambiguous"]) == [False, True, False, False]


def test_later_files_fill_in_what_earlier_ones_do_not_know(write):
    first = write("id,symbol\na,A\nb,\nc,C;D\n", "first")
    second = write("id,symbol,chrom,start\na,RENAMED,1,5\nb,B,2,6\nc,C,3,7\nd,D,4,8\n", "second")
    table = read_annotation([first, second])
    assert list(table["symbol"]) == ["A", "B", "", "D"]
    assert list(table["chromosome"]) == ["1", "2", "", "4"]
    np.testing.assert_array_equal(table["start"], [5, 6, np.nan, 8])
    assert list(table["ambiguous"]) == [False, False, True, False]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (GEO.split("!platform_table_end")[0], ["cut off", "!platform_table_end"]),
        (HEAD, ["no table of a platform"]),
        (HEAD + "!platform_table_begin\n" + NAMES + "!platform_table_end\n", ["no rows"]),
        (GEO + GEO, ["several platforms"]),
        (GEO.replace("plus\t", "other\t"), ["none of the genes", '"plus"']),
        (GEO.replace("Gene symbol", "Accession"), ["no column of gene symbols", '"ID"']),
        (GEO.replace("\tF\t", "\tF\t\t\t\t\t\t\t\t"), ["line 11", "cells where 6"]),
        (GEO.replace("\nbare\t", "\n\t"), ["line 11", "no id"]),
        ("id\tname\nplus\tA\n", ["no column of gene symbols"]),
        ("id\tsymbol\nother\tA\n", ["none of the genes", '"plus"', '"other"']),
        (gzip.compress(GEO.encode())[:-20], ["gzip"]),
        ("", ["empty"]),
    ],
)
def test_a_bad_annotation_is_refused(write, refused, content, words):
    path = write(content)
    sentence = refused(read_annotation, [path], ["plus"])
    assert all(word in sentence for word in [str(path), *words]), sentence


@pytest.mark.parametrize("content", [GEO.encode(), gzip.compress(GEO.encode(), mtime=0), b"id,symbol\nplus,A\nb,B\n"])
def test_random_damage_gives_an_annotation_or_a_sentence(write, content):
    random = np.random.default_rng(0)
    for _ in range(150):
        damaged = bytearray(content)
        for place in random.integers(len(damaged), size=random.integers(1, 5)):
            damaged[place] = random.integers(256)
        path = write(bytes(damaged[: random.integers(len(damaged))] if random.random() < 0.3 else damaged))
        try:
            found = annotate(["plus", "b"], read_annotation([path], ["plus", "b"]))
        except InputError:
            continue
        assert sum(count for what, count in found.counts.items() if what != "placed") == 2


def test_versions_are_stripped_from_ensembl_ids_alone():
    genes = [
        "ENSG00000000003.14",
        "ENSMUST00000000001.4",
        "ENSG00000002586.20_PAR_Y",
        "ENSG00000002586.20",
        "ENSGR0000002586.13",
        "ENSG00000000005",
        "NM_000014.5",
        "RP11-1.2",
        "ENSP00000000001.2",
    ]
    stripped, count = strip_versions(genes)
    assert stripped[:6] == [
        "ENSG00000000003",
        "ENSMUST00000000001",
        "ENSG00000002586_PAR_Y",
        "ENSG00000002586",
        "ENSGR0000002586",
        "ENSG00000000005",
    ]
    assert stripped[6:] == genes[6:]
    assert count == 5
    assert len(set(stripped)) == len(genes)


def test_versions_stay_where_ids_would_become_equal():
    genes = ["ENSG00000000003.14", "ENSG00000000003.15", "ENSG00000000005", "ENSG00000000005.1", "ENSG00000000006.1"]
    assert strip_versions(genes) == ([*genes[:4], "ENSG00000000006"], 1)


@pytest.mark.real
def test_gpl97_maps_its_probes(real):
    path = real / "geo/GPL97.annot.gz"
    lines = gzip.decompress(path.read_bytes()).decode("latin-1").split("!platform_table_begin\n")[1].splitlines()[:-1]
    rows = [line.split("\t") for line in lines]
    place = rows[0].index("Gene symbol")
    expected = {row[0]: set(row[place].split("///")) - {""} for row in rows[1:]}
    table = read_annotation([path], list(expected))
    found = annotate(list(expected), table)
    assert found.counts == {"symbol": 12425, "ambiguous": 754, "unmapped": 9466, "absent": 0, "placed": 12403}
    for symbol, symbols in zip(found.symbols, expected.values(), strict=True):
        assert symbol == (next(iter(symbols)) if len(symbols) == 1 else "")
    assert (table.loc["200000_s_at", "chromosome"], table.loc["200000_s_at", "start"]) == ("17", 1500673)


@pytest.mark.real
@pytest.mark.parametrize(
    ("matrix", "annotation", "key", "value", "count"),
    [
        ("tcga6_counts_genes_x_samples", "ensembl_symbol_map", "ens", "gene_name", 56537),
        ("ebpp_pancan_allgenes_subset", "expression-genes", "entrez_gene_id", "symbol", 16261),
    ],
)
def test_genes_of_tcga_get_their_symbols(real, matrix, annotation, key, value, count):
    with gzip.open(real / f"tcga/{matrix}.tsv.gz", "rt") as file:
        head = file.readline().rstrip("\n").split("\t")
        genes = head[2:] if matrix.startswith("ebpp") else [line.split("\t", 1)[0] for line in file]
    path = real / f"tcga/{annotation}.tsv"
    with open(path, newline="") as file:
        expected = {row[key]: row[value] for row in csv.DictReader(file, delimiter="\t")}
    found = annotate(genes, read_annotation([path], genes))
    assert found.symbols == [expected[gene] for gene in genes]
    assert found.counts["symbol"] == len(genes) == count


def test_a_platform_table_whose_rows_end_in_a_tab_keeps_its_columns(write):
    path = write("#ID = probe\nID\tx\tGene symbol\n1_at\ty\tTP53\t\n2_at\tz\tA1BG\t\t\n")
    assert read_annotation([path], ["1_at", "2_at"])["symbol"].tolist() == ["TP53", "A1BG"]


def test_what_an_annotation_leaves_open_is_logged(write, lines):
    read_annotation([write("x\tsymbol\np1\tTP53\t\np2\tA1BG\t\n")], ["p1", "p2"])
    read_annotation([write("title\tsymbol\np1\tx\tTP53\np2\ty\tA1BG\n")], ["p1", "p2"])
    cautions = [line for line in lines if line.startswith("Caution: ")]
    assert ['"x"' in cautions[0], '"title"' in cautions[1], len(cautions)] == [True, True, 2]
