"""Rule read_cohort: source files become `cohort.h5ad`, `card.json` and `card.svg`."""

import json
from pathlib import Path

from gexflow import files
from gexflow.brace_paths import original
from gexflow.cohorts.annotation import read_annotation
from gexflow.cohorts.build import build_cohort
from gexflow.cohorts.card import describe
from gexflow.cohorts.card_figure import draw_card
from gexflow.cohorts.checksums import check_file
from gexflow.cohorts.read import read_matrix
from gexflow.expected_counts import compare_counts
from job import job


def origin_of(paths: list[str], addresses: list[str], expected: list[dict]) -> list[dict]:
    """Say of every source file where it came from and what it is; it may have been put there by hand."""
    return [
        {
            "file": Path(path).name,
            "address": address,
            "sha256": check_file(path, sums, f"{path} is a file"),
            "size_bytes": Path(path).stat().st_size,
        }
        for path, address, sums in zip(paths, addresses, expected, strict=True)
    ]


def institutions_of(tables: list[str]) -> dict[str, str] | None:
    """Read the institution of each code of TCGA's tissue source sites; None where no table is given."""
    if not tables:
        return None
    table = files.read_table(tables[0], ("code", "site", "institution"))
    return dict(zip(table["code"], table["institution"], strict=True))


with job(snakemake) as log:
    settings = json.loads(snakemake.params.settings)
    paths = {kind: [original(path) for path in snakemake.input[kind]] for kind in ("matrix", "labels", "annotation")}
    origin = [
        entry
        for kind, given in paths.items()
        for entry in origin_of(given, settings["addresses"][kind], settings["checksums"][kind])
    ]
    institutions = institutions_of(list(snakemake.input.sites))
    matrix = read_matrix(settings["source"], paths["matrix"], next(iter(paths["labels"]), None), settings, institutions)
    annotation = read_annotation(paths["annotation"], matrix.genes) if paths["annotation"] else None
    cohort = build_cohort(matrix, settings, settings["dataset"], origin, annotation)
    files.write_h5ad(cohort, snakemake.output.cohort)
    card = describe(cohort)
    files.write_json(card, snakemake.output.card)
    files.write_text(draw_card(cohort, card), snakemake.output.figure)
    differences = compare_counts(json.loads(snakemake.params.expected), card["classes"])
    if differences:
        log.warning("The classes differ from what the config expects (%s).", "; ".join(differences))
