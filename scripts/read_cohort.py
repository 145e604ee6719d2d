"""Rule read_cohort: source files become `cohort.h5ad`, `card.json` and `card.svg`."""

import json
from pathlib import Path

from gexflow import files
from gexflow.cohorts.build import build_cohort
from gexflow.cohorts.card import describe
from gexflow.cohorts.card_figure import draw_card
from gexflow.cohorts.download import check_file
from gexflow.cohorts.read import read_matrix
from gexflow.log import job_log


def origin_of(paths: list[str], addresses: list[str]) -> list[dict]:
    """Say of every source file where it came from and what it is."""
    return [
        {
            "file": Path(path).name,
            "address": address,
            "sha256": files.sha256(path),
            "size_bytes": Path(path).stat().st_size,
        }
        for path, address in zip(paths, addresses, strict=True)
    ]


with job_log(snakemake.log[0]):
    settings = json.loads(snakemake.params.settings)
    addresses = settings["addresses"]
    matrix_paths, labels_paths = list(snakemake.input.matrix), list(snakemake.input.labels)
    for paths, kind in ((matrix_paths, "matrix"), (labels_paths, "labels")):
        for path, checksums in zip(paths, settings["checksums"][kind], strict=True):
            check_file(path, checksums, f"{path} is a file")  # it may have been put there by hand
    matrix = read_matrix(settings["source"], matrix_paths, next(iter(labels_paths), None), settings)
    origin = origin_of(matrix_paths, addresses["matrix"]) + origin_of(labels_paths, addresses["labels"])
    cohort = build_cohort(matrix, settings, settings["dataset"], origin)
    card = describe(cohort)
    files.write_h5ad(cohort, snakemake.output.cohort)
    files.write_json(card, snakemake.output.card)
    files.write_text(draw_card(cohort, card), snakemake.output.figure)
