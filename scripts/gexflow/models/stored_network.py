"""A trained network of a fold, made again from its settings and its file."""

from pathlib import Path

import numpy as np
import torch

from gexflow import files
from gexflow.models.gene_network import build_gene_network
from gexflow.models.trainer import Training, predict
from gexflow.models.weights import chosen_settings, load_network
from gexflow.network_names import is_image_network


def load_trained(
    settings: dict, genes: int, classes: int, path: str | Path, layout: str | Path | None, weights: str | Path | None
) -> torch.nn.Module:
    """Build the network of a fold and fill it with what it learned.

    Parameters
    ----------
    settings : dict
        The model's keys of the config, and `seed`.
    genes, classes : int
    path : path
        The fold's `model.safetensors`.
    layout : path or None
        Table of an image network's layout.
    weights : path or None
        Pretrained weights of an image network's frozen layers; None where they are random.
    """
    settings = chosen_settings(settings, Path(path))
    if not is_image_network(settings["network"]):
        network = build_gene_network(settings, genes, classes)
    else:
        from gexflow.models.image_network import build_image_network  # slow to import, and only needed here

        table = files.read_table(layout, text=("gene",))
        network = build_image_network(settings, table, classes, None if weights is None else Path(weights))
    load_network(network, Path(path))
    return network


def predict_stored(network: torch.nn.Module, values: np.ndarray, settings: dict, threads: int) -> np.ndarray:
    """Return class probabilities, float64 (samples, classes), of features (samples, genes), on the CPU."""
    torch.set_num_threads(threads)
    return predict(network, values, torch.device("cpu"), Training.from_settings(settings))
