"""Rule attribute_genes: integrated gradients of a trained network on test samples of every fold."""

import json
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import torch

from gexflow import files
from gexflow.attribution.integrated_gradients import attribute, choose_samples
from gexflow.models.fold import Fold
from gexflow.models.gene_network import build_gene_network
from gexflow.models.trainer import pick_device
from gexflow.models.weights import chosen_settings, load_network
from gexflow.network_names import is_image_network
from job import job


def build(settings: dict, fold: Fold, layout: str | None) -> torch.nn.Module:
    """Build the network of a fold, with its frozen trunk but without what it learned."""
    if not is_image_network(settings["network"]):
        return build_gene_network(settings, fold.values.shape[1], len(fold.classes))
    from gexflow.models.image_network import build_image_network  # slow to import, and only needed here

    weights = Path(snakemake.input.weights[0]) if settings["weights"] != "random" else None
    table = files.read_table(layout, text=("gene",))
    return build_image_network(settings, table, len(fold.classes), weights)


with job(snakemake) as log:
    torch.set_num_threads(snakemake.threads)
    settings = json.loads(snakemake.params.settings)
    how, device = settings["attribution"], pick_device()
    layouts = snakemake.input.get("layouts") or [None] * len(snakemake.input.features)
    paths = zip(snakemake.input.features, snakemake.input.model, layouts, snakemake.output.folds, strict=True)
    for number, (features, model, layout, output) in enumerate(paths, 1):
        fold = Fold.read(features, number)
        network = build(chosen_settings(settings["model"], model), fold, layout)
        load_network(network, model)
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
