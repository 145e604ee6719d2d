"""GexpNet as a PyTorch user would write it from the paper, and a plain training loop: the peer of GexFlow's own.

Source: IEEE TCBB 2025, doi 10.1109/TCBBIO.2025.3637184. Nothing here is GexFlow's. It follows the published form
step by step: heads padded with zeros to 64 channels, stacked, and summed with softmax weights.
"""

import time
from collections.abc import Callable

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from torch.optim.lr_scheduler import ReduceLROnPlateau
from torch.utils.data import DataLoader, TensorDataset


class ResidualHead(nn.Module):
    """Convolution, batch norm, activation, dropout; plus a shortcut; activation."""

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int, activation: nn.Module):
        super().__init__()
        self.conv = nn.Conv1d(in_channels, out_channels, kernel_size, padding="same")
        self.bn = nn.BatchNorm1d(out_channels)
        self.activation = activation
        self.dropout = nn.Dropout(0.5)
        self.shortcut = nn.Identity()
        if in_channels != out_channels:
            self.shortcut = nn.Sequential(nn.Conv1d(in_channels, out_channels, 1), nn.BatchNorm1d(out_channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (samples, in_channels, genes) to (samples, out_channels, genes)."""
        out = self.dropout(self.activation(self.bn(self.conv(x))))
        return self.activation(out + self.shortcut(x))


class PlainGexpNet(nn.Module):
    """The published network with three heads: 1,995,392 parameters for 486 genes and 5 classes."""

    def __init__(self, n_genes: int, n_classes: int):
        super().__init__()
        self.conv = nn.Conv1d(1, 8, 5, padding="same")
        self.bn = nn.BatchNorm1d(8)
        self.dropout = nn.Dropout(0.1)
        self.heads = nn.ModuleList(
            [ResidualHead(8, 8, 3, nn.ReLU()), ResidualHead(8, 16, 5, nn.GELU()), ResidualHead(8, 32, 7, nn.SiLU())]
        )
        self.head_weights = nn.Parameter(torch.ones(3))
        self.shortcut = nn.Sequential(nn.Conv1d(8, 64, 1), nn.BatchNorm1d(64))
        self.block_bn = nn.BatchNorm1d(64)
        self.fc1 = nn.Linear(64 * n_genes, 64)
        self.ln = nn.LayerNorm(64)
        self.fc_dropout = nn.Dropout(0.2)
        self.fc2 = nn.Linear(64, n_classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map gene values (samples, genes) to logits (samples, classes)."""
        x = self.dropout(functional.relu(self.bn(self.conv(x.unsqueeze(1)))))
        outputs = []
        for head in self.heads:
            out = head(x)
            zeros = torch.zeros(out.shape[0], 64 - out.shape[1], out.shape[2], device=out.device)
            outputs.append(torch.cat([out, zeros], dim=1))
        stacked = torch.stack(outputs)
        weights = torch.softmax(self.head_weights, dim=0).view(-1, 1, 1, 1)
        x = self.block_bn((stacked * weights).sum(dim=0) + self.shortcut(x))
        x = self.fc_dropout(functional.gelu(self.ln(self.fc1(x.flatten(1)))))
        return self.fc2(x)


def train_plain(
    values: np.ndarray,
    labels: np.ndarray,
    epochs: int,
    seed: int,
    device: str,
    after_epoch: Callable[[nn.Module, float, float], bool] | None = None,
) -> tuple[nn.Module, float]:
    """Train with the published settings, as a tutorial's loop does.

    Parameters
    ----------
    values : float32 array (samples, genes)
    labels : int array (samples,), all classes from 0 on
    epochs, seed : int
    device : "cpu" or "cuda"
    after_epoch : function (network, training loss, seconds of training so far) -> stop, or None
        Its own time does not count.

    Returns
    -------
    network, mean training loss of the last epoch
    """
    torch.manual_seed(seed)
    network = PlainGexpNet(values.shape[1], int(labels.max()) + 1).to(device)
    data = TensorDataset(torch.from_numpy(values), torch.from_numpy(labels))
    loader = DataLoader(data, batch_size=64, shuffle=True)
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adamax(network.parameters(), lr=1e-4)
    scheduler = ReduceLROnPlateau(optimizer, factor=0.5, patience=10)
    seconds = 0.0
    for _ in range(epochs):
        start = time.perf_counter()
        network.train()
        running = 0.0
        for x, y in loader:
            x, y = x.to(device), y.to(device)
            optimizer.zero_grad()
            loss = criterion(network(x), y)
            loss.backward()
            optimizer.step()
            running += loss.item() * len(y)
        loss_of_epoch = running / len(data)
        scheduler.step(loss_of_epoch)
        seconds += time.perf_counter() - start
        if after_epoch is not None and after_epoch(network, loss_of_epoch, seconds):
            break
    return network, loss_of_epoch


@torch.no_grad()
def log_loss(network: nn.Module, values: np.ndarray, labels: np.ndarray) -> float:
    """Return the mean log loss of samples (samples, genes) in inference mode."""
    network.eval()
    device = next(network.parameters()).device
    blocks = zip(torch.from_numpy(values).split(256), torch.from_numpy(labels).split(256), strict=True)
    total = 0.0
    for x, y in blocks:
        logits = network(x.to(device)).double()
        total += functional.cross_entropy(logits, y.to(device), reduction="sum").item()
    return total / len(labels)
