"""Parquet and h5ad files that are whole, but hold what no reader expects; drawn by hypothesis."""

import io
import json
from datetime import date, datetime
from decimal import Decimal

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import strategies as st
from small_files import SAMPLES, frame

COLUMNS = {
    "lists": pa.array([[1.0]] * SAMPLES),
    "fixed lists": pa.array([[1.0, 2.0]] * SAMPLES, pa.list_(pa.float32(), 2)),
    "structs": pa.array([{"a": 1, "b": {"c": "x"}}] * SAMPLES),
    "maps": pa.array([[("a", 1)]] * SAMPLES, pa.map_(pa.string(), pa.int32())),
    "texts": pa.array(["a", "b", None, "", "a", "\0\u2028"]),
    "unique texts": pa.array([f"t\n{n}" for n in range(SAMPLES)]),
    "numbers as texts": pa.array([str(n) for n in range(SAMPLES)], pa.large_string()),
    "bytes": pa.array([b"\xff", b"", b"s1", None, b"\0", b"x"]),
    "whole numbers": pa.array(range(SAMPLES), pa.uint8()),
    "large numbers": pa.array([2**64 - 1, 0, None, 1, 2, 3], pa.uint64()),
    "halves": pa.array(np.arange(SAMPLES, dtype=np.float16)),
    "doubles": pa.array([1e300, -np.inf, np.nan, 0.0, -0.0, 1e-320]),
    "missing": pa.nulls(SAMPLES),
    "missing numbers": pa.nulls(SAMPLES, pa.float32()),
    "truths": pa.array([True, False, None, True, False, True]),
    "times": pa.array([datetime(2020, 1, 1)] * SAMPLES),
    "dates": pa.array([date(2020, 1, 1)] * SAMPLES),
    "decimals": pa.array([Decimal("1.5")] * SAMPLES),
    "categories": pa.array(["a", "b", None, "a", "a", "b"]).dictionary_encode(),
    "categories of numbers": pa.array([1.5, 2.5, None, 1, 1, 2]).dictionary_encode(),
    "one label each": pa.array([0.0, 0.0, 0.0, 1.0, 1.0, 1.0]),
}
NAMES = ("label", "TP53", "__index_level_0__", "", " ", "TP53 ", "count", "a.b", "a\nb", "\0", "x" * 5000, "\u2028")
PANDAS = (None, b"", b"[]", b"{", b'{"index_columns": 3}', b'{"index_columns": ["label"]}', b"\xff")
PANDAS += (json.dumps({"index_columns": ["TP53", "A1BG"]}).encode(), json.dumps({"index_columns": [{}]}).encode())


def parquet_contents():
    """Draw changes of columns (name, kind, place, replaces), pandas' metadata and options of writing."""
    column = st.tuples(
        st.sampled_from(NAMES), st.sampled_from(sorted(COLUMNS)), st.integers(0, 7), st.sampled_from([True, False])
    )
    options = {
        "row_group_size": st.sampled_from([1, 4, 100]),
        "compression": st.sampled_from(["none", "snappy", "gzip", "zstd"]),
        "use_dictionary": st.booleans(),
        "store_schema": st.booleans(),
        "version": st.sampled_from(["1.0", "2.6"]),
    }
    kept = st.lists(st.integers(0, 6), max_size=2)
    return st.tuples(
        st.lists(column, max_size=3), kept, st.none() | st.sampled_from(PANDAS[1:]), st.fixed_dictionaries(options)
    )


def build_parquet(drawn):
    columns, left_out, pandas, options = drawn
    table = pa.Table.from_pandas(frame())
    for place in left_out:
        if place < table.num_columns:
            table = table.remove_column(place)
    for name, kind, place, replaces in columns:
        place %= table.num_columns + 1
        if replaces and place < table.num_columns:
            table = table.set_column(place, name, COLUMNS[kind])
        else:
            table = table.add_column(place, name, COLUMNS[kind])
    if pandas is not None:
        table = table.replace_schema_metadata({"pandas": pandas} if pandas else None)
    buffer = io.BytesIO()
    pq.write_table(table, buffer, **options)
    return buffer.getvalue()


