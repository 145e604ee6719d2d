"""read-ebpp: from a full-size EB++ file to `cohort.h5ad`, beside pandas, which only reads and transposes."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.item import Arrays, Item, Outcome, Settings, largest_difference
from benchmarks.write_ebpp import write_files

TYPES = {"all": ["01", "03"], "SKCM": ["01", "06"]}
_COMPARED = 50  # samples


def make(folder: Path, settings: Settings) -> dict:
    """Write the table in its true format, and the sample annotations."""
    write_files(folder, settings["genes"], settings["samples"])
    return {"input_bytes": (folder / "ebpp.tsv").stat().st_size}


def ours(folder: Path, settings: Settings) -> Callable[[], Outcome]:
    """Checksum, labels, rules for sample types, search for near-duplicates, and the written cohort."""
    from gexflow import files
    from gexflow.cohorts.build import build_cohort
    from gexflow.cohorts.checksums import check_file
    from gexflow.cohorts.read import read_matrix

    matrix, labels, out = (str(folder / name) for name in ("ebpp.tsv", "labels.tsv", "cohort.h5ad"))
    chosen = {"source": "tcga", "label": {"field": "cancer type"}, "sample_types": TYPES, "near_duplicates": "auto"}

    def run() -> Outcome:
        check_file(matrix, {"sha256": ""}, "the file")
        cohort = build_cohort(read_matrix("tcga", [matrix], labels, chosen), chosen, "ebpp", [])
        files.write_h5ad(cohort, out)
        table = cohort[:_COMPARED]
        return Outcome({"samples": table.obs_names.to_numpy(dtype=str), "values": table.X})

    return run


def peer(folder: Path, settings: Settings) -> Callable[[], Outcome]:
    """Read and transpose: no labels, no rules, no checksum, nothing written."""
    import pandas

    def run() -> Outcome:
        table = pandas.read_csv(folder / "ebpp.tsv", sep="\t", index_col=0)
        values = table.T.to_numpy("float32")
        return Outcome({"samples": table.columns.to_numpy(dtype=str), "values": values})

    return run


def compare(ours: Arrays, peer: Arrays, folder: Path, settings: Settings) -> dict:
    """Every value of the first samples equals pandas', to the rounding of float32; genes in the file's order."""
    row = {sample: number for number, sample in enumerate(peer["samples"])}
    theirs = peer["values"][[row[sample] for sample in ours["samples"]]]
    same_missing = bool((np.isnan(theirs) == np.isnan(ours["values"])).all())
    scale = np.maximum(np.abs(np.nan_to_num(theirs)), 1)
    difference = largest_difference(np.nan_to_num(ours["values"]) / scale, np.nan_to_num(theirs) / scale)
    words = f"values to {difference:.1e} relative, {'the same' if same_missing else 'others'} missing"
    return {"agrees": same_missing and difference <= 1e-6, "words": words}


ITEMS = [
    Item(
        name="read-ebpp",
        about="a file of EB++'s size, 20,531 genes x 11,069 samples",
        data="read-ebpp",
        make=make,
        sizes={"full": {"genes": 20531, "samples": 11069}, "small": {"genes": 120, "samples": 400}},
        ours=ours,
        peers={"pandas read_csv and transpose": peer},
        compare=compare,
        aim="5 x",
    )
]
