"""Damaged files of every format give a matrix or an InputError, never another exception."""

import gzip
import warnings
import zlib

import numpy as np
import pytest
import test_geo
import test_mendeley
import test_table_source
import test_tcga

from gexflow.cohorts.read import read_matrix
from gexflow.errors import InputError

COUNT = 40
CHARACTERISTICS = '!Sample_characteristics_ch1\t"Sex: F"\t"Age: 3"\n'
FORMATS = {
    "geo": ("geo", test_geo.series(rows=CHARACTERISTICS).encode(), None),
    "geo gzip": ("geo", gzip.compress(test_geo.series(rows=CHARACTERISTICS).encode(), mtime=0), None),
    "mat": ("mendeley", test_mendeley.mat(), None),
    "zip": ("mendeley", test_mendeley.zipped("a.mat"), None),
    "tcga": ("tcga", test_tcga.counts().encode(), test_tcga.label_rows(*test_tcga.ALL).encode()),
    "table": ("table", test_table_source.INSIDE.encode(), None),
    "table gzip": ("table", gzip.compress(test_table_source.ROWS.encode(), mtime=0), test_table_source.LABELS.encode()),
    "table by labels": ("table", test_table_source.COLUMNS.encode(), test_table_source.LABELS.encode()),
}
SETTINGS = {"sample": None, "label": {"field": "label"}, "ignore": ["stage", "name"]}


def damage(content, random):
    content = bytearray(content)
    kind = random.integers(4)
    place = int(random.integers(len(content)))
    if kind == 0:
        return bytes(content[:place])
    if kind == 1:
        del content[place : place + int(random.integers(1, 20))]
    elif kind == 2:
        content[place:place] = random.bytes(int(random.integers(1, 8)))
    else:
        for other in random.integers(len(content), size=int(random.integers(1, 6))):
            content[other] = random.integers(256)
    return bytes(content)


@pytest.mark.parametrize("name", FORMATS)
def test_damage_never_escapes_as_another_exception(write, name):
    source, content, labels = FORMATS[name]
    settings = SETTINGS if name == "table" else {}
    random = np.random.default_rng(zlib.crc32(name.encode()))
    outcomes, sentences = set(), []
    for _ in range(COUNT):
        path = write(damage(content, random), "matrix")
        labels_path = None
        if labels is not None:
            labels_path = write(damage(labels, random) if random.random() < 0.5 else labels, "labels")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                matrix = read_matrix(source, [path], labels_path, settings)
        except InputError as error:
            outcomes.add("refused")
            sentences.append(str(error))
        else:
            assert matrix.values.shape == (len(matrix.samples), len(matrix.genes))
            assert list(matrix.fields.index) == matrix.samples
            assert len(set(matrix.samples)) == len(matrix.samples)
            outcomes.add("read")
    assert "refused" in outcomes
    assert all(len(sentence.splitlines()) == 1 for sentence in sentences)
