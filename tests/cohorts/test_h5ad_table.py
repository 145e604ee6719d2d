"""h5ad files are read as anndata reads them; damaged ones end in a sentence, also where HDF5 itself crashes."""

import os
import subprocess
import sys

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest
import scipy.sparse

from gexflow.cohorts import h5_probe
from gexflow.cohorts.h5ad_table import read_h5ad
from gexflow.errors import InputError

SPARSE = {"csr": scipy.sparse.csr_matrix, "csc": scipy.sparse.csc_matrix}


def table(kind="dense", samples=30, genes=17, dtype=np.float32):
    counts = np.random.default_rng(0).poisson(0.7, (samples, genes)).astype(dtype)
    obs = pd.DataFrame(
        {
            "label": pd.Categorical([None, *"AB" * ((samples - 1) // 2), "B"][:samples]),
            "age": [np.nan, *range(1, samples)],
            "flag": [True] * samples,
            "weeks": pd.array([None, *range(1, samples)], dtype="Int64"),
        },
        index=[f"s{n}" for n in range(samples)],
    )
    var = pd.DataFrame({"Gene_Name": [f"G{n}" for n in range(genes)]}, index=[f"ENSG{n}" for n in range(genes)])
    made = anndata.AnnData(SPARSE.get(kind, np.asarray)(counts), obs=obs, var=var)
    made.layers["scaled"] = counts / 7
    return made


@pytest.fixture
def save(tmp_path):
    def saver(made, **options):
        path = tmp_path / "table.h5ad"
        made.write_h5ad(path, **options)
        return path

    return saver


@pytest.fixture
def at_once(monkeypatch):
    """Spare the process of its own where it is not what is tested."""
    monkeypatch.setattr("gexflow.cohorts.h5ad_table.find_damage", lambda path, names: "")


@pytest.fixture
def edit(save, at_once):
    """Return a function that saves a table, lets a function change the file, and returns its path."""

    def editor(change, kind="csr"):
        path = save(table(kind))
        with h5py.File(path, "r+") as file:
            change(file)
        return path

    return editor


def overwrite(name, content):
    def change(file):
        attrs = dict(file[name].attrs)
        del file[name]
        file[name] = content
        file[name].attrs.update(attrs)

    return change


@pytest.mark.parametrize("kind", ["dense", "csr", "csc"])
@pytest.mark.parametrize("compression", [None, "gzip"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32])
def test_values_equal_those_of_anndata_over_many_blocks(save, at_once, monkeypatch, kind, compression, dtype):
    monkeypatch.setattr("gexflow.cohorts.h5_values._BLOCK_VALUES", 60)
    path = save(table(kind, dtype=dtype), compression=compression)
    expected = anndata.read_h5ad(path)
    read = read_h5ad(path)
    dense = expected.X if kind == "dense" else expected.X.toarray()
    assert read.values.dtype == np.float32
    assert read.values.flags.c_contiguous
    np.testing.assert_array_equal(read.values, dense)
    assert (read.samples, read.genes) == (list(expected.obs_names), list(expected.var_names))
    np.testing.assert_array_equal(read_h5ad(path, "scaled").values, expected.layers["scaled"].astype(np.float32))


def test_columns_of_obs_become_texts_and_var_gives_symbols(save):
    read = read_h5ad(save(table()))
    assert list(read.fields.index) == read.samples
    assert list(read.fields.iloc[0]) == ["", "", "True", ""]
    assert list(read.fields.iloc[3]) == ["A", "3", "True", "3"]
    assert read.symbols == [f"G{n}" for n in range(17)]
    made = table()
    made.var = made.var[[]]
    assert read_h5ad(save(made)).symbols is None


def test_a_column_of_lists_becomes_texts(edit):
    def change(file):
        attributes = dict(file["obs/age"].attrs)
        del file["obs/age"]
        lists = file["obs"].create_dataset("age", (30,), h5py.vlen_dtype(np.int64))
        lists[3] = [1, 2]
        lists.attrs.update(attributes)

    assert read_h5ad(edit(change)).fields["age"].tolist()[2:5] == ["[]", "[1, 2]", "[]"]


def test_chunks_of_any_shape_are_read(save, at_once):
    made = table(samples=23)
    for chunks in ((23, 1), (1, 17), (5, 4)):
        path = save(made)
        with h5py.File(path, "r+") as file:
            del file["X"]
            file.create_dataset("X", data=made.X, chunks=chunks, compression="gzip")
        np.testing.assert_array_equal(read_h5ad(path).values, made.X)


def test_repeated_places_of_a_sparse_matrix_are_added_up(edit):
    def change(file):
        file["X/indices"][:] = np.zeros(len(file["X/indices"]), int)

    read = read_h5ad(edit(change))
    np.testing.assert_array_equal(read.values[:, 0], np.asarray(table().X).sum(axis=1))
    assert (read.values[:, 1:] == 0).all()


def longer(file):
    file["X"].attrs["shape"] = (31, 17)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (overwrite("X/indices", np.full(251, 17)), ["lengths"]),
        (lambda file: file["X/indices"].write_direct(np.full(len(file["X/indices"]), 17, np.int32)), ["outside"]),
        (lambda file: file["X/indices"].write_direct(np.full(len(file["X/indices"]), -1, np.int32)), ["outside"]),
        (overwrite("X/indptr", np.full(31, 5)), ["indptr"]),
        (lambda file: file["X"].attrs.update({"encoding-type": "coo_matrix"}), ["coo_matrix"]),
        (longer, ["31 x 17", "30 samples", "17 genes"]),
        (lambda file: file.__delitem__("X"), ["no X", "scaled"]),
        (lambda file: file.__delitem__("obs"), ["no obs"]),
        (overwrite("X", np.ones(30)), ["two dimensions"]),
        (overwrite("X", np.full((30, 17), 1j)), ["no real numbers"]),
        (overwrite("X", np.full((30, 17), b"text")), ["no real numbers"]),
        (overwrite("X", np.where(np.arange(30 * 17).reshape(30, 17) == 18, 1e300, 0)), ['"s1"', '"ENSG1"', "large"]),
        (lambda file: file["obs/_index"].__setitem__(1, ""), ["1 samples without an id"]),
        (overwrite("obs/label/codes", np.full(30, 9, np.int8)), ["damaged or unusual"]),
        (overwrite("obs/age", np.ones(29)), ["damaged or unusual"]),
    ],
)
def test_a_wrong_layout_is_refused(edit, refused, change, words):
    path = edit(change)
    sentence = refused(read_h5ad, path)
    assert all(word in sentence for word in [str(path), *words]), sentence


def test_values_of_another_file_are_refused(edit, refused, tmp_path):
    (tmp_path / "secret").write_bytes(b"\0" * 30 * 17 * 4)

    def change(file):
        del file["X"]
        file.create_dataset("X", (30, 17), "f4", external=[(str(tmp_path / "secret"), 0, 30 * 17 * 4)])

    assert "another file" in refused(read_h5ad, edit(change))


def test_an_unknown_layer_is_refused_with_a_hint(save, at_once, refused):
    assert 'did you mean "scaled"' in refused(read_h5ad, save(table()), "Scaled")


def test_tables_without_samples_are_refused(save, at_once, refused):
    assert "no samples" in refused(read_h5ad, save(table()[:0].copy()))


def test_what_is_no_h5ad_file_is_refused(write, refused, tmp_path, at_once):
    assert "not HDF5" in refused(read_h5ad, write("id\ta\n"))
    assert "damaged" in refused(read_h5ad, write(b"\x89HDF\r\n\x1a\n"))
    assert "does not exist" in refused(read_h5ad, tmp_path / "none")


@pytest.mark.parametrize(
    ("fault", "word"),
    [("os.kill(os.getpid(), 11)", "crashes"), ("time.sleep(60)", "hangs"), ("raise OSError('no B-tree')", "no B-tree")],
)
def test_a_crash_or_hang_of_the_library_is_a_sentence(save, refused, monkeypatch, tmp_path, fault, word):
    program = tmp_path / "probe.py"
    program.write_text(f"import os, time\n{fault}\n")
    monkeypatch.setattr(h5_probe, "__file__", str(program))
    monkeypatch.setattr(h5_probe.find_damage, "__defaults__", (1.0,))
    sentence = refused(read_h5ad, save(table()))
    assert word in sentence
    assert "damaged" in sentence


def test_broken_trees_and_heaps_are_a_sentence(save, refused):
    whole = save(table(samples=6, genes=5))
    content = bytearray(whole.read_bytes())
    for place in [
        place for place in range(len(content) - 4) if content[place : place + 4] in (b"TREE", b"HEAP", b"SNOD")
    ]:
        content[place + 4 : place + 12] = b"\xff" * 8
    whole.write_bytes(bytes(content))
    assert "damaged" in refused(read_h5ad, whole)


def test_the_process_of_its_own_reads_everything_that_is_needed(save):
    """Whatever the reading opens was opened before, so that a crash would have come there."""
    for kind in ("dense", "csc"):
        path = save(table(kind), compression="gzip")
        done = subprocess.run(
            [sys.executable, "-P", h5_probe.__file__, str(path), "obs", "var", "X"], capture_output=True, text=True
        )
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("kind", ["dense", "csr"])
def test_random_damage_gives_a_matrix_or_a_sentence(save, write, kind):
    # Of a thousand damages four crash HDF5, so the process of its own is part of the test.
    whole = save(table(kind, samples=6, genes=5)).read_bytes()
    random = np.random.default_rng(1)
    outcomes = set()
    for _ in range(int(os.environ.get("GEXFLOW_DAMAGES", "8"))):
        content = bytearray(whole)
        for place in random.integers(len(content), size=random.integers(1, 5)):
            content[place] = random.integers(256)
        path = write(bytes(content[: random.integers(len(content))] if random.random() < 0.2 else content))
        try:
            outcomes.add(type(read_h5ad(path)))
        except InputError:
            outcomes.add(InputError)
    assert InputError in outcomes
