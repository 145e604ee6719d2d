"""GexFlow's way to train GexpNet on the folds of a cohort, as rule `train_gexpnet` goes it."""

from collections.abc import Callable

import numpy as np
import torch
import yaml

from benchmarks.item import Settings
from benchmarks.processes import ROOT
from gexflow.models.fold import Fold, train_fold
from gexflow.models.gexpnet import GexpNet
from gexflow.models.trainer import Training


class Reached(Exception):
    """Ends a training whose test log loss is at the target."""


def train_ours(
    data: dict[str, np.ndarray],
    model: str,
    folds: int,
    settings: Settings,
    after_epoch: Callable[..., None] | None = None,
    **changes: int,
) -> float:
    """Train `folds` folds of the same samples with a model of config.yaml, as rule `train_gexpnet` does.

    Parameters
    ----------
    after_epoch : function (network) or None
        Called after every epoch.

    Returns
    -------
    last training loss of the last fold
    """
    catalogue = yaml.safe_load((ROOT / "config.yaml").read_text())["models"]
    training = Training.from_settings(catalogue.get(model, catalogue["gexpnet"]) | changes)
    values = np.concatenate([data["train"], data["test"]])
    labels = np.concatenate([data["train_labels"], data["test_labels"]]).astype(str)
    parts = np.repeat(["train", "test"], [len(data["train"]), len(data["test"])])
    samples = np.char.add("S", np.arange(len(values)).astype(str))
    device, seed = torch.device(settings["device"]), settings.get("round", 1)
    networks = []

    def build(genes: int, classes: int) -> GexpNet:
        networks.append(GexpNet(genes, classes))
        return networks[-1]

    def report(line: dict) -> None:
        if after_epoch is not None:
            after_epoch(networks[-1])
            networks[-1].train()

    for number in range(1, folds + 1):
        fold = Fold(values, samples, labels, parts, sorted(set(labels)), number)
        _, history, _, _ = train_fold(fold, build, training, seed, device, report)
    return float(history["loss"].iloc[-1])
