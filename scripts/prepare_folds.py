"""Rule prepare_folds: fit a recipe in every fold on the training part and prepare all samples."""

import json

import numpy as np
import pandas as pd

from gexflow import files
from gexflow.errors import InputError
from gexflow.log import job_log
from gexflow.recipes.folds import candidate_genes, prepare_fold
from gexflow.recipes.stability import count_kept, describe_selection

with job_log(snakemake.log[0]) as log:
    cohort = files.read_h5ad(snakemake.input.cohort)
    splits = files.read_table(snakemake.input.splits, text=("sample", "group", "part"))
    steps = json.loads(snakemake.params.settings)
    where = f"{snakemake.wildcards.dataset}, recipe {snakemake.wildcards.recipe}"
    summaries, kept = [], []
    for fold, (features, fitted) in enumerate(zip(snakemake.output.features, snakemake.output.fitted, strict=True), 1):
        parts = splits[splits["fold"] == fold].set_index("sample")["part"].loc[cohort.obs_names].to_numpy(dtype=str)
        try:
            prepared = prepare_fold(cohort, parts, steps, fold)
        except InputError as error:
            raise InputError(f"{where}, {error}") from None
        files.write_h5ad(prepared.features, features)
        files.write_h5ad(prepared.fitted, fitted)
        summaries.append(prepared.summary)
        kept.append(cohort.var_names.isin(prepared.features.var_names))
        log.info("%s, fold %d: %d of %d genes kept", where, fold, prepared.features.n_vars, cohort.n_vars)
        for note in filter(None, prepared.summary["note"]):
            log.info("%s, fold %d, %s", where, fold, note)
    files.write_table(pd.concat(summaries, ignore_index=True), snakemake.output.summary)
    symbols = cohort.var["symbol"].astype(str).to_numpy(dtype=object)
    candidates = candidate_genes(prepared.recipe, symbols)
    sets = np.array(kept)[:, candidates]
    times_kept = count_kept(sets, list(cohort.var_names[candidates]), list(symbols[candidates]))
    files.write_table(times_kept, snakemake.output.times_kept)
    files.write_json(describe_selection(sets, splits["repeat"].nunique()), snakemake.output.stability)
