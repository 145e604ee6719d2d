"""ResNet50 fine-tuned as a PyTorch user would do it from the paper: the peer of GexFlow's own way.

Images are made in the Dataset, the frozen layers run for every sample in every epoch, everything in float32.
"""

import time
from pathlib import Path

import numpy as np
import torch
import torchvision
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

SIDE, SEEN = 102, 224
MEAN, DEVIATION = (torch.tensor(each).view(3, 1, 1) for each in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))


class Images(Dataset):
    """Genes in rows of 102 pixels, zeros at the end, enlarged to 224 x 224, three equal channels."""

    def __init__(self, values: np.ndarray, labels: np.ndarray):
        self.values, self.labels = torch.from_numpy(values), torch.from_numpy(labels.astype(np.int64))

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.labels)

    def __getitem__(self, number: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Return an image (3, 224, 224) and its class."""
        flat = functional.pad(self.values[number], (0, SIDE * SIDE - self.values.shape[1]))
        image = functional.interpolate(flat.view(1, 1, SIDE, SIDE), size=(SEEN, SEEN), mode="nearest")[0]
        return (image.expand(3, SEEN, SEEN) - MEAN) / DEVIATION, self.labels[number]


class PlainResNet50(nn.Module):
    """ResNet50 whose last bottleneck and published head learn."""

    def __init__(self, weights: Path, n_classes: int):
        super().__init__()
        network = torchvision.models.resnet50(weights=None)
        network.load_state_dict(torch.load(weights, weights_only=True))
        *frozen, last = network.layer4.children()
        stem = [network.conv1, network.bn1, network.relu, network.maxpool]
        self.frozen = nn.Sequential(*stem, network.layer1, network.layer2, network.layer3, *frozen)
        self.frozen.requires_grad_(False)
        self.last = last
        self.head = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.BatchNorm1d(2048),
            nn.Dropout(0.5),
            nn.Linear(2048, 2048),
            nn.ReLU(),
            nn.Linear(2048, 512),
            nn.ReLU(),
            nn.Linear(512, n_classes),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map images to logits."""
        return self.head(self.last(self.frozen(x)))


def train_plain(
    network: nn.Module, data: Dataset, epochs: int, rate: float, batch: int, seed: int, shortcut: bool = False
) -> tuple[float, float]:
    """Train, and return the last epoch's mean training loss and the seconds.

    Parameters
    ----------
    network : PlainResNet50
    data : Dataset
    epochs, rate, batch, seed
    shortcut : bool
        Whether `data` holds the frozen layers' output already: the same training, to learn its accuracy in less time.
    """
    torch.manual_seed(seed)
    first_hidden = network.head[4].weight
    learning = [p for p in network.parameters() if p.requires_grad and p is not first_hidden]
    groups = [{"params": learning}, {"params": [first_hidden], "weight_decay": 0.02}]
    optimiser, start, loss = torch.optim.Adam(groups, lr=rate), time.perf_counter(), 0.0
    for _ in range(epochs):
        network.train()
        network.frozen.eval()
        total = 0.0
        for x, y in DataLoader(data, batch_size=batch, shuffle=True):
            logits = network.head(network.last(x)) if shortcut else network(x)
            step = functional.cross_entropy(logits, y)
            optimiser.zero_grad()
            step.backward()
            optimiser.step()
            total += step.item() * len(y)
        loss = total / len(data)
    return loss, time.perf_counter() - start


@torch.no_grad()
def frozen_output(network: PlainResNet50, data: Images) -> torch.Tensor:
    """Run the frozen layers once."""
    network.eval()
    return torch.cat([network.frozen(x) for x, _ in DataLoader(data, batch_size=50)])


@torch.no_grad()
def accuracy(network: PlainResNet50, data: Images) -> float:
    """Return the share of right answers."""
    network.eval()
    return float(np.mean(np.concatenate([(network(x).argmax(1) == y).numpy() for x, y in DataLoader(data, 50)])))
