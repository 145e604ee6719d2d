"""GexFlow's way to train GexpNet on the folds of a cohort, as rule `train_gexpnet` goes it."""

from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from benchmarks.item import Settings
from benchmarks.processes import ROOT
from benchmarks.simulate import KnownCohort
from gexflow.config import load_config
from gexflow.memory import keep_freed_memory
from gexflow.models.fold import Fold
from gexflow.models.fold_training import stacks_of, train_folds
from gexflow.models.gene_network import build_gene_network
from gexflow.models.trainer import Training


class Reached(Exception):
    """Ends a training whose test log loss is at the target."""


def model_settings(**keys: str | int) -> dict:
    """Return all settings of a GexpNet with these keys of the config, the others at their defaults."""
    model = {"network": "gexpnet", "recipe": "gexpnet-paper"} | keys
    schema = ROOT / "workflow/schemas/config.schema.yaml"
    config = load_config([ROOT / "config.yaml"], schema, {"models": {"gexpnet": model}})
    return config["models"]["gexpnet"]


def simulated_fold(data: KnownCohort) -> Fold:
    """Return the samples of a simulated cohort as a fold."""
    return _fold(data.train, data.train_labels, data.test, data.test_labels, 1)


def _fold(train: np.ndarray, train_labels: np.ndarray, test: np.ndarray, test_labels: np.ndarray, number: int) -> Fold:
    labels = np.concatenate([train_labels, test_labels]).astype(str)
    parts, samples = np.repeat(["train", "test"], [len(train), len(test)]), np.arange(len(labels)).astype(str)
    return Fold(np.concatenate([train, test]), np.char.add("S", samples), labels, parts, sorted(set(labels)), number)


def train_ours(
    data: dict[str, np.ndarray],
    model: dict,
    folds: int,
    settings: Settings,
    after_epoch: Callable[[nn.Module], None] | None = None,
) -> float:
    """Train `folds` folds of the same samples, as rule `train_gexpnet` does.

    Parameters
    ----------
    data : map of arrays
        train, train_labels, test and test_labels.
    model : dict
        From `model_settings`.
    folds : int
    settings : dict
        Of the item: device, round.
    after_epoch : function (network) or None
        Called after every epoch.

    Returns
    -------
    last training loss of the last fold
    """
    arrays = [data[name] for name in ("train", "train_labels", "test", "test_labels")]
    made = [_fold(*arrays, number) for number in range(1, folds + 1)]
    training = Training.from_settings(model).for_samples(len(made[0].labels))
    device, seed = torch.device(settings["device"]), settings.get("round", 1)
    networks = []

    def build(genes: int, classes: int) -> nn.Module:
        networks.append(build_gene_network(model, genes, classes))
        return networks[-1]

    def report(number: int, line: dict) -> None:
        if after_epoch is not None:
            after_epoch(networks[-1])

    keep_freed_memory()
    for group in stacks_of(made, device.type == "cuda"):
        trained = train_folds(group, build, training, seed, device, report)
    return float(trained[-1].history["loss"].iloc[-1])
