"""From a full-size EB++ file to `cohort.h5ad`: time and peak memory beside pandas and, where installed, polars.

Every way runs in a process of its own, in turn, so that what else happens on the machine meets all of them. The
peers only read and transpose: no labels, no rules, no checksum, nothing written.
"""

import argparse
import json
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[1]
COHORT = """
import sys
sys.path.insert(0, {scripts!r})
from gexflow import files
from gexflow.cohorts.build import build_cohort
from gexflow.cohorts.checksums import check_file
from gexflow.cohorts.read import read_matrix
types = {{"all": ["01", "03"], "SKCM": ["01", "06"]}}
settings = {{"source": "tcga", "label": {{"field": "cancer type"}}, "sample_types": types}}
settings["near_duplicates"] = {search!r}
check_file({matrix!r}, {{"sha256": ""}}, "the file")
matrix = read_matrix("tcga", [{matrix!r}], {labels!r}, settings)
files.write_h5ad(build_cohort(matrix, settings, "ebpp", []), {out!r})
"""
PANDAS = """
import pandas
table = pandas.read_csv({matrix!r}, sep="\\t", index_col=0).T.to_numpy("float32")
"""
POLARS = """
import polars
table = polars.read_csv({matrix!r}, separator="\\t", null_values="NA", infer_schema_length=10000)
table = table.drop("gene_id").to_numpy().T.astype("float32")
"""
PEAK = """
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(int(peak.split()[1]) // 1024)
"""


def run(code: str) -> tuple[float, int]:
    """Run code in a process; return seconds and its peak memory in MiB."""
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code + PEAK], capture_output=True, text=True, check=True)
    return time.perf_counter() - start, int(done.stdout.split()[-1])


def main() -> None:
    """Print one line a way: median seconds, ratio to pandas in the same run, peak memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="with ebpp.tsv and labels.tsv of write_ebpp.py")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, help="also write the figures there")
    arguments = parser.parse_args()
    files = {name: str(arguments.folder / f"{name}.tsv") for name in ("ebpp", "labels")}
    names = {"scripts": str(ROOT / "scripts"), "matrix": files["ebpp"], "labels": files["labels"]}
    names["out"] = str(arguments.folder / "cohort.h5ad")
    ways = {
        "GexFlow, no search for near-duplicates": COHORT.format(search="off", **names),
        "GexFlow": COHORT.format(search="auto", **names),
        "pandas": PANDAS.format(**names),
    }
    if find_spec("polars"):
        ways["polars"] = POLARS.format(**names)
    found = {name: [] for name in ways}
    for _ in range(arguments.rounds):
        for name, code in ways.items():
            found[name].append(run(code))
            print(f"{name}: {found[name][-1][0]:.1f} s, peak {found[name][-1][1]} MiB", flush=True)
    rows = []
    for name, runs in found.items():
        ratio = median(peer[0] / own[0] for peer, own in zip(found["pandas"], runs, strict=True))
        seconds, peak = median(seconds for seconds, _ in runs), max(peak for _, peak in runs)
        rows.append({"way": name, "seconds": round(seconds, 1), "times_pandas": round(ratio, 2), "peak_mib": peak})
        print(f"{name}: median {seconds:.1f} s, {ratio:.2f} times as fast as pandas, peak {peak} MiB")
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
