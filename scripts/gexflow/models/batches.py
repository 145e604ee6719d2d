"""Batches of several folds at once, each fold in its own random order."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor


class Batches:
    """The training samples of all folds of a stack, on the device.

    Parameters
    ----------
    data : sequence of FoldData
    size : int
        Samples of a batch.
    device : torch.device

    Attributes
    ----------
    sizes, counts : int arrays (folds,)
        Training samples, and batches of an epoch, of each fold.
    """

    def __init__(self, data: Sequence[Any], size: int, device: torch.device):
        self.sizes = np.array([len(fold.values) for fold in data])
        self._cuts = [batch_cuts(number, size) for number in self.sizes]
        self.counts = np.array([len(cuts) for cuts in self._cuts])
        self._shuffles = [fold.shuffles for fold in data]
        self._device = device
        shape = (len(data), int(self.sizes.max()), data[0].values.shape[1])
        values = torch.zeros(shape, dtype=torch.as_tensor(data[0].values[:0]).dtype)
        targets = torch.zeros(len(data), int(self.sizes.max()), dtype=torch.long)
        for fold, part in enumerate(data):
            values[fold, : len(part.values)] = torch.as_tensor(part.values)
            targets[fold, : len(part.values)] = torch.as_tensor(part.targets)
        self._values, self._targets = values.to(device), targets.to(device)

    def epoch(self, running: np.ndarray) -> Iterator[tuple[Tensor, Tensor, Tensor | None, Tensor | None]]:
        """Yield the batches of one epoch.

        Parameters
        ----------
        running : bool array (folds,)
            Folds that still train.

        Yields
        ------
        x : Tensor (folds, samples, genes)
        y : int64 Tensor (folds, samples)
        present : Tensor (folds, samples) of 0 and 1, or None if all count
        active : bool Tensor (folds,) on the CPU, or None if all folds take part
        """
        orders = [torch.randperm(int(size), generator=g) for size, g in zip(self.sizes, self._shuffles, strict=True)]
        folds = torch.arange(len(orders), device=self._device)[:, None]
        for number in range(int(self.counts[running].max())):
            rows = [
                order[slice(*cuts[number])] if alive and number < len(cuts) else order[:0]
                for order, cuts, alive in zip(orders, self._cuts, running, strict=True)
            ]
            lengths = torch.tensor([len(part) for part in rows])
            index = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True).to(self._device)
            whole = bool((lengths == lengths.max()).all())
            present = None
            if not whole:
                present = (torch.arange(int(lengths.max()))[None] < lengths[:, None]).to(self._values)
            yield self._values[folds, index], self._targets[folds, index], present, None if whole else lengths > 0


def batch_cuts(samples: int, size: int) -> list[tuple[int, int]]:
    """Cut an order into batches; BatchNorm cannot take a single sample, so such a last batch joins the one before."""
    starts = list(range(0, samples, size))
    if len(starts) > 1 and samples - starts[-1] == 1:
        starts.pop()
    return list(zip(starts, [*starts[1:], samples], strict=True))
