"""Rule prepare_folds: fit a recipe in every fold on the training part and prepare all samples.

The variant `{dataset}~published` alone is fitted on all samples, as published, and says so wherever it can.
"""

import json

import numpy as np
import pandas as pd

from gexflow import files
from gexflow.cohorts.holdout import locked_samples
from gexflow.errors import InputError
from gexflow.log import level_of
from gexflow.memory import keep_freed_memory
from gexflow.recipes.folds import LEAKY, candidate_genes, prepare_folds
from gexflow.recipes.stability import count_kept, describe_selection
from job import job

with job(snakemake) as log:
    keep_freed_memory()
    splits = files.read_table(snakemake.input.splits, text=("sample", "group", "part"))
    # the locked samples are in no feature file, so that no model can see them
    cohort = files.read_by_gene(snakemake.input.cohort, leave_out=locked_samples(splits))
    steps, fit_on = json.loads(snakemake.params.settings), snakemake.params.fit_on
    where = f"{snakemake.wildcards.dataset}, recipe {snakemake.wildcards.recipe}"
    parts = [rows.set_index("sample")["part"].loc[cohort.obs_names] for _, rows in splits.groupby("fold")]
    symbols = cohort.var["symbol"].astype(str).to_numpy(dtype=object)
    summaries, kept = [], []
    if fit_on == "all":
        log.warning("%s: %s. By intention: this is the published protocol", where, LEAKY)
    try:
        prepared = prepare_folds(cohort, [part.to_numpy(dtype=str) for part in parts], steps, fit_on)
        for number, paths in enumerate(zip(snakemake.output.features, snakemake.output.fitted, strict=True), 1):
            fold = next(prepared)
            files.write_h5ad(fold.features, paths[0])
            files.write_h5ad(fold.fitted, paths[1])
            summaries.append(fold.summary)
            kept.append(cohort.var_names.isin(fold.features.var_names))
            candidates = candidate_genes(fold.recipe, symbols)
            log.info("%s, fold %d: %d of %d genes kept", where, number, fold.features.n_vars, cohort.n_vars)
            for note in filter(None, fold.summary["note"]):
                log.log(level_of(note), "%s, fold %d, %s", where, number, note)
            del fold  # the next fold needs its memory
    except InputError as error:
        raise InputError(f"{where}, {error}") from None
    files.write_table(pd.concat(summaries, ignore_index=True), snakemake.output.summary)
    sets = np.array(kept)[:, candidates]
    times_kept = count_kept(sets, list(cohort.var_names[candidates]), list(symbols[candidates]))
    files.write_table(times_kept, snakemake.output.times_kept)
    files.write_json(describe_selection(sets, splits["repeat"].nunique()), snakemake.output.stability)
