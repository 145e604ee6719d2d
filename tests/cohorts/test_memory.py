"""Reading holds the values once: the peak stays below 1.6 times their size, plus what Python and its libraries take."""

import gzip
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"
SHAPE = (1000, 20000)  # 80 MB
LIMIT_MB = 1.6 * 4e-6 * SHAPE[0] * SHAPE[1] + 300
CODE = """
import json, sys
sys.path.insert(0, sys.argv[1])
from gexflow.cohorts.build import build_cohort
from gexflow.cohorts.read import read_matrix
settings = json.loads(sys.argv[2])
matrix = read_matrix(settings["source"], [sys.argv[3]], sys.argv[4] or None, settings)
cohort = build_cohort(matrix, settings, "big", [])
assert cohort.shape == (1000, 20000), cohort.shape
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(int(peak.split()[1]) * 1.024e-3)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Write one table in four forms: genes in rows, samples in rows, gzipped GEO, Parquet."""
    folder = tmp_path_factory.mktemp("big")
    random = np.random.default_rng(1)
    texts = np.array([f"{value:.4f}" for value in random.lognormal(3, 2, 1000)], dtype=object)
    distinct = texts[random.integers(0, 1000, (SHAPE[0], 500))]  # the same 500 genes again and again
    samples, genes = (
        [f"{letter}{number}" for number in range(count)] for letter, count in zip("SG", SHAPE, strict=True)
    )
    labels = ["X" if number % 2 else "Y" for number in range(SHAPE[0])]
    pairs = list(zip(samples, labels, strict=True))
    (folder / "labels.tsv").write_text("id\tlabel\n" + "".join(f"{sample}\t{label}\n" for sample, label in pairs))
    lines = ["\t".join(row) for row in distinct.T]
    table = "\t".join(samples) + "\n" + "".join(f"{gene}\t{lines[n % 500]}\n" for n, gene in enumerate(genes))
    (folder / "genes.tsv").write_text("gene\t" + table)
    repeated = [",".join([",".join(row)] * (SHAPE[1] // 500)) for row in distinct]
    rows = (f"{sample},{label},{cells}\n" for (sample, label), cells in zip(pairs, repeated, strict=True))
    (folder / "samples.csv").write_text("id,label," + ",".join(genes) + "\n" + "".join(rows))
    kinds = "\t".join(f'"tissue: {label}"' for label in labels)
    head = "!Sample_geo_accession\t" + "\t".join(samples) + f"\n!Sample_characteristics_ch1\t{kinds}\n"
    series = head + "!series_matrix_table_begin\nID_REF\t" + table + "!series_matrix_table_end\n"
    (folder / "series.gz").write_bytes(gzip.compress(series.encode(), 1))
    values = np.tile(distinct.T.astype(np.float32), (SHAPE[1] // 500, 1))
    pd.DataFrame(values, index=genes, columns=samples).to_parquet(folder / "table.parquet")
    return folder


@pytest.mark.parametrize(
    ("source", "matrix", "labels", "field"),
    [
        ("tcga", "genes.tsv", "labels.tsv", "label"),
        ("table", "samples.csv", "", "label"),
        ("geo", "series.gz", "", "tissue"),
        ("table", "table.parquet", "labels.tsv", "label"),
    ],
)
def test_the_values_are_held_once(folder, source, matrix, labels, field):
    settings = f'{{"source": "{source}", "label": {{"field": "{field}"}}}}'
    paths = [str(folder / matrix), str(folder / labels) if labels else ""]
    command = [sys.executable, "-c", CODE, str(SCRIPTS), settings, *paths]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < LIMIT_MB
