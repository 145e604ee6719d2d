"""MATLAB 5 files are read as SciPy reads them."""

import io

import numpy as np
import pytest
import scipy.io

from gexflow.cohorts.mat5 import MatError, read_mat5

VALUES = {
    "single": np.float32([[1, 2, 3], [4, 5, 6]]),
    "double": np.array([[0.1, np.nan], [np.inf, -2]]),
    "small": np.array([[7.0]]),
    "whole": np.arange(12, dtype=np.int16).reshape(3, 4),
}


def saved(compressed, **values):
    buffer = io.BytesIO()
    scipy.io.savemat(buffer, values, do_compression=compressed)
    return buffer.getvalue()


@pytest.mark.parametrize("compressed", [False, True])
def test_matrices_are_read_as_by_scipy(compressed):
    content = saved(compressed, **VALUES)
    found = read_mat5(content, tuple(VALUES))
    expected = scipy.io.loadmat(io.BytesIO(content))
    for name in VALUES:
        np.testing.assert_array_equal(found[name], expected[name])


@pytest.mark.parametrize("compressed", [False, True])
def test_texts_and_cells_are_read(compressed):
    cells = np.empty((1, 3), dtype=object)
    cells[0] = ["TP53", "", "n\u00e9"]
    found = read_mat5(saved(compressed, cells=cells, rows=np.array(["ab", "c"])), ("cells", "rows"))
    assert found == {"cells": [["TP53"], [], ["n\u00e9"]], "rows": ["ab", "c"]}


def test_other_kinds_are_refused_with_a_word():
    with pytest.raises(MatError, match="complex"):
        read_mat5(saved(False, data=np.array([[1j]])), ("data",))
    with pytest.raises(MatError, match="no full matrix"):
        read_mat5(saved(False, data=scipy.sparse.eye(4)), ("data",))
    with pytest.raises(MatError, match="no full matrix"):
        read_mat5(saved(False, data={"a": 1}), ("data",))


def test_a_cut_file_is_refused():
    content = saved(False, double=VALUES["double"])
    for length in range(0, len(content) - 8, 8):
        if length != 128:
            with pytest.raises(MatError):
                read_mat5(content[:length], ("double",))
    assert read_mat5(content[:128], ("double",)) == {}


@pytest.mark.real
def test_a_genuine_file_is_read_as_by_scipy(real):
    path = real / "mendeley/cancer_types_like.mat"
    found = read_mat5(path.read_bytes(), ("data", "geneIds"))
    expected = scipy.io.loadmat(path)
    np.testing.assert_array_equal(found["data"], expected["data"])
    assert [cell[0] for cell in found["geneIds"]] == [str(cell[0]) for cell in expected["geneIds"].ravel()]
