"""Reading of large text tables: what is accepted, and what a refusal says."""

import gzip
import io
import zipfile
from functools import partial

import numpy as np
import pandas as pd
import pytest

from gexflow.cohorts import block_parser, line_blocks, text_table
from gexflow.cohorts.text_table import Layout, read_header, read_ids, read_text_table

GOOD = "id\ta\tb\nr1\t1\t2.5\nr2\t-3\t4e2\n"


@pytest.mark.parametrize(
    "content",
    [
        GOOD,
        GOOD.replace("\t", ","),
        GOOD.replace("\n", "\r\n"),
        GOOD.strip(),
        "\ufeff" + GOOD,
        GOOD.replace("id", ""),
        GOOD.replace("id\t", ""),
        GOOD.replace("r1", '"r1"').replace("2.5", '"2.5"'),
        gzip.compress(GOOD.encode()),
    ],
    ids=["tab", "comma", "crlf", "no last newline", "bom", "nameless ids", "header of R", "quotes", "gzip"],
)
def test_the_same_table_is_read_from_every_dialect(write, content):
    table = read_text_table(write(content, "table.txt"))
    assert table.ids == ["r1", "r2"]
    assert table.columns == ["a", "b"]
    assert table.values.dtype == np.float32
    np.testing.assert_array_equal(table.values, [[1, 2.5], [-3, 400]])


def test_missing_values_become_nan(write):
    cells = ["", "NA", "NaN", "nan", "null", "NULL", "N/A", '""']
    table = read_text_table(write("id\ta\tb\n" + "".join(f"r{n}\t{cell}\t1\n" for n, cell in enumerate(cells))))
    assert np.isnan(table.values[:, 0]).all()
    assert (table.values[:, 1] == 1).all()


def test_text_columns_and_ignored_columns_are_no_numbers(write):
    path = write("label,id,a,note\nX,r1,1,what\nY,r2,2,ever\n")
    table = read_text_table(path, Layout(text=("label",), id_column="id", ignore=("note",)))
    assert table.columns == ["a"]
    assert table.text == {"id": ["r1", "r2"], "label": ["X", "Y"]}
    assert read_ids(path, "id") == ["r1", "r2"]


def test_old_alphabets_are_read(write):
    table = read_text_table(write("id\tn\u00e9\nr\u00e9\t1\n".encode("latin-1")))
    assert (table.ids, table.columns) == (["r\u00e9"], ["n\u00e9"])


@pytest.fixture
def small_blocks(monkeypatch):
    """Make the reader take 200 bytes at a time."""
    monkeypatch.setattr(text_table, "line_blocks", partial(line_blocks.line_blocks, size_bytes=200))


@pytest.mark.parametrize("samples_in_rows", [True, False])
def test_many_blocks_give_one_table(write, small_blocks, samples_in_rows):
    expected = np.arange(600, dtype=np.float32).reshape(200, 3)
    lines = [f"r{n}\t" + "\t".join(map(str, row)) for n, row in enumerate(expected)]
    table = read_text_table(write("id\ta\tb\tc\n" + "\n".join(lines)), Layout(samples_in_rows))
    np.testing.assert_array_equal(table.values, expected)
    assert table.ids == [f"r{n}" for n in range(200)]
    assert (table.values if samples_in_rows else table.values.T).flags.c_contiguous


def test_a_line_longer_than_a_block_is_read(write, small_blocks):
    names = "\t".join(f"column_{n}" for n in range(100))
    table = read_text_table(write(f"id\t{names}\nr1\t" + "\t".join(map(str, range(100)))))
    np.testing.assert_array_equal(table.values, [np.arange(100)])


