"""BatchNorm statistics of a trained network, measured under its final weights."""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


@torch.no_grad()
def renew_statistics(network: nn.Module, values: np.ndarray | Tensor, batch_size: int, device: torch.device) -> None:
    """Give the BatchNorm layers that learn the mean and variance of the training samples, batch by batch.

    In training they keep a running mean, which belongs to weights of some steps ago. Where samples differ little beside
    their mean, as after many frozen layers, that difference is as large as what tells the classes apart: VGG19 with
    random weights then classifies its own training samples at .66 instead of 1.00. Statistics of a frozen trunk stay.
    The method is `torch.optim.swa_utils.update_bn`'s.

    Parameters
    ----------
    network : Module
        Its `train` leaves frozen layers in inference mode; it is in inference mode afterwards.
    values : float array or tensor (samples, ...)
        Training samples.
    batch_size : int
        At least 2; batches are as large or a little larger.
    device : torch.device
    """
    network.train()
    layers = [layer for layer in network.modules() if isinstance(layer, _BatchNorm) and layer.training]
    network.eval()
    if not layers:
        return
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.train()
        layer.reset_running_stats()
        layer.momentum = None  # a plain mean over all batches
    for batch in torch.as_tensor(values).tensor_split(max(1, len(values) // batch_size)):
        network(batch.to(device))
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
        layer.eval()
