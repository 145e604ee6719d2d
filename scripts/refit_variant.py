"""Rule refit_variant: refit recipe and reference model of a cohort on permuted labels, or on random genes."""

import json

from threadpoolctl import threadpool_limits

from gexflow import files
from gexflow.cohorts.holdout import locked_samples
from gexflow.evaluation.audit_refits import reference_prediction
from gexflow.evaluation.audit_variants import variant_draws
from gexflow.memory import keep_freed_memory
from job import job

with job(snakemake) as log, threadpool_limits(1):  # draws go side by side instead
    keep_freed_memory()
    settings, variant = json.loads(snakemake.params.settings), snakemake.wildcards.variant
    splits = files.read_table(snakemake.input.splits, text=("sample", "group", "part"))
    cohort = files.read_by_gene(snakemake.input.cohort, leave_out=locked_samples(splits))
    summary = next((files.read_table(path, text=("step", "note")) for path in snakemake.input.summary), None)
    predict = reference_prediction(settings["model"])
    draws = variant_draws(cohort, splits, variant, settings, predict, summary, snakemake.threads)
    files.write_table(draws, snakemake.output.draws)
    log.info("%s, %s: %d draws", snakemake.wildcards.model, variant, len(draws[["form", "draw"]].drop_duplicates()))
