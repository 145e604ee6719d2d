"""Parquet tables are read as pandas reads them, in blocks; what is no table of numbers is refused."""

import os

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gexflow.cohorts.parquet_table import read_header, read_ids, read_parquet_table
from gexflow.cohorts.text_table import Layout
from gexflow.errors import InputError


def frame(rows=40, columns=7):
    values = np.random.default_rng(0).normal(size=(rows, columns)).astype(np.float32)
    values[2, 1] = np.nan
    index = [f"s{n}" for n in range(rows)]
    return pd.DataFrame(values, index=index, columns=[f"ENSG{n}.5" for n in range(columns)])


@pytest.fixture
def save(tmp_path):
    def saver(table, **options):
        path = tmp_path / "table.parquet"
        if isinstance(table, pd.DataFrame):
            table.to_parquet(path, **options)
        else:
            pq.write_table(table, path, **options)
        return path

    return saver


@pytest.mark.parametrize("compression", ["snappy", "gzip", "zstd", "brotli", None])
@pytest.mark.parametrize("samples_in_rows", [True, False])
def test_values_equal_those_of_pandas_over_many_blocks(save, monkeypatch, compression, samples_in_rows):
    monkeypatch.setattr("gexflow.cohorts.parquet_table._BLOCK_VALUES", 50)
    path = save(frame(), compression=compression, row_group_size=16)
    expected = pd.read_parquet(path)
    table = read_parquet_table(path, Layout(samples_in_rows))
    assert (table.ids, table.columns) == (list(expected.index), list(expected.columns))
    assert table.values.dtype == np.float32
    np.testing.assert_array_equal(table.values, expected.to_numpy())
    assert (table.values if samples_in_rows else table.values.T).flags.c_contiguous
    assert table.text == {"": table.ids}


def test_an_index_comes_first_wherever_it_is_stored(save):
    assert read_header(save(frame(columns=2))).names == ["", "ENSG0.5", "ENSG1.5"]
    path = save(frame(columns=2).rename_axis("sample"))
    assert pq.read_schema(path).names[-1] == "sample"
    assert read_header(path).names == ["sample", "ENSG0.5", "ENSG1.5"]
    assert read_ids(path) == read_ids(path, "sample") == [f"s{n}" for n in range(40)]


def test_without_an_index_the_first_column_holds_the_ids(save):
    table = frame(columns=2).rename_axis("sample").reset_index()
    for path in (save(table), save(pa.Table.from_pandas(table, preserve_index=False).replace_schema_metadata())):
        assert read_header(path).names == ["sample", "ENSG0.5", "ENSG1.5"]
        assert read_parquet_table(path).ids == list(table["sample"])


def test_whole_numbers_missing_ones_and_half_precision_are_numbers(save):
    table = pd.DataFrame(
        {
            "id": [672, 7157],
            "counts": pd.array([5, None], dtype="Int64"),
            "large": np.array([2**40, 3], dtype=np.uint64),
            "half": np.array([0.5, 2], dtype=np.float16),
            "none": [None, None],
        }
    )
    read = read_parquet_table(save(table))
    assert read.ids == ["672", "7157"]
    np.testing.assert_array_equal(read.values, [[5, 2.0**40, 0.5, np.nan], [np.nan, 3, 2, np.nan]])


def test_text_columns_and_ignored_columns_are_no_numbers(save):
    table = frame(3, 2)
    table["type"] = pd.Categorical(["A", None, " B "])
    table["code"] = [1.0, np.nan, 2.5]
    table["stage"] = [True, False, True]
    table["note"] = ["x", "y", "z"]
    read = read_parquet_table(save(table), Layout(text=("type", "code", "stage"), ignore=("note",)))
    assert read.columns == ["ENSG0.5", "ENSG1.5"]
    assert read.text["type"] == ["A", "", "B"]
    assert read.text["code"] == ["1", "", "2.5"]
    assert read.text["stage"] == ["True", "False", "True"]


def changed(**columns):
    return frame(3, 2).assign(**columns)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (changed(t=["a", "b", "c"]), ['"t"', "string", "no number", "list it"]),
        (changed(t=[True, False, True]), ['"t"', "bool"]),
        (changed(t=[[1], [2], [3]]), ['"t"', "nested"]),
        (changed(t=[{"a": 1}] * 3), ['"t"', "nested"]),
        (changed(t=pd.to_datetime(["2020"] * 3)), ['"t"', "timestamp"]),
        (changed(t=[1, np.inf, -np.inf]), ['"s1"', '"t"', "infinite", "2 in this column"]),
        (changed(t=[1, 2, 1e300]), ['"s2"', '"t"', "too large"]),
        (frame(3, 2).set_axis(["a", "b", "a"]), ["row id", '"a"', "2 times"]),
        (frame(3, 2).set_axis(["a", "b", ""]), ["without an id"]),
        (frame(3, 2).iloc[:0], ["no rows"]),
        (frame(3, 2).reset_index(drop=True), ['"ENSG0.5"', "row ids", "float"]),
        (frame(3, 2).set_index([["a"] * 3, list("xyz")]), ["2 levels"]),
        (pa.table([pa.array(["a"]), pa.array([1])] * 2, ["id", "x", "id", "x"]), ["column id", "2 times"]),
        (pa.table([pa.array(["a"]), pa.array([1])], ["id", ""]), ["column 2 has no name"]),
        (pa.table({}), ["no rows"]),
    ],
)
def test_a_wrong_table_is_refused_with_the_place(save, refused, table, words):
    path = save(table)
    sentence = refused(read_parquet_table, path, Layout(remedy=lambda column: f"list it ({column})"))
    assert all(word in sentence for word in [str(path), *words]), sentence


def test_an_unknown_column_is_refused_with_a_hint(save, refused):
    path = save(frame(3, 2).rename_axis("sample"))
    assert 'did you mean "sample"' in refused(read_ids, path, "Sample")
    assert 'no column "type"' in refused(read_parquet_table, path, Layout(text=("type",)))


def test_what_is_no_parquet_file_is_refused(write, refused, tmp_path):
    assert "no Parquet file" in refused(read_header, write("id\ta\n"))
    assert "no Parquet file" in refused(read_ids, write(""))
    assert "damaged" in refused(read_parquet_table, write("PAR1"))
    assert "does not exist" in refused(read_parquet_table, tmp_path / "none")


def test_damaged_pages_are_found_by_their_checksum(save, refused):
    path = save(frame(), compression=None, write_page_checksum=True, use_dictionary=False)
    content = bytearray(path.read_bytes())
    content[content.index(frame().iloc[:, 3].to_numpy().tobytes()) + 40] ^= 1
    path.write_bytes(bytes(content))
    assert "damaged" in refused(read_parquet_table, path)


@pytest.mark.parametrize("compression", ["snappy", None])
def test_random_damage_gives_a_table_or_a_sentence(save, write, compression):
    table = frame(20, 4)
    table["label"] = pd.Categorical(list("AB") * 10)
    whole = save(table, compression=compression, row_group_size=8).read_bytes()
    random = np.random.default_rng(0)
    outcomes = set()
    for _ in range(int(os.environ.get("GEXFLOW_DAMAGES", "250"))):
        content = bytearray(whole)
        for place in random.integers(len(content), size=random.integers(1, 5)):
            content[place] = random.integers(256)
        path = write(bytes(content[: random.integers(len(content))] if random.random() < 0.2 else content))
        try:
            read_header(path)
            text = ("label",) if "label" in read_header(path).names else ()
            outcomes.add(type(read_parquet_table(path, Layout(text=text))))
        except InputError:
            outcomes.add(InputError)
    assert len(outcomes) == 2
