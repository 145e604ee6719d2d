"""Reading holds the values once: the peak stays below 1.6 times their size, plus what Python and its libraries take."""

import gzip
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"
SHAPE = (500, 20000)  # 40 MB
LIMIT_MB = 1.6 * 4e-6 * SHAPE[0] * SHAPE[1] + 300
CODE = """
import json, sys
sys.path.insert(0, sys.argv[1])
from gexflow.cohorts.build import build_cohort
from gexflow.cohorts.read import read_matrix
settings = json.loads(sys.argv[2])
matrix = read_matrix(settings["source"], [sys.argv[3]], sys.argv[4] or None, settings)
cohort = build_cohort(matrix, settings, "big", [])
assert cohort.shape == (500, 20000), cohort.shape
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(int(peak.split()[1]) * 1.024e-3)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Write one table in four forms: genes in rows, samples in rows, gzipped GEO, Parquet."""
    folder = tmp_path_factory.mktemp("big")
    texts = np.array([f"{value:.4f}" for value in np.random.default_rng(1).lognormal(3, 2, 1000)], dtype=object)
    cells = texts[np.random.default_rng(2).integers(0, 1000, SHAPE)]
    samples = [f"S{number}" for number in range(SHAPE[0])]
    genes = [f"G{number}" for number in range(SHAPE[1])]
    labels = ["X" if number % 2 else "Y" for number in range(SHAPE[0])]
    (folder / "labels.tsv").write_text(
        "id\tlabel\n" + "".join(f"{s}\t{x}\n" for s, x in zip(samples, labels, strict=True))
    )
    columns = (
        "\t".join(samples)
        + "\n"
        + "".join(f"{g}\t" + "\t".join(row) + "\n" for g, row in zip(genes, cells.T, strict=True))
    )
    (folder / "genes.tsv").write_text("gene\t" + columns)
    rows = "".join(f"{s},{x}," + ",".join(row) + "\n" for s, x, row in zip(samples, labels, cells, strict=True))
    (folder / "samples.csv").write_text("id,label," + ",".join(genes) + "\n" + rows)
    kinds = "\t".join(f'"tissue: {x}"' for x in labels)
    head = "!Sample_geo_accession\t" + "\t".join(samples) + f"\n!Sample_characteristics_ch1\t{kinds}\n"
    series = head + "!series_matrix_table_begin\nID_REF\t" + columns + "!series_matrix_table_end\n"
    (folder / "series.gz").write_bytes(gzip.compress(series.encode(), 1))
    pd.DataFrame(cells.T.astype(np.float32), index=genes, columns=samples).to_parquet(folder / "table.parquet")
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
