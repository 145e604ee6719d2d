"""Cross-entropy of several folds at once, with label smoothing and class weights."""

import numpy as np
import torch
from torch import Tensor


def fold_losses(
    logits: Tensor, targets: Tensor, present: Tensor | None, smoothing: float, weights: Tensor | None
) -> Tensor:
    """Return the loss of each fold (folds,); equal to torch's `cross_entropy` of its samples that are present.

    Parameters
    ----------
    logits : Tensor (folds, samples, classes)
    targets : int64 Tensor (folds, samples)
    present : Tensor (folds, samples) of 0 and 1, or None
    smoothing : float
        Share of the target that is spread over all classes.
    weights : Tensor (folds, classes) or None
    """
    logs = torch.log_softmax(logits, dim=2)
    shares = torch.ones_like(logs[..., 0]) if present is None else present
    if weights is not None:
        shares = shares * weights.gather(1, targets)
        logs = logs * weights[:, None]
    losses = -(1 - smoothing) * logs.gather(2, targets[..., None])[..., 0] - smoothing * logs.mean(dim=2)
    if present is not None:
        losses = losses * present
    return losses.sum(dim=1) / shares.sum(dim=1).clamp(min=1e-12)


def balanced_weights(targets: np.ndarray, n_classes: int) -> np.ndarray:
    """Return class weights inversely proportional to the classes' sizes, mean 1 over samples (scikit-learn's form)."""
    sizes = np.bincount(targets, minlength=n_classes)
    return np.where(sizes > 0, len(targets) / (np.count_nonzero(sizes) * np.maximum(sizes, 1)), 0.0)
