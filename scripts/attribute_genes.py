"""Rule attribute_genes: integrated gradients of a trained network on test samples of every fold."""

import json

import anndata
import numpy as np
import pandas as pd
import torch

from gexflow import files
from gexflow.attribution.integrated_gradients import attribute, choose_samples
from gexflow.models.fold import Fold
from gexflow.models.stored_network import load_trained
from gexflow.models.trainer import pick_device
from job import job

with job(snakemake) as log:
    torch.set_num_threads(snakemake.threads)
    settings = json.loads(snakemake.params.settings)
    how, device = settings["attribution"], pick_device()
    layouts = snakemake.input.get("layouts") or [None] * len(snakemake.input.features)
    weights = next(iter(snakemake.input.weights), None)
    paths = zip(snakemake.input.features, snakemake.input.model, layouts, snakemake.output.folds, strict=True)
    for number, (features, model, layout, output) in enumerate(paths, 1):
        fold = Fold.read(features, number)
        network = load_trained(settings["model"], fold.values.shape[1], len(fold.classes), model, layout, weights)
        test = np.flatnonzero(fold.parts == "test")
        rows = test[choose_samples(fold.labels[test], how["samples_per_class"], settings["seed"])]
        train, _ = fold.part("train")
        baseline = train.mean(axis=0) if how["baseline"] == "mean" else np.zeros_like(train[0])
        values, targets, deltas = attribute(network, fold.values[rows], baseline, how["steps"], device)
        classes = np.array(fold.classes)
        obs = pd.DataFrame({"label": fold.labels[rows], "predicted": classes[targets]}, index=fold.samples[rows])
        obs["target"], obs["delta"] = obs["predicted"], deltas
        genes = anndata.read_h5ad(features, backed="r").var
        files.write_h5ad(anndata.AnnData(values, obs=obs, var=genes), output)
        log.info("fold %d: %d samples, largest |delta| %.2g", number, len(rows), np.abs(deltas).max())
