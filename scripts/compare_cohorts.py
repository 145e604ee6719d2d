"""Rule compare_cohorts: the intervals of all cohorts in one table, and how the models rank over them."""

import json

import pandas as pd

from gexflow import files
from gexflow.evaluation.ranks import compare_ranks, rank_families
from job import job

with job(snakemake) as log:
    settings = json.loads(snakemake.params.settings)
    tables = []
    for dataset, path in zip(settings["datasets"], snakemake.input.intervals, strict=True):
        table = files.read_table(path, text=("model", "metric", "method", "note"))
        table.insert(0, "dataset", dataset)
        tables.append(table)
    intervals = pd.concat(tables, ignore_index=True)
    files.write_table(intervals, snakemake.output.intervals)
    means = intervals[(intervals["metric"] == "accuracy") & (intervals["method"] == "student_t")]
    ranks, left_out = rank_families(means.rename(columns={"estimate": "accuracy"}), settings["families"])
    files.write_table(ranks, snakemake.output.ranks)
    files.write_json({**compare_ranks(ranks), "left_out": left_out}, snakemake.output.tests)
    log.info("%d cohorts, %d families", len(settings["datasets"]), ranks["family"].nunique())
