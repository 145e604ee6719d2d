"""Rule refit_network: refit recipe and GexpNet of a cohort on permuted labels, or on random genes."""

import json

import torch

from gexflow import files
from gexflow.cohorts.holdout import locked_samples
from gexflow.evaluation.audit_networks import network_prediction
from gexflow.evaluation.audit_variants import variant_draws
from gexflow.memory import keep_freed_memory
from gexflow.models.trainer import pick_device
from job import job

with job(snakemake) as log:
    torch.set_num_threads(snakemake.threads)
    keep_freed_memory()
    settings, variant = json.loads(snakemake.params.settings), snakemake.wildcards.variant
    splits = files.read_table(snakemake.input.splits, text=("sample", "group", "part"))
    cohort = files.read_by_gene(snakemake.input.cohort, leave_out=locked_samples(splits))
    summary = next((files.read_table(path, text=("step", "note")) for path in snakemake.input.summary), None)
    predict = network_prediction(settings["model"], pick_device())
    draws = variant_draws(cohort, splits, variant, settings, predict, summary)
    files.write_table(draws, snakemake.output.draws)
    log.info("%s, %s: %d draws", snakemake.wildcards.model, variant, len(draws[["form", "draw"]].drop_duplicates()))
