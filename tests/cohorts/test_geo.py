"""GEO series matrices: values, fields, platforms, damage."""

import gzip

import numpy as np
import pytest

from gexflow.cohorts.geo import read_geo

HEAD = '!Series_title\t"A \u201cquoted\u201d title"\n\n'


def series(probes="p1 p2", samples="S1 S2", rows="", end=True):
    samples, probes = samples.split(), probes.split()
    cells = "\t".join(f'"{sample}"' for sample in samples)
    lines = [HEAD + f"!Sample_geo_accession\t{cells}\n{rows}!series_matrix_table_begin", f'"ID_REF"\t{cells}']
    lines += [f'"{probe}"\t' + "\t".join(f"{probe[1:]}.{n}" for n in range(len(samples))) for probe in probes]
    return "\n".join(lines) + "\n" + ("!series_matrix_table_end\n" if end else "")


def test_values_are_samples_by_probes(write):
    matrix = read_geo([write(gzip.compress(series().encode()))], {})
    assert (matrix.samples, matrix.genes) == (["S1", "S2"], ["p1", "p2"])
    np.testing.assert_array_equal(matrix.values, np.float32([[1.0, 2.0], [1.1, 2.1]]))
    assert matrix.values.flags.c_contiguous


def test_characteristics_are_parsed_cell_by_cell(write):
    rows = (
        '!Sample_characteristics_ch1\t"Gender:F"\t"Age: 40"\n'
        '!Sample_characteristics_ch1\t""\t"gender: M"\n'
        '!Sample_characteristics_ch1\t"no key"\t"Time: 12:30"\n'
    )
    fields = read_geo([write(series(rows=rows))], {}).fields
    assert fields["Gender"].tolist() == ["F", "M"]
    assert fields["Age"].tolist() == ["", "40"]
    assert fields["Time"].tolist() == ["", "12:30"]
    assert fields["characteristics_ch1"].tolist() == ["no key", ""]


def test_sample_rows_become_fields(write):
    rows = (
        '!Sample_title\t"patient\u2019s ""x"""\t"b"\n'
        '!Sample_characteristics_ch1\t"title: other"\t""\n'
        '!Sample_description\t"one"\t""\n!Sample_description\t"two"\t"three"\n'
    )
    fields = read_geo([write(series(rows=rows))], {}).fields
    assert fields["title"].tolist() == ['patient\u2019s "x"', "b"]
    assert fields["title (characteristics)"].tolist() == ["other", ""]
    assert fields["description"].tolist() == ["one; two", "three"]
    assert fields["geo_accession"].tolist() == ["S1", "S2"]


def test_latin_1_is_read(write):
    rows = '!Sample_title\t"45\u00b0C"\t"b"\n'
    content = series(rows=rows).replace("\u201c", "").replace("\u201d", "").encode("latin-1")
    assert read_geo([write(content)], {}).fields["title"]["S1"] == "45\u00b0C"


@pytest.mark.parametrize(
    ("text", "method"),
    [
        ("the RMA method in R", "RMA"),
        ("normalised by GC-RMA.", "GCRMA"),
        ("gcrma", "GCRMA"),
        ("fRMA", ""),
        ("frozen RMA", ""),
        ("PHARMA, MAS5", ""),
    ],
)
def test_joint_normalisation_is_noticed(write, text, method):
    rows = f'!Sample_data_processing\t"scan"\t"scan"\n!Sample_data_processing\t"{text}"\t"{text}"\n'
    assert read_geo([write(series(rows=rows))], {}).normalised_jointly == method


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize(
    ("cells", "texts"),
    [
        ('"scanned\nby RMA"\t"b\n"', ["scanned by RMA", "b"]),
        ('"a"\t"b\nby RMA"', ["a", "b by RMA"]),
        ('"a\n\n by RMA"\t"b"', ["a  by RMA", "b"]),
        ('"a\n!by RMA"\t"b"', ["a !by RMA", "b"]),
        ('"a\tby\nRMA"\t"b"', ["a\tby RMA", "b"]),
        ('"a"\t"by RMA, ""5\' - 3\'""\nb"', ["a", "by RMA, \"5' - 3'\" b"]),
        ('"a"\t"by RMA, 5""', ["a", 'by RMA, 5"']),
        ('"a\rby RMA"\t"b"', ["a\rby RMA", "b"]),
        ("a\tby RMA\n\t\n", ["a", "by RMA"]),
    ],
)
def test_a_line_break_within_a_cell_is_a_blank(write, cells, texts, ends):
    rows = f'!Sample_data_processing\t{cells}\n!sample_title\t"one"\t"two"\n'
    series_rows = '!Series_summary\t"a\n!b\nc"\n\n'
    content = (series_rows + series(rows=rows)).replace("\n", ends)
    matrix = read_geo([write(content.encode())], {})
    assert matrix.fields["data_processing"].tolist() == texts
    assert matrix.fields["title"].tolist() == ["one", "two"]
    assert matrix.normalised_jointly == "RMA"
    np.testing.assert_array_equal(matrix.values, np.float32([[1.0, 2.0], [1.1, 2.1]]))


