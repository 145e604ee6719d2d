"""Integrated gradients of a trained network, gene by gene."""

import numpy as np
import torch
from captum.attr import IntegratedGradients
from torch import nn

from gexflow.models.trainer import exact_convolutions


def attribute(
    network: nn.Module, values: np.ndarray, baseline: np.ndarray, steps: int, device: torch.device, batch: int = 64
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Attribute the logit of the predicted class to genes (Sundararajan et al., ICML 2017, through captum).

    Parameters
    ----------
    network : Module
        From gene values (samples, genes) to logits.
    values : float32 array (samples, genes)
    baseline : float32 array (genes,)
        The reference point of the path.
    steps : int
        Points of the Gauss-Legendre rule on the path.
    device : torch.device
    batch : int
        Gradient evaluations at a time.

    Returns
    -------
    attributions : float32 array (samples, genes)
        Their sum over genes is the logit's difference between the sample and the baseline, up to `deltas`.
    targets : int array (samples,)
        The predicted class that was attributed.
    deltas : float32 array (samples,)
        Convergence delta: sum of attributions minus the logit's difference.
    """
    network.to(device).eval()
    network.requires_grad_(False)
    method = IntegratedGradients(network)
    with exact_convolutions():  # their rounding would show as convergence delta
        return _attribute_blocks(method, network, values, baseline, steps, device, batch)


def _attribute_blocks(
    method: IntegratedGradients,
    network: nn.Module,
    values: np.ndarray,
    baseline: np.ndarray,
    steps: int,
    device: torch.device,
    batch: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    found, targets, deltas = [], [], []
    for block in torch.as_tensor(values).split(batch):
        block = block.to(device)
        with torch.no_grad():
            target = network(block).argmax(dim=1)
        attribution, delta = method.attribute(
            block,
            baselines=torch.as_tensor(baseline, device=device).expand_as(block),
            target=target,
            n_steps=steps,
            internal_batch_size=max(batch, len(block)),
            return_convergence_delta=True,
        )
        found.append(attribution.detach().float().cpu().numpy())
        targets.append(target.cpu().numpy())
        deltas.append(delta.float().cpu().numpy())
    return np.concatenate(found), np.concatenate(targets), np.concatenate(deltas)


def choose_samples(labels: np.ndarray, per_class: int | None, seed: int) -> np.ndarray:
    """Return indices of at most `per_class` samples of each class (all if None), in their order."""
    if per_class is None:
        return np.arange(len(labels))
    rng = np.random.default_rng(seed)
    chosen = [rng.permutation(np.flatnonzero(labels == label))[:per_class] for label in np.unique(labels)]
    return np.sort(np.concatenate(chosen))
