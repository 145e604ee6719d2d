"""One fold as a model sees it, and the training of a network on it."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd

from gexflow.models.predictions import prediction_table


@dataclass
class Fold:
    """Features, labels and parts of all samples in one fold.

    Attributes
    ----------
    values : float32 array (samples, genes)
    samples, labels, parts : str arrays (samples,)
    classes : list of str
        All classes of the cohort, sorted.
    number : int
    """

    values: np.ndarray
    samples: np.ndarray
    labels: np.ndarray
    parts: np.ndarray
    classes: list[str]
    number: int

    @classmethod
    def read(cls, path: str | Path, number: int) -> "Fold":
        """Read a fold's features.h5ad."""
        table = anndata.read_h5ad(path)
        labels = table.obs["label"].to_numpy().astype(str)
        parts = table.obs["part"].to_numpy().astype(str)
        return cls(table.X, table.obs_names.to_numpy(dtype=str), labels, parts, sorted(set(labels)), number)

    @property
    def targets(self) -> np.ndarray:
        """Class numbers of all samples, int64 (samples,)."""
        return np.searchsorted(np.array(self.classes), self.labels)

    def part(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Return values and targets of one part."""
        rows = self.parts == name
        return self.values[rows], self.targets[rows]

    @property
    def held_out(self) -> np.ndarray:
        """Mask of the samples that don't train, bool (samples,)."""
        return self.parts != "train"

    def predictions(self, probabilities: np.ndarray) -> pd.DataFrame:
        """Return the table of predictions from the probabilities of the held-out samples."""
        rows = self.held_out
        columns = self.samples[rows], self.parts[rows], self.labels[rows]
        return prediction_table(*columns, probabilities, self.classes, self.number)


@dataclass
class Trained:
    """A network trained on one fold, its history (one row an epoch), predictions, and facts for the report."""

    network: Any
    history: pd.DataFrame
    predictions: pd.DataFrame
    facts: dict


def train_folds(
    folds: Sequence[Fold], build: Callable, training: Any, seed: int, device: Any, report: Callable | None = None
) -> list[Trained]:
    """Build, train and apply networks, several folds at once as one stack.

    Parameters
    ----------
    folds : sequence of Fold
        With the same number of genes; more than one only for networks that can be stacked (`stacks.can_stack`).
    build : function (n_genes, n_classes) -> Module
        Called after seeding, so that initial weights belong to seed and fold.
    training : trainer.Training
    seed : int
    device : torch.device
    report : function (fold number, history line) or None
        Called after each epoch.

    Returns
    -------
    list of Trained, one a fold
    """
    from gexflow.models import trainer
    from gexflow.models.stacks import stack

    networks, data = [], []
    for fold in folds:
        shuffles = trainer.seed_all(seed, fold.number)
        networks.append(build(fold.values.shape[1], len(fold.classes)))
        validation = fold.part("validation") if (fold.parts == "validation").any() else None
        data.append(trainer.FoldData(*fold.part("train"), validation, shuffles, fold.number))
    start, n_classes = time.monotonic(), len(folds[0].classes)
    histories = trainer.train(stack(networks, device), data, n_classes, training, device, report)
    seconds, trained = time.monotonic() - start, []
    for fold, network, history in zip(folds, networks, histories, strict=True):
        probabilities = trainer.predict(network, fold.values[fold.held_out], device, training)
        facts = {
            "fold": fold.number,
            "device": trainer.device_name(device),
            "folds_at_once": len(folds),
            "parameters": sum(p.numel() for p in network.parameters()),
            "learning_parameters": sum(p.numel() for p in network.parameters() if p.requires_grad),
            "epochs": len(history),
            "seconds": round(seconds / len(folds), 1),
            "final_loss": history[-1]["loss"],
        }
        trained.append(Trained(network, pd.DataFrame(history), fold.predictions(probabilities), facts))
    return trained


def stacks_of(folds: Sequence[Fold], together: bool) -> list[list[Fold]]:
    """Sort folds into those that train at once: with `together` all of one number of genes, else each by itself."""
    if not together:
        return [[fold] for fold in folds]
    groups: dict[int, list[Fold]] = {}
    for fold in folds:
        groups.setdefault(fold.values.shape[1], []).append(fold)
    return list(groups.values())
