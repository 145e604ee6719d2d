"""Rule compare_cohorts: the intervals of all cohorts in one table."""

import json

import pandas as pd

from gexflow import files
from job import job

with job(snakemake) as log:
    datasets = json.loads(snakemake.params.settings)["datasets"]
    tables = []
    for dataset, path in zip(datasets, snakemake.input.intervals, strict=True):
        table = files.read_table(path, text=("model", "metric", "method", "note"))
        table.insert(0, "dataset", dataset)
        tables.append(table)
    files.write_table(pd.concat(tables, ignore_index=True), snakemake.output.intervals)
    log.info("%d cohorts", len(datasets))
