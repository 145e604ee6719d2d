"""The training of networks on folds, one by one or several at once."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd
import torch
from torch import nn

from gexflow.models import trainer
from gexflow.models.checkpoints import Checkpoint
from gexflow.models.fold import Fold
from gexflow.models.stacks import stack


@dataclass
class Trained:
    """A network trained on one fold, its history (one row an epoch), predictions, and facts for the report."""

    network: nn.Module
    history: pd.DataFrame
    predictions: pd.DataFrame
    facts: dict


def train_folds(
    folds: Sequence[Fold],
    build: Callable,
    training: trainer.Training,
    seed: int,
    device: torch.device,
    report: Callable | None = None,
    checkpoint: Checkpoint | None = None,
    prepare: Callable | None = None,
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
    checkpoint : Checkpoint or None
        Where the training goes on and is saved now and then; the caller removes it when the results are written.
    prepare : function (network, FoldData) -> Module, or None
        Gets what is to be trained, and may change the data that it is trained on (see `trunk_features`).

    Returns
    -------
    list of Trained, one a fold
    """
    start, n_classes = time.monotonic(), len(folds[0].classes)
    networks, learners, data = [], [], []
    for fold in folds:
        shuffles = trainer.seed_all(seed, fold.number)
        network = build(fold.values.shape[1], n_classes)
        validation = fold.part("validation") if (fold.parts == "validation").any() else None
        part = trainer.FoldData(*fold.part("train"), validation, shuffles, fold.number)
        networks.append(network)
        learners.append(network if prepare is None else prepare(network, part))
        data.append(part)
    histories = trainer.train(stack(learners, device), data, n_classes, training, device, report, checkpoint)
    seconds, trained = time.monotonic() - start + (checkpoint.seconds if checkpoint else 0), []
    for fold, network, learner, part, history in zip(folds, networks, learners, data, histories, strict=True):
        if part.held_out is None:
            probabilities = trainer.predict(network, fold.values[fold.held_out], device, training)
        else:
            probabilities = trainer.predict(learner, part.held_out, device, training)
        facts = {
            "fold": fold.number,
            "device": trainer.device_name(device),
            "folds_at_once": len(folds),
            "parameters": sum(p.numel() for p in network.parameters()),
            "learning_parameters": sum(p.numel() for p in network.parameters() if p.requires_grad),
            "epochs": len(history),
            # whose weights are kept; null: the last one's
            "best_epoch": trainer.best_epoch(history) if training.keeps_best else None,
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
