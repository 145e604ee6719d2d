"""read-wide: an own table with samples in rows and a labels file, beside pandas, which reads the table alone."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.item import Arrays, Item, Outcome, Settings, largest_difference


def make(folder: Path, settings: Settings) -> dict:
    """Write a table of samples x genes and a labels file."""
    random = np.random.default_rng(32)
    values = random.uniform(2, 14, (settings["samples"], settings["genes"])).astype(np.float32)
    with open(folder / "wide.tsv", "w") as file:
        print("sample", *(f"gene_{gene}" for gene in range(settings["genes"])), sep="\t", file=file)
        for sample, row in enumerate(values):
            print(f"s{sample}", *(f"{value:.4f}" for value in row), sep="\t", file=file)
    labels = "".join(f"s{sample}\t{'ab'[sample % 2]}\n" for sample in range(settings["samples"]))
    (folder / "labels.tsv").write_text(f"sample\tdiagnosis\n{labels}")
    return {"input_bytes": (folder / "wide.tsv").stat().st_size}


def ours(folder: Path, settings: Settings) -> Callable[[], Outcome]:
    """Find out what the rows are, read, and match the labels."""
    from gexflow.cohorts.read import read_matrix

    chosen = {"dataset": "wide", "source": "table", "label": {"field": "diagnosis"}}

    def run() -> Outcome:
        matrix = read_matrix("table", [folder / "wide.tsv"], folder / "labels.tsv", chosen)
        return Outcome({"values": matrix.values})

    return run


def peer(folder: Path, settings: Settings) -> Callable[[], Outcome]:
    """Read the table alone."""
    import pandas

    def run() -> Outcome:
        table = pandas.read_csv(folder / "wide.tsv", sep="\t", index_col=0)
        return Outcome({"values": table.to_numpy("float32")})

    return run


def compare(ours: Arrays, peer: Arrays, folder: Path, settings: Settings) -> dict:
    """All values are equal, to the rounding of float32."""
    difference = largest_difference(ours["values"], peer["values"])
    return {"agrees": difference <= 1e-6 * 14, "words": f"values to {difference:.1e}"}


ITEMS = [
    Item(
        name=f"read-wide-{genes // 1000}k",
        about=f"an own table of {samples} samples in rows x {genes:,} genes, with a labels file",
        data=f"read-wide-{genes // 1000}k",
        make=make,
        sizes={"full": {"genes": genes, "samples": samples}, "small": {"genes": 300, "samples": 40}},
        ours=ours,
        peers={"pandas read_csv": peer},
        compare=compare,
        aim="as fast",
    )
    for samples, genes in ((104, 22_283), (104, 60_000))
]
