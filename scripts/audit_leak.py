"""Rule audit_leak: plant a leak into a cohort, LEAKY by intention, and look whether the audit sees it."""

import json

from threadpoolctl import threadpool_limits

from gexflow import files
from gexflow.cohorts.holdout import locked_samples
from gexflow.evaluation.audit_leaks import WORDS, audit_leak
from gexflow.evaluation.audit_refits import Pipeline, reference_prediction
from gexflow.evaluation.audit_rows import audit_table
from job import job

with job(snakemake) as log, threadpool_limits(snakemake.threads):
    settings, leak = json.loads(snakemake.params.settings), snakemake.wildcards.leak
    log.warning("LEAKY by intention, to test the audit: %s", WORDS[leak])
    splits = files.read_table(snakemake.input.splits, text=("sample", "group", "part"))
    cohort = files.read_by_gene(snakemake.input.cohort, leave_out=locked_samples(splits))
    how = {key: settings[key] for key in ("folds", "seed", "validation")}
    pipeline = Pipeline(settings["steps"], reference_prediction(settings["model"]), **how)
    rows = audit_leak(cohort, pipeline, leak, settings["count"], settings["name"])
    files.write_table(audit_table(rows), snakemake.output.audit)