OBJECTS = {
    "nothing": np.zeros(0, np.float32),
    "no value": h5py.Empty("f4"),
    "text": "x",
    "texts": np.array(["a", "", "b", "\u2028", "e\u0301", "a"], dtype=h5py.string_dtype()),
    "bytes": np.array([b"a", b"\xff", b"c", b"d", b"e", b"f"]),
    "number": 3.5,
    "negative": -1,
    "numbers": np.array([0.5, np.nan, np.inf, 3, 1e300, 0]),
    "whole numbers": np.arange(6),
    "huge numbers": np.full(7, 2**62),
    "truths": np.array([True, False] * 3),
    "complex numbers": np.full((6, 4), 1j, np.complex64),
    "matrix": np.ones((6, 4), np.float64),
    "other matrix": np.ones((4, 6), np.float32),
    "infinite matrix": np.full((6, 4), -np.inf, np.float32),
    "cube": np.ones((6, 4, 2), np.float32),
    "records": np.zeros(6, [("a", "f4"), ("b", "S3")]),
    "lists": np.array([np.arange(n) for n in range(1, 7)], dtype=object),
}
ATTRIBUTES = ("encoding-type", "encoding-version", "shape", "_index", "column-order", "ordered")
TEXTS = ("dataframe", "array", "csr_matrix", "csc_matrix", "categorical", "string-array", "nullable-integer", "label")
TEXTS += ("null", "dict", "", "0.1.0", "9.9.9", "_index", "age", "a/b", "\u2028")
PLACES = ("X", "X/data", "X/indices", "X/indptr", "obs", "obs/_index", "obs/label", "obs/label/codes", "var/symbol")
PLACES += ("obs/label/categories", "obs/age", "var", "var/_index", "layers", "uns", "obs/other", "obsm")


def h5ad_contents():
    """Draw changes of objects: (place, what is done, name, text)."""
    names = st.sampled_from(sorted(OBJECTS) + list(ATTRIBUTES))
    how = st.sampled_from(["delete", "replace", "attribute", "attribute object", "link", "outward link", "group"])
    change = st.tuples(st.sampled_from(PLACES), how, names, st.sampled_from(TEXTS))
    return st.tuples(st.booleans(), st.lists(change, min_size=1, max_size=3))


def _open(file, place):
    """Return the object at a place; None where none is, or only a link that leads nowhere."""
    try:
        return file[place]
    except KeyError:
        return None


def change_h5ad(content, changes):
    """Change objects of an h5ad file; where there is nothing to change, nothing is."""
    buffer = io.BytesIO(content)
    with h5py.File(buffer, "r+") as file:
        for place, how, name, word in changes:
            parent, _, key = place.rpartition("/")
            node, parent = _open(file, place), _open(file, parent or "/")
            if how.startswith("attribute"):
                if node is not None and name != "lists":
                    attribute = name if name in ATTRIBUTES else "encoding-type"
                    node.attrs[attribute] = OBJECTS.get(name, "x") if how == "attribute object" else word
            elif isinstance(parent, h5py.Group):
                _replace(parent, key, how, OBJECTS.get(name, "x"), word, {} if node is None else dict(node.attrs))
    return buffer.getvalue()


def _replace(parent, key, how, value, word, attributes):
    if parent.get(key, getlink=True) is not None:  # a link that leads nowhere is not `in` its group
        del parent[key]
    if how == "link":
        parent[key] = h5py.SoftLink("/" + word)
    elif how == "outward link":
        parent[key] = h5py.ExternalLink("/etc/passwd", "/" + word)
    elif how == "group":
        parent.create_group(key).attrs.update(attributes)
    elif how == "replace":
        vlen = value is OBJECTS["lists"]
        parent.create_dataset(key, data=value, dtype=h5py.vlen_dtype(np.int64) if vlen else None)
        parent[key].attrs.update(attributes)