def test_lines_that_belong_to_no_cell_are_left_aside(write):
    rows = '!Sample_title\t"one"\t"two"\n#a comment\n\t\t\n'
    assert read_geo([write(series(rows=rows))], {}).fields["title"].tolist() == ["one", "two"]


def test_a_file_that_a_spreadsheet_saved_is_read_with_its_breaks(write):
    rows = '!Sample_title\t"one\nby RMA"\ttwo\n'
    lines = (HEAD + series(rows=rows)[len(HEAD) :]).replace('"one\n', "\0").split("\n")
    padded = [line + "\t" * (2 - line.count("\t")) for line in lines]
    content = "\r\n".join(padded).replace("\0", '"one\n').encode()
    assert read_geo([write(content)], {}).fields["title"].tolist() == ["one by RMA", "two"]


def test_breaks_in_the_cells_of_many_samples_are_read_in_one_pass(write):
    samples = " ".join(f"S{n}" for n in range(5000))
    row = "!Sample_description\t" + "\t".join(f'"{n}\nsecond line"' for n in range(5000)) + "\n"
    fields = read_geo([write(series(samples=samples, rows=row))], {}).fields
    assert fields["description"]["S4999"] == "4999 second line"


def test_platforms_keep_the_common_probes_and_count_the_others(write):
    paths = [write(series("p1 p2 p3"), "a.txt"), write(series("p3 p4 p1", "S3"), "b.txt")]
    matrix = read_geo(paths, {})
    assert (matrix.samples, matrix.genes) == (["S1", "S2", "S3"], ["p1", "p3"])
    np.testing.assert_array_equal(matrix.values, np.float32([[1.0, 3.0], [1.1, 3.1], [1.0, 3.0]]))
    assert sorted(entry["count"] for entry in matrix.dropped) == [1, 1]
    assert list(matrix.fields.index) == matrix.samples


def test_platforms_without_common_probes_are_refused(write, refused):
    paths = [write(series("p1"), "a.txt"), write(series("p2", "S3"), "b.txt")]
    assert "shares no probe" in refused(read_geo, paths, {})


def test_a_sample_in_two_files_is_refused(write, refused):
    paths = [write(series(), "a.txt"), write(series(), "b.txt")]
    assert '"S1"' in refused(read_geo, paths, {})


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (series(end=False), ["cut off"]),
        ("^DATABASE = GeoMiame\n", ["no GEO series matrix"]),
        (series(probes=""), ["no values", "RNA-seq"]),
        (series(probes="p1 p1"), ['"p1" 2 times']),
        (series(samples="S1 S1"), ['"S1" 2 times']),
        (series().replace("1.1", "x"), ["line 6", '"p1"', '"S2"', '"x"']),
        (series(rows='!Sample_title\t"a"\n'), ["line 4", "Sample_title", "1 cells for 2 samples"]),
        (series(rows='!Sample_title\t"a\nb\n"\n'), ["line 4", "Sample_title", "1 cells for 2 samples"]),
        (series(rows='!Sample_a\t"a\nb"\t"c"\n!Sample_b\t"a"\n'), ["line 6", "Sample_b", "1 cells for 2"]),
        (series(rows='!Sample_a\t"a\nb"\t"c"\n').replace("1.1", "x"), ["line 8", '"x"']),
        (series(rows='!Sample_t\x08le\t"a"\n'), ["!Sample_t?le has"]),
        (series().replace('accession\t"S1"', 'accession\t"S9"'), ["differ"]),
    ],
)
def test_a_bad_file_is_refused(write, refused, content, words):
    sentence = refused(read_geo, [write(content)], {})
    assert all(word in sentence for word in words), sentence
