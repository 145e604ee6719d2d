"""Rule predict_holdout: what the model of every fold says of the held-out samples, once these are opened."""

import json

import pandas as pd
from threadpoolctl import threadpool_limits

from gexflow import files
from gexflow.models.new_samples import fold_files, held_out_samples, predict_new, read_held_out
from job import job

with job(snakemake) as log, threadpool_limits(1):
    settings, given = json.loads(snakemake.params.settings), snakemake.input
    new = held_out_samples(read_held_out(given.cohort, given.splits))
    folds = fold_files(given.features, given.fitted, given.facts, given.model, given.layouts, given.weights)
    where = f"hold-out of {snakemake.wildcards.dataset}, {snakemake.wildcards.model}"
    tables = [
        table for table, _ in predict_new(new, folds, settings["recipe"], settings["model"], where, snakemake.threads)
    ]
    files.write_table(pd.concat(tables, ignore_index=True), snakemake.output.predictions)
    log.info("%s: %d samples, %d folds", where, len(new.samples), len(tables))
