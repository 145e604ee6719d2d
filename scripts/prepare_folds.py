"""Rule prepare_folds: fit a recipe in every fold on the training part and prepare all samples."""

import json

import pandas as pd

from gexflow import files
from gexflow.errors import InputError
from gexflow.log import job_log
from gexflow.recipes.folds import prepare_folds

with job_log(snakemake.log[0]) as log:
    cohort = files.read_by_gene(snakemake.input.cohort)
    splits = files.read_table(snakemake.input.splits, text=("sample", "group", "part"))
    steps = json.loads(snakemake.params.settings)
    where = f"{snakemake.wildcards.dataset}, recipe {snakemake.wildcards.recipe}"
    folds = [rows.set_index("sample")["part"].loc[cohort.obs_names] for _, rows in splits.groupby("fold")]
    outputs = zip(snakemake.output.features, snakemake.output.fitted, strict=True)
    summaries = []
    try:
        prepared = prepare_folds(cohort, [parts.to_numpy(dtype=str) for parts in folds], steps)
        for number, (fold, (features, fitted)) in enumerate(zip(prepared, outputs, strict=True), 1):
            files.write_h5ad(fold.features, features)
            files.write_h5ad(fold.fitted, fitted)
            summaries.append(fold.summary)
            log.info("%s, fold %d: %d of %d genes kept", where, number, fold.features.n_vars, cohort.n_vars)
            for note in filter(None, fold.summary["note"]):
                log.info("%s, fold %d, %s", where, number, note)
    except InputError as error:
        raise InputError(f"{where}, {error}") from None
    files.write_table(pd.concat(summaries, ignore_index=True), snakemake.output.summary)
