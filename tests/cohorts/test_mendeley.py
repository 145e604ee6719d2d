"""The MATLAB layout: its class code never becomes a gene."""

import io
import zipfile

import numpy as np
import pytest
import scipy.io

from gexflow.cohorts.mendeley import read_mendeley

TYPES = ["X", "X", "Y", "Z"]
CODES = np.array([[1.0], [1], [2], [3]])
GENES = np.array([[5.0, 1], [6, np.nan], [7, 3], [8, 4]])


def cells(texts):
    array = np.empty((len(texts), 1), dtype=object)
    array[:, 0] = texts
    return array


def mat(data=None, genes=("A", "B"), types=TYPES):
    buffer = io.BytesIO()
    data = np.hstack([GENES, CODES]) if data is None else data
    scipy.io.savemat(buffer, {"data": data, "geneIds": cells(list(genes)).T, "cancerTypes": cells(list(types))})
    return buffer.getvalue()


def zipped(*names):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, mat())
    return buffer.getvalue()


@pytest.mark.parametrize("content", [mat(), zipped("x/a.mat", "x/readme.txt")], ids=["mat", "zip"])
def test_the_class_code_is_no_gene(write, content):
    matrix = read_mendeley([write(content, "some.file")], {})
    assert matrix.genes == matrix.symbols == ["A", "B"]
    np.testing.assert_array_equal(matrix.values, GENES.astype(np.float32))
    assert matrix.samples == ["sample_0001", "sample_0002", "sample_0003", "sample_0004"]
    assert matrix.fields["cancerTypes"].tolist() == TYPES
    assert any("class code" in note for note in matrix.notes)
    assert any("no samples" in note for note in matrix.notes)


def test_a_file_without_a_code_column_is_accepted(write):
    assert read_mendeley([write(mat(GENES))], {}).genes == ["A", "B"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (mat(np.hstack([GENES[:, :1], CODES])), ["give the answer away", '"B"']),
        (mat(np.hstack([GENES, CODES[[0, 2, 1, 3]]])), ["do not agree"]),
        (mat(np.hstack([CODES, GENES])), ["do not agree"]),
        (mat(genes=["A"]), ["3 columns", "1 genes"]),
        (mat(genes=["A", "A"]), ['"A" 2 times']),
        (mat(types=["X", "Y"]), ["4 rows", "has 2"]),
        (mat(np.hstack([GENES * np.inf, CODES])), ["infinite", '"A"']),
        (mat(np.hstack([GENES * 1j, CODES])), ["complex"]),
        (mat()[:300], ["cannot be read"]),
        (b"", ["empty"]),
        (b"no mat", ["cannot be read"]),
        (zipped("a.mat", "b.mat"), ["exactly one", '"a.mat", "b.mat"']),
        (zipped("a.txt"), ["exactly one", "no file", '"a.txt"']),
        (zipped("a.mat")[:80], ["zip", "fetch it again"]),
    ],
)
def test_a_bad_file_is_refused(write, refused, content, words):
    sentence = refused(read_mendeley, [write(content, "x.mat")], {})
    assert all(word in sentence for word in words), sentence


def test_missing_variables_and_new_formats_are_named(write, refused):
    buffer = io.BytesIO()
    scipy.io.savemat(buffer, {"data": GENES})
    assert "geneIds, cancerTypes" in refused(read_mendeley, [write(buffer.getvalue())], {})
    new = b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x02IM" + b"\0" * 512
    assert "7.3" in refused(read_mendeley, [write(new)], {})


def test_two_files_are_refused(write, refused):
    assert "takes one" in refused(read_mendeley, [write(mat()), write(mat())], {})
