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
        values = _padded([torch.as_tensor(fold.values) for fold in data])
        self._values = values.to(device) if _fits(values, device) else values
        self._targets = _padded([torch.as_tensor(fold.targets) for fold in data]).to(self._values.device)

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
        place = self._values.device
        folds = torch.arange(len(orders), device=place)[:, None]
        for number in range(int(self.counts[running].max())):
            rows = [
                order[slice(*cuts[number])] if alive and number < len(cuts) else order[:0]
                for order, cuts, alive in zip(orders, self._cuts, running, strict=True)
            ]
            lengths = torch.tensor([len(part) for part in rows])
            index = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True).to(place)
            whole = bool((lengths == lengths.max()).all())
            present = None
            if not whole:
                present = (torch.arange(int(lengths.max()))[None] < lengths[:, None]).to(self._values).to(self._device)
            x, y = self._values[folds, index].to(self._device), self._targets[folds, index].to(self._device)
            yield x, y, present, None if whole else lengths > 0


def _padded(parts: Sequence[Tensor]) -> Tensor:
    """Lay the folds' samples side by side (folds, samples, ...), shorter ones filled up; one fold is not copied."""
    return parts[0][None] if len(parts) == 1 else torch.nn.utils.rnn.pad_sequence(list(parts), batch_first=True)


def _fits(values: Tensor, device: torch.device) -> bool:
    """Tell whether all samples find room on the device: on a GPU in half of what is free there."""
    return device.type != "cuda" or values.nbytes <= torch.cuda.mem_get_info(device)[0] / 2


def batch_cuts(samples: int, size: int) -> list[tuple[int, int]]:
    """Cut an order into batches; BatchNorm cannot take a single sample, so such a last batch joins the one before."""
    starts = list(range(0, samples, size))
    if len(starts) > 1 and samples - starts[-1] == 1:
        starts.pop()
    return list(zip(starts, [*starts[1:], samples], strict=True))