def test_both_parsers_read_the_same(write, monkeypatch):
    random = np.random.default_rng(3)
    numbers = [
        f"{value:.{digits}g}" for value, digits in zip(random.normal(0, 1e4, 800), [3, 9, 17, 5] * 200, strict=True)
    ]
    numbers[::7], numbers[3::11] = ["NA"] * len(numbers[::7]), [""] * len(numbers[3::11])
    numbers[1::13] = ["1e-40"] * len(numbers[1::13])
    rows = [f"G{n}\t" + "\t".join(numbers[8 * n : 8 * n + 8]) for n in range(100)]
    path = write("gene\t" + "\t".join("abcdefgh") + "\n" + "\n".join(rows))
    plain = read_text_table(path)
    monkeypatch.setattr(block_parser, "_parse_plain", lambda *arguments: None)
    careful = read_text_table(path)
    np.testing.assert_array_equal(plain.values.view(np.uint32), careful.values.view(np.uint32))
    oracle = pd.read_csv(path, sep="\t", index_col=0, float_precision="round_trip").to_numpy(np.float64)
    np.testing.assert_allclose(plain.values, oracle, rtol=1e-7, atol=1e-45)


def test_plain_tables_take_the_fast_way(write, monkeypatch):
    monkeypatch.setattr(block_parser, "_parse_csv", lambda *arguments: pytest.fail("the slow way was taken"))
    assert read_text_table(write(GOOD.replace("2.5", "NA").replace("r1", '"r1"').replace("\n", "\r\n"))).ids == [
        "r1",
        "r2",
    ]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", ["empty"]),
        ("id\ta\tb\n", ["no rows"]),
        ("\nid\ta\n", ["empty line"]),
        ("id;a;b\nr1;1;2\n", ["one column", "tabs or commas"]),
        (GOOD + "r3\t1\n", ["line 4", "2 cells", "3 are expected"]),
        (GOOD + "r3\t1\t2\t3\n", ["line 4", "4 cells"]),
        (GOOD + "r3\t1\tlow\n", ["line 4", '"r3"', '"b"', '"low"', "no number"]),
        (GOOD + "r3\t1\t1,5\n", ['"1,5"', "point"]),
        (GOOD + "r3\t1\tinf\n", ['"r3"', '"b"', "infinite"]),
        (GOOD + "r3\t1\t-1e99\n", ['"r3"', "too large"]),
        (GOOD + "r1\t1\t2\n", ["row id", '"r1"', "2 times"]),
        (GOOD + "\t1\t2\n", ["without an id"]),
        ("id\ta\ta\ta\nr\t1\t2\t3\n", ["column id", '"a"', "3 times"]),
        ("id\ta\t\nr\t1\t2\n", ["column 3 has no name"]),
        (b"\x00\x01\x02" * 50, ["binary"]),
        (b"\x89HDF\r\n\x1a\n123", ["HDF5"]),
        (b"\xd0\xcf\x11\xe0rest", ["Excel"]),
        ("  <!DOCTYPE html><html>\n", ["web page"]),
        ("id\ta\nr1\t1\n".encode("utf-16"), ["UTF-16"]),
        (gzip.compress(gzip.compress(b"x")), ["gzipped twice"]),
        (gzip.compress(b""), ["empty"]),
    ],
)
def test_a_bad_file_is_refused_with_the_place(write, refused, content, words):
    path = write(content)
    sentence = refused(read_text_table, path)
    assert all(word in sentence for word in [str(path), *words]), sentence


def test_a_missing_file_is_refused(tmp_path, refused):
    assert "does not exist" in refused(read_text_table, tmp_path / "nowhere.tsv")
    assert "does not exist" in refused(read_text_table, tmp_path)


def test_a_zip_archive_is_refused(write, refused):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.tsv", GOOD)
    assert "zip archive" in refused(read_text_table, write(buffer.getvalue()))


def test_a_truncated_gzip_is_refused(write, refused):
    random = np.random.default_rng(0)
    rows = "".join(f"r{n}\t{value}\n" for n, value in enumerate(random.random(5000)))
    whole = gzip.compress(f"id\ta\n{rows}".encode())
    for cut in (len(whole) // 2, len(whole) - 4):
        assert "ends too early" in refused(read_text_table, write(whole[:cut]))
    damaged = bytearray(whole)
    damaged[len(whole) // 2] ^= 255
    assert "gzip" in refused(read_text_table, write(bytes(damaged)))


def test_the_header_alone_can_be_read(write):
    header = read_header(write('"id","a, b",c\n1,2,3\n'))
    assert header.names == ["id", "a, b", "c"]
    assert header.delimiter == ","
