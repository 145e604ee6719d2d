"""Rule train_gexpnet: train GexpNet, or a control of it, on every fold of a cohort."""

import json
from functools import partial

import torch

from gexflow import files
from gexflow.log import job_log
from gexflow.models.fold import Fold, train_fold
from gexflow.models.gene_network import build_gene_network
from gexflow.models.trainer import Training, pick_device
from gexflow.models.weights import save_network

with job_log(snakemake.log[0]) as log:
    torch.set_num_threads(snakemake.threads)
    settings = json.loads(snakemake.params.settings)
    training, device = Training.from_settings(settings), pick_device()
    output = snakemake.output
    paths = zip(snakemake.input.features, output.predictions, output.model, output.history, output.facts, strict=True)
    for number, (features, predictions, model, history, training_facts) in enumerate(paths, 1):
        fold = Fold.read(features, number)
        network, lines, table, facts = train_fold(
            fold, partial(build_gene_network, settings), training, settings["seed"], device
        )
        log.info(
            "fold %d: %d genes, loss %.4f, %.1f s", number, fold.values.shape[1], facts["final_loss"], facts["seconds"]
        )
        files.write_table(table, predictions)
        save_network(network, model, settings)
        files.write_table(lines, history)
        files.write_json({**facts, "weights": "none", "notes": []}, training_facts)
