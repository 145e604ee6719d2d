"""Rule refit_variant: refit recipe and model of a cohort on permuted labels, or on genes drawn at random."""

import json

from threadpoolctl import threadpool_limits

from gexflow import files
from gexflow.errors import InputError
from gexflow.evaluation.audit import all_permuted_draws
from gexflow.evaluation.audit_refits import Pipeline, random_gene_draws, reference_prediction
from gexflow.memory import keep_freed_memory
from gexflow.variants import PERMUTED
from job import job

with job(snakemake) as log, threadpool_limits(snakemake.threads):
    keep_freed_memory()
    settings, variant = json.loads(snakemake.params.settings), snakemake.wildcards.variant
    cohort = files.read_by_gene(snakemake.input.cohort)
    splits = files.read_table(snakemake.input.splits, text=("sample", "group", "part"))
    held = splits.loc[splits["part"] == "holdout", "sample"]
    if len(held):  # locked: no permutation sees it
        cohort = cohort[~cohort.obs_names.isin(held)].copy()
        splits = splits[~splits["sample"].isin(held)]
    how = {key: settings[key] for key in ("folds", "seed", "validation")}
    pipeline = Pipeline(settings["steps"], reference_prediction(settings["model"]), **how)
    try:
        if variant == PERMUTED:
            draws = all_permuted_draws(cohort, pipeline, settings["count"])
        else:
            summary = files.read_table(snakemake.input.summary, text=("step", "note"))
            keep = int(summary.groupby("fold")["genes_out"].last().min())
            draws = random_gene_draws(cohort, splits, pipeline, settings["count"], keep).assign(genes=keep)
    except InputError as error:
        raise InputError(f"{snakemake.wildcards.dataset}, {variant}, {error}") from None
    files.write_table(draws, snakemake.output.draws)
    log.info("%s, %s: %d draws", snakemake.wildcards.model, variant, len(draws[["form", "draw"]].drop_duplicates()))
